//! Multilateral netting (多边净额清算): each province has one position against the hub's clearing account.
//! Source: a what-if, often asked for; no rule. One cycle for the period, when its last obligation is due.

use super::{Liquidity, Party, Payment, Run, Transfer, positions};
use crate::money::{Fen, Overflow};

/// One transfer per province that is not even: debtors pay in, then the hub pays out.
pub(super) fn through_hub<'a>(
    payments: impl IntoIterator<Item = &'a Payment>,
    round: u32,
) -> Result<Vec<Transfer>, Overflow> {
    let (mut paid_in, mut paid_out) = (Vec::new(), Vec::new());
    for (province, position) in positions(payments)? {
        let province = Party::Province(province);
        if position.is_negative() {
            paid_in.push(Transfer { round, from: province, to: Party::Hub, amount: position.negated()? });
        } else if position > Fen::ZERO {
            paid_out.push(Transfer { round, from: Party::Hub, to: province, amount: position });
        }
    }
    paid_in.append(&mut paid_out);
    Ok(paid_in)
}

pub(super) fn settle(payments: &[Payment], _: &Liquidity) -> Result<Run, Overflow> {
    let round = payments.iter().map(|payment| payment.due).max().unwrap_or_default();
    Ok(Run {
        transfers: through_hub(payments, round)?,
        discharged: payments.iter().map(|payment| (payment.clone(), round)).collect(),
        ..Run::default()
    })
}
