//! Day books: records, filters and totals.

use std::collections::BTreeSet;

use zhijie_domain::{
    ids::{Malformed, RegionCode, SettlementId, VisitId},
    money::{Fen, Overflow},
    reconcile::{Entry, Filter, Group, Total, Totals},
    refusal::{Code, Refusal},
};

use super::{codes, id, optional_id, pb, required, text};
use crate::node::limits;

/// Reads a record.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(entry: &pb::BookEntry) -> Result<Entry, Refusal> {
    Ok(Entry {
        id: id(SettlementId::parse, &entry.id, "entry.id")?,
        kind: codes::parse(entry.kind, "entry.kind")?,
        undoes: optional_id(SettlementId::parse, &entry.undoes, "entry.undoes")?,
        undone_by: optional_id(SettlementId::parse, &entry.undone_by, "entry.undone_by")?,
        visit: id(VisitId::parse, &entry.visit, "entry.visit")?,
        home: id(RegionCode::parse, &entry.home, "entry.home")?,
        care: id(RegionCode::parse, &entry.care, "entry.care")?,
        scheme: codes::parse(entry.scheme, "entry.scheme")?,
        service: codes::parse(entry.service, "entry.service")?,
        total: Fen(entry.total),
        fund: Fen(entry.fund),
        account: Fen(entry.account),
        cash: Fen(entry.cash),
    })
}

/// Reads what a book holds as a record of its day, without the rest of the settlement: what is kept was checked before.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_kept(kept: &pb::BookGlance) -> Result<Entry, Refusal> {
    let settlement = required(kept.settlement.as_ref(), "settlement")?;
    let claim = required(settlement.claim.as_ref(), "claim")?;
    let amounts = required(settlement.computation.as_ref().and_then(|computed| computed.amounts.as_ref()), "amounts")?;
    Ok(Entry {
        id: id(SettlementId::parse, &settlement.id, "id")?,
        kind: codes::parse(settlement.kind, "kind")?,
        undoes: optional_id(SettlementId::parse, &settlement.undoes, "undoes")?,
        undone_by: optional_id(SettlementId::parse, &kept.undone_by, "undone_by")?,
        visit: id(VisitId::parse, &claim.visit, "visit")?,
        home: id(RegionCode::parse, &claim.home, "home")?.province(),
        care: id(RegionCode::parse, &claim.care, "care")?.province(),
        scheme: codes::parse(claim.scheme, "scheme")?,
        service: codes::parse(claim.service, "service")?,
        total: Fen(required(amounts.parts.as_ref(), "parts")?.total),
        fund: Fen(amounts.fund_total),
        account: Fen(amounts.account),
        cash: Fen(amounts.cash),
    })
}

/// The record as a document.
#[must_use]
pub fn print(entry: &Entry) -> pb::BookEntry {
    pb::BookEntry {
        id: entry.id.to_string(),
        kind: codes::print(entry.kind),
        undoes: text(entry.undoes.as_ref()),
        home: entry.home.to_string(),
        care: entry.care.to_string(),
        scheme: codes::print(entry.scheme),
        service: codes::print(entry.service),
        total: entry.total.0,
        fund: entry.fund.0,
        account: entry.account.0,
        cash: entry.cash.0,
        visit: entry.visit.to_string(),
        undone_by: text(entry.undone_by.as_ref()),
    }
}

/// Reads what narrows a day book down.
///
/// # Errors
/// `FieldInvalid` naming the field, `LimitExceeded` for a filter that names too much.
pub fn parse_filter(request: &pb::DayBookRequest) -> Result<Filter, Refusal> {
    fn ids<T: Ord>(
        parser: fn(&str) -> Result<T, Malformed>,
        texts: &[String],
        field: &str,
    ) -> Result<BTreeSet<T>, Refusal> {
        texts.iter().map(|text| id(parser, text, field)).collect()
    }
    if request.groups.len() + request.settlements.len() + request.visits.len() > limits::FILTER_MAX {
        let max = limits::FILTER_MAX;
        let no = Refusal::new(Code::LimitExceeded, "what one filter of a day book may name", "groups");
        return Err(no.with(format!("至多 {max} 项"), format!("at most {max}")));
    }
    Ok(Filter {
        groups: request.groups.iter().map(parse_group).collect::<Result<_, _>>()?,
        settlements: ids(SettlementId::parse, &request.settlements, "settlements")?,
        visits: ids(VisitId::parse, &request.visits, "visits")?,
    })
}

/// What narrows a day book down, as a document.
#[must_use]
pub fn print_filter(day: impl ToString, filter: &Filter) -> pb::DayBookRequest {
    pb::DayBookRequest {
        day: day.to_string(),
        groups: filter.groups.iter().map(print_group).collect(),
        settlements: filter.settlements.iter().map(ToString::to_string).collect(),
        visits: filter.visits.iter().map(ToString::to_string).collect(),
    }
}

fn parse_group(group: &pb::BookGroup) -> Result<Group, Refusal> {
    Ok(Group {
        home: id(RegionCode::parse, &group.home, "group.home")?,
        care: id(RegionCode::parse, &group.care, "group.care")?,
        scheme: codes::parse(group.scheme, "group.scheme")?,
        kind: codes::parse(group.kind, "group.kind")?,
    })
}

fn print_group(group: &Group) -> pb::BookGroup {
    pb::BookGroup {
        home: group.home.to_string(),
        care: group.care.to_string(),
        scheme: codes::print(group.scheme),
        kind: codes::print(group.kind),
    }
}

/// Reads totals; those of one group add up.
///
/// # Errors
/// `FieldInvalid` naming the field, `AmountOverflow`.
pub fn parse_totals(totals: &[pb::GroupTotal]) -> Result<Totals, Refusal> {
    let mut parsed = Totals::new();
    for group_total in totals {
        let group = parse_group(required(group_total.group.as_ref(), "totals.group")?)?;
        let total = required(group_total.total.as_ref(), "totals.total")?;
        let fingerprint = <[u8; 16]>::try_from(total.fingerprint.as_slice());
        let fingerprint =
            fingerprint.map_err(|_| Refusal::malformed("totals.total.fingerprint", "应为16字节", "16 bytes"))?;
        let total = Total {
            records: total.records,
            total: Fen(total.total),
            fund: Fen(total.fund),
            account: Fen(total.account),
            cash: Fen(total.cash),
            fingerprint: u128::from_be_bytes(fingerprint),
        };
        let known = parsed.entry(group).or_default();
        *known = known.plus(&total)?;
    }
    Ok(parsed)
}

/// Totals as documents.
#[must_use]
pub fn print_totals(totals: &Totals) -> Vec<pb::GroupTotal> {
    let print = |(group, total): (&Group, &Total)| pb::GroupTotal {
        group: Some(print_group(group)),
        total: Some(print_total(total)),
    };
    totals.iter().map(print).collect()
}

/// All totals of a book as one document.
///
/// # Errors
/// [`Overflow`] when a sum does not fit.
pub fn print_sum(totals: &Totals) -> Result<pb::BookTotal, Overflow> {
    totals.values().try_fold(Total::default(), |sum, total| sum.plus(total)).map(|sum| print_total(&sum))
}

fn print_total(total: &Total) -> pb::BookTotal {
    pb::BookTotal {
        records: total.records,
        total: total.total.0,
        fund: total.fund.0,
        account: total.account.0,
        cash: total.cash.0,
        fingerprint: total.fingerprint.to_be_bytes().to_vec(),
    }
}
