//! Heads of days in a store (日链): a region makes those of its own book, the hub keeps those of all. They are chained
//! and numbered, so that one is only ever added behind the last.

use zhijie_domain::{author::Author, calendar::Date, proof::Head, signature::Signature};
use zhijie_store::{Store, Txn};

use super::{
    Failure, Records, document, keys,
    records::{damaged, stored},
};
use crate::wire::{pb, proof};

/// A head, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedHead {
    pub(crate) head: Head,
    pub(crate) signature: Signature,
}

impl SignedHead {
    /// Reads a head as it is kept or sent.
    pub(crate) fn parse(document: &pb::DayHead) -> Result<SignedHead, zhijie_domain::refusal::Refusal> {
        proof::parse_head(document).map(|(head, signature)| SignedHead { head, signature })
    }

    /// Keeps it as the last of its region and of its day.
    pub(crate) fn keep(&self, txn: &mut Txn) {
        let Head { author, number, day, .. } = &self.head;
        let key = keys::head(author, *number);
        txn.put(keys::last_head(author), key.clone());
        txn.put(keys::head_of_day(author, *day), key.clone());
        txn.keep(key, &proof::print_head(&self.head, &self.signature));
    }

    /// True where it is the head behind another, or the first.
    pub(crate) fn follows(&self, last: Option<&SignedHead>) -> bool {
        let previous = last.map(|last| last.head.statement().digest());
        self.head.previous == previous && self.head.number == number_of(last) + 1
    }
}

/// The number of a head; 0 where there is none.
pub(crate) fn number_of(head: Option<&SignedHead>) -> u64 {
    head.map_or(0, |signed| signed.head.number)
}

/// The last head of a region.
pub(crate) async fn last(txn: &mut Txn, author: &Author) -> Result<Option<SignedHead>, Failure> {
    behind(txn, &keys::last_head(author)).await
}

/// The last head of a day.
pub(crate) async fn of_day(txn: &mut Txn, author: &Author, day: Date) -> Result<Option<SignedHead>, Failure> {
    behind(txn, &keys::head_of_day(author, day)).await
}

async fn behind(txn: &mut Txn, pointer: &[u8]) -> Result<Option<SignedHead>, Failure> {
    let Some(key) = txn.get(pointer).await? else { return Ok(None) };
    let head: pb::DayHead = txn.record(&key).await?.ok_or_else(|| damaged(pointer))?;
    stored(SignedHead::parse(&head), &key).map(Some)
}

/// The heads of a region behind one, ascending, at most so many.
pub(crate) async fn after(
    store: &Store,
    author: &Author,
    number: u64,
    most: usize,
) -> Result<Vec<pb::DayHead>, Failure> {
    let page = store.scan_prefix(&keys::heads_of(author), Some(&keys::head(author, number)), most).await?;
    page.iter().map(|(key, record)| document(key, &record.value)).collect()
}
