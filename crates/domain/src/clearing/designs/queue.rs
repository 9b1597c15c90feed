//! Gross with queue and offset (排队与轧差): payments wait until their payer has money; when nothing moves, what can
//! settle together does. Source: a what-if; the offset drops the last payments of provinces that fall short until the
//! rest fits, after Bech and Soramäki. What ranks equal moves together or not at all, so that no province's code decides.

use std::collections::BTreeMap;

use super::{Liquidity, Party, Payment, Run, Transfer, add, bilateral, multilateral, positions};
use crate::{
    ids::RegionCode,
    money::{Fen, Overflow},
};

/// Goes on until everything is paid. What waits longer than the queue works is settled together in the round after,
/// with the money that is missing put in.
pub(super) fn settle(payments: &[Payment], liquidity: &Liquidity) -> Result<Run, Overflow> {
    let waiting = payments.iter().cloned().enumerate().collect();
    let mut queue = Queue { waiting, money: liquidity.start.clone(), run: Run::default() };
    let last_due = payments.iter().map(|payment| payment.due).max().unwrap_or_default();
    let last = liquidity.rounds_max.max(last_due);
    let mut round = 0;
    while round <= last && !queue.waiting.is_empty() {
        let moved = queue.release(round)? || queue.offset_pairs(round)? || queue.offset_all(round)?;
        // Where nothing moves, nothing will before the next payment is due.
        let next_due = queue.waiting.values().map(|payment| payment.due).filter(|due| *due > round).min();
        let next = if moved { round } else { next_due.map_or(last, |due| due - 1) };
        round = next.checked_add(1).ok_or(Overflow)?;
    }
    queue.inject(round)?;
    Ok(queue.run)
}

struct Queue {
    /// Payments not discharged yet, by their place in the period.
    waiting: BTreeMap<usize, Payment>,
    /// Money at hand by province.
    money: BTreeMap<RegionCode, Fen>,
    run: Run,
}

/// Payments that are settled together by one amount.
struct Bundle {
    from: RegionCode,
    to: RegionCode,
    amount: Fen,
    /// The place in the payer's queue: the smaller goes first.
    rank: (u32, Fen),
    payments: Vec<usize>,
}

impl Queue {
    /// Pays in the order of the queue, by due round and then the smaller first, as far as the payer's money goes.
    fn release(&mut self, round: u32) -> Result<bool, Overflow> {
        let released = affordable(self.due_singly(round), &self.money, Receipts::Later)?;
        self.pay(round, released)
    }

    /// Settles the nets of provinces that wait for one another, the smallest net first.
    fn offset_pairs(&mut self, round: u32) -> Result<bool, Overflow> {
        let due = self.waiting.iter().filter(|(_, payment)| payment.due <= round);
        let nets = bilateral::nets(due.map(|(key, payment)| (*key, payment.clone())))?;
        let bundle = |net: bilateral::Net| Bundle {
            from: net.from,
            to: net.to,
            amount: net.amount,
            rank: (0, net.amount),
            payments: net.payments.into_iter().map(|(key, _)| key).collect(),
        };
        let bundles = nets.into_iter().filter(|net| net.mutual).map(bundle).collect();
        let settled = affordable(bundles, &self.money, Receipts::Later)?;
        self.pay(round, settled)
    }

    /// Settles at once the largest front of all queues that fits when everybody may pay with what they receive.
    fn offset_all(&mut self, round: u32) -> Result<bool, Overflow> {
        let chosen = affordable(self.due_singly(round), &self.money, Receipts::Together)?;
        let keys: Vec<usize> = chosen.into_iter().flat_map(|bundle| bundle.payments).collect();
        let payments = keys.iter().filter_map(|key| self.waiting.get(key));
        let transfers = multilateral::through_hub(payments, round)?;
        self.move_money(transfers)?;
        self.discharge(round, &keys);
        Ok(!keys.is_empty())
    }

    /// Settles all that is left, and puts in what provinces lack for it.
    fn inject(&mut self, round: u32) -> Result<(), Overflow> {
        for (province, position) in positions(self.waiting.values())? {
            let lacking = self.money.get(&province).copied().unwrap_or_default().plus(position)?;
            if lacking.is_negative() {
                add(&mut self.run.injected, &province, lacking.negated()?)?;
                add(&mut self.money, &province, lacking.negated()?)?;
            }
        }
        let transfers = multilateral::through_hub(self.waiting.values(), round)?;
        self.move_money(transfers)?;
        let keys: Vec<usize> = self.waiting.keys().copied().collect();
        self.discharge(round, &keys);
        Ok(())
    }

    fn due_singly(&self, round: u32) -> Vec<Bundle> {
        let single = |(key, payment): (&usize, &Payment)| Bundle {
            from: payment.from.clone(),
            to: payment.to.clone(),
            amount: payment.amount,
            rank: (payment.due, payment.amount),
            payments: vec![*key],
        };
        self.waiting.iter().filter(|(_, payment)| payment.due <= round).map(single).collect()
    }

    fn pay(&mut self, round: u32, bundles: Vec<Bundle>) -> Result<bool, Overflow> {
        let moved = !bundles.is_empty();
        let mut paid = Run::default();
        for bundle in &bundles {
            paid.transfer(round, &bundle.from, &bundle.to, bundle.amount);
            self.discharge(round, &bundle.payments);
        }
        self.move_money(paid.transfers)?;
        Ok(moved)
    }

    fn move_money(&mut self, transfers: Vec<Transfer>) -> Result<(), Overflow> {
        for Transfer { from, to, amount, .. } in &transfers {
            if let Party::Province(from) = from {
                add(&mut self.money, from, amount.negated()?)?;
            }
            if let Party::Province(to) = to {
                add(&mut self.money, to, *amount)?;
            }
        }
        self.run.transfers.extend(transfers);
        Ok(())
    }

    fn discharge(&mut self, round: u32, keys: &[usize]) {
        let payments = keys.iter().filter_map(|key| self.waiting.remove(key));
        self.run.discharged.extend(payments.map(|payment| (payment, round)));
    }
}

/// When a province may use what others pay it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receipts {
    /// In the next round.
    Later,
    /// In the same settlement.
    Together,
}

/// The longest fronts of all payers' queues that leave nobody short. Dropping one payment never helps another
/// payer, so the outcome does not depend on whose payments are dropped first.
fn affordable(
    bundles: Vec<Bundle>,
    money: &BTreeMap<RegionCode, Fen>,
    receipts: Receipts,
) -> Result<Vec<Bundle>, Overflow> {
    let mut left = money.clone();
    let mut queues = BTreeMap::<RegionCode, BTreeMap<(u32, Fen), Vec<Bundle>>>::new();
    for bundle in bundles {
        add(&mut left, &bundle.from, bundle.amount.negated()?)?;
        if receipts == Receipts::Together {
            add(&mut left, &bundle.to, bundle.amount)?;
        }
        queues.entry(bundle.from.clone()).or_default().entry(bundle.rank).or_default().push(bundle);
    }
    loop {
        let short = queues.iter_mut().filter(|(payer, _)| left.get(payer).is_some_and(|money| money.is_negative()));
        let Some((_, dropped)) = short.into_iter().find_map(|(_, queue)| queue.pop_last()) else { break };
        for bundle in dropped {
            add(&mut left, &bundle.from, bundle.amount)?;
            if receipts == Receipts::Together {
                add(&mut left, &bundle.to, bundle.amount.negated()?)?;
            }
        }
    }
    Ok(queues.into_values().flat_map(BTreeMap::into_values).flatten().collect())
}
