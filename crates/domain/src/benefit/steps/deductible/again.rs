//! A long stay is charged again after so many days (超过天数再次计付): Guangzhou, 90 days.

use crate::{
    benefit::run::Run,
    calendar::days_between,
    money::{Fen, Overflow},
    refusal::Refusal,
};

pub(super) fn after(run: &mut Run<'_>, source: &str, asked: Fen, period: i64) -> Result<Fen, Refusal> {
    let days = days_between(run.case.claim.from, run.case.claim.to);
    let more = days.saturating_sub(1).max(0).checked_div(period).unwrap_or(0);
    if more == 0 {
        return Ok(asked);
    }
    let times = more.saturating_add(1);
    let all = asked.0.checked_mul(times).map(Fen).ok_or(Overflow)?;
    run.step(
        "deductible.again",
        source,
        [asked, all],
        [
            format!("住院{days}天，每满{period}天再计一次起付线，共{times}次：{all}"),
            format!("{days} days, charged again after every {period}, {times} times in all: {all}"),
        ],
    )?;
    Ok(all)
}
