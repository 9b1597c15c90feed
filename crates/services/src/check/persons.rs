//! What home keeps of a person follows from its book: the accumulators (年度累计), the purse (个账) and the last settlement.
//! The chain of a person's settlements in force is walked from the last one back: memory holds one person at a time.

use zhijie_domain::{
    accumulator::Accumulators,
    calendar::Moment,
    ids::SettlementId,
    money::Overflow,
    person::Purse,
    refusal::Refusal,
    settlement::{Amounts, Kind, Settlement},
};
use zhijie_store::{Bytes, Store};

use super::{Stores, Subject, unequal};
use crate::{
    home::member::{self, Member},
    hub::ledger::events::{self, Read},
    node::{Failure, Owner, Pages, Role, Undone, document, entry, keys, stored},
    wire::{optional_id, pb, person},
};

/// How far home's clock may have been set back between two records of a person, ms.
const CLOCK_SET_BACK_MS: i64 = 3_600_000;

/// Rebuilds every person of every home region.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("persons", "累计与账户", "accumulators and purses follow from the book");
    for (owner, store) in stores.each(Role::Home) {
        let mut home = Home { owner, store, subject: &mut subject, walked: 0 };
        let in_force = home.book().await?;
        home.register(in_force).await?;
        if home.walked != in_force {
            home.find_loose().await?;
        }
    }
    Ok(subject)
}

/// One home region.
struct Home<'a> {
    owner: &'a Owner,
    store: &'a Store,
    subject: &'a mut Subject,
    /// Settlements in force that a person's chain holds.
    walked: u64,
}

/// What a person's settlements in force are, the last one first.
#[derive(Default)]
struct Walk {
    accumulators: Accumulators,
    paid: Vec<(Bytes, Amounts)>,
}

