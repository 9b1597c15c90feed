//! Relaying a message home and recording the answer. The hub answers a message id it knows with the stored answer
//! before it looks at any rule, so that a change of rules never contradicts an answer that was given.

use std::future::Future;

use tonic::{Response, Status};
use zhijie_domain::{
    ids::VisitId,
    refusal::{Code, Refusal},
    settlement::Settlement,
};
use zhijie_store::Txn;

use super::Hub;
use crate::{
    node::{Book, Committed, Failure, Key, MessageState, Records, Stop, Undone, call, commit, keys, limits},
    wire::{
        id,
        pb::{self, answer::Outcome, message_record::State},
        settlement,
    },
};

/// What the hub knows of a message.
pub(super) enum Known {
    /// It was answered.
    Answered(pb::Answer),
    /// It went home before and may be booked there: no rule is asked again, only home, and with the same listing.
    Relayed(Option<pb::ListedDisease>),
    /// Nothing.
    No,
}

/// Looks a message up.
pub(super) async fn known(hub: &Hub, key: &Key, digest: &[u8]) -> Result<Known, Stop> {
    Ok(match MessageState::find(&mut hub.node.store.begin(), key, digest).await? {
        MessageState::Answered(answer) => Known::Answered(answer),
        MessageState::Sent(intent) => Known::Relayed(intent.listed),
        MessageState::New => Known::No,
    })
}

/// Keeps that a message goes home, before it goes, and with which listing: from then on the hub does not refuse it by
/// its own rules, and one claim is judged by one version of the list. Gives the listing kept, which is that of the copy
/// of the message that came first, or the answer that another copy has got meanwhile.
pub(super) async fn keep_relayed(
    hub: &Hub,
    key: &Key,
    digest: &[u8],
    listed: Option<pb::ListedDisease>,
) -> Result<Result<Option<pb::ListedDisease>, pb::Answer>, Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        match MessageState::find(&mut txn, key, digest).await? {
            MessageState::Sent(intent) => return Ok(Ok(intent.listed)),
            MessageState::Answered(answer) => return Ok(Err(answer)),
            MessageState::New => {}
        }
        let state = Some(State::Intent(Box::new(pb::Intent { listed: listed.clone(), ..pb::Intent::default() })));
        txn.keep(key.message(), &pb::MessageRecord { digest: digest.to_vec(), state });
        match commit(txn).await? {
            Committed::Yes => return Ok(Ok(listed)),
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

/// Lines are for the hub, which enforces what needs them; home computes by category, for a stay as for any other visit.
pub(super) fn without_lines(request: &mut pb::ClaimRequest) {
    if let Some(claim) = &mut request.claim {
        claim.lines = Vec::new();
    }
}

/// Waits for the home region's answer. One that does not know the hub, or is not the region, has not answered.
pub(super) async fn ask_home(
    answering: impl Future<Output = Result<Response<pb::Answer>, Status>> + Send,
) -> Result<pb::Answer, Failure> {
    let answer = call("home", limits::RELAY_DEADLINE_MS, answering).await?;
    match &answer.outcome {
        Some(Outcome::Refused(no)) if no.code() == pb::RefusalCode::E011RegionUnknown => {
            Err(outside("it is not the region that this address is configured for"))
        }
        _ => Ok(answer),
    }
}

/// An answer of home that the protocol does not have.
pub(super) fn outside(what: &str) -> Failure {
    Failure::Protocol { peer: "home".into(), what: what.into() }
}

/// Reads a settlement that home answered.
pub(super) fn read(document: &pb::Settlement) -> Result<Settlement, Failure> {
    settlement::parse(document).map_err(|refusal| outside(&refusal.to_string()))
}

/// Reads the settlement that a negative record undoes, which must be the one that was asked for.
pub(super) async fn undone_by(txn: &mut Txn, record: Settlement, asked: &str) -> Result<Undone, Failure> {
    let original = record.undoes.clone().filter(|original| original.as_str() == asked);
    let original = original.ok_or_else(|| outside("a negative record undoes the settlement that was named"))?;
    let booked = Book::load(txn, &original).await?.ok_or_else(|| outside("it undoes a settlement of this book"))?;
    Undone::of(booked.settlement, record).map_err(|refusal| outside(&refusal.to_string()))
}

/// Marks the hub's record of a visit, where it has one.
pub(super) async fn mark(
    txn: &mut Txn,
    visit: &VisitId,
    status: pb::VisitStatus,
    settlement: &str,
) -> Result<(), Failure> {
    let key = keys::visit(visit);
    if let Some(mut document) = txn.record::<pb::Visit>(&key).await? {
        document.set_status(status);
        settlement.clone_into(&mut document.settlement);
        txn.keep(key, &document);
    }
    Ok(())
}

/// The visit id in a document.
pub(super) fn visit_id(text: &str) -> Result<VisitId, Failure> {
    id(VisitId::parse, text, "visit").map_err(|refusal| outside(&refusal.to_string()))
}
