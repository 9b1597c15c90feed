//! Gross per ordered pair (逐对全额清算): every obligation is one transfer in its due round. The rule in force.
//! Source: 医保发〔2022〕22号, annex: monthly and in full (按月全额清算), between provincial fiscal accounts.

use super::{Liquidity, Payment, Run};
use crate::money::Overflow;

pub(super) fn settle(payments: &[Payment], _: &Liquidity) -> Result<Run, Overflow> {
    let mut by_round: Vec<&Payment> = payments.iter().collect();
    by_round.sort_by_key(|payment| payment.due);
    let mut run = Run::default();
    for payment in by_round {
        run.transfer(payment.due, &payment.from, &payment.to, payment.amount);
        run.discharged.push((payment.clone(), payment.due));
    }
    Ok(run)
}
