//! A deductible that falls by a fixed step with each stay of a year, to a floor (逐次降低): Fuyang, −100 down to 200.

use crate::{
    benefit::run::Run,
    money::{Fen, Overflow},
    refusal::Refusal,
};

pub(super) fn by_step(
    run: &mut Run<'_>,
    source: &str,
    asked: Fen,
    earlier: i64,
    [by, floor]: [Fen; 2],
) -> Result<Fen, Refusal> {
    if earlier == 0 {
        return Ok(asked);
    }
    let less = by.0.checked_mul(earlier).map(Fen).ok_or(Overflow)?;
    let fallen = asked.minus_to_zero(less)?.max(floor).min(asked);
    run.step(
        "deductible.falling",
        source,
        [asked, fallen],
        [
            format!("本年度第{}次住院，每次降低 {by}，不低于 {floor}：{fallen}", earlier.saturating_add(1)),
            format!(
                "stay no. {} of the year, {by} less each time, at least {floor}: {fallen}",
                earlier.saturating_add(1)
            ),
        ],
    )?;
    Ok(fallen)
}
