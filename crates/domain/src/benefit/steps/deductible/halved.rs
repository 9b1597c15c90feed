//! Half the deductible from the second stay of a year on (第二次起减半): Beijing, 1,300 then 650.

use crate::{benefit::run::Run, money::Fen, refusal::Refusal};

pub(super) fn from_second(run: &mut Run<'_>, source: &str, asked: Fen, earlier: i64) -> Result<Fen, Refusal> {
    if earlier == 0 {
        return Ok(asked);
    }
    let half = asked.scaled_half_up(1, 2)?;
    run.step(
        "deductible.halved",
        source,
        [asked, half],
        [
            format!("本年度第{}次住院，起付线减半：{half}", earlier.saturating_add(1)),
            format!("stay no. {} of the year, deductible halved: {half}", earlier.saturating_add(1)),
        ],
    )?;
    Ok(half)
}
