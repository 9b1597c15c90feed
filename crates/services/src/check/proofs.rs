//! What regions have signed (签名与日链): every signature of every record verifies, no region that has a key has left one
//! out, and the heads of its days are chained without a break and say what the book holds. A record that a region's book
//! has as the hub has it is verified there.

use std::collections::BTreeMap;

use zhijie_domain::{
    author::{Author, Side},
    calendar::Date,
    ids::SettlementId,
};
use zhijie_store::Store;

use super::{Stores, Subject, care, home};
use crate::{
    node::{
        Book, Failure, Owner, Pages, Role, booked, document,
        heads::SignedHead,
        keyring::{Doubt, Keyring, is_of_a_cure},
        keys, stored,
    },
    wire::pb,
};

/// Verifies what was signed.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("proofs", "签名与日链", "signatures verify, heads of days are chained");
    let mut keyring = Keyring::default();
    for (owner, store) in &stores.0 {
        let own = subject.read(owner, keys::SIGNING_KEYS, Keyring::load(store).await)?;
        keyring.extend(own.unwrap_or_default());
    }
    for (owner, store) in &stores.0 {
        let mut looked = Looked { stores, owner, store, keyring: &keyring, subject: &mut subject };
        looked.keys().await?;
        looked.records().await?;
    }
    for (owner, store) in &stores.0 {
        Looked { stores, owner, store, keyring: &keyring, subject: &mut subject }.heads().await?;
    }
    Ok(subject)
}

struct Looked<'a> {
    stores: &'a Stores,
    owner: &'a Owner,
    store: &'a Store,
    keyring: &'a Keyring,
    subject: &'a mut Subject,
}

impl Looked<'_> {
    /// The hub knows no key of a region that the region's own store does not know.
    async fn keys(&mut self) -> Result<(), Failure> {
        if self.owner.role != Role::Hub {
            return Ok(());
        }
        for author in self.keyring.authors() {
            let Some(own) = self.stores.get(&service(author)) else { continue };
            for key in self.keyring.keys_of(author) {
                self.subject.look();
                let kept = keys::signing_key(author, &key.public);
                if own.get(&kept).await?.is_none() {
                    self.subject.differs(self.owner, &kept, "key", "the region itself does not have it");
                }
            }
        }
        Ok(())
    }

    async fn records(&mut self) -> Result<(), Failure> {
        let hub = self.stores.hub().filter(|(hub, _)| *hub != self.owner).map(|(_, store)| store);
        let mut pages = Pages::of(self.store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, kept) in &page {
                if let Some(hub) = hub
                    && let Some(other) = hub.get(key).await?
                    && same(key, &kept.value, &other.value)
                {
                    continue;
                }
                let Some((_, record)) = self.subject.read(self.owner, key, booked(key, &kept.value))? else {
                    continue;
                };
                self.subject.look();
                for side in Side::BOTH {
                    match self.keyring.doubt(side, &record) {
                        None => {}
                        Some(Doubt::NoKey) => {
                            self.subject.missing.insert(service(&Author::of(side, &record)));
                        }
                        Some(Doubt::Unsigned) if self.by_a_cure(&record.id).await? => {}
                        Some(doubt) => {
                            let field = format!("proof.{}", side.name());
                            self.subject.differs(self.owner, key, field, doubt.what());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Only the hub's store knows.
    async fn by_a_cure(&mut self, record: &SettlementId) -> Result<bool, Failure> {
        match self.stores.hub() {
            Some((_, hub)) => is_of_a_cure(hub, record).await,
            None => {
                self.subject.missing.insert(super::hub());
                Ok(true)
            }
        }
    }

    async fn heads(&mut self) -> Result<(), Failure> {
        let mut last: Option<SignedHead> = None;
        let mut days = BTreeMap::<(Author, Date), SignedHead>::new();
        let mut pages = Pages::of(self.store, keys::HEADS);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let read =
                    document::<pb::DayHead>(key, &record.value).and_then(|head| stored(SignedHead::parse(&head), key));
                let Some(signed) = self.subject.read(self.owner, key, read)? else { continue };
                self.subject.look();
                let (author, statement) = (&signed.head.author, signed.head.statement());
                let before = last.take().filter(|last| last.head.author == *author);
                if !signed.follows(before.as_ref()) {
                    self.subject.differs(self.owner, key, "previous", "it is not the head behind the one before it");
                }
                if self.keyring.signer_of(author, &statement, &signed.signature).is_none() {
                    self.subject.differs(self.owner, key, "signature", Doubt::Wrong.what());
                }
                days.insert((author.clone(), signed.head.day), signed.clone());
                last = Some(signed);
            }
        }
        let mut lasts = BTreeMap::<&Author, u64>::new();
        for ((author, day), signed) in &days {
            self.day(author, *day, signed).await?;
            let last = lasts.entry(author).or_default();
            *last = signed.head.number.max(*last);
        }
        for (author, number) in lasts {
            let what = "it does not lead to the last head of the region";
            self.leads(keys::last_head(author), &keys::head(author, number), what).await?;
        }
        Ok(())
    }

    /// A pointer leads to a head.
    async fn leads(&mut self, pointer: Vec<u8>, head: &[u8], what: &str) -> Result<(), Failure> {
        if self.store.get(&pointer).await?.is_none_or(|pointer| pointer.value != head) {
            self.subject.differs(self.owner, &pointer, "record", what);
        }
        Ok(())
    }

    /// The last head of a day says what the book holds. What came since then stands under no head yet.
    async fn day(&mut self, author: &Author, day: Date, signed: &SignedHead) -> Result<(), Failure> {
        let key = keys::head(author, signed.head.number);
        self.leads(keys::head_of_day(author, day), &key, "it does not lead to the last head of the day").await?;
        if self.owner.role == Role::Hub && !self.agreed(day).await? {
            return Ok(());
        }
        let tally = Book::new(self.store.clone()).tally(day, Some(author.clone())).await;
        let Some(tally) = self.subject.read(self.owner, &key, tally)? else { return Ok(()) };
        let (said, found) = (signed.head.facts, tally.facts(author));
        if found.records <= said.records && found != said {
            let what = format!("{} records of {day}, and the book has {} or others", said.records, found.records);
            self.subject.differs(self.owner, &key, "facts", what);
        }
        Ok(())
    }

    /// Whether the three books of a day were the same when the hub last compared them.
    async fn agreed(&mut self, day: Date) -> Result<bool, Failure> {
        let Some(last) = self.store.get(&keys::last_run(day)).await? else { return Ok(false) };
        let Some(run) = self.store.get(&last.value).await? else { return Ok(false) };
        let run = document::<pb::ReconcileReply>(&last.value, &run.value);
        Ok(self.subject.read(self.owner, &last.value, run)?.is_some_and(|run| run.equal))
    }
}

/// True where two books hold the same settlement under a key, byte for byte.
fn same(key: &[u8], one: &[u8], other: &[u8]) -> bool {
    let settlement = |value| document::<pb::BookContent>(key, value).map(|record| record.settlement);
    matches!((settlement(one), settlement(other)), (Ok(one), Ok(other)) if one == other)
}

fn service(author: &Author) -> Owner {
    match author.side {
        Side::Home => home(&author.region),
        Side::Care => care(&author.region),
    }
}
