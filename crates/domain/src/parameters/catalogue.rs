//! Catalogue rows, and how a region's differences change the national list within what the rules allow.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{File, Findings, Problem};
use crate::{
    catalogue::{Ages, Class, Excess, FeeCategory, Item},
    ids::ItemCode,
    money::{Bp, Price},
    person::Sex,
};

/// A full row, national or local.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawItem {
    pub(super) code: ItemCode,
    zh: String,
    en: String,
    category: FeeCategory,
    class: Class,
    unit: String,
    price: Price,
    #[serde(rename = "self")]
    first_share: Option<Bp>,
    limit: Option<Price>,
    #[serde(default)]
    excess: Excess,
    #[serde(default)]
    restricted: bool,
    // For readers.
    #[serde(default, rename = "negotiated")]
    _negotiated: bool,
    sex: Option<Sex>,
    ages: Option<Ages>,
}

/// What a region sets apart from the national row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDifference {
    code: ItemCode,
    class: Option<Class>,
    #[serde(rename = "self")]
    first_share: Option<Bp>,
    limit: Option<Price>,
    excess: Option<Excess>,
}

const SHARE_OF_WHOLE: &str = "a first share of 100% is own pay: use class C";
const LINE_WITHOUT_LIMIT: &str = "goes with `limit` only: without one nothing lies above it";

/// Reads rows, which stand at `at` in the file; a code stands once.
pub(super) fn items(file: File<'_>, at: &str, rows: Vec<RawItem>) -> Result<BTreeMap<ItemCode, Item>, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut items = BTreeMap::new();
    for (index, raw) in rows.into_iter().enumerate() {
        let field = |name: &str| format!("{at}[{index}].{name}");
        let first_share = raw.first_share.unwrap_or(Bp::ZERO);
        match raw.class {
            Class::B => {
                findings.require(raw.first_share.is_some(), &field("self"), "a class-B item has its first share");
                findings.require(first_share < Bp::WHOLE, &field("self"), SHARE_OF_WHOLE);
            }
            Class::A | Class::C => {
                findings.require(raw.first_share.is_none(), &field("self"), "only a class-B item has a first share");
            }
        }
        findings.require(raw.price.0 > 0, &field("price"), "a price is positive");
        findings.require(raw.limit.is_none_or(|limit| limit.0 > 0), &field("limit"), "a limit is positive");
        let bound = raw.excess == Excess::Part || raw.limit.is_some();
        findings.require(bound, &field("excess"), LINE_WITHOUT_LIMIT);
        let RawItem { code, zh, en, category, class, unit, price, limit, excess, restricted, sex, ages, .. } = raw;
        let item = Item {
            code: code.clone(),
            zh,
            en,
            category,
            class,
            first_share,
            limit,
            excess,
            restricted,
            price,
            unit,
            sex,
            ages,
        };
        findings.require(items.insert(code, item).is_none(), &field("code"), "the code stands here twice");
    }
    findings.into_result(items)
}

/// Applies a region's differences to the national items.
pub(super) fn differ(
    file: File<'_>,
    items: &mut BTreeMap<ItemCode, Item>,
    rows: Vec<RawDifference>,
) -> Result<(), Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut seen = BTreeSet::new();
    for (index, raw) in rows.into_iter().enumerate() {
        let field = |name: &str| format!("catalogue.difference[{index}].{name}");
        findings.require(seen.insert(raw.code.clone()), &field("code"), "the code stands here twice");
        let Some(item) = items.get_mut(&raw.code) else {
            findings.require(false, &field("code"), "the national catalogue has no such item");
            continue;
        };
        if let Some(class) = raw.class {
            let kept = !item.category.is_national_drug() || class == item.class;
            findings.require(kept, &field("class"), "a region may not move a national drug to another class");
            item.class = class;
        }
        match (item.class, raw.first_share) {
            (Class::B, Some(share)) => {
                findings.require(share < Bp::WHOLE, &field("self"), SHARE_OF_WHOLE);
                item.first_share = share;
            }
            (Class::B, None) => {
                let kept = raw.class.is_none();
                findings.require(kept, &field("self"), "an item that becomes class B needs its first share");
            }
            (_, Some(_)) => findings.require(false, &field("self"), "only a class-B item has a first share"),
            (_, None) => item.first_share = Bp::ZERO,
        }
        findings.require(raw.limit.is_none_or(|limit| limit.0 > 0), &field("limit"), "a limit is positive");
        item.limit = raw.limit.or(item.limit);
        item.excess = raw.excess.unwrap_or(item.excess);
        let bound = item.excess == Excess::Part || item.limit.is_some();
        findings.require(bound, &field("excess"), LINE_WITHOUT_LIMIT);
    }
    findings.into_result(())
}
