//! The ledger (双分录账) made of what home regions booked and of what the hub cleared: both provinces of a pair say the
//! same at the end of every month and of the last day, and in the end home owes what waits and what unpaid tables hold.

use std::collections::{BTreeMap, BTreeSet};

use zhijie_domain::{
    calendar::{Date, Month},
    ids::RegionCode,
    ledger::{
        Ledger,
        account::{Account, AccountKind},
        event::{Act, Event},
    },
    money::{Fen, Overflow},
    refusal::Refusal,
};
use zhijie_store::{Record, Store};

use super::{Stores, Subject, home};
use crate::{
    hub::{
        clearing::{fold, list, trail::Dates},
        ledger::events,
        prepayment,
    },
    node::{Failure, Owner, Pages, Role, Stop, document, keys},
    wire::pb,
};

/// Books everything and looks at the identities.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("ledger", "双分录账", "both provinces of each pair say the same");
    let Some((owner, store)) = stores.hub() else {
        subject.missing.insert(super::hub());
        return Ok(subject);
    };
    let mut books = Books { ledger: Ledger::default(), days: BTreeSet::new(), subject: &mut subject };
    for (home, store) in stores.each(Role::Home) {
        books.settled(home, store).await?;
    }
    let mut missing = BTreeSet::new();
    if let Some(dates) = books.subject.read(owner, keys::PERIODS, Dates::load(store).await)? {
        books.cleared(stores, store, (owner, &dates), &mut missing).await?;
        books.invariants(owner)?;
        // While tables are being made, what they hold is neither waiting nor in a table.
        if dates.made.len() == dates.tables.len() {
            books.owed(owner, store).await?;
        }
    }
    books.prepaid(owner, store).await?;
    subject.missing = missing;
    Ok(subject)
}

struct Books<'a> {
    ledger: Ledger,
    /// Days on which something was booked.
    days: BTreeSet<Date>,
    subject: &'a mut Subject,
}

