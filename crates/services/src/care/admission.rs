//! How many messages care has open at once (流量控制). Beyond that it says "busy, come again" before it does anything else,
//! so that what it has taken on keeps its pace. A home region that answers slowly, or not at all, gets no more places
//! than are still free: it never takes them all, and the persons of the others are served.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};

use crate::node::limits;

/// The places that messages hold while a hospital waits for them.
#[derive(Debug, Default)]
pub(super) struct Admission(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    all: usize,
    of_home: BTreeMap<RegionCode, usize>,
}

/// A place; it is given back when this is dropped.
pub(super) struct Place<'a> {
    admission: &'a Admission,
    home: RegionCode,
}

impl Admission {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a message to the province of `home`.
    ///
    /// # Errors
    /// [`Code::Busy`] where there is none.
    pub(super) fn place(&self, home: &RegionCode) -> Result<Place<'_>, Refusal> {
        let home = home.province();
        let mut held = self.held();
        let free = limits::CARE_OPEN_MAX.saturating_sub(held.all);
        let of_home = held.of_home.get(&home).copied().unwrap_or_default();
        if of_home >= free {
            return Err(Refusal::new(Code::Busy, "bounded number of open messages", "header.home"));
        }
        held.all += 1;
        held.of_home.insert(home.clone(), of_home + 1);
        Ok(Place { admission: self, home })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut held = self.admission.held();
        held.all = held.all.saturating_sub(1);
        if let Some(open) = held.of_home.get_mut(&self.home) {
            *open = open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn province(code: &str) -> RegionCode {
        RegionCode::parse(code).unwrap()
    }

    #[test]
    fn a_slow_home_leaves_room_for_the_others_and_places_come_back() {
        let admission = Admission::default();
        let (slow, other) = (province("341200"), province("510100"));
        let mut held = Vec::new();
        while let Ok(place) = admission.place(&slow) {
            held.push(place);
        }
        assert_eq!(held.len(), limits::CARE_OPEN_MAX / 2);
        assert_eq!(admission.place(&slow).err().map(|refusal| refusal.code), Some(Code::Busy));
        let others: Vec<_> = (0..limits::CARE_OPEN_MAX / 8).map(|_| admission.place(&other).unwrap()).collect();
        drop((held, others));
        assert_eq!(admission.held().all, 0);
        assert!(admission.place(&slow).is_ok());
    }
}
