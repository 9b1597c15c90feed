//! Split stays (分解住院): stays of one person in one institution, close to one another, each just not above the threshold of
//! verification and together above it.
//! Source: design; the threshold is that of 费用协查.

use super::{Finding, OtherStay, Rule, Stay, Subject, Terms};
use crate::{
    calendar::days_between,
    money::{Fen, Overflow},
};

pub(super) const RULE: Rule =
    Rule { id: "split-stays", zh: "分解住院", en: "split to keep under the threshold", find };

fn find(stay: &Stay<'_>, terms: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let (numbers, threshold) = (&terms.screening.split_stays, terms.verification.stay_above);
    let floor = threshold.share_half_up(numbers.under_percent)?;
    let just_under = |total: Fen| total > floor && total <= threshold;
    let near = |other: &&OtherStay| {
        let gap = days_between(stay.to, other.from).max(days_between(other.to, stay.from));
        other.settlement != *stay.settlement
            && other.institution == *stay.institution
            && just_under(other.total)
            && gap <= i64::from(numbers.gap_days)
    };
    let parts: Vec<&OtherStay> = stay.others.iter().filter(near).collect();
    let together = Fen::sum(parts.iter().map(|other| other.total).chain([stay.total]))?;
    if !just_under(stay.total) || together <= threshold {
        return Ok(Vec::new());
    }
    let findings = parts.into_iter().map(|other| {
        let zh = format!("{} 至 {} 在同一机构住院 {}，合计 {together}", other.from, other.to, other.total);
        let en =
            format!("{} to {} in the same institution for {}; {together} together", other.from, other.to, other.total);
        RULE.finding(Subject::Stay(other.settlement.clone()), stay.total, zh, en)
    });
    Ok(findings.collect())
}
