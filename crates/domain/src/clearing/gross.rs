//! Gross clearing per ordered pair of provinces (按月全额清算), by scheme and kind of service: the rule in force.

use std::collections::BTreeMap;

use crate::{
    claim::Service,
    ids::RegionCode,
    money::{Fen, Overflow},
    person::Scheme,
    reconcile::Entry,
    settlement::Kind,
};

/// What a row is about, in the order rows are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Who pays: the home province.
    pub home: RegionCode,
    /// Who receives: the care province.
    pub care: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// The kind of service.
    pub service: Service,
}

/// One row of the table, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Settlements in it.
    pub settlements: i64,
    /// Negative records in it.
    pub negatives: i64,
    /// Bills.
    pub total: Fen,
    /// Fund payments.
    pub fund: Fen,
    /// Personal-account payments, cleared as well.
    pub account: Fen,
    /// What is owed: fund and account. Negative when negative records outweigh.
    pub payable: Fen,
}

/// A month's table (清算表).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Rows by their key.
    pub rows: BTreeMap<Key, Row>,
}

impl Table {
    /// Adds a record of the month.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let key =
            Key { home: entry.home.clone(), care: entry.care.clone(), scheme: entry.scheme, service: entry.service };
        let row = self.rows.entry(key).or_default();
        match entry.kind {
            Kind::Settled => row.settlements += 1,
            Kind::Cancelled | Kind::Reversed => row.negatives += 1,
        }
        row.total = row.total.plus(entry.total)?;
        row.fund = row.fund.plus(entry.fund)?;
        row.account = row.account.plus(entry.account)?;
        row.payable = row.fund.plus(row.account)?;
        Ok(())
    }

    /// What each province pays and receives. Σ payable = Σ receivable by making: each row is in both once.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn positions(&self) -> Result<BTreeMap<RegionCode, Position>, Overflow> {
        let mut positions = BTreeMap::<RegionCode, Position>::new();
        for (key, row) in &self.rows {
            let home = positions.entry(key.home.clone()).or_default();
            home.payable = home.payable.plus(row.payable)?;
            let care = positions.entry(key.care.clone()).or_default();
            care.receivable = care.receivable.plus(row.payable)?;
        }
        Ok(positions)
    }
}

/// A province in a month, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// 应付: owed as home.
    pub payable: Fen,
    /// 应收: due as care.
    pub receivable: Fen,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SettlementId, VisitId};

    fn entry(home: &str, care: &str, kind: Kind, fund: i64, account: i64) -> Entry {
        let region = |text| RegionCode::parse(text).unwrap();
        Entry {
            id: SettlementId::parse("x").unwrap(),
            kind,
            undoes: None,
            undone_by: None,
            visit: VisitId::parse("v").unwrap(),
            home: region(home),
            care: region(care),
            scheme: Scheme::Employee,
            service: Service::Outpatient,
            total: Fen(fund + account),
            fund: Fen(fund),
            account: Fen(account),
            cash: Fen::ZERO,
        }
    }

    #[test]
    fn pairs_are_ordered_and_negatives_count() {
        let mut table = Table::default();
        for entry in [
            entry("340000", "310000", Kind::Settled, 700, 50),
            entry("340000", "310000", Kind::Cancelled, -200, 0),
            entry("310000", "340000", Kind::Settled, 10, 0),
        ] {
            table.add(&entry).unwrap();
        }
        let rows: Vec<_> =
            table.rows.iter().map(|(k, r)| (k.home.as_str(), r.settlements, r.negatives, r.payable.0)).collect();
        assert_eq!(rows, [("310000", 1, 0, 10), ("340000", 1, 1, 550)]);
        let positions = table.positions().unwrap();
        let sum = |pick: fn(&Position) -> Fen| Fen::sum(positions.values().map(pick)).unwrap();
        assert_eq!(sum(|p| p.payable), sum(|p| p.receivable));
    }
}
