//! The deductible that is asked for (起付线); how much of it can be charged, [`crate::benefit::basic`] decides.
//! Source: each shape names the place it is from.

mod again;
mod falling;
mod halved;
mod per_level;
mod share_of_bill;
mod yearly;

use crate::{
    benefit::{portion::Portion, run::Run},
    claim::Level,
    money::Fen,
    person::Category,
    policy::{ChronicRule, DeductibleAmount, NextStay, Outpatient, Per},
    refusal::Refusal,
};

/// Of a stay: its amount, then what earlier stays of the year make of it, then how long it lasts.
pub(super) fn of_stay(run: &mut Run<'_>, portion: &Portion) -> Result<Fen, Refusal> {
    let case = run.case;
    let inpatient = &case.policy.inpatient;
    let terms = &inpatient.deductible;
    let source = &*inpatient.source;
    let away = terms.away.get(&case.class);
    let asked = match (away.unwrap_or(&terms.amount), terms.retired) {
        (DeductibleAmount::ShareOfBill { ratio, floor, ceiling }, _) => {
            share_of_bill::of(run, source, *ratio, [*floor, *ceiling])?
        }
        (DeductibleAmount::PerLevel(_), Some(retired)) if away.is_none() && is_retired(run) => {
            per_level::of(run, source, case.claim.level, &retired)?
        }
        (DeductibleAmount::PerLevel(levels), _) => per_level::of(run, source, case.claim.level, levels)?,
    };
    let earlier = portion.used.admissions.max(0);
    let asked = match terms.next_stay {
        NextStay::Full => asked,
        NextStay::Halved => halved::from_second(run, source, asked, earlier)?,
        NextStay::Falling { by, floor } => falling::by_step(run, source, asked, earlier, [by, floor])?,
        NextStay::Yearly => yearly::rest(run, source, asked, portion.used.deductible)?,
    };
    match terms.again_after_days {
        Some(days) => again::after(run, source, asked, days),
        None => Ok(asked),
    }
}

/// Of an outpatient visit.
pub(super) fn of_visit(run: &mut Run<'_>, portion: &Portion, terms: &Outpatient, level: Level) -> Result<Fen, Refusal> {
    let Some(deductible) = &terms.deductible else { return Ok(Fen::ZERO) };
    let levels = deductible.retired.filter(|_| is_retired(run)).unwrap_or(deductible.amount);
    let asked = per_level::of(run, &terms.source, level, &levels)?;
    match deductible.per {
        Per::Visit => Ok(asked),
        Per::Year => yearly::rest(run, &terms.source, asked, portion.used.outpatient_deductible),
    }
}

/// Of a chronic disease: one a year over all of them.
pub(super) fn of_chronic(
    run: &mut Run<'_>,
    portion: &Portion,
    rule: &ChronicRule,
    source: &str,
) -> Result<Fen, Refusal> {
    let Some(levels) = &rule.deductible else { return Ok(Fen::ZERO) };
    let asked = per_level::of(run, source, run.case.claim.level, levels)?;
    yearly::rest(run, source, asked, portion.used.chronic_deductible)
}

fn is_retired(run: &Run<'_>) -> bool {
    run.case.person.category == Category::Retired
}
