//! Screening (智能筛查, 疑点): rules that read a settled stay and name what is doubtful, in a stable order. A finding opens a
//! review; it takes nothing away. One rule, one file, one line below; its numbers are in `parameters/national/screening.toml`.
//! Source: all a design; the kinds are those that supervision of the fund names in public.

mod duplicate_line;
mod overlapping_stays;
mod price_over_limit;
mod quantity_per_day;
mod sex_or_age;
mod split_stays;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Verification;
use crate::{
    calendar::{Date, days_between},
    catalogue::Catalogue,
    ids::{InstitutionCode, ItemCode, PersonId, RegionCode, SettlementId},
    money::{Bp, Fen, Overflow, Quantity},
    person::Patient,
    source::Source,
    split::SplitLine,
};

/// Every rule, in the order of findings.
pub const RULES: &[Rule] = &[
    price_over_limit::RULE,
    duplicate_line::RULE,
    quantity_per_day::RULE,
    sex_or_age::RULE,
    overlapping_stays::RULE,
    split_stays::RULE,
];

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its stable id, such as `price-over-limit`.
    pub id: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
    find: fn(&Stay<'_>, &Terms<'_>) -> Result<Vec<Finding>, Overflow>,
}

impl Rule {
    fn finding(&self, subject: Subject, amount: Fen, zh: String, en: String) -> Finding {
        Finding { rule: self.id, subject, zh, en, amount }
    }
}

/// The numbers of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    /// Lines that repeat one another.
    pub duplicate_line: DuplicateLine,
    /// Stays split to keep under the threshold.
    pub split_stays: SplitStays,
    /// Quantities that no day has.
    pub quantity_per_day: QuantityPerDay,
}

/// How often one line may repeat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuplicateLine {
    /// Lines of the same item, price and quantity for each day of a stay.
    pub repeats_max: u16,
    /// Source mark.
    pub source: Source,
}

/// What looks like one stay split into several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitStays {
    /// Days from a discharge to the next admission, at most.
    pub gap_days: u16,
    /// Each stay is above this share of the threshold of verification, and not above the threshold itself.
    pub under_percent: Bp,
    /// Source mark.
    pub source: Source,
}

/// Quantities that no day has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityPerDay {
    /// The most units of an item for each day of a stay.
    pub most: BTreeMap<ItemCode, Quantity>,
    /// Source mark.
    pub source: Source,
}

/// What is screened: a settled stay.
#[derive(Debug, Clone, Copy)]
pub struct Stay<'a> {
    /// The settlement.
    pub settlement: &'a SettlementId,
    /// The person; never in a finding.
    pub person: &'a PersonId,
    /// The home pooling area or province.
    pub home: &'a RegionCode,
    /// The care division or province.
    pub care: &'a RegionCode,
    /// The institution.
    pub institution: &'a InstitutionCode,
    /// Admission.
    pub from: Date,
    /// Discharge.
    pub to: Date,
    /// The bill, fen.
    pub total: Fen,
    /// The person as far as a rule asks, where known.
    pub patient: Option<Patient>,
    /// The detail lines, each serial once; none where they have not been uploaded.
    pub lines: &'a [SplitLine],
    /// The same person's other stays that stand settled.
    pub others: &'a [OtherStay],
}

/// Another stay of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherStay {
    /// The settlement.
    pub settlement: SettlementId,
    /// The care division or province.
    pub care: RegionCode,
    /// The institution.
    pub institution: InstitutionCode,
    /// Admission.
    pub from: Date,
    /// Discharge.
    pub to: Date,
    /// The bill, fen.
    pub total: Fen,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A line of the stay, by its serial (`feedetl_sn`).
    Line(String),
    /// Another settlement of the person.
    Stay(SettlementId),
}

/// A doubt (疑点).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, one of [`RULES`].
    pub rule: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// What is doubtful, in Chinese.
    pub zh: String,
    /// What is doubtful, in English.
    pub en: String,
    /// How much of the bill is doubtful, fen; two findings may be about the same money.
    pub amount: Fen,
}

/// What the rules judge by.
struct Terms<'a> {
    screening: &'a Screening,
    catalogue: &'a Catalogue,
    verification: &'a Verification,
}

impl Stay<'_> {
    /// Days of the stay, the day of admission and that of discharge included.
    fn days(&self) -> i64 {
        days_between(self.from, self.to).max(0) + 1
    }
}

/// Everything doubtful in a stay: by rule in the order of [`RULES`], within a rule by line or other stay.
///
/// # Errors
/// [`Overflow`] when a sum does not fit.
pub fn screen(
    stay: &Stay<'_>,
    catalogue: &Catalogue,
    verification: &Verification,
    screening: &Screening,
) -> Result<Vec<Finding>, Overflow> {
    let terms = Terms { screening, catalogue, verification };
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend((rule.find)(stay, &terms)?);
    }
    Ok(findings)
}
