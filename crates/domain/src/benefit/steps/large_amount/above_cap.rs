//! Large-amount aid pays in-scope cost above the basic cap (统筹封顶线以上): Beijing 85 %, Shanghai 80 %.

use crate::{
    benefit::{
        portion::Portion,
        run::{Fund, Run},
        tiers::{self, Layer, Slice},
    },
    money::Fen,
    person::Category,
    policy::{AboveCap, LargeAmount},
    refusal::Refusal,
};

pub(super) fn pay(
    run: &mut Run<'_>,
    portion: &mut Portion,
    terms: &LargeAmount,
    part: &AboveCap,
) -> Result<(), Refusal> {
    if portion.above_cap == Fen::ZERO {
        return Ok(());
    }
    let retired = run.case.person.category == Category::Retired;
    let ratio = part.retired.filter(|_| retired).unwrap_or(part.ratio);
    let layer = Layer {
        fund: Fund::LargeAmount,
        rule: "large-amount.above-cap",
        names: ["封顶线以上大额补助", "large-amount aid above the cap"],
        source: &terms.source,
        limit: super::limit(portion, terms)?,
    };
    let slice = Slice { cost: portion.above_cap, ratio };
    tiers::pay(run, portion, &layer, &[slice])?;
    Ok(())
}
