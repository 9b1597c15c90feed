//! Retired persons have some points more (退休人员提高支付比例): Fuyang, 3 points.

use crate::{
    benefit::{
        run::Run,
        tiers::{self, Slice},
    },
    money::Bp,
    refusal::Refusal,
};

pub(super) fn add(run: &mut Run<'_>, slices: &mut [Slice], points: Bp, source: &str) -> Result<(), Refusal> {
    let shown = tiers::points(points);
    tiers::change(
        run,
        slices,
        ["bonus.retired-points", source],
        |ratio| Bp(ratio.0.saturating_add(points.0)),
        [format!("退休人员提高{shown}个百分点"), format!("retired: {shown} points added to the ratio")],
    )
}
