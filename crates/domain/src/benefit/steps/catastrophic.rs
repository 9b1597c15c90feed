//! Resident catastrophic insurance (居民大病保险) on the in-scope burden of the year.
//! Source: the frame of the 待遇清单, 国办发〔2024〕38号.
//! Pays what the bill adds above the yearly line; poor persons have a lower line, more points and no cap.

use crate::{
    benefit::{
        Case,
        portion::Portion,
        run::{Fund, Run},
        tiers::{self, Layer, Limit},
    },
    chronic::Listed,
    claim::Service,
    money::Bp,
    policy::Catastrophic,
    refusal::Refusal,
};

/// Whether the service counts and, for a chronic visit, the disease.
fn counts(terms: &Catastrophic, case: &Case<'_>) -> bool {
    let disease = case.listed.map(Listed::code).filter(|_| case.claim.service == Service::Chronic);
    let named = terms.diseases.is_empty() || disease.is_none_or(|disease| terms.diseases.contains(disease));
    terms.counts.contains(&case.claim.service) && named
}

/// Counts the burden and pays its tiers.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let Some(terms) = case.policy.catastrophic.as_ref().filter(|terms| counts(terms, case)) else {
        return Ok(());
    };
    let source = &*terms.source;
    let eased =
        terms.eased.as_ref().filter(|eased| case.person.assisted.is_some_and(|who| eased.groups.contains(&who)));
    let line = match eased {
        Some(eased) => {
            let line = terms.line.share_half_up(eased.line)?;
            run.step(
                "catastrophic.eased",
                source,
                [terms.line, line],
                [
                    format!("困难人员：起付线 {line}，各段提高{}个百分点，不设封顶", tiers::points(eased.points)),
                    format!(
                        "poor person: line {line}, {} points more in every tier, no cap",
                        tiers::points(eased.points)
                    ),
                ],
            )?;
            line
        }
        None => terms.line,
    };
    let burden = portion.left()?;
    let before = portion.used.burden;
    portion.gained.burden = burden;
    let points = eased.map_or(0, |eased| eased.points.0);
    let mut tiers = Vec::with_capacity(terms.tiers.len());
    for tier in &terms.tiers {
        let upto = tier.upto.map(|upto| if terms.tiers_above_line { upto.plus(line) } else { Ok(upto) });
        tiers.push((upto.transpose()?, Bp(tier.ratio.0.saturating_add(points)).min(Bp::WHOLE)));
    }
    let slices = tiers::above_line(tiers, line, before, burden)?;
    tiers::count(run, "catastrophic.line", source, line, [before, burden, tiers::cost(&slices)?])?;
    let cap = terms.cap.filter(|_| eased.is_none());
    let names = ["大病保险年度封顶", "yearly cap of catastrophic insurance"];
    let limit = cap.map(|cap| Limit::yearly("catastrophic.cap", names, cap, portion.used.catastrophic)).transpose()?;
    let layer = Layer {
        fund: Fund::Catastrophic,
        rule: "catastrophic.tier",
        names: ["大病保险", "catastrophic insurance"],
        source,
        limit,
    };
    tiers::pay(run, portion, &layer, &slices)?;
    Ok(())
}
