//! What regions sign, at the hub: their keys and the heads of their days are kept as they come, and before a day is
//! reconciled every signature of its records is verified. The road does not wait for that: who sends is proven there
//! already, and what is cleared has been reconciled.

use std::collections::BTreeSet;

use zhijie_domain::{
    author::{Author, Side},
    calendar::Date,
    ids::SettlementId,
    reconcile::{Difference, DifferenceKind, Entry, Group, Three, Unequal},
    refusal::{Code, Refusal},
    settlement::Settlement,
};
use zhijie_identity::Authorities;
use zhijie_store::Txn;

use super::{super::Hub, peers::Missing};
use crate::{
    node::{
        Book, Committed, Failure, Pages, Records, Role, Stop, Tally, booked, commit,
        heads::{self, SignedHead},
        keyring::{Doubt, Keyring, is_of_a_cure},
        keys, limits,
    },
    wire::{
        pb,
        proof::{self, SigningKey},
    },
};

/// Keeps the keys and heads that a region sends: a head only behind the last, and with a signature of the region.
pub(super) async fn take(hub: &Hub, author: &Author, reply: &pb::DayTotalsReply) -> Result<(), Stop> {
    if reply.keys.is_empty() && reply.heads.is_empty() {
        return Ok(());
    }
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let authorities = hub.node.identity.as_ref().map(|live| live.own().authorities().clone());
        enter(&mut txn, author, reply, (&Keyring::load(&hub.node.store).await?, authorities.as_ref())).await?;
        match commit(txn).await? {
            Committed::Yes => return Ok(()),
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

async fn enter(
    txn: &mut Txn,
    author: &Author,
    reply: &pb::DayTotalsReply,
    (known, authorities): (&Keyring, Option<&Authorities>),
) -> Result<(), Failure> {
    let outside = |what: String| Failure::Protocol { peer: author.to_string(), what };
    let malformed = |refusal: Refusal| outside(refusal.to_string());
    let mut keyring = known.clone();
    for sent in &reply.keys {
        let key = proof::parse_key(sent).map_err(malformed)?;
        if key.author != *author {
            return Err(outside("a region sends keys of its own".into()));
        }
        // In plaintext nobody has a certificate.
        if let Some(authorities) = authorities {
            certified(authorities, &key).map_err(outside)?;
        }
        if keyring.keys_of(author).all(|known| known.public != key.public) {
            txn.keep(keys::signing_key(author, &key.public), &proof::print_key(&key));
            keyring.add(key);
        }
    }
    let mut last = heads::last(txn, author).await?;
    for sent in &reply.heads {
        let signed = SignedHead::parse(sent).map_err(malformed)?;
        if signed.head.number <= heads::number_of(last.as_ref()) {
            // Another reconciliation has kept it meanwhile.
            continue;
        }
        let statement = signed.head.statement();
        let right = signed.head.author == *author
            && signed.follows(last.as_ref())
            && keyring.signer_of(author, &statement, &signed.signature).is_some();
        if !right {
            return Err(outside(format!("head {} is not its own, signed and behind the last", signed.head.number)));
        }
        signed.keep(txn);
        last = Some(signed);
    }
    Ok(())
}

/// Whether the certificate of a key is of an authority, names its region, and was valid when the region began to use it.
fn certified(authorities: &Authorities, key: &SigningKey) -> Result<(), String> {
    let proven = authorities.verify(&key.certificate, key.since.0 / 1_000).map_err(|error| error.to_string())?;
    let role = match key.author.side {
        Side::Home => Role::Home,
        Side::Care => Role::Care,
    };
    if proven.identity != role.of(&key.author.region) || !proven.has_key(&key.public.0) {
        return Err(format!("the certificate of its key is that of {}, or of another key", proven.identity));
    }
    Ok(())
}

/// A region that signs has put its records of the day under a head, and these are the records that the hub has; where
/// that is not so, its book is missing. Where totals differ, also as one book is missing, the records say more.
pub(super) async fn heads(
    hub: &Hub,
    day: Date,
    (keyring, tally): (&Keyring, &Tally),
    differ: &BTreeSet<Group>,
    missing: &mut Missing,
) -> Result<(), Failure> {
    for author in keyring.authors() {
        if differ.iter().any(|group| group.is_of(author)) {
            continue;
        }
        let facts = tally.facts(author);
        let what = match heads::of_day(&mut hub.node.store.begin(), author, day).await? {
            Some(signed) if signed.head.facts == facts => continue,
            Some(_) => "its head of the day is not of the records that it and the hub have",
            None if facts.records == 0 => continue,
            None => "it signs, and has sent no head of the day",
        };
        missing.add(&author.clone().into(), Failure::Protocol { peer: author.to_string(), what: what.into() })?;
    }
    Ok(())
}

/// Adds to the differences of a day the records that are not proven, as many as may be listed; the others are counted.
pub(super) async fn unproven(
    hub: &Hub,
    day: Date,
    keyring: &Keyring,
    differing: &mut Vec<Difference>,
    missing: &Missing,
) -> Result<i64, Failure> {
    let known: BTreeSet<SettlementId> = differing.iter().map(|difference| difference.entry.id.clone()).collect();
    let mut unlisted = 0;
    if keyring.authors().next().is_none() {
        return Ok(unlisted);
    }
    let mut pages = Pages::of(&hub.node.store, keys::book_of(day));
    while let Some(page) = pages.next().await? {
        for (key, kept) in &page {
            let (record, settlement) = booked(key, &kept.value)?;
            // Hospitals are answered between two records.
            tokio::task::yield_now().await;
            let Some(found) = doubtful(hub, keyring, &record, &settlement).await? else { continue };
            if known.contains(&found.entry.id) || missing.concerns(&found.entry.home, &found.entry.care) {
                continue;
            }
            if differing.len() < limits::DIFFERENCES_MAX {
                differing.push(found);
            } else {
                unlisted += 1;
            }
        }
    }
    differing.sort_by(|one, other| one.entry.id.cmp(&other.entry.id));
    Ok(unlisted)
}

/// What is doubtful of one record of the hub's book.
pub(super) async fn of_record(hub: &Hub, id: &SettlementId) -> Result<Option<Difference>, Failure> {
    let keyring = Keyring::load(&hub.node.store).await?;
    match Book::load(&mut hub.node.store.begin(), id).await? {
        Some(booked) => doubtful(hub, &keyring, &booked.record, &booked.settlement).await,
        None => Ok(None),
    }
}

/// The difference that a record is for which a signature is missing or wrong.
async fn doubtful(
    hub: &Hub,
    keyring: &Keyring,
    record: &pb::BookRecord,
    settlement: &Settlement,
) -> Result<Option<Difference>, Failure> {
    let mut fields = Vec::new();
    for side in Side::BOTH {
        let Some(doubt) = keyring.doubt(side, settlement) else { continue };
        if doubt == Doubt::Unsigned && is_of_a_cure(&hub.node.store, &settlement.id).await? {
            continue;
        }
        let values = Three { care: String::new(), hub: doubt.what().to_owned(), home: String::new() };
        fields.push(Unequal { field: format!("proof.{}", side.name()), values });
    }
    if fields.is_empty() {
        return Ok(None);
    }
    let undone_by = SettlementId::parse(&record.undone_by).ok();
    let entry = Entry { undone_by, ..Entry::from(settlement) };
    let held = Three { care: true, hub: true, home: true };
    Ok(Some(Difference { kind: DifferenceKind::Unproven, entry, held, fields, twin: None }))
}
