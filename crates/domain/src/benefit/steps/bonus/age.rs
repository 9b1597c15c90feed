//! Points by age (高龄倾斜): Chengdu, 2 points at 50 up to 10 at 90. Age is that on the last day of service.

use crate::{
    benefit::{
        basic::Terms,
        run::Run,
        tiers::{self, Slice},
    },
    calendar::age_on,
    money::Bp,
    refusal::Refusal,
};

pub(super) fn add(run: &mut Run<'_>, slices: &mut [Slice], terms: &Terms<'_>) -> Result<(), Refusal> {
    let age = age_on(run.case.person.birth, run.case.claim.to);
    let Some(bonus) = terms.ratios.age.iter().rev().find(|bonus| age >= bonus.from) else { return Ok(()) };
    let points = bonus.points.of(terms.level);
    let shown = tiers::points(points);
    tiers::change(
        run,
        slices,
        ["bonus.age", terms.source],
        |ratio| Bp(ratio.0.saturating_add(points.0)),
        [format!("年龄{age}岁，提高{shown}个百分点"), format!("age {age}: {shown} points added to the ratio")],
    )
}
