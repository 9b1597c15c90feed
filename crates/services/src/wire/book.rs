//! Day-book records.

use zhijie_domain::{
    ids::{RegionCode, SettlementId},
    money::Fen,
    reconcile::Entry,
    refusal::Refusal,
};

use super::{codes, id, optional_id, pb, text};

/// Reads a record.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(entry: &pb::BookEntry) -> Result<Entry, Refusal> {
    Ok(Entry {
        id: id(SettlementId::parse, &entry.id, "entry.id")?,
        kind: codes::parse(entry.kind, "entry.kind")?,
        undoes: optional_id(SettlementId::parse, &entry.undoes, "entry.undoes")?,
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
    }
}
