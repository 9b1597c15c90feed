//! The civil-servant supplement (公务员医疗补助): a ratio of what is left of the in-scope cost.

use crate::{
    benefit::{
        portion::Portion,
        run::{Fund, Run},
        tiers::{self, Layer, Limit, Slice},
    },
    money::Fen,
    refusal::Refusal,
};

/// Pays the supplement.
pub(in crate::benefit) fn pay(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let case = run.case;
    let Some(terms) = case.policy.civil_servant.as_ref().filter(|t| t.services.contains(&case.claim.service)) else {
        return Ok(());
    };
    let left = portion.left()?;
    if !case.person.civil_servant || left == Fen::ZERO {
        return Ok(());
    }
    let names = ["公务员补助年度限额", "yearly cap of the civil-servant supplement"];
    let used = portion.used.civil_servant;
    let limit = terms.cap.map(|cap| Limit::yearly("civil-servant.cap", names, cap, used)).transpose()?;
    let layer = Layer {
        fund: Fund::CivilServant,
        rule: "civil-servant",
        names: ["公务员补助", "civil-servant supplement"],
        source: &terms.source,
        limit,
    };
    tiers::pay(run, portion, &layer, &[Slice { cost: left, ratio: terms.ratio }])?;
    Ok(())
}
