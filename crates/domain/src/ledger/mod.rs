//! The ledger (双分录账): what every province's books say of clearing, on any day in the past.
//! Source: 医保发〔2022〕22号 for what is owed and when; accounts and entries by design.

pub mod account;
pub mod event;
pub mod invariants;

use std::collections::BTreeMap;

use account::{Account, Side};
use event::Entry;

use crate::{
    calendar::Date,
    ids::RegionCode,
    money::{Fen, Overflow},
};

/// Turnover of both sides, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// 借方发生额.
    pub debit: Fen,
    /// 贷方发生额.
    pub credit: Fen,
}

impl Totals {
    /// The balance as an account of that side has it: negative where the other side is larger.
    ///
    /// # Errors
    /// [`Overflow`] when the difference does not fit.
    pub fn balance(&self, side: Side) -> Result<Fen, Overflow> {
        match side {
            Side::Debit => self.debit.minus(self.credit),
            Side::Credit => self.credit.minus(self.debit),
        }
    }

    fn plus(self, other: Totals) -> Result<Totals, Overflow> {
        Ok(Totals { debit: self.debit.plus(other.debit)?, credit: self.credit.plus(other.credit)? })
    }
}

impl From<&Entry> for Totals {
    fn from(entry: &Entry) -> Totals {
        match entry.side {
            Side::Debit => Totals { debit: entry.amount, credit: Fen::ZERO },
            Side::Credit => Totals { debit: Fen::ZERO, credit: entry.amount },
        }
    }
}

/// The books of all provinces, summed by account and day. Entries of any day may come at any time: a past day then
/// says what is known of it now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    accounts: BTreeMap<Account, BTreeMap<Date, Totals>>,
}

impl Ledger {
    /// Books entries: all of them, or none where one does not fit.
    ///
    /// # Errors
    /// [`Overflow`] when a day's sum does not fit.
    pub fn post(&mut self, entries: &[Entry]) -> Result<(), Overflow> {
        let mut sums = BTreeMap::<(&Account, Date), Totals>::new();
        for entry in entries {
            let key = (&entry.account, entry.day);
            let known = self.accounts.get(&entry.account).and_then(|days| days.get(&entry.day));
            let sum = sums.get(&key).or(known).copied().unwrap_or_default().plus(entry.into())?;
            sums.insert(key, sum);
        }
        for ((account, day), totals) in sums {
            self.accounts.entry(account.clone()).or_default().insert(day, totals);
        }
        Ok(())
    }

    /// What an account holds at the end of a day, positive on the side on which it grows, fen.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn balance(&self, account: &Account, on: Date) -> Result<Fen, Overflow> {
        let totals = self.accounts.get(account).map_or(Ok(Totals::default()), |days| sum(days, on))?;
        totals.balance(account.kind.side())
    }

    /// Every account's turnover from the beginning to the end of a day (发生额).
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn accounts(&self, on: Date) -> Result<BTreeMap<&Account, Totals>, Overflow> {
        self.accounts.iter().map(|(account, days)| Ok((account, sum(days, on)?))).collect()
    }

    /// The trial balance (试算平衡): each province's turnover to the end of a day. Both sides are equal.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn trial(&self, on: Date) -> Result<BTreeMap<RegionCode, Totals>, Overflow> {
        let mut trial = BTreeMap::<RegionCode, Totals>::new();
        for (account, totals) in self.accounts(on)? {
            let province = trial.entry(account.owner.clone()).or_default();
            *province = province.plus(totals)?;
        }
        Ok(trial)
    }
}

fn sum(days: &BTreeMap<Date, Totals>, on: Date) -> Result<Totals, Overflow> {
    days.range(..=on).map(|(_, totals)| *totals).try_fold(Totals::default(), Totals::plus)
}
