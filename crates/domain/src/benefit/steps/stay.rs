//! A stay (住院): deductible of the stay, inpatient ratios, yearly cap.

use crate::{
    benefit::{
        basic::{self, Terms},
        portion::Portion,
        run::Run,
        steps::deductible,
        tiers::Limit,
    },
    money::{Fen, Overflow},
    policy::Policy,
    refusal::Refusal,
};

/// Pays one year of the stay and returns what is left of its deductible for the next.
/// `owed` is that rest; none in the year of admission.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion, owed: Option<Fen>) -> Result<Fen, Refusal> {
    let case = run.case;
    let inpatient = &case.policy.inpatient;
    let deductible = match owed {
        Some(rest) => rest,
        None => {
            portion.gained.admissions = 1;
            deductible::of_stay(run, portion)?
        }
    };
    let terms = Terms {
        ratios: &inpatient.ratio,
        level: case.claim.level,
        position: Fen::ZERO,
        deductible,
        cap: cap(case.policy, portion)?,
        quota: None,
        reduced: true,
        source: &inpatient.source,
    };
    let settled = basic::pay(run, portion, &terms)?;
    portion.gained.deductible = settled.charged;
    portion.gained.basic = settled.paid;
    Ok(deductible.minus(settled.charged)?)
}

/// What the yearly cap (封顶线) still allows.
pub(super) fn cap(policy: &Policy, portion: &Portion) -> Result<Option<Limit>, Overflow> {
    let names = ["统筹基金年度封顶", "yearly cap of the basic fund"];
    policy.inpatient.cap.map(|cap| Limit::yearly("cap.basic", names, cap, portion.used.basic)).transpose()
}
