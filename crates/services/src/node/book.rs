//! The book (账) of a role: settlements and negative records, by accounting day. Facts are added, never changed;
//! what is known of a settlement since stands beside it.

use zhijie_domain::{
    calendar::Date,
    ids::{InstitutionCode, MessageId, SettlementId},
    refusal::{Code, Refusal},
    settlement::{Amounts, Kind, Settlement},
};
use zhijie_store::{Store, Txn};

use super::{
    Failure, Key, Records, Stop, answer_of, keys,
    planted::planted,
    records::{damaged, document, stored},
};
use crate::wire::{
    self, id,
    pb::{self, answer::Outcome, message_record::State},
    required, settlement,
};

/// A settlement in the book, with what happened to it.
pub struct Booked {
    key: Vec<u8>,
    /// The settlement.
    pub settlement: Settlement,
    /// The record.
    pub record: pb::BookRecord,
}

/// A settlement and the negative record that undid it.
pub struct Undone {
    /// The settlement.
    pub settlement: Settlement,
    /// Its negative record.
    pub record: Settlement,
}

impl Undone {
    /// Pairs a settlement with the record that undoes it: of the same claim, with every amount negative.
    ///
    /// # Errors
    /// [`Code::SplitBroken`] where it is not that.
    pub fn of(settlement: Settlement, record: Settlement) -> Result<Undone, Refusal> {
        let amounts = settlement.computation.amounts.negated()?;
        let expected = Amounts { balance: record.computation.amounts.balance, ..amounts };
        let right = record.kind != Kind::Settled
            && record.undoes.as_ref() == Some(&settlement.id)
            && record.claim == settlement.claim
            && record.computation.amounts == expected;
        if right {
            return Ok(Undone { settlement, record });
        }
        Err(Refusal::new(
            Code::SplitBroken,
            "identity: a negative record is its settlement with every sign turned",
            "record",
        ))
    }
}

/// The book of a role.
#[derive(Clone)]
pub struct Book {
    pub(super) store: Store,
}

impl Book {
    /// The book in a store.
    #[must_use]
    pub fn new(store: Store) -> Book {
        Book { store }
    }

    /// True where the book has a record of the day.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub async fn holds_any(&self, day: Date) -> Result<bool, Failure> {
        Ok(!self.store.scan_prefix(&keys::book_of(day), None, 1).await?.is_empty())
    }

    /// Reads a settlement in a transaction.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub async fn load(txn: &mut Txn, id: &SettlementId) -> Result<Option<Booked>, Failure> {
        let Some(key) = txn.get(&keys::settlement(id)).await? else { return Ok(None) };
        let value = txn.get(&key).await?.ok_or_else(|| damaged(&key))?;
        let (record, settlement) = booked(&key, &value)?;
        Ok(Some(Booked { key: key.to_vec(), settlement, record }))
    }

    /// The document of a settlement that another record of this store names.
    ///
    /// # Errors
    /// [`Failure::Damaged`] where the book does not have it.
    pub(crate) async fn document(txn: &mut Txn, id: &str) -> Result<pb::Settlement, Failure> {
        let id = SettlementId::parse(id).map_err(|_| damaged(&keys::message("")))?;
        let pointer = keys::settlement(&id);
        let key = txn.get(&pointer).await?.ok_or_else(|| damaged(&pointer))?;
        let record = txn.record::<pb::BookRecord>(&key).await?;
        record.and_then(|record| record.settlement).ok_or_else(|| damaged(&key))
    }

    /// Adds a settlement, unless it is there.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub async fn add(txn: &mut Txn, settlement: &Settlement, previous: Option<&SettlementId>) -> Result<(), Failure> {
        if let Some(booked) = Book::load(txn, &settlement.id).await? {
            let same = booked.settlement == *settlement;
            let what = "a settlement id that this book has with other content".to_owned();
            return if same { Ok(()) } else { Err(Failure::Protocol { peer: "a peer".into(), what }) };
        }
        Book::enter(txn, settlement, settlement::print(settlement), previous);
        Ok(())
    }

    /// Enters a settlement that this book cannot have: its id is new. The document is that of the settlement.
    pub(crate) fn enter(
        txn: &mut Txn,
        settlement: &Settlement,
        document: pb::Settlement,
        previous: Option<&SettlementId>,
    ) {
        let key = keys::book(settlement.day(), &settlement.id);
        let record =
            pb::BookRecord { settlement: Some(document), undone_by: String::new(), previous: wire::text(previous) };
        txn.keep(key.clone(), &record);
        txn.put(keys::settlement(&settlement.id), key);
    }

    /// Adds a negative record and marks the settlement it undoes, which is added as well where it is missing.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub async fn add_undone(txn: &mut Txn, undone: &Undone) -> Result<(), Failure> {
        Book::add(txn, &undone.settlement, None).await?;
        Book::add(txn, &undone.record, None).await?;
        if let Some(mut booked) = Book::load(txn, &undone.settlement.id).await? {
            let undone_by = undone.record.id.to_string();
            if !booked.record.undone_by.is_empty() && booked.record.undone_by != undone_by && !planted!(DoubleCancel) {
                let what = "a second negative record of one settlement".to_owned();
                return Err(Failure::Protocol { peer: "a peer".into(), what });
            }
            booked.record.undone_by = undone_by;
            txn.keep(booked.key, &booked.record);
        }
        Ok(())
    }

    /// Answers a query for a settlement or a message.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub async fn find(&self, request: &pb::FindRequest) -> Result<pb::Answer, Failure> {
        answer_of(self.found(request).await)
    }

    async fn found(&self, request: &pb::FindRequest) -> Result<pb::Answer, Stop> {
        use pb::find_request::By;
        let mut txn = self.store.begin();
        match required(request.by.as_ref(), "by")? {
            By::Settlement(text) => found_settlement(&mut txn, &id(SettlementId::parse, text, "settlement")?).await,
            By::Message(message) => {
                let institution = id(InstitutionCode::parse, &message.institution, "message.institution")?;
                let sender = id(MessageId::parse, &message.message_id, "message.message_id")?;
                let act = pb::Act::try_from(message.act).ok().filter(|act| *act != pb::Act::Unspecified);
                let act = act.ok_or_else(|| Refusal::malformed("message.act", "无此业务", "a known act"))?;
                let key = Key::new(&institution, act, &sender);
                let record = txn.record::<pb::MessageRecord>(&key.message()).await?;
                found_message(&mut txn, record).await
            }
        }
    }
}

