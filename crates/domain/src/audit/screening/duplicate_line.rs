//! Lines that repeat one another (重复收费): the same item, price and quantity more often than the days of the stay allow.
//! Source: design. A line carries no day of its own, so that the count is that of the whole stay.

use std::collections::BTreeMap;

use super::{Finding, Rule, Stay, Subject, Terms};
use crate::{
    money::{Fen, Overflow},
    split::SplitLine,
};

pub(super) const RULE: Rule = Rule { id: "duplicate-line", zh: "重复收费", en: "a line repeated too often", find };

fn find(stay: &Stay<'_>, terms: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let most = stay.days() * i64::from(terms.screening.duplicate_line.repeats_max);
    let allowed = usize::try_from(most).map_err(|_| Overflow)?;
    let mut alike = BTreeMap::<_, Vec<&SplitLine>>::new();
    for split in stay.lines {
        let line = &split.line;
        alike.entry((&line.item, line.price, line.quantity)).or_default().push(split);
    }
    let mut findings = Vec::new();
    for ((item, price, quantity), lines) in alike {
        let Some(first) = lines.get(allowed) else { continue };
        let amount = Fen::sum(lines.iter().skip(allowed).map(|split| split.parts.total))?;
        let count = lines.len();
        let zh = format!("{item} {price} × {quantity} 共 {count} 条，{} 天至多 {allowed} 条", stay.days());
        let en = format!("{item} {price} × {quantity}: {count} lines, at most {allowed} in {} days", stay.days());
        findings.push(RULE.finding(Subject::Line(first.line.serial.clone()), amount, zh, en));
    }
    Ok(findings)
}
