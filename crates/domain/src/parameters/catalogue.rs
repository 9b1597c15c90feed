//! Catalogue rows, and how a region's differences change the national list within what the rules allow.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{File, Problem};
use crate::{
    catalogue::{Class, Excess, FeeCategory, Item},
    ids::ItemCode,
    money::{Bp, TenThousandths},
};

/// A full row, national or local.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawItem {
    code: ItemCode,
    zh: String,
    en: String,
    category: FeeCategory,
    class: Class,
    unit: String,
    price: TenThousandths,
    #[serde(rename = "self")]
    first_share: Option<Bp>,
    limit: Option<TenThousandths>,
    #[serde(default)]
    excess: Excess,
    #[serde(default)]
    restricted: bool,
    // For readers, and for the screening of bills.
    #[serde(default, rename = "negotiated")]
    _negotiated: bool,
    #[serde(rename = "sex")]
    _sex: Option<String>,
    #[serde(rename = "ages")]
    _ages: Option<String>,
}

/// What a region sets apart from the national row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDifference {
    code: ItemCode,
    class: Option<Class>,
    #[serde(rename = "self")]
    first_share: Option<Bp>,
    limit: Option<TenThousandths>,
    excess: Option<Excess>,
}

/// Reads rows; a code stands once.
pub(super) fn items(
    file: File<'_>,
    field: &str,
    rows: Vec<Spanned<RawItem>>,
) -> Result<BTreeMap<ItemCode, Item>, Problem> {
    let mut items = BTreeMap::new();
    for row in rows {
        let span = row.span();
        let at = |what: &str| file.problem(Some(span.clone()), field, what);
        let raw = row.into_inner();
        let first_share = match (raw.class, raw.first_share) {
            (Class::B, Some(share)) => share,
            (Class::B, None) => return Err(at("a class-B item has `self`, its first share")),
            (_, Some(_)) => return Err(at("only a class-B item has `self`")),
            (_, None) => Bp::ZERO,
        };
        if raw.price.0 <= 0 || raw.limit.is_some_and(|limit| limit.0 <= 0) {
            return Err(at("price and limit are positive"));
        }
        let RawItem { code, zh, en, category, class, unit, price, limit, excess, restricted, .. } = raw;
        let item =
            Item { code: code.clone(), zh, en, category, class, first_share, limit, excess, restricted, price, unit };
        if items.insert(code, item).is_some() {
            return Err(at("the code stands here twice"));
        }
    }
    Ok(items)
}

/// Applies a region's differences to the national items.
pub(super) fn differ(
    file: File<'_>,
    items: &mut BTreeMap<ItemCode, Item>,
    rows: Vec<Spanned<RawDifference>>,
) -> Result<(), Problem> {
    for row in rows {
        let span = row.span();
        let at = |field: &str, what: &str| file.problem(Some(span.clone()), field, what);
        let raw = row.into_inner();
        let Some(item) = items.get_mut(&raw.code) else {
            return Err(at("catalogue.difference.code", "the national catalogue has no such item"));
        };
        if let Some(class) = raw.class {
            if item.category.is_national_drug() && class != item.class {
                return Err(at("catalogue.difference.class", "a region may not move a national drug to another class"));
            }
            item.class = class;
        }
        match (item.class, raw.first_share) {
            (Class::B, Some(share)) => item.first_share = share,
            (Class::B, None) if raw.class.is_some() => {
                return Err(at("catalogue.difference.self", "an item that becomes class B needs its first share"));
            }
            (Class::B, None) => {}
            (_, Some(_)) => return Err(at("catalogue.difference.self", "only a class-B item has a first share")),
            (_, None) => item.first_share = Bp::ZERO,
        }
        if raw.limit.is_some_and(|limit| limit.0 <= 0) {
            return Err(at("catalogue.difference.limit", "a limit is positive"));
        }
        item.limit = raw.limit.or(item.limit);
        item.excess = raw.excess.unwrap_or(item.excess);
    }
    Ok(())
}
