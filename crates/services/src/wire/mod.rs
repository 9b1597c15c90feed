//! Between the documents of the wire (`pb::…`) and the values of the domain: `parse` checks form and names the
//! field that lacks it, `print` cannot fail. Nothing else in the house knows both sides.

pub mod book;
pub mod case;
pub mod claim;
pub mod clearing;
pub mod codes;
pub mod difference;
pub mod person;
pub mod prepayment;
pub mod proof;
pub mod refusal;
pub mod registry;
pub mod settlement;
pub mod ticket;
pub mod visit;

use zhijie_domain::{
    calendar::{Date, Month, parse_date},
    ids::Malformed,
    refusal::{Code, Refusal},
};
pub use zhijie_protocol::v1 as pb;

/// Reads an id with its own parser.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn id<T>(parser: fn(&str) -> Result<T, Malformed>, text: &str, field: &str) -> Result<T, Refusal> {
    parser(text).map_err(|malformed| Refusal::malformed(field, malformed.zh, malformed.form))
}

/// Reads an id that may be absent.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn optional_id<T>(parser: fn(&str) -> Result<T, Malformed>, text: &str, field: &str) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { id(parser, text, field).map(Some) }
}

/// Reads a date.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn date(text: &str, field: &str) -> Result<Date, Refusal> {
    parse_date(text).ok_or_else(|| Refusal::malformed(field, "应为日期，如 2025-03-10", "a date such as 2025-03-10"))
}

/// Reads a date that may be absent.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn optional_date(text: &str, field: &str) -> Result<Option<Date>, Refusal> {
    if text.is_empty() { Ok(None) } else { date(text, field).map(Some) }
}

/// Reads a month.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn month(text: &str, field: &str) -> Result<Month, Refusal> {
    Month::parse(text).ok_or_else(|| Refusal::malformed(field, "应为月份，如 2025-03", "a month such as 2025-03"))
}

/// A message that must be there.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn required<T>(message: Option<T>, field: &str) -> Result<T, Refusal> {
    message.ok_or_else(|| Refusal::new(Code::FieldInvalid, "form of the field", field).with("缺失", "missing"))
}

/// A number of things as it is counted on the wire.
pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Prints what may be absent.
pub(crate) fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// The road's answer of an outcome.
#[must_use]
pub fn answer(outcome: pb::answer::Outcome) -> pb::Answer {
    pb::Answer { outcome: Some(outcome) }
}

/// The road's answer that says no.
#[must_use]
pub fn refused(refused: &Refusal) -> pb::Answer {
    answer(pb::answer::Outcome::Refused(refusal::print(refused)))
}
