//! A deductible by the level of the institution (按医院级别), such as Hefei's 200, 400 and 600.

use crate::{benefit::run::Run, claim::Level, money::Fen, policy::ByLevel, refusal::Refusal};

pub(super) fn of(run: &mut Run<'_>, source: &str, level: Level, levels: &ByLevel<Fen>) -> Result<Fen, Refusal> {
    let asked = levels.of(level);
    let (zh, en) = match level {
        Level::Primary => ("一级", "primary"),
        Level::Secondary => ("二级", "secondary"),
        Level::Tertiary => ("三级", "tertiary"),
    };
    run.step(
        "deductible.per-level",
        source,
        [run.case.claim.parts.in_scope, asked],
        [format!("{zh}起付线 {asked}"), format!("deductible at {en} level: {asked}")],
    )?;
    Ok(asked)
}
