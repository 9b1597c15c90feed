//! Employee large-amount aid (职工大额补助): above the cap of the basic fund, and above a line of burden.
//! Source: local rules of the places named in the two files. The burden it counts is what its first part leaves.

mod above_burden;
mod above_cap;

use crate::{
    benefit::{portion::Portion, run::Run, tiers::Limit},
    money::{Fen, Overflow},
    policy::LargeAmount,
    refusal::Refusal,
};

/// Pays both parts, in this order.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let Some(terms) = &case.policy.large_amount else { return Ok(()) };
    if let Some(part) = &terms.above_cap {
        above_cap::pay(run, portion, terms, part)?;
    }
    if terms.counts.contains(&case.claim.service) {
        let burden = portion.left()?;
        portion.gained.burden = burden;
        if let Some(part) = &terms.above_burden {
            above_burden::pay(run, portion, terms, part, burden)?;
        }
    }
    Ok(())
}

/// What the yearly cap, and the cap together with the basic fund, still allow.
fn limit(portion: &Portion, terms: &LargeAmount) -> Result<Option<Limit>, Overflow> {
    let paid = portion.used.large_amount.plus(portion.gained.large_amount)?;
    let with_basic = Fen::sum([paid, portion.used.basic, portion.gained.basic])?;
    let own = terms.cap.map(|cap| cap.minus_to_zero(paid)).transpose()?;
    let total = terms.total.map(|total| total.minus_to_zero(with_basic)).transpose()?;
    let room = own.into_iter().chain(total).min();
    Ok(room.map(|room| Limit {
        rule: "large-amount.cap",
        zh: "大额补助年度封顶",
        en: "yearly cap of large-amount aid",
        room,
    }))
}
