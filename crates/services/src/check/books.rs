//! The three books (三方账) hold the same records: whole documents, and by what each was undone. Only stores that were
//! given are compared; where the hub's is not there, home's and care's are compared with each other.

use zhijie_domain::settlement::Settlement;
use zhijie_store::Bytes;

use super::{Stores, Subject, care, home, hub, unequal};
use crate::{
    hub::ledger::events,
    node::{Failure, Identity, Pages, Role, document, keys},
    wire::pb,
};

/// Compares the books.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("books", "三方账", "the three books hold the same");
    for (identity, store) in &stores.0 {
        let mut pages = Pages::of(store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let Some(booked) = subject.read(identity, key, events::read(key, &record.value))? else { continue };
                subject.look();
                let own = Held { identity: identity.clone(), record: shared(document(key, &record.value)?) };
                let mut held = Vec::new();
                for other in others(stores, identity.role, &booked.settlement) {
                    held.extend(find(stores, &mut subject, key, other, &own.identity).await?);
                }
                compare(&mut subject, key, &own, &held);
            }
        }
    }
    Ok(subject)
}

/// A record as a book holds it.
struct Held {
    identity: Identity,
    record: pb::BookRecord,
}

/// The books in which a record of this one must stand. The hub asks both regions; a region asks the hub, and the other
/// region where the hub is not there.
fn others(stores: &Stores, role: Role, record: &Settlement) -> Vec<Identity> {
    let (home, care) = (home(&record.claim.home), care(&record.claim.care));
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
    other: Identity,
    own: &Identity,
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
    let read = document::<pb::BookRecord>(key, &held.value).ok();
    Ok(read.map(|record| Held { identity: other, record: shared(record) }))
}

/// Names the book that differs: where two of three are the same, the third.
fn compare(subject: &mut Subject, key: &Bytes, own: &Held, held: &[Held]) {
    let mut tell = |wrong: &Held, right: &Held| {
        if let Some(unequal) = unequal::first(&wrong.record, &right.record) {
            let what = format!("{}, and {} in {}", unequal.found, unequal.right, right.identity);
            subject.differs(&wrong.identity, key, unequal.field, what);
        }
    };
    match held {
        [one, other] if one.record == other.record => tell(own, one),
        _ if own.identity.role == Role::Hub => held.iter().for_each(|held| tell(held, own)),
        // The hub has told what it has otherwise.
        _ => held.iter().filter(|held| held.identity.role != Role::Hub).for_each(|held| tell(held, own)),
    }
}

/// What all books hold of a record; the chain of a person's settlements is home's own.
fn shared(record: pb::BookRecord) -> pb::BookRecord {
    pb::BookRecord { previous: String::new(), ..record }
}
