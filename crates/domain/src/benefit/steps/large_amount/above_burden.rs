//! Large-amount aid pays burden of the year above a line (个人负担超线): Nanchang, 90 % above 100,000.

use crate::{
    benefit::{
        portion::Portion,
        run::{Fund, Run},
        tiers::{self, Layer},
    },
    money::Fen,
    policy::{AboveBurden, LargeAmount},
    refusal::Refusal,
};

pub(super) fn pay(
    run: &mut Run<'_>,
    portion: &mut Portion,
    terms: &LargeAmount,
    part: &AboveBurden,
    burden: Fen,
) -> Result<(), Refusal> {
    let before = portion.used.burden;
    let slices = tiers::above_line([(None, part.ratio)], part.line, before, burden)?;
    tiers::count(run, "large-amount.line", &terms.source, part.line, [before, burden, tiers::cost(&slices)?])?;
    let layer = Layer {
        fund: Fund::LargeAmount,
        rule: "large-amount.above-burden",
        names: ["超线大额补助", "large-amount aid above the line"],
        source: &terms.source,
        limit: super::limit(portion, terms)?,
    };
    tiers::pay(run, portion, &layer, &slices)?;
    Ok(())
}
