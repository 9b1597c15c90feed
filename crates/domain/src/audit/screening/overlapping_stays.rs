//! Overlapping stays (重叠住院): one person in two provinces or two institutions on the same days. Leaving the one on the day
//! of admission to the other is a transfer (转院) and no doubt.
//! Source: design.

use super::{Finding, Rule, Stay, Subject, Terms};
use crate::{calendar::days_between, money::Overflow};

pub(super) const RULE: Rule =
    Rule { id: "overlapping-stays", zh: "重叠住院", en: "in two places on the same days", find };

fn find(stay: &Stay<'_>, _: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let mut findings = Vec::new();
    for other in stay.others.iter().filter(|other| other.settlement != *stay.settlement) {
        let elsewhere = other.institution != *stay.institution || other.care.province() != stay.care.province();
        let overlap = other.from < stay.to && stay.from < other.to;
        if !elsewhere || !overlap {
            continue;
        }
        let (from, to) = (stay.from.max(other.from), stay.to.min(other.to));
        let shared = days_between(from, to) + 1;
        let amount = stay.total.scaled_half_up(shared, stay.days())?;
        let zh = format!("{from} 至 {to} 同时在 {} 住院", other.institution);
        let en = format!("from {from} to {to} in {} as well", other.institution);
        findings.push(RULE.finding(Subject::Stay(other.settlement.clone()), amount, zh, en));
    }
    Ok(findings)
}
