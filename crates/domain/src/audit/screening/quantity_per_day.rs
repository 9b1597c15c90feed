//! Quantities that no day has (超天数收费): more beds, nursing days or hours than the stay is long.
//! Source: design; the most of a day is data, item by item.

use std::collections::BTreeMap;

use super::{Finding, Rule, Stay, Subject, Terms};
use crate::{
    ids::ItemCode,
    money::{Fen, Overflow, Quantity},
};

pub(super) const RULE: Rule =
    Rule { id: "quantity-per-day", zh: "超天数收费", en: "more than the days allow", find };

/// An item's lines so far.
#[derive(Default)]
struct Sum<'a> {
    quantity: i64,
    total: Fen,
    /// The line that passed the most.
    passed: Option<&'a str>,
}

fn find(stay: &Stay<'_>, terms: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let most = |per_day: &Quantity| per_day.0.checked_mul(stay.days()).ok_or(Overflow);
    let per_day = &terms.screening.quantity_per_day.most;
    let mut sums = BTreeMap::<&ItemCode, Sum<'_>>::new();
    for split in stay.lines {
        let Some(allowed) = per_day.get(&split.line.item).map(most).transpose()? else { continue };
        let sum = sums.entry(&split.line.item).or_default();
        sum.quantity = sum.quantity.checked_add(split.line.quantity.0).ok_or(Overflow)?;
        sum.total = sum.total.plus(split.parts.total)?;
        if sum.quantity > allowed {
            sum.passed = sum.passed.or(Some(&split.line.serial));
        }
    }
    let mut findings = Vec::new();
    for (item, sum) in sums {
        let (Some(serial), Some(per_day)) = (sum.passed, per_day.get(item)) else { continue };
        let (days, allowed) = (stay.days(), most(per_day)?);
        let amount = sum.total.scaled_half_up(sum.quantity - allowed, sum.quantity)?;
        let (charged, allowed) = (Quantity(sum.quantity), Quantity(allowed));
        let zh = format!("{item} 共 {charged}，{days} 天至多 {allowed}");
        let en = format!("{item}: {charged}, at most {allowed} in {days} days");
        findings.push(RULE.finding(Subject::Line(serial.into()), amount, zh, en));
    }
    Ok(findings)
}
