//! Totals of a day book (日账汇总) by pair of provinces, scheme and kind of record, compared before any detail.
//! A total carries the fingerprints of its records, so that equal sums do not hide different details.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Three};
use crate::{
    author::Author,
    ids::RegionCode,
    money::{Fen, Overflow},
    person::Scheme,
    settlement::Kind,
};

/// What a total is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The home province.
    pub home: RegionCode,
    /// The care province.
    pub care: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// The kind of record.
    pub kind: Kind,
}

impl Group {
    /// True for a group of records in the book of this region.
    #[must_use]
    pub fn is_of(&self, author: &Author) -> bool {
        author.is_of(&self.home, &self.care)
    }
}

/// The total of a group; nothing is a total as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Records, count.
    pub records: i64,
    /// Bills, fen.
    pub total: Fen,
    /// Fund payments, fen.
    pub fund: Fen,
    /// Personal-account payments, fen.
    pub account: Fen,
    /// Cash, fen.
    pub cash: Fen,
    /// The sum of the records' fingerprints, wrapping: the same in whatever order they are added.
    pub fingerprint: u128,
}

/// A day book in totals.
pub type Totals = BTreeMap<Group, Total>;

impl Total {
    /// The total of one record.
    #[must_use]
    pub fn of(entry: &Entry) -> Total {
        let Entry { total, fund, account, cash, .. } = *entry;
        Total { records: 1, total, fund, account, cash, fingerprint: entry.fingerprint() }
    }

    /// Two totals as one.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn plus(&self, other: &Total) -> Result<Total, Overflow> {
        Ok(Total {
            records: self.records.checked_add(other.records).ok_or(Overflow)?,
            total: self.total.plus(other.total)?,
            fund: self.fund.plus(other.fund)?,
            account: self.account.plus(other.account)?,
            cash: self.cash.plus(other.cash)?,
            fingerprint: self.fingerprint.wrapping_add(other.fingerprint),
        })
    }
}

/// Counts a record.
///
/// # Errors
/// [`Overflow`] when a sum does not fit.
pub fn count(totals: &mut Totals, entry: &Entry) -> Result<(), Overflow> {
    let total = totals.entry(entry.group()).or_default();
    *total = total.plus(&Total::of(entry))?;
    Ok(())
}

/// The groups whose details must be compared. A book without records of a group has the total nothing.
#[must_use]
pub fn unequal(totals: &Three<Totals>) -> BTreeSet<Group> {
    let groups = totals.as_ref().each().into_iter().flat_map(BTreeMap::keys);
    let differ = |group: &&Group| {
        let Three { care, hub, home } = totals.as_ref().map(|totals| totals.get(group).copied().unwrap_or_default());
        care != hub || hub != home
    };
    groups.filter(differ).cloned().collect()
}
