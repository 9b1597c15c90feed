//! Daily three-way reconciliation (三方对账) of the books of care, hub and home.
//! Source: 医保发〔2022〕22号, annex. Differences are expected: each is typed and names its record and its two provinces.

use std::collections::BTreeMap;

use crate::{
    claim::Service,
    ids::{RegionCode, SettlementId},
    money::Fen,
    person::Scheme,
    settlement::{Kind, Settlement},
};

/// One record of a day book: what reconciliation and clearing need of a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record (`setl_id`).
    pub id: SettlementId,
    /// What it is.
    pub kind: Kind,
    /// For a negative record: what it undoes.
    pub undoes: Option<SettlementId>,
    /// The home province.
    pub home: RegionCode,
    /// The care province.
    pub care: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// The kind of service.
    pub service: Service,
    /// The bill (`medfee_sumamt`), fen; like the amounts below negative in a negative record.
    pub total: Fen,
    /// All funds (`fund_pay_sumamt`), fen.
    pub fund: Fen,
    /// Personal account, family share inside it (`acct_pay`), fen.
    pub account: Fen,
    /// Cash (`psn_cash_pay`), fen.
    pub cash: Fen,
}

impl From<&Settlement> for Entry {
    fn from(settlement: &Settlement) -> Entry {
        Entry {
            id: settlement.id.clone(),
            kind: settlement.kind,
            undoes: settlement.undoes.clone(),
            home: settlement.claim.home.province(),
            care: settlement.claim.care.province(),
            scheme: settlement.claim.scheme,
            service: settlement.claim.service,
            total: settlement.computation.amounts.parts.total,
            fund: settlement.computation.amounts.fund_total,
            account: settlement.computation.amounts.account,
            cash: settlement.computation.amounts.cash,
        }
    }
}

/// Which books hold a record.
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
    /// All have it, its kind or what it undoes differs.
    Status,
}

/// A difference between the three books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The record.
    pub id: SettlementId,
    /// The field that differs, for [`DifferenceKind::Amount`] and [`DifferenceKind::Status`].
    pub field: &'static str,
    /// The pair: home and care province, as the first book that has the record says.
    pub pair: (RegionCode, RegionCode),
}

/// One day's book by record. A book that could not be had is not an empty one: then nothing is compared.
pub type Book = BTreeMap<SettlementId, Entry>;

/// Compares the three books of one day, record by record, in the order of their ids.
#[must_use]
pub fn compare(care: &Book, hub: &Book, home: &Book) -> Vec<Difference> {
    let mut ids: Vec<&SettlementId> = care.keys().chain(hub.keys()).chain(home.keys()).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().filter_map(|id| difference(care.get(id), hub.get(id), home.get(id))).collect()
}

fn difference(care: Option<&Entry>, hub: Option<&Entry>, home: Option<&Entry>) -> Option<Difference> {
    let any = hub.or(home).or(care)?;
    let found =
        |kind, field| Some(Difference { kind, id: any.id.clone(), field, pair: (any.home.clone(), any.care.clone()) });
    let (care, hub, home) = match (care, hub, home) {
        (Some(care), Some(hub), Some(home)) => (care, hub, home),
        (Some(_), None, None) => return found(DifferenceKind::CareOnly, ""),
        (None, Some(_), None) => return found(DifferenceKind::HubOnly, ""),
        (None, None, Some(_)) => return found(DifferenceKind::HomeOnly, ""),
        (Some(_), Some(_), None) => return found(DifferenceKind::CareHub, ""),
        (None, Some(_), Some(_)) => return found(DifferenceKind::HubHome, ""),
        (Some(_), None, Some(_)) => return found(DifferenceKind::CareHome, ""),
        (None, None, None) => return None,
    };
    let status = |e: &Entry| (e.kind, e.undoes.clone(), e.home.clone(), e.care.clone(), e.scheme, e.service);
    if status(care) != status(hub) || status(hub) != status(home) {
        return found(DifferenceKind::Status, "kind");
    }
    let amounts = |e: &Entry| [("total", e.total), ("fund", e.fund), ("account", e.account), ("cash", e.cash)];
    let (care, hub, home) = (amounts(care), amounts(hub), amounts(home));
    let unequal = (0..hub.len()).find(|i| care[*i] != hub[*i] || hub[*i] != home[*i])?;
    found(DifferenceKind::Amount, hub[unequal].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, fund: i64, kind: Kind) -> Entry {
        let region = |text| RegionCode::parse(text).unwrap();
        Entry {
            id: SettlementId::parse(id).unwrap(),
            kind,
            undoes: None,
            home: region("340000"),
            care: region("310000"),
            scheme: Scheme::Resident,
            service: Service::Stay,
            total: Fen(1000),
            fund: Fen(fund),
            account: Fen::ZERO,
            cash: Fen(1000 - fund),
        }
    }

    fn check(care: &[Entry], hub: &[Entry], home: &[Entry], expected: &[(DifferenceKind, &str)]) {
        let book = |entries: &[Entry]| entries.iter().map(|e| (e.id.clone(), e.clone())).collect::<Book>();
        let found = compare(&book(care), &book(hub), &book(home));
        let found: Vec<_> = found.iter().map(|d| (d.kind, d.field)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_way_to_differ_has_its_kind() {
        let (a, b) = (entry("a", 600, Kind::Settled), entry("b", 400, Kind::Settled));
        let all = [a.clone(), b.clone()];
        check(&all, &all, &all, &[]);
        check(&all, &all[..1], &all[..1], &[(DifferenceKind::CareOnly, "")]);
        check(&all[..1], &all, &all[..1], &[(DifferenceKind::HubOnly, "")]);
        check(&all[..1], &all[..1], &all, &[(DifferenceKind::HomeOnly, "")]);
        check(&all, &all, &all[..1], &[(DifferenceKind::CareHub, "")]);
        check(&all[..1], &all, &all, &[(DifferenceKind::HubHome, "")]);
        check(&all, &all[..1], &all, &[(DifferenceKind::CareHome, "")]);
        check(&[entry("a", 599, Kind::Settled)], &all[..1], &all[..1], &[(DifferenceKind::Amount, "fund")]);
        check(&all[..1], &all[..1], &[entry("a", 600, Kind::Cancelled)], &[(DifferenceKind::Status, "kind")]);
        // Equal totals do not hide different details.
        let (c, d) = (entry("a", 400, Kind::Settled), entry("b", 600, Kind::Settled));
        check(&all, &all, &[c, d], &[(DifferenceKind::Amount, "fund"), (DifferenceKind::Amount, "fund")]);
    }
}
