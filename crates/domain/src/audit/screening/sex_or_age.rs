//! An item that does not fit the person (性别、年龄不符): a caesarean section of a man, oral drops for children at forty.
//! Source: design; for whom alone an item makes sense stands in the catalogue.

use super::{Finding, Rule, Stay, Subject, Terms};
use crate::{calendar::age_on, money::Overflow};

pub(super) const RULE: Rule =
    Rule { id: "sex-or-age", zh: "性别、年龄不符", en: "does not fit sex or age", find };

fn find(stay: &Stay<'_>, terms: &Terms<'_>) -> Result<Vec<Finding>, Overflow> {
    let Some(patient) = stay.patient else { return Ok(Vec::new()) };
    // Over a birthday either age will do.
    let (younger, older) = (age_on(patient.birth, stay.from), age_on(patient.birth, stay.to));
    let mut findings = Vec::new();
    for split in stay.lines {
        let Some(item) = terms.catalogue.item(&split.line.item) else { continue };
        let subject = || Subject::Line(split.line.serial.clone());
        if let Some((needed, is)) = item.sex.zip(patient.sex).filter(|(needed, is)| needed != is) {
            let ((zh, en), (is_zh, is_en)) = (needed.names(), is.names());
            let zh = format!("{}限{zh}，参保人为{is_zh}", item.zh);
            let en = format!("{} is for {en} persons, and the person is {is_en}", item.en);
            findings.push(RULE.finding(subject(), split.parts.total, zh, en));
        } else if let Some(ages) = item.ages.filter(|ages| older < ages.from || younger > ages.to) {
            let zh = format!("{}限 {} 至 {} 岁，参保人 {older} 岁", item.zh, ages.from, ages.to);
            let en = format!("{} is for ages {} to {}, and the person is {older}", item.en, ages.from, ages.to);
            findings.push(RULE.finding(subject(), split.parts.total, zh, en));
        }
    }
    Ok(findings)
}
