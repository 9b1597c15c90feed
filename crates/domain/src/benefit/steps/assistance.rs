//! Medical assistance (医疗救助) for registered poor persons, last of the funds.
//! Source: 国办发〔2021〕42号.
//! Its yearly line counts the burden that the earlier layers left.

use crate::{
    benefit::{
        portion::Portion,
        run::{Fund, Run},
        tiers::{self, Layer, Limit},
    },
    money::Fen,
    policy::TreatmentClass,
    refusal::Refusal,
};

/// Counts the burden and pays above the line.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let Some(terms) = case.policy.assistance.as_ref().filter(|t| t.services.contains(&case.claim.service)) else {
        return Ok(());
    };
    let group = case.person.assisted.and_then(|who| terms.groups.iter().find(|group| group.who.contains(&who)));
    let left = portion.left()?;
    let Some(group) = group.filter(|_| left > Fen::ZERO) else { return Ok(()) };
    if terms.needs_referral && matches!(case.class, TreatmentClass::Other | TreatmentClass::Unfiled) {
        return run.step(
            "assistance.withheld",
            &terms.source,
            [left, left],
            ["未按规定转诊，不予医疗救助".into(), "no medical assistance for who left without referral".into()],
        );
    }
    let before = portion.used.assistance_burden;
    portion.gained.assistance_burden = left;
    let slices = tiers::above_line([(None, group.ratio)], group.line, before, left)?;
    if group.line > Fen::ZERO {
        tiers::count(run, "assistance.line", &terms.source, group.line, [before, left, tiers::cost(&slices)?])?;
    }
    let names = ["医疗救助年度限额", "yearly cap of medical assistance"];
    let used = portion.used.assistance;
    let limit = group.cap.map(|cap| Limit::yearly("assistance.cap", names, cap, used)).transpose()?;
    let layer = Layer {
        fund: Fund::Assistance,
        rule: "assistance",
        names: ["医疗救助", "medical assistance"],
        source: &terms.source,
        limit,
    };
    tiers::pay(run, portion, &layer, &slices)?;
    Ok(())
}
