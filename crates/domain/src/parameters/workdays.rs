//! The holiday notices (节假日安排), one table a year, made into one calendar of working days.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{File, Findings, Problem};
use crate::{
    calendar::Date,
    source::Source,
    workdays::{Workdays, is_weekend},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHolidays {
    year: Vec<RawYear>,
}

/// One year's notice. Its days stand in their order, so that a reader finds a day that is missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawYear {
    year: i16,
    off: Vec<Date>,
    worked: Vec<Date>,
    #[serde(rename = "source")]
    _source: Source,
}

pub(super) fn workdays(file: File<'_>, raw: RawHolidays) -> Result<Workdays, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut workdays = Workdays::default();
    let mut last = None;
    for (index, RawYear { year, off, worked, .. }) in raw.year.into_iter().enumerate() {
        let field = |name: &str| format!("year[{index}].{name}");
        findings.require(last < Some(year), &field("year"), "years rise, and each stands here once");
        last = Some(year);
        add(&mut findings, &mut workdays.off, &field("off"), year, &off);
        add(&mut findings, &mut workdays.worked, &field("worked"), year, &worked);
        for (row, day) in worked.iter().enumerate() {
            let field = field(&format!("worked[{row}]"));
            findings.require(is_weekend(*day), &field, format!("{day} is no weekend day: it is worked anyway"));
            findings.require(!off.contains(day), &field, format!("{day} is off too"));
        }
    }
    findings.into_result(workdays)
}

fn add(findings: &mut Findings<'_>, into: &mut BTreeSet<Date>, field: &str, year: i16, days: &[Date]) {
    let mut last = Date::MIN;
    for (row, day) in days.iter().enumerate() {
        let field = format!("{field}[{row}]");
        findings.require(day.year() == year, &field, format!("{day} is not in {year}"));
        findings.require(last < *day, &field, "days rise, and each stands here once");
        last = *day;
        into.insert(*day);
    }
}
