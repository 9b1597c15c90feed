//! The three books (三方账) hold the same records: whole documents, and by what each was undone. Only stores that were
//! given are compared; where the hub's is not there, home's and care's are compared with each other.

use prost::Message;
use zhijie_domain::reconcile::Entry;
use zhijie_store::Bytes;

use super::{Stores, Subject, care, home, hub, unequal};
use crate::{
    node::{Failure, Owner, Pages, Role, document, entry, keys},
    wire::pb,
};

/// Compares the books.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("books", "三方账", "the three books hold the same");
    for (owner, store) in &stores.0 {
        let mut pages = Pages::of(store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let Some(booked) = subject.read(owner, key, entry(key, &record.value))? else { continue };
                subject.look();
                let Some(record) = subject.read(owner, key, document(key, &record.value))? else { continue };
                let own = Held { owner: owner.clone(), record };
                let mut held = Vec::new();
                for other in others(stores, owner.role, &booked) {
                    held.extend(find(stores, &mut subject, key, other, &own.owner).await?);
                }
                compare(&mut subject, key, &own, &held);
            }
        }
    }
    Ok(subject)
}

/// A record as a book holds it.
struct Held {
    owner: Owner,
    record: pb::BookContent,
}

impl Held {
    /// What all books hold of a record, byte for byte; the chain of a person's settlements is home's own.
    fn is_like(&self, other: &Held) -> bool {
        self.record.settlement == other.record.settlement && self.record.undone_by == other.record.undone_by
    }

    /// The same as documents, where it reads; what does not is named where its own book is read.
    fn decoded(&self) -> Option<pb::BookRecord> {
        let settlement = pb::Settlement::decode(&self.record.settlement[..]).ok()?;
        let undone_by = self.record.undone_by.clone();
        Some(pb::BookRecord { settlement: Some(settlement), undone_by, previous: String::new() })
    }
}

/// The books in which a record of this one must stand. The hub asks both regions; a region asks the hub, and the other
/// region where the hub is not there.
fn others(stores: &Stores, role: Role, record: &Entry) -> Vec<Owner> {
    let (home, care) = (home(&record.home), care(&record.care));
    match role {
        Role::Hub => vec![home, care],
        _ if stores.hub().is_some() => vec![hub()],
        Role::Home => vec![hub(), care],
        Role::Care => vec![hub(), home],
    }
}

/// The record in another book.
async fn find(
    stores: &Stores,
    subject: &mut Subject,
    key: &Bytes,
    other: Owner,
    own: &Owner,
) -> Result<Option<Held>, Failure> {
    let Some(store) = stores.get(&other) else {
        subject.missing.insert(other);
        return Ok(None);
    };
    let Some(held) = store.get(key).await? else {
        subject.differs(&other, key, "record", format!("it is not in this book, and {own} has it"));
        return Ok(None);
    };
    // A record that does not read is named where its own book is read.
    let read = document::<pb::BookContent>(key, &held.value).ok();
    Ok(read.map(|record| Held { owner: other, record }))
}

/// Names the book that differs: where two of three are the same, the third.
fn compare(subject: &mut Subject, key: &Bytes, own: &Held, held: &[Held]) {
    let mut tell = |wrong: &Held, right: &Held| {
        if !wrong.is_like(right)
            && let (Some(found), Some(expected)) = (wrong.decoded(), right.decoded())
            && let Some(unequal) = unequal::first(&found, &expected)
        {
            let what = format!("{}, and {} in {}", unequal.found, unequal.right, right.owner);
            subject.differs(&wrong.owner, key, unequal.field, what);
        }
    };
    match held {
        [one, other] if one.is_like(other) => tell(own, one),
        _ if own.owner.role == Role::Hub => held.iter().for_each(|held| tell(held, own)),
        // The hub has told what it has otherwise.
        _ => held.iter().filter(|held| held.owner.role != Role::Hub).for_each(|held| tell(held, own)),
    }
}
