//! A price over its limit that was not cut (超限价未扣): what lies above the limit should be the patient's, and is in scope.
//! Source: design; the limit is the care catalogue's own, kept on the line.

use super::{Finding, Rule, Stay, Subject, Terms};
use crate::money::{Fen, Overflow};

pub(super) const RULE: Rule =
    Rule { id: "price-over-limit", zh: "超限价未扣", en: "price above its limit, not cut", find };

fn find(stay: &Stay<'_>, _: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let mut findings = Vec::new();
    for split in stay.lines {
        let (line, parts) = (&split.line, &split.parts);
        let Some(limit) = split.limit.filter(|limit| line.price > *limit) else { continue };
        let above = line.price.above(limit)?.times(line.quantity)?.min(parts.total);
        // Own pay is the patient's as well: there the catalogue takes the whole line out.
        let uncut = above.minus_to_zero(parts.over.plus(parts.own)?)?;
        if uncut > Fen::ZERO {
            let zh = format!("{} 单价 {} 高于限价 {limit}，应扣 {above}，少扣 {uncut}", line.item, line.price);
            let en = format!("{} at {}, limit {limit}: {above} lies above it, {uncut} not cut", line.item, line.price);
            findings.push(RULE.finding(Subject::Line(line.serial.clone()), uncut, zh, en));
        }
    }
    Ok(findings)
}
