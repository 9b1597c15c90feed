//! FACTOR (按比例打折): 65 % × 90 % = 58.5 %, half up to the basis point.

use crate::{
    benefit::{
        run::Run,
        tiers::{self, Slice},
    },
    money::Bp,
    refusal::Refusal,
};

pub(super) fn lower(run: &mut Run<'_>, slices: &mut [Slice], cut: Bp, source: &str) -> Result<(), Refusal> {
    let kept = cut.rest();
    let scaled = |ratio: Bp| Bp(ratio.0.saturating_mul(kept.0).saturating_add(Bp::WHOLE.0 / 2) / Bp::WHOLE.0);
    tiers::change(
        run,
        slices,
        ["reduction.factor", source],
        scaled,
        [format!("异地就医，支付比例乘以 {kept}"), format!("care away from home: the ratio is multiplied by {kept}")],
    )
}
