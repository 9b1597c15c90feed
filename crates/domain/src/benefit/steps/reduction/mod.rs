//! The reduction for a temporary stay away (临时外出就医降低待遇). Source: at most 10 and 20 points,
//! 医保发〔2022〕22号; three arithmetics of it, and ratios of their own in the place of all three.

mod factor;
pub(in crate::benefit) mod own;
mod points;
pub(in crate::benefit) mod prepay;

use crate::{
    benefit::{run::Run, tiers::Slice},
    money::Bp,
    policy::ReductionMode,
    refusal::Refusal,
};

/// Lowers the ratios of the slices, where the mode works on ratios.
pub(in crate::benefit) fn lower(run: &mut Run<'_>, slices: &mut [Slice]) -> Result<(), Refusal> {
    let reduction = &run.case.policy.reduction;
    let cut = reduction.of(run.case.class);
    if cut == Bp::ZERO {
        return Ok(());
    }
    match reduction.mode {
        ReductionMode::Points => points::lower(run, slices, cut, &reduction.source),
        ReductionMode::Factor => factor::lower(run, slices, cut, &reduction.source),
        ReductionMode::Prepay => Ok(()),
    }
}
