//! Outpatient chronic diseases (门诊慢特病). Source: the home region decides ratio and quota, 医保发〔2022〕22号.
//! "Like inpatient" takes a year of treatment as one stay; quotas limit payment by disease, or together.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    benefit::{
        basic::{self, Terms},
        portion::Portion,
        run::Run,
        steps::{deductible, stay},
        tiers::Limit,
    },
    chronic::Listed,
    money::{Fen, Overflow},
    policy::{Chronic, ChronicPay, ChronicRule, Ratios, Segment, Several},
    refusal::{Code, Refusal},
};

/// Pays the visit.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let listed =
        case.listed.ok_or_else(|| Refusal::malformed("disease", "门诊慢特病必填", "given for a chronic visit"))?;
    let disease = listed.code();
    let found = case.policy.chronic.as_ref().and_then(|chronic| chronic.rule(disease).map(|rule| (chronic, rule)));
    let Some((chronic, rule)) = found else {
        let source = case.policy.chronic.as_ref().map_or(&case.policy.source, |chronic| &chronic.source);
        let rule = case.policy.mark(source);
        return Err(Refusal::new(Code::DiseaseNotQualified, &rule, "disease").with(disease, disease));
    };
    let ratios = match rule.pays {
        ChronicPay::LikeInpatient => Cow::Borrowed(&case.policy.inpatient.ratio),
        ChronicPay::Ratio(ratio) => {
            let segments = vec![Segment { upto: None, ratio, retired: None }];
            Cow::Owned(Ratios { segments, retired: None, age: Vec::new(), away: BTreeMap::new() })
        }
    };
    let terms = Terms {
        ratios: &ratios,
        level: case.claim.level,
        position: portion.used.chronic_in_scope,
        deductible: deductible::of_chronic(run, portion, rule, &chronic.source)?,
        cap: if chronic.in_inpatient_cap { stay::cap(case.policy, portion)? } else { None },
        quota: quota(run, portion, chronic, rule, listed)?,
        reduced: chronic.reduced_away,
        source: &chronic.source,
    };
    let settled = basic::pay(run, portion, &terms)?;
    portion.gained.chronic_in_scope = portion.in_scope;
    portion.gained.chronic_deductible = settled.charged;
    if settled.counted > Fen::ZERO {
        portion.gained.chronic.insert(disease.clone(), settled.counted);
    }
    if chronic.in_inpatient_cap {
        portion.gained.basic = settled.paid;
    } else {
        portion.gained.chronic_basic = settled.paid;
    }
    Ok(())
}

/// What the quotas still allow for the disease; several quota diseases of a person have one limit together. A quota
/// counts what is due at the rule's own ratio, whichever fund pays it: large-amount aid takes the place of a basic fund
/// at its cap for the same cost, and what it pays at its own ratio is not counted a second time. A qualification for a
/// disease that the list's version does not hold gives no quota here.
fn quota(
    run: &Run<'_>,
    portion: &Portion,
    chronic: &Chronic,
    rule: &ChronicRule,
    listed: &Listed,
) -> Result<Option<Limit>, Overflow> {
    let Some(quota) = rule.quota else { return Ok(None) };
    let mut quotas = BTreeMap::from([(listed.code().clone(), quota)]);
    let case = run.case;
    for other in case.person.diseases(listed.version(), case.claim.to) {
        if let Some(quota) = chronic.rule(&other).and_then(|rule| rule.quota) {
            quotas.insert(other, quota);
        }
    }
    let sum = Fen::sum(quotas.values().copied())?;
    let together = match chronic.several {
        Several::Sum => sum,
        Several::SumUpTo(limit) => sum.min(limit.max(quota)),
        Several::HighestPlus(each) => {
            let highest = quotas.values().copied().max().unwrap_or(quota);
            (1..quotas.len()).try_fold(highest, |limit, _| limit.plus(each))?
        }
    };
    let used = Fen::sum(quotas.keys().filter_map(|code| portion.used.chronic.get(code).copied()))?;
    Limit::yearly("cap.chronic-quota", ["慢特病年度限额", "yearly quota of chronic diseases"], together, used).map(Some)
}
