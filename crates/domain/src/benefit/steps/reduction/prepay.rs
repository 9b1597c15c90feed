//! PREPAY (先行自付): the patient bears the cut of the in-scope cost first; Jiangxi, 10 % and 20 %.

use crate::{
    benefit::{portion::Portion, run::Run},
    money::{Bp, Fen},
    policy::ReductionMode,
    refusal::Refusal,
};

/// Takes the first share off the base, where the mode says so.
pub(in crate::benefit) fn take(run: &mut Run<'_>, portion: &mut Portion) -> Result<(), Refusal> {
    let reduction = &run.case.policy.reduction;
    let cut = reduction.of(run.case.class);
    if reduction.mode != ReductionMode::Prepay || cut == Bp::ZERO || portion.in_scope == Fen::ZERO {
        return Ok(());
    }
    portion.prepaid = portion.in_scope.share_half_up(cut)?;
    portion.uncounted = if reduction.prepay_counts { Fen::ZERO } else { portion.prepaid };
    run.prepay(portion.prepaid)?;
    run.step(
        "reduction.prepay",
        &reduction.source,
        [portion.in_scope, portion.base()?],
        [
            format!("临时外出就医，先行自付 {} × {cut} = {}", portion.in_scope, portion.prepaid),
            format!("temporary care away: {} × {cut} = {} is the patient's first", portion.in_scope, portion.prepaid),
        ],
    )
}
