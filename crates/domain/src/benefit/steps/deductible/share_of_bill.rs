//! A deductible as a share of the whole bill (按费用总额比例), with floor and ceiling: Anhui residents away, rule of 2019.

use crate::{
    benefit::run::Run,
    money::{Bp, Fen},
    refusal::Refusal,
};

pub(super) fn of(run: &mut Run<'_>, source: &str, ratio: Bp, [floor, ceiling]: [Fen; 2]) -> Result<Fen, Refusal> {
    let bill = run.case.claim.parts.total;
    let asked = bill.share_half_up(ratio)?.max(floor).min(ceiling);
    run.step(
        "deductible.share-of-bill",
        source,
        [bill, asked],
        [
            format!("起付线为总费用 {bill} × {ratio}，不低于 {floor}、不高于 {ceiling}：{asked}"),
            format!("deductible: bill {bill} × {ratio}, at least {floor}, at most {ceiling}: {asked}"),
        ],
    )?;
    Ok(asked)
}
