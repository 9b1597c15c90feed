//! Cures as the hub keeps them: begun before anything is sent, so that they go on after a restart, and done.

use zhijie_domain::{
    ids::SettlementId,
    reconcile::{Cure, Difference},
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::{
    super::{Hub, events},
    holders::Booking,
};
use crate::{
    node::{Committed, Failure, Pages, Records, Stop, commit, document, keys, limits, stored},
    wire::{codes, difference, id, optional_id, pb, required, settlement},
};

/// A cure that was begun or done.
pub(super) struct Fact {
    id: SettlementId,
    number: usize,
    pub(super) record: pb::CureRecord,
}

/// All cures of a record, oldest first.
pub(super) async fn of(hub: &Hub, id: &SettlementId) -> Result<Vec<Fact>, Failure> {
    let prefix = keys::cures_of(id);
    let mut facts = Vec::new();
    let mut pages = Pages::of(&hub.node.store, &prefix[..]);
    while let Some(page) = pages.next().await? {
        for (key, kept) in &page {
            let damaged = || Failure::Damaged(keys::shown(key));
            let number = key.get(prefix.len()..).and_then(|rest| std::str::from_utf8(rest).ok()?.parse().ok());
            let record = document(key, &kept.value)?;
            facts.push(Fact { id: id.clone(), number: number.ok_or_else(damaged)?, record });
        }
    }
    Ok(facts)
}

/// Adds a cure behind the others; what it means for the hub's book is in the same commit.
pub(super) async fn add(
    hub: &Hub,
    id: &SettlementId,
    known: &[Fact],
    record: pb::CureRecord,
    booking: Option<&Booking>,
) -> Result<Fact, Stop> {
    let number = known.last().map_or(0, |last| last.number) + 1;
    let fact = Fact { id: id.clone(), number, record };
    let mut txn = hub.node.store.begin();
    if txn.record::<pb::CureRecord>(&fact.key()).await?.is_none() {
        if let Some(booking) = booking {
            booking.adopt(hub, &mut txn).await?;
        }
        fact.keep(&mut txn);
        if matches!(commit(txn).await?, Committed::Yes) {
            if !fact.record.begun {
                hub.tell(events::cure(&fact.outcome()));
            }
            return Ok(fact);
        }
    }
    Err(Refusal::new(Code::Busy, "one cure of a record at a time", "settlement").into())
}

impl Fact {
    fn key(&self) -> Vec<u8> {
        keys::cure(&self.id, self.number)
    }

    fn keep(&self, txn: &mut Txn) {
        txn.keep(self.key(), &self.record);
    }

    /// What it came to.
    pub(super) fn outcome(&self) -> pb::CureOutcome {
        self.record.outcome.clone().unwrap_or_default()
    }

    /// True for a cure of this way.
    pub(super) fn is(&self, cure: Cure) -> bool {
        codes::optional(self.outcome().cure) == Some(cure)
    }

    /// True where it is done and closes the difference.
    pub(super) fn closes(&self, found: &Difference) -> bool {
        !self.record.begun && difference::parse_cured(&self.outcome()).is_ok_and(|cured| cured.closes(found))
    }

    /// True where this book takes a record by it.
    pub(super) fn gives_to(&self, book: &str) -> bool {
        self.outcome().took.iter().any(|took| took == book)
    }

    /// What it gives to the books.
    pub(super) fn booking(&self) -> Result<Booking, Failure> {
        let parsed = || {
            let document = required(self.record.settlement.as_ref(), "settlement")?;
            let record = self.record.record.as_ref().map(settlement::parse).transpose()?;
            Ok(Booking { settlement: settlement::parse(document)?, record })
        };
        stored(parsed(), &self.key())
    }

    /// Takes a cure back that was begun and refused before it did anything.
    pub(super) async fn drop(self, hub: &Hub) -> Result<(), Stop> {
        let (mut txn, key) = (hub.node.store.begin(), self.key());
        // Another who went on with it may have finished it meanwhile.
        if txn.record::<pb::CureRecord>(&key).await?.is_none_or(|known| !known.begun) {
            return Ok(());
        }
        txn.delete(key);
        match commit(txn).await? {
            Committed::Yes => Ok(()),
            Committed::Conflict | Committed::Busy => Err(Refusal::new(Code::Busy, "bounded queues", "").into()),
        }
    }

    /// Ends a cure: the hub's book takes its part in the same commit.
    pub(super) async fn finish(mut self, hub: &Hub, booking: &Booking) -> Result<pb::CureOutcome, Stop> {
        let mut outcome = self.outcome();
        if self.is(Cure::Reverse) {
            outcome.negative = booking.record.as_ref().map(|record| record.id.to_string()).unwrap_or_default();
        }
        (self.record.begun, self.record.outcome) = (false, Some(outcome.clone()));
        for _ in 0..limits::ATTEMPTS_MAX {
            let mut txn = hub.node.store.begin();
            if self.gives_to("hub") {
                booking.adopt(hub, &mut txn).await?;
            }
            self.keep(&mut txn);
            if let Some(negative) =
                stored(optional_id(SettlementId::parse, &outcome.negative, "negative"), &self.key())?
            {
                // It is a difference of its own day, and closed for the same reason.
                Fact { id: negative, number: 1, record: self.record.clone() }.keep(&mut txn);
            }
            match commit(txn).await? {
                Committed::Yes => {
                    hub.tell(events::cure(&outcome));
                    return Ok(outcome);
                }
                Committed::Conflict => {}
                Committed::Busy => break,
            }
        }
        Err(Refusal::new(Code::Busy, "bounded queues", "").into())
    }
}

/// The record that a request names.
pub(super) fn named(text: &str) -> Result<SettlementId, Refusal> {
    id(SettlementId::parse, text, "settlement")
}
