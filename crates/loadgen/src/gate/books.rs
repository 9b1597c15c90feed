//! The books after a run (三方账): what the generator was answered, by day, pair of provinces, scheme and kind, is what
//! the books grew by; care, hub and home hold the same.

use std::collections::BTreeMap;

use zhijie_protocol::v1 as pb;

use super::answers::amounts_of;
use crate::drive::clock::day_of;

/// What a total is about: day, home, care, scheme and kind, the last two by their numbers on the wire.
type Group = (i64, String, String, i32, i32);

/// A total, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    records: i64,
    total: i64,
    fund: i64,
    account: i64,
    cash: i64,
}

/// A record of the books, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(Group, Sum);

impl Entry {
    /// What a settlement or negative record counts.
    ///
    /// # Errors
    /// When it has no claim or no amounts.
    pub fn of(record: &pb::Settlement) -> Result<Entry, String> {
        let claim = record.claim.as_ref().ok_or("a record has a claim")?;
        let amounts = amounts_of(record)?;
        let group = (day_of(record.at), province(&claim.home), province(&claim.care), claim.scheme, record.kind);
        let sum = Sum {
            records: 1,
            total: amounts.parts.as_ref().map_or(0, |parts| parts.total),
            fund: amounts.fund_total,
            account: amounts.account,
            cash: amounts.cash,
        };
        Ok(Entry(group, sum))
    }
}

/// Totals by group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals(BTreeMap<Group, Sum>);

impl Totals {
    /// Adds a record.
    pub fn add(&mut self, Entry(group, sum): Entry) {
        self.plus(group, sum);
    }

    /// Adds the totals of a book.
    pub fn add_book(&mut self, day: i64, totals: &[pb::GroupTotal]) {
        for pb::GroupTotal { group, total } in totals {
            let (Some(group), Some(total)) = (group, total) else { continue };
            let sum = Sum {
                records: total.records,
                total: total.total,
                fund: total.fund,
                account: total.account,
                cash: total.cash,
            };
            self.plus((day, group.home.clone(), group.care.clone(), group.scheme, group.kind), sum);
        }
    }

    /// Adds other totals.
    pub fn plus_all(&mut self, other: &Totals) {
        for (group, sum) in &other.0 {
            self.plus(group.clone(), *sum);
        }
    }

    fn plus(&mut self, group: Group, sum: Sum) {
        let there = self.0.entry(group).or_default();
        there.records += sum.records;
        there.total += sum.total;
        there.fund += sum.fund;
        there.account += sum.account;
        there.cash += sum.cash;
    }

    /// What these grew by since `before`.
    #[must_use]
    pub fn since(&self, before: &Totals) -> Totals {
        let mut grown = self.clone();
        for (group, sum) in &before.0 {
            let there = grown.0.entry(group.clone()).or_default();
            there.records -= sum.records;
            there.total -= sum.total;
            there.fund -= sum.fund;
            there.account -= sum.account;
            there.cash -= sum.cash;
        }
        grown.0.retain(|_, sum| *sum != Sum::default());
        grown
    }

    /// Records in all groups.
    #[must_use]
    pub fn records(&self) -> i64 {
        self.0.values().map(|sum| sum.records).sum()
    }

    /// Fen of all bills, less what was undone.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.0.values().map(|sum| sum.total).sum()
    }

    /// The first group in which these are not the same, in words.
    #[must_use]
    pub fn first_difference(&self, other: &Totals) -> Option<String> {
        let groups = self.0.keys().chain(other.0.keys());
        let of = |totals: &Totals, group| totals.0.get(group).copied().unwrap_or_default();
        let unequal = groups.map(|group| (group, of(self, group), of(other, group))).find(|(_, one, two)| one != two);
        unequal.map(|(group, one, two)| {
            let (day, home, care, scheme, kind) = group;
            let day = crate::drive::clock::date(*day);
            format!("{day} home {home} care {care} scheme {scheme} kind {kind}: {one:?} ≠ {two:?}")
        })
    }
}

fn province(code: &str) -> String {
    format!("{}0000", code.get(..2).unwrap_or(""))
}
