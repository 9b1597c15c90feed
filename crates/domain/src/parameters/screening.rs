//! What bills are screened by, from `national/screening.toml`: every number is a choice of this simulator.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{File, Findings, Problem};
use crate::{
    audit::screening::{DuplicateLine, QuantityPerDay, Screening, SplitStays},
    catalogue::Item,
    ids::ItemCode,
    money::{Bp, Quantity},
    source::Source,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScreening {
    duplicate_line: DuplicateLine,
    split_stays: SplitStays,
    quantity_per_day: RawQuantityPerDay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuantityPerDay {
    items: Vec<RawMost>,
    source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMost {
    code: ItemCode,
    per_day: Quantity,
}

/// The numbers; an item stands once and is one of the national catalogue.
pub(super) fn numbers(
    file: File<'_>,
    raw: RawScreening,
    catalogue: &BTreeMap<ItemCode, Item>,
) -> Result<Screening, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let RawScreening { duplicate_line, split_stays, quantity_per_day } = raw;
    findings.require(duplicate_line.repeats_max >= 1, "duplicate_line.repeats_max", "a line may stand once");
    let below = split_stays.under_percent < Bp::WHOLE;
    findings.require(below, "split_stays.under_percent", "below the whole of the threshold");
    let mut most = BTreeMap::new();
    for (index, RawMost { code, per_day }) in quantity_per_day.items.into_iter().enumerate() {
        let field = |name: &str| format!("quantity_per_day.items[{index}].{name}");
        findings.require(per_day.0 > 0, &field("per_day"), "a quantity is positive");
        findings.require(catalogue.contains_key(&code), &field("code"), "the national catalogue has no such item");
        findings.require(most.insert(code, per_day).is_none(), &field("code"), "the item stands here twice");
    }
    let quantity_per_day = QuantityPerDay { most, source: quantity_per_day.source };
    findings.into_result(Screening { duplicate_line, split_stays, quantity_per_day })
}
