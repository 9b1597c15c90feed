//! Daily three-way reconciliation (日对账) of the books of care, hub and home: totals first, details where totals differ.
//! Source: 医保发〔2022〕22号, annex; the kinds of difference and their cures are a design of this simulator.
//! A difference is a normal result: it names its record, its two provinces, what differs, and how it may be cured.

mod compare;
mod cure;
mod difference;
mod entry;
mod total;

pub use compare::{compare, differs, lowest};
pub use cure::{Cure, Cured};
pub use difference::{Difference, DifferenceKind, Held, Unequal};
pub use entry::{Entry, Filter};
pub(crate) use entry::{name_of_scheme, name_of_service};
pub use total::{Group, Total, Totals, count, unequal};

/// One of each for the three books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Three<T> {
    /// The care region's.
    pub care: T,
    /// The hub's.
    pub hub: T,
    /// The home region's.
    pub home: T,
}

impl<T> Three<T> {
    /// The same made of each.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> Three<U> {
        Three { care: make(self.care), hub: make(self.hub), home: make(self.home) }
    }

    /// References to each.
    pub fn as_ref(&self) -> Three<&T> {
        Three { care: &self.care, hub: &self.hub, home: &self.home }
    }

    /// The three in the order care, hub, home.
    pub fn each(self) -> [T; 3] {
        [self.care, self.hub, self.home]
    }
}