impl Books<'_> {
    fn post(&mut self, owner: &Owner, key: &[u8], event: &Event) -> Result<(), Failure> {
        self.subject.look();
        self.days.insert(event.day);
        let posted = events::post(&mut self.ledger, event).map_err(Refusal::from);
        self.subject.read(owner, key, posted).map(drop)
    }

    async fn settled(&mut self, owner: &Owner, store: &Store) -> Result<(), Failure> {
        let mut pages = Pages::of(store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, Record { value, .. }) in &page {
                let Some(booked) = self.subject.read(owner, key, events::read(key, value))? else { continue };
                self.post(owner, key, &Event::from(&booked.settlement))?;
            }
        }
        Ok(())
    }

    /// What the hub's book and tables tell. A home that was not given is booked as the hub has it.
    async fn cleared(
        &mut self,
        stores: &Stores,
        store: &Store,
        (owner, dates): (&Owner, &Dates),
        missing: &mut BTreeSet<Owner>,
    ) -> Result<(), Failure> {
        let mut pages = Pages::of(store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, Record { value, .. }) in &page {
                let Some(booked) = self.subject.read(owner, key, events::read(key, value))? else { continue };
                let own = home(&booked.settlement.claim.home);
                if stores.get(&own).is_none() {
                    self.post(owner, key, &Event::from(&booked.settlement))?;
                    missing.insert(own);
                }
                let told = events::at_care(store, dates, &booked).await;
                for event in self.subject.read(owner, key, told)?.unwrap_or_default() {
                    self.post(owner, key, &event)?;
                }
            }
        }
        let told = events::of_pairs(store).await;
        for event in self.subject.read(owner, keys::TABLES, told)?.unwrap_or_default() {
            self.post(owner, keys::TABLES, &event)?;
        }
        Ok(())
    }

    /// The identities of the ledger at the end of each month and of the last day.
    fn invariants(&mut self, owner: &Owner) -> Result<(), Failure> {
        let months: BTreeSet<Month> = self.days.iter().map(|day| Month::of(*day)).collect();
        let ends: BTreeSet<Date> = months.into_iter().map(Month::last_day).chain(self.days.last().copied()).collect();
        for on in ends {
            let found = self.ledger.invariants(on).map_err(Refusal::from);
            for violation in self.subject.read(owner, keys::BOOK, found)?.unwrap_or_default() {
                self.subject.differs(owner, keys::BOOK, on, violation);
            }
        }
        Ok(())
    }

    /// In the end home owes care what waits and what unpaid tables hold.
    async fn owed(&mut self, owner: &Owner, store: &Store) -> Result<(), Failure> {
        let owed = owed(store).await;
        let Some(mut owed) = self.subject.read(owner, keys::TABLES, owed)? else { return Ok(()) };
        let accounts = self.ledger.accounts(Date::MAX).map_err(Refusal::from);
        for account in self.subject.read(owner, keys::BOOK, accounts)?.unwrap_or_default().into_keys() {
            if let AccountKind::PayableTo(care) = &account.kind {
                owed.entry((account.owner.clone(), care.clone())).or_default();
            }
        }
        for ((home, care), right) in owed {
            let account = Account { owner: home.clone(), kind: AccountKind::PayableTo(care.clone()) };
            let payable = self.ledger.balance(&account, Date::MAX).map_err(Refusal::from);
            if let Some(payable) = self.subject.read(owner, keys::BOOK, payable)?
                && payable != right
            {
                let what =
                    format!("{home} owes {care} {payable} by its book, and {right} waits or stands in unpaid tables");
                self.subject.differs(owner, keys::TABLES, "payable", what);
            }
        }
        Ok(())
    }

    /// What care holds of a prepayment is what moved.
    async fn prepaid(&mut self, owner: &Owner, store: &Store) -> Result<(), Failure> {
        let quotas = prepayment::all(store).await;
        for quota in self.subject.read(owner, keys::QUOTAS, quotas)?.unwrap_or_default() {
            let moved = Fen::sum(quota.moved.iter().map(|moved| Fen(moved.amount))).map_err(Refusal::from);
            let key = [keys::QUOTAS, quota.home.as_bytes(), b"/", quota.care.as_bytes()].concat();
            if let Some(moved) = self.subject.read(owner, &key, moved)? {
                self.subject.compare(owner, &key, "balance", Fen(quota.balance), moved);
            }
        }
        Ok(())
    }
}

type Owed = BTreeMap<(RegionCode, RegionCode), Fen>;

/// What waits and what unpaid tables hold, by home and care province. What a table took over as a credit is in the
/// table that left it.
async fn owed(store: &Store) -> Result<Owed, Stop> {
    let mut owed = Owed::new();
    let mut add = |home: RegionCode, care: RegionCode, amount: Fen| {
        let sum = owed.entry((home, care)).or_default();
        *sum = sum.plus(amount)?;
        Ok::<_, Overflow>(())
    };
    let mut pages = Pages::of(store, keys::WAITING);
    while let Some(page) = pages.next().await? {
        for (key, Record { value, .. }) in &page {
            let item: pb::WaitingItem = document(key, value)?;
            let item = crate::wire::clearing::parse_waiting(&item)?;
            // What it deducts is booked with the table that takes it.
            add(item.home.clone(), item.care.clone(), item.amount()?)?;
        }
    }
    for table in list::tables(store, None, |_| true).await? {
        let (_, home, care) = fold::names(&table)?;
        add(home, care, Fen(table.payable).minus(Fen(table.credit))?)?;
    }
    for Event { home, care, act, .. } in events::of_pairs(store).await? {
        match (act, home, care) {
            (Act::ClearingPaid(amount), home, care) if !amount.is_negative() => add(home, care, amount.negated()?)?,
            (Act::ClearingReceived(amount), home, care) if amount.is_negative() => add(home, care, amount.negated()?)?,
            _ => {}
        }
    }
    Ok(owed)
}
