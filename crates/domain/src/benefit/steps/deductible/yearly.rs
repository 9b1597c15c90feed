//! One deductible a year, filled up over stays or visits (年度累计): Shanghai stays, Beijing outpatient care.

use crate::{benefit::run::Run, money::Fen, refusal::Refusal};

pub(super) fn rest(run: &mut Run<'_>, source: &str, asked: Fen, charged: Fen) -> Result<Fen, Refusal> {
    let rest = asked.minus_to_zero(charged.max(Fen::ZERO))?;
    run.step(
        "deductible.yearly",
        source,
        [asked, rest],
        [
            format!("年度起付线 {asked}，已累计 {charged}，尚余 {rest}"),
            format!("yearly deductible {asked}, {charged} charged before, {rest} to go"),
        ],
    )?;
    Ok(rest)
}