async fn found_message(txn: &mut Txn, record: Option<pb::MessageRecord>) -> Result<pb::Answer, Stop> {
    match record.and_then(|record| record.state) {
        None => Err(Refusal::new(Code::SettlementUnknown, "the messages of this service", "message").into()),
        Some(State::Intent(_)) => {
            Ok(wire::answer(Outcome::Unknown(pb::Unknown { reason: "on its way; not answered yet".into() })))
        }
        Some(State::Reversed(answer)) => Ok(answer),
        Some(State::Answer(answer)) => match &answer.outcome {
            Some(Outcome::Settlement(settled)) => {
                found_settlement(txn, &id(SettlementId::parse, &settled.id, "settlement")?).await
            }
            _ => Ok(answer),
        },
    }
}

async fn found_settlement(txn: &mut Txn, id: &SettlementId) -> Result<pb::Answer, Stop> {
    let booked = Book::load(txn, id).await?.ok_or_else(unknown_settlement)?;
    let document = settlement::print(&booked.settlement);
    let Ok(undone_by) = SettlementId::parse(&booked.record.undone_by) else {
        return Ok(wire::answer(Outcome::Settlement(document.into())));
    };
    let record = Book::load(txn, &undone_by).await?.ok_or_else(|| damaged(&booked.key))?;
    let record = settlement::print(&record.settlement);
    Ok(wire::answer(Outcome::Reversal(
        pb::Reversal { undone: Some(document), record: Some(record), visit: None }.into(),
    )))
}

/// A record of a book, with its settlement read.
///
/// # Errors
/// [`Failure::Damaged`].
pub(crate) fn booked(key: &[u8], value: &[u8]) -> Result<(pb::BookRecord, Settlement), Failure> {
    let record: pb::BookRecord = document(key, value)?;
    let settlement = stored(settlement::parse(record.settlement.as_ref().ok_or_else(|| damaged(key))?), key)?;
    Ok((record, settlement))
}

/// The refusal of a settlement that is not in the book.
pub(crate) fn unknown_settlement() -> Refusal {
    Refusal::new(Code::SettlementUnknown, "the book of this service", "settlement")
}

/// Reads what a peer says it undid; both or neither must be there.
pub(crate) fn parse_undone(reversal: &pb::Reversal) -> Result<Option<Undone>, Refusal> {
    let (Some(undone), Some(record)) = (&reversal.undone, &reversal.record) else { return Ok(None) };
    Undone::of(settlement::parse(undone)?, settlement::parse(record)?).map(Some)
}
