//! Own ratios for a class of treatment (异地单独支付比例): they take the place of those at home, bonus and reduction.
//! Henan residents outside the province, 50 % and 68 %; Anhui residents, rule of 2019, 60 %.

use crate::{
    benefit::{
        run::Run,
        tiers::{self, Slice},
    },
    refusal::Refusal,
};

/// Puts the class's slices in the place of those at home.
pub(in crate::benefit) fn replace(
    run: &mut Run<'_>,
    slices: &mut Vec<Slice>,
    own: Vec<Slice>,
    source: &str,
) -> Result<(), Refusal> {
    let before = tiers::worth(slices)?;
    *slices = own;
    if slices.is_empty() {
        return Ok(());
    }
    run.step(
        "reduction.own",
        source,
        [before, tiers::worth(slices)?],
        [
            "异地就医适用单独的支付比例，不再降低".into(),
            "care away has ratios of its own, in the place of those at home and of the reduction".into(),
        ],
    )
}
