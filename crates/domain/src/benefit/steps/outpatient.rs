//! Ordinary outpatient care and pharmacies (普通门诊, 购药).
//! The segments run over the outpatient cost of the year; the deductible lies inside it.

use crate::{
    benefit::{
        basic::{self, Terms},
        portion::Portion,
        run::Run,
        steps::{deductible, stay},
        tiers::Limit,
    },
    claim::{Level, Service},
    person::Category,
    refusal::Refusal,
};

/// Pays the visit.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let pharmacy = case.claim.service == Service::Pharmacy;
    let level = if pharmacy { Level::Primary } else { case.claim.level };
    let covering = case.policy.outpatient.as_ref();
    let Some(outpatient) = covering.filter(|o| o.levels.contains(&level) && (o.pharmacies || !pharmacy)) else {
        portion.covered = false;
        let source = covering.map_or(&case.policy.source, |outpatient| &outpatient.source);
        return run.step(
            "outpatient.not-covered",
            source,
            [portion.in_scope, portion.in_scope],
            ["门诊统筹不支付该类机构".into(), "outpatient pooling does not pay at this kind of institution".into()],
        );
    };
    let retired = case.person.category == Category::Retired;
    let cap = if retired { outpatient.retired_cap.or(outpatient.cap) } else { outpatient.cap };
    let names = ["门诊统筹年度限额", "yearly cap of outpatient pooling"];
    let quota =
        cap.map(|cap| Limit::yearly("cap.outpatient", names, cap, portion.used.outpatient_basic)).transpose()?;
    let terms = Terms {
        ratios: &outpatient.ratio,
        level,
        position: portion.used.outpatient_in_scope,
        deductible: deductible::of_visit(run, portion, outpatient, level)?,
        cap: if outpatient.in_inpatient_cap { stay::cap(case.policy, portion)? } else { None },
        quota,
        reduced: outpatient.reduced_away,
        source: &outpatient.source,
    };
    let settled = basic::pay(run, portion, &terms)?;
    portion.gained.outpatient_in_scope = portion.in_scope;
    portion.gained.outpatient_deductible = settled.charged;
    if outpatient.in_inpatient_cap {
        portion.gained.basic = settled.paid;
    } else {
        portion.gained.outpatient_basic = settled.paid;
    }
    Ok(())
}
