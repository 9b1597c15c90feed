//! Differences (对账差异): who holds the record, what differs, and by that the kind.

use super::{Entry, Three};
use crate::{calendar::Date, ids::SettlementId};

/// The kind of a difference. The first six say which books hold the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// Only care has it (单边账).
    CareOnly,
    /// Only the hub has it.
    HubOnly,
    /// Only home has it (单边账).
    HomeOnly,
    /// Home lacks it.
    CareHub,
    /// Care lacks it.
    HubHome,
    /// The hub lacks it.
    CareHome,
    /// All have it, an amount differs.
    Amount,
    /// All have it, what it is differs: settled in one book, cancelled in another.
    Status,
    /// All have it, under different accounting days (跨日), as happens around midnight.
    Period,
    /// A book holds two settlements of one visit in force, this one among them, and not all books hold it.
    Duplicate,
    /// All have it alike, and a signature of it is missing or does not verify (签名不符).
    Unproven,
}

/// A record in a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The accounting day under which the book has it.
    pub day: Date,
    /// The record.
    pub entry: Entry,
}

/// A field that is not the same in the books that hold the record. Amounts are fen; a book without the record is blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unequal {
    /// The field.
    pub field: String,
    /// What each book says.
    pub values: Three<String>,
}

/// A difference between the three books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The record, as the hub has it, or else home, or else care.
    pub entry: Entry,
    /// Which books hold it.
    pub held: Three<bool>,
    /// What the books that hold it do not agree upon.
    pub fields: Vec<Unequal>,
    /// Of a [`DifferenceKind::Duplicate`]: the other settlement of the visit.
    pub twin: Option<SettlementId>,
}

impl Difference {
    /// The difference between what three books hold of a record, on the day or a neighbouring one; nothing where they
    /// agree, or where nobody holds it.
    #[must_use]
    pub fn of(found: &Three<Option<Held>>) -> Option<Difference> {
        let Three { care, hub, home } = found.as_ref().map(Option::as_ref);
        let entry = hub.or(home).or(care)?.entry.clone();
        let fields = fields(found);
        let has = |field: &str| fields.iter().any(|unequal| unequal.field == field);
        let held = Three { care: care.is_some(), hub: hub.is_some(), home: home.is_some() };
        let kind = match held.each() {
            [true, false, false] => DifferenceKind::CareOnly,
            [false, true, false] => DifferenceKind::HubOnly,
            [false, false, true] => DifferenceKind::HomeOnly,
            [true, true, false] => DifferenceKind::CareHub,
            [false, true, true] => DifferenceKind::HubHome,
            [true, false, true] => DifferenceKind::CareHome,
            _ if fields.is_empty() => return None,
            _ if has("day") => DifferenceKind::Period,
            _ if entry.amounts().iter().map(|(name, _)| has(name)).filter(|has| *has).count() == fields.len() => {
                DifferenceKind::Amount
            }
            _ => DifferenceKind::Status,
        };
        Some(Difference { kind, entry, held, fields, twin: None })
    }

    /// True where the record may be a second booking of its visit: a settlement in force that not all books hold.
    #[must_use]
    pub fn may_be_double(&self) -> bool {
        let Three { care, hub, home } = self.held;
        self.entry.in_force() && !(care && hub && home)
    }

    /// The difference as a double booking, where `other`, of a book that holds the record, is the twin.
    #[must_use]
    pub fn doubled(self, other: &Entry) -> Difference {
        let twin = other.in_force() && other.visit == self.entry.visit && other.id != self.entry.id;
        if !twin || !self.may_be_double() {
            return self;
        }
        Difference { kind: DifferenceKind::Duplicate, twin: Some(other.id.clone()), ..self }
    }
}

fn fields(found: &Three<Option<Held>>) -> Vec<Unequal> {
    let shown = |held: &Held| -> Vec<(&'static str, String)> {
        let day = [("day", held.day.to_string())];
        let texts = held.entry.texts().map(|(name, text)| (name, text.to_owned()));
        let amounts = held.entry.amounts().map(|(name, amount)| (name, amount.0.to_string()));
        day.into_iter().chain(texts).chain(amounts).collect()
    };
    let books = found.as_ref().map(|held| held.as_ref().map(shown));
    let names = books.as_ref().each().into_iter().flatten().next().cloned().unwrap_or_default();
    let unequal = names.iter().enumerate().filter_map(|(place, (field, first))| {
        let values = books.as_ref().map(|book| book.as_ref().and_then(|book| book.get(place)).map(|(_, value)| value));
        let same = values.each().into_iter().flatten().all(|value| value == first);
        let values = values.map(|value| value.cloned().unwrap_or_default());
        (!same).then(|| Unequal { field: (*field).to_owned(), values })
    });
    unequal.collect()
}
