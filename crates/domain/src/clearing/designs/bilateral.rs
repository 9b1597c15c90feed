//! Bilateral netting (双边轧差): two provinces settle the difference of all that they owe one another.
//! Source: a what-if; no rule. The net is paid when the last amount inside it is due, as nobody need pay earlier.

use std::collections::BTreeMap;

use super::{Liquidity, Payment, Run};
use crate::{
    ids::RegionCode,
    money::{Fen, Overflow},
};

/// The net of two provinces.
pub(super) struct Net {
    /// Who pays it.
    pub(super) from: RegionCode,
    /// Who receives it.
    pub(super) to: RegionCode,
    /// Fen, not negative.
    pub(super) amount: Fen,
    /// True where both owed something.
    pub(super) mutual: bool,
    /// The payments in it, by the key they came with.
    pub(super) payments: Vec<(usize, Payment)>,
}

/// Nets per unordered pair, in the order of pairs.
pub(super) fn nets(payments: impl IntoIterator<Item = (usize, Payment)>) -> Result<Vec<Net>, Overflow> {
    let mut pairs = BTreeMap::<(RegionCode, RegionCode), Vec<(usize, Payment)>>::new();
    for (key, payment) in payments {
        let (first, second) =
            (payment.from.clone().min(payment.to.clone()), payment.from.clone().max(payment.to.clone()));
        pairs.entry((first, second)).or_default().push((key, payment));
    }
    let net = |((first, second), payments): ((RegionCode, RegionCode), Vec<(usize, Payment)>)| {
        let paid_by = |who: &RegionCode| {
            Fen::sum(payments.iter().filter(|(_, payment)| payment.from == *who).map(|(_, payment)| payment.amount))
        };
        let (forth, back) = (paid_by(&first)?, paid_by(&second)?);
        let mutual = forth != Fen::ZERO && back != Fen::ZERO;
        Ok(if forth >= back {
            Net { from: first, to: second, amount: forth.minus(back)?, mutual, payments }
        } else {
            Net { from: second, to: first, amount: back.minus(forth)?, mutual, payments }
        })
    };
    pairs.into_iter().map(net).collect()
}

pub(super) fn settle(payments: &[Payment], _: &Liquidity) -> Result<Run, Overflow> {
    let last_due = |net: &Net| net.payments.iter().map(|(_, payment)| payment.due).max().unwrap_or_default();
    let mut nets = nets(payments.iter().cloned().enumerate())?;
    nets.sort_by_key(last_due);
    let mut run = Run::default();
    for net in nets {
        let round = last_due(&net);
        run.transfer(round, &net.from, &net.to, net.amount);
        run.discharged.extend(net.payments.into_iter().map(|(_, payment)| (payment, round)));
    }
    Ok(run)
}