impl Home<'_> {
    /// Reads the book: a negative record undoes its settlement, and comes after it. Counts the settlements in force.
    async fn book(&mut self) -> Result<u64, Failure> {
        let mut in_force: u64 = 0;
        let mut pages = Pages::of(self.store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                // What does not read is named with the records.
                if entry(key, &record.value).is_ok_and(|booked| booked.in_force()) {
                    in_force = in_force.saturating_add(1);
                    continue;
                }
                let Ok(booked) = events::read(key, &record.value) else { continue };
                match (booked.settlement.kind, &booked.undone_by) {
                    (Kind::Settled, None) => {}
                    (Kind::Settled, Some(by)) => self.undone(key, &booked.settlement, by).await?,
                    _ => self.negative(key, &booked.settlement).await?,
                }
            }
        }
        Ok(in_force)
    }

    /// A settlement that was undone has the negative record that says so.
    async fn undone(&mut self, key: &Bytes, settlement: &Settlement, by: &SettlementId) -> Result<(), Failure> {
        match self.find(by).await? {
            None => self.subject.differs(self.owner, key, "undone_by", format!("{by}, which the book does not hold")),
            Some((_, record)) if record.settlement.at < settlement.at => {
                self.subject.differs(self.owner, key, "undone_by", format!("{by}, which was booked before it"));
            }
            Some((_, record)) => {
                if let Err(refusal) = Undone::of(settlement.clone(), record.settlement) {
                    self.subject.differs(self.owner, key, "undone_by", refusal.rule);
                }
            }
        }
        Ok(())
    }

    /// A negative record undoes a settlement that says so.
    async fn negative(&mut self, key: &Bytes, record: &Settlement) -> Result<(), Failure> {
        let undone = match &record.undoes {
            Some(undoes) => self.find(undoes).await?,
            None => None,
        };
        if undone.is_none_or(|(_, undone)| undone.undone_by.as_ref() != Some(&record.id)) {
            self.subject.differs(self.owner, key, "undoes", "the settlement that it undoes does not say so");
        }
        Ok(())
    }

    async fn register(&mut self, in_force: u64) -> Result<(), Failure> {
        let mut pages = Pages::of(self.store, keys::PERSONS);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let member = document::<pb::PersonRecord>(key, &record.value)
                    .and_then(|record| stored(member::parse(&record), key));
                let Some(member) = self.subject.read(self.owner, key, member)? else { continue };
                self.subject.look();
                if let Some(walk) = self.walk(key, &member, in_force).await? {
                    self.walked = self.walked.saturating_add(walk.count());
                    self.accumulators(key, &member, &walk);
                    self.purse(key, &member, &walk)?;
                }
            }
        }
        Ok(())
    }

    fn accumulators(&mut self, key: &Bytes, member: &Member, walk: &Walk) {
        let print = person::print_accumulators;
        if let Some(unequal) = unequal::first(&print(&member.accumulators), &print(&walk.accumulators)) {
            let what = format!("{}, and the book gives {}", unequal.found, unequal.right);
            self.subject.differs(self.owner, key, format!("accumulators.{}", unequal.field), what);
        }
    }

    /// Pays every settlement out of the purse with which the person was entered, the first one first.
    fn purse(&mut self, key: &Bytes, member: &Member, walk: &Walk) -> Result<(), Failure> {
        let mut purse = member.opening;
        for (place, amounts) in walk.paid.iter().rev() {
            let left = after(purse, amounts).map_err(Refusal::from);
            let Some(left) = self.subject.read(self.owner, place, left)? else { return Ok(()) };
            purse = left;
            self.subject.compare(self.owner, place, "amounts.balance", amounts.balance, purse.account);
        }
        self.subject.compare(self.owner, key, "purse.account", member.purse.account, purse.account);
        self.subject.compare(self.owner, key, "purse.family", member.purse.family, purse.family);
        Ok(())
    }

    /// Walks from the last settlement back; nothing where the chain is broken, which is told.
    async fn walk(&mut self, key: &Bytes, member: &Member, in_force: u64) -> Result<Option<Walk>, Failure> {
        let mut walk = Walk::default();
        let (mut next, mut later) = (member.last_settlement.clone(), None);
        while let Some(id) = next {
            let Some((place, booked, previous)) = self.found(&id).await? else {
                let what = format!("{id}, which the book does not hold");
                self.subject.differs(self.owner, key, "last_settlement", what);
                return Ok(None);
            };
            let settlement = &booked.settlement;
            let right = settlement.kind == Kind::Settled
                && booked.undone_by.is_none()
                && settlement.claim.person == member.person.id
                && later.is_none_or(|later: Moment| settlement.at <= later.plus_ms(CLOCK_SET_BACK_MS))
                && walk.count() < in_force;
            if !right {
                let what = "a chain of the person's settlements in force, in the order of their time, does not hold it";
                self.subject.differs(self.owner, &place, "previous", what);
                return Ok(None);
            }
            let differences = &settlement.computation.differences;
            let added = walk.accumulators.plus(settlement.claim.scheme, differences).map_err(Refusal::from);
            let Some(added) = self.subject.read(self.owner, &place, added)? else { return Ok(None) };
            (next, later) = (previous, Some(settlement.at));
            walk.accumulators = added;
            walk.paid.push((place, settlement.computation.amounts));
        }
        Ok(Some(walk))
    }

    /// A record by its id, where the book holds it and it reads.
    async fn find(&self, id: &SettlementId) -> Result<Option<(Bytes, Read)>, Failure> {
        Ok(self.found(id).await?.map(|(key, read, _)| (key, read)))
    }

    /// The same, with the person's settlement before it.
    async fn found(&self, id: &SettlementId) -> Result<Option<(Bytes, Read, Option<SettlementId>)>, Failure> {
        let Some(pointer) = self.store.get(&keys::settlement(id)).await? else { return Ok(None) };
        let key = pointer.value;
        let Some(record) = self.store.get(&key).await? else { return Ok(None) };
        let Ok(read) = events::read(&key, &record.value) else { return Ok(None) };
        let Ok(content) = document::<pb::BookContent>(&key, &record.value) else { return Ok(None) };
        let Ok(previous) = optional_id(SettlementId::parse, &content.previous, "previous") else { return Ok(None) };
        Ok(Some((key, read, previous)))
    }

    /// Names the settlements in force that no person's chain holds.
    async fn find_loose(&mut self) -> Result<(), Failure> {
        let mut pages = Pages::of(self.store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let Ok(Read { settlement, undone_by: None }) = events::read(key, &record.value) else { continue };
                if settlement.kind == Kind::Settled && !self.is_chained(&settlement).await? {
                    self.subject.differs(self.owner, key, "record", "the chain of its person does not hold it");
                }
            }
        }
        Ok(())
    }

    async fn is_chained(&self, settlement: &Settlement) -> Result<bool, Failure> {
        let key = keys::person(&settlement.claim.person);
        let Some(record) = self.store.get(&key).await? else { return Ok(false) };
        let last = document::<pb::PersonRecord>(&key, &record.value).map(|record| record.last_settlement);
        let mut next = last.ok().and_then(|last| SettlementId::parse(&last).ok());
        while let Some(id) = next {
            if id == settlement.id {
                return Ok(true);
            }
            let Some((_, booked, previous)) = self.found(&id).await? else { return Ok(false) };
            if booked.settlement.at.plus_ms(CLOCK_SET_BACK_MS) < settlement.at {
                return Ok(false);
            }
            next = previous;
        }
        Ok(false)
    }
}

impl Walk {
    fn count(&self) -> u64 {
        u64::try_from(self.paid.len()).unwrap_or(u64::MAX)
    }
}

/// The purse after a settlement.
fn after(purse: Purse, amounts: &Amounts) -> Result<Purse, Overflow> {
    let own = amounts.account.minus(amounts.family)?;
    Ok(Purse { account: purse.account.minus(own)?, family: purse.family.minus(amounts.family)? })
}
