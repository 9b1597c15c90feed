//! Items and tables of monthly clearing.

use zhijie_domain::{
    clearing::{
        item::{Carried, Item, Verdict},
        life::Life,
        table::{Row, Sum, Table},
    },
    ids::{RegionCode, SettlementId},
    money::{Fen, Overflow},
    refusal::Refusal,
};

use super::{codes, date, id, optional_date, pb, text};

/// Reads an item that waits.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_waiting(item: &pb::WaitingItem) -> Result<Item, Refusal> {
    Ok(Item {
        id: id(SettlementId::parse, &item.settlement, "item.settlement")?,
        kind: codes::parse(item.kind, "item.kind")?,
        day: date(&item.day, "item.day")?,
        home: id(RegionCode::parse, &item.home, "item.home")?,
        care: id(RegionCode::parse, &item.care, "item.care")?,
        scheme: codes::parse(item.scheme, "item.scheme")?,
        service: codes::parse(item.service, "item.service")?,
        total: Fen(item.total),
        fund: Fen(item.fund),
        account: Fen(item.account),
        deduction: Fen(item.deduction),
        under_review: item.under_review,
        disputed: item.disputed,
        excepted: item.excepted,
    })
}

/// The waiting item as a document.
#[must_use]
pub fn print_waiting(item: &Item, notes: Vec<String>) -> pb::WaitingItem {
    pb::WaitingItem {
        kind: codes::print(item.kind),
        settlement: item.id.to_string(),
        day: item.day.to_string(),
        home: item.home.to_string(),
        care: item.care.to_string(),
        scheme: codes::print(item.scheme),
        service: codes::print(item.service),
        total: item.total.0,
        fund: item.fund.0,
        account: item.account.0,
        deduction: item.deduction.0,
        under_review: item.under_review,
        disputed: item.disputed,
        excepted: item.excepted,
        notes,
        ruled: 0,
    }
}

/// An item as a table holds it, or as it was carried past; nothing for one of a later period.
#[must_use]
pub fn print_cleared(item: &Item, verdict: Verdict) -> Option<pb::ClearedItem> {
    let (carried, late) = match verdict {
        Verdict::Later => return None,
        Verdict::Enters { late } => (0, late),
        Verdict::Carried { why, late } => (codes::print(why), late),
    };
    Some(pb::ClearedItem {
        settlement: item.id.to_string(),
        kind: codes::print(item.kind),
        day: item.day.to_string(),
        scheme: codes::print(item.scheme),
        service: codes::print(item.service),
        total: item.total.0,
        fund: item.fund.0,
        account: item.account.0,
        deduction: item.deduction.0,
        carried,
        late: u32::from(late),
    })
}

/// Reads an item of a pair's table, with the verdict that put it there.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_cleared(item: &pb::ClearedItem, home: &RegionCode, care: &RegionCode) -> Result<(Item, Verdict), Refusal> {
    let late = u16::try_from(item.late).unwrap_or(u16::MAX);
    let why: Option<Carried> = codes::optional(item.carried);
    let verdict = why.map_or(Verdict::Enters { late }, |why| Verdict::Carried { why, late });
    let parsed = Item {
        id: id(SettlementId::parse, &item.settlement, "item.settlement")?,
        kind: codes::parse(item.kind, "item.kind")?,
        day: date(&item.day, "item.day")?,
        home: home.clone(),
        care: care.clone(),
        scheme: codes::parse(item.scheme, "item.scheme")?,
        service: codes::parse(item.service, "item.service")?,
        total: Fen(item.total),
        fund: Fen(item.fund),
        account: Fen(item.account),
        deduction: Fen(item.deduction),
        under_review: false,
        disputed: false,
        excepted: false,
    };
    Ok((parsed, verdict))
}

/// The rows of a table as documents.
///
/// # Errors
/// [`Overflow`] of a payable.
pub fn print_rows(table: &Table) -> Result<Vec<pb::TableRow>, Overflow> {
    let sum = |sum: Sum| Some(pb::ItemSum { items: sum.items, amount: sum.amount.0 });
    let row = |((scheme, service), row): (&(_, _), &Row)| {
        Ok(pb::TableRow {
            scheme: codes::print(*scheme),
            service: codes::print(*service),
            new: sum(row.new),
            carried: sum(row.carried),
            late: sum(row.late),
            waiting: sum(row.waiting),
            corrections: sum(row.corrections),
            deductions: sum(row.deductions),
            payable: row.payable()?.0,
        })
    };
    table.rows.iter().map(row).collect()
}

/// Reads where a table stands.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_life(table: &pb::ClearingTable) -> Result<Life, Refusal> {
    Ok(Life {
        confirmed_home: optional_date(&table.confirmed_home, "table.confirmed_home")?,
        confirmed_care: optional_date(&table.confirmed_care, "table.confirmed_care")?,
        noticed: optional_date(&table.noticed, "table.noticed")?,
        submitted: optional_date(&table.submitted, "table.submitted")?,
        paid: optional_date(&table.paid, "table.paid")?,
        received: optional_date(&table.received, "table.received")?,
    })
}

/// Writes where a table stands into its document.
pub fn print_life(life: &Life, table: &mut pb::ClearingTable) {
    table.confirmed_home = text(life.confirmed_home.as_ref());
    table.confirmed_care = text(life.confirmed_care.as_ref());
    table.noticed = text(life.noticed.as_ref());
    table.submitted = text(life.submitted.as_ref());
    table.paid = text(life.paid.as_ref());
    table.received = text(life.received.as_ref());
}
