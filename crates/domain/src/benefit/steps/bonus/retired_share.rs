//! Retired persons pay a share of what an active person pays (退休人员按在职自付的比例): Beijing, 60 %, 85 → 91 %.

use crate::{
    benefit::{
        run::Run,
        tiers::{self, Slice},
    },
    money::Bp,
    refusal::Refusal,
};

pub(super) fn lower(run: &mut Run<'_>, slices: &mut [Slice], share: Bp, source: &str) -> Result<(), Refusal> {
    // Both are at most 10,000; the product, half up to the basis point, is again.
    let raised = |ratio: Bp| {
        let own = (ratio.rest().0.saturating_mul(share.0).saturating_add(Bp::WHOLE.0 / 2)) / Bp::WHOLE.0;
        Bp(own).rest()
    };
    tiers::change(
        run,
        slices,
        ["bonus.retired-share", source],
        raised,
        [format!("退休人员个人负担为在职的 {share}"), format!("retired: pays {share} of what an active person pays")],
    )
}
