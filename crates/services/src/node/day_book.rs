//! The day book (日账) of a role, read as it is taken: the records of an accounting day, ascending by id, and their totals.

use std::{collections::BTreeMap, future::ready};

use futures_util::{
    TryStreamExt,
    stream::{self, BoxStream, StreamExt},
};
use tonic::Status;
use zhijie_domain::{
    author::Author,
    calendar::{Date, parse_date},
    ids::SettlementId,
    proof::{Facts, tree::Tree},
    reconcile::{Entry, Filter, Totals, count},
    signature::Proof,
};

use super::{
    Book, Failure, Pages, Signatory, Stop, heads,
    keyring::Keyring,
    keys, limits,
    records::{document, stored},
};
use crate::wire::{self, book, pb, proof, refusal};

/// Records of a day, streamed to a peer.
pub type Entries = BoxStream<'static, Result<pb::BookEntry, Status>>;

/// Records of a day.
pub type Day = BoxStream<'static, Result<Entry, Failure>>;

impl Book {
    /// The records of a day that a filter passes, read from the store as they are taken.
    #[must_use]
    pub fn entries(&self, day: Date, filter: Filter) -> Day {
        let entries = if filter.settlements.is_empty() {
            self.scan(day)
        } else {
            self.named(day, filter.settlements.iter().cloned().collect())
        };
        entries.try_filter(move |entry| ready(filter.passes(entry))).boxed()
    }

    /// The records of a day, ascending by id, for a peer.
    #[must_use]
    pub fn day(&self, day: Date) -> Entries {
        printed(self.entries(day, Filter::default()))
    }

    fn scan(&self, day: Date) -> Day {
        let store = self.store.clone();
        let pages = stream::try_unfold(Some(None), move |after: Option<Option<Vec<u8>>>| {
            let store = store.clone();
            async move {
                let Some(after) = after else { return Ok::<_, Failure>(None) };
                let page = store.scan_prefix(&keys::book_of(day), after.as_deref(), limits::PAGE).await?;
                let next = (page.len() == limits::PAGE).then(|| page.last().map(|(key, _)| key.to_vec()));
                // A book of a million records is read without holding up the calls of the hospitals.
                tokio::task::yield_now().await;
                Ok(Some((stream::iter(page).map(|(key, record)| entry(&key, &record.value)), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    fn named(&self, day: Date, ids: Vec<SettlementId>) -> Day {
        let store = self.store.clone();
        let found = stream::iter(ids).then(move |id| {
            let (store, key) = (store.clone(), keys::book(day, &id));
            async move { store.get(&key).await?.map(|record| entry(&key, &record.value)).transpose() }
        });
        found.try_filter_map(|found| ready(Ok(found))).boxed()
    }

    /// Answers a query for a day's book.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what cannot be asked: the stream has no place for a refusal.
    pub fn stream(&self, request: &pb::DayBookRequest) -> Result<Entries, Status> {
        let day = parse_date(&request.day).ok_or_else(|| Status::invalid_argument("day: a date such as 2025-03-10"))?;
        let filter = book::parse_filter(request).map_err(|refusal| Status::invalid_argument(refusal.to_string()))?;
        Ok(printed(self.entries(day, filter)))
    }

    /// A day's book in totals, and the facts of some regions in it.
    ///
    /// # Errors
    /// [`Failure`] of the store, a refusal where a sum does not fit.
    pub(crate) async fn tally(&self, day: Date, authors: impl IntoIterator<Item = Author>) -> Result<Tally, Stop> {
        let trees = authors.into_iter().map(|author| (author, Tree::default())).collect();
        let mut tally = Tally { totals: Totals::new(), trees };
        let mut pages = Pages::of(&self.store, keys::book_of(day));
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let (entry, proof) = fact(key, &record.value)?;
                count(&mut tally.totals, &entry)?;
                let leaf = (!tally.trees.is_empty()).then(|| Facts::leaf(&entry, &proof));
                for (author, tree) in &mut tally.trees {
                    if let Some(leaf) = leaf.filter(|_| entry.is_of(author)) {
                        tree.push(leaf);
                    }
                }
            }
        }
        Ok(tally)
    }

    /// Answers a query for a day's totals; the hub gets what the region signs of the day as well.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub(crate) async fn day_totals(
        &self,
        request: &pb::DayTotalsRequest,
        signatory: Option<&Signatory>,
    ) -> Result<pb::DayTotalsReply, Failure> {
        let reply = async {
            let day = wire::date(&request.day, "day")?;
            let Some(signatory) = signatory else {
                let tally = self.tally(day, None).await?;
                return Ok(pb::DayTotalsReply { totals: book::print_totals(&tally.totals), ..Default::default() });
            };
            let author = signatory.author();
            let tally = self.tally(day, Some(author.clone())).await?;
            signatory.chain(&self.store, day, tally.facts(author)).await?;
            let keyring = Keyring::load(&self.store).await?;
            Ok(pb::DayTotalsReply {
                totals: book::print_totals(&tally.totals),
                refused: None,
                keys: keyring.keys_of(author).map(proof::print_key).collect(),
                heads: heads::after(&self.store, author, request.after, limits::HEADS_MAX).await?,
            })
        };
        match reply.await {
            Ok(reply) => Ok(reply),
            Err(Stop::Refused(no)) => {
                Ok(pb::DayTotalsReply { refused: Some(refusal::print(&no)), ..Default::default() })
            }
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }
}

/// A day of a book, summed up.
pub(crate) struct Tally {
    /// Its totals.
    pub(crate) totals: Totals,
    trees: BTreeMap<Author, Tree>,
}

impl Tally {
    /// The facts of a region, as its head would say them.
    pub(crate) fn facts(&self, author: &Author) -> Facts {
        self.trees.get(author).map_or_else(|| Facts::of(&Tree::default()), Facts::of)
    }
}

fn printed(entries: Day) -> Entries {
    entries.map(|entry| entry.map(|entry| book::print(&entry)).map_err(Failure::into_status)).boxed()
}

/// A record of a book as reconciliation and clearing need it.
///
/// # Errors
/// [`Failure::Damaged`].
pub(crate) fn entry(key: &[u8], bytes: &[u8]) -> Result<Entry, Failure> {
    fact(key, bytes).map(|(entry, _)| entry)
}

/// The same, and what is signed of it.
///
/// # Errors
/// [`Failure::Damaged`].
pub(crate) fn fact(key: &[u8], bytes: &[u8]) -> Result<(Entry, Proof), Failure> {
    let record: pb::BookGlance = document(key, bytes)?;
    let signed = record.settlement.as_ref().and_then(|settlement| settlement.proof.as_ref());
    Ok((stored(book::parse_kept(&record), key)?, stored(proof::parse(signed), key)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{node::sealed, wire::settlement};

    #[test]
    fn what_is_kept_of_a_settlement_reads_as_the_record_of_its_day() {
        let document = settlement::examples::paid();
        let booked = settlement::parse(&document).unwrap();
        let kept = pb::BookRecord { settlement: Some(document), undone_by: "S2".into(), previous: "S0".into() };
        let key = keys::book(booked.day(), &booked.id);
        let expected = Entry { undone_by: SettlementId::parse("S2").ok(), ..Entry::from(&booked) };
        assert_eq!(entry(&key, &sealed(&key, &kept)).unwrap(), expected);
    }
}
