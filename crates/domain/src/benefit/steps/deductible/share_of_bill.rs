//! A deductible as a share of the bill's in-scope cost (按费用比例), with floor and ceiling: Anhui residents away, 2019.

use crate::{
    benefit::run::Run,
    money::{Bp, Fen},
    refusal::Refusal,
};

pub(super) fn of(run: &mut Run<'_>, source: &str, ratio: Bp, [floor, ceiling]: [Fen; 2]) -> Result<Fen, Refusal> {
    let in_scope = run.case.claim.parts.in_scope;
    let asked = in_scope.share_half_up(ratio)?.max(floor).min(ceiling);
    run.step(
        "deductible.share-of-bill",
        source,
        [in_scope, asked],
        [
            format!("起付线为 {in_scope} × {ratio}，不低于 {floor}、不高于 {ceiling}：{asked}"),
            format!("deductible {in_scope} × {ratio}, at least {floor}, at most {ceiling}: {asked}"),
        ],
    )?;
    Ok(asked)
}
