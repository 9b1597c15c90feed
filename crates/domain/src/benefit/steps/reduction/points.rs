//! POINTS (降低百分点): 65 % − 10 points = 55 %.

use crate::{
    benefit::{
        run::Run,
        tiers::{self, Slice},
    },
    money::Bp,
    refusal::Refusal,
};

pub(super) fn lower(run: &mut Run<'_>, slices: &mut [Slice], cut: Bp, source: &str) -> Result<(), Refusal> {
    let points = tiers::points(cut);
    tiers::change(
        run,
        slices,
        ["reduction.points", source],
        |ratio| Bp(ratio.0.saturating_sub(cut.0)),
        [
            format!("异地就医，支付比例降低{points}个百分点"),
            format!("care away from home: the ratio loses {points} points"),
        ],
    )
}
