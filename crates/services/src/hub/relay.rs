//! Relaying a message home and recording the answer. The hub answers a message id it knows with the stored answer
//! before it looks at any rule, so that a change of rules never contradicts an answer that was given.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tonic::{Response, Status};
use zhijie_domain::{
    ids::{RegionCode, VisitId},
    refusal::Refusal,
    settlement::Settlement,
};
use zhijie_store::Txn;

use super::Hub;
use crate::{
    node::{Book, Failure, Key, MessageState, Records, Stop, Undone, call, keys, limits, road::RoadClient},
    wire::{
        self,
        claim::Header,
        id,
        pb::{self, answer::Outcome, refuse_request::Message},
        refusal, settlement,
    },
};

/// The stored answer to a message.
pub(super) async fn known(hub: &Hub, key: &Key, digest: &[u8]) -> Result<Option<pb::Answer>, Stop> {
    match MessageState::find(&mut hub.node.store.begin(), key, digest).await? {
        MessageState::Answered(answer) => Ok(Some(answer)),
        MessageState::Sent(_) | MessageState::New => Ok(None),
    }
}

/// Messages that went home since this hub started and have no stored answer yet. Care says which it sends for the first
/// time; on a connection that it has given up, such a one may still arrive behind its second copy.
#[derive(Default)]
pub(super) struct Sent(Mutex<BTreeSet<Key>>);

impl Sent {
    fn keys(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message goes home. Beyond the limit, which honest care regions never reach, all are taken to have gone before.
    fn goes(&self, key: &Key) {
        let mut keys = self.keys();
        if keys.len() < limits::SENT_MAX {
            keys.insert(key.clone());
        }
    }

    /// True where the message may be known at home.
    fn may_hold(&self, key: &Key) -> bool {
        let keys = self.keys();
        keys.len() >= limits::SENT_MAX || keys.contains(key)
    }

    /// Its answer is stored.
    pub(super) fn ended(&self, key: &Key) {
        self.keys().remove(key);
    }
}

/// Sends a message home, and waits for the answer.
pub(super) async fn relay(
    hub: &Hub,
    key: &Key,
    home: &RoadClient,
    call: pb::RoadCall,
    request: &impl prost::Message,
) -> Result<pb::Answer, Failure> {
    hub.sent.goes(key);
    ask_home(home.ask(call, request)).await
}

/// The answer to a message that a rule of the hub refuses. Nothing is kept of a message before it goes home, so that one
/// which care may have sent before may be booked there: then home is told of the refusal, and answers by it only where it
/// has not answered yet. So a change of rules never contradicts what home has booked.
pub(super) async fn unless_booked(
    hub: &Hub,
    (key, header): (&Key, &Header),
    first: bool,
    message: Message,
    no: &Refusal,
) -> Result<pb::Answer, Failure> {
    match hub.home(&header.home) {
        Ok(home) if !first || hub.sent.may_hold(key) => {
            let request = pb::RefuseRequest { message: Some(message), refused: Some(refusal::print(no)) };
            ask_home(home.ask(pb::RoadCall::Refuse, &request)).await
        }
        // Without a home it never went anywhere.
        _ => Ok(wire::refused(no)),
    }
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

/// Marks the hub's record of a visit, where it has one of that home.
pub(super) async fn mark(
    txn: &mut Txn,
    visit: &VisitId,
    home: &RegionCode,
    status: pb::VisitStatus,
    settlement: &str,
) -> Result<(), Failure> {
    let key = keys::visit(visit);
    if let Some(mut document) = txn.record::<pb::Visit>(&key).await?.filter(|visit| visit.home == home.as_str()) {
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
