//! Relaying a message home and recording the answer. The hub answers a message id it knows with the stored answer
//! before it looks at any rule, so that a change of rules never contradicts an answer that was given.

use std::future::Future;

use tonic::{Response, Status};
use zhijie_domain::{
    ids::{SettlementId, VisitId},
    refusal::Refusal,
    settlement::{Kind, Settlement},
};
use zhijie_store::Txn;

use super::Hub;
use crate::{
    node::{Act, Book, Booked, Failure, Key, MessageState, Records, Stop, Undone, answer_once, call, keys, limits},
    wire::{id, pb, settlement},
};

/// The stored answer to a message, where there is one.
pub(super) async fn known(hub: &Hub, key: &Key, digest: &[u8]) -> Result<Option<pb::Answer>, Stop> {
    let record = hub.node.store.begin().record(&key.message()).await?;
    match MessageState::of(record, digest)? {
        MessageState::Answered(answer) => Ok(Some(answer)),
        _ => Ok(None),
    }
}

/// Waits for the home region's answer.
pub(super) async fn ask_home(
    answering: impl Future<Output = Result<Response<pb::Answer>, Status>> + Send,
) -> Result<pb::Answer, Failure> {
    call("home", limits::RELAY_DEADLINE_MS, answering).await
}

/// Stores the hub's own refusal as the answer to a message.
pub(super) async fn refuse(hub: &Hub, key: &Key, digest: &[u8], refusal: Refusal) -> Result<pb::Answer, Failure> {
    struct No(Refusal);
    impl Act for No {
        async fn decide(&self, _: &mut Txn) -> Result<pb::Answer, Stop> {
            Err(self.0.clone().into())
        }
    }
    answer_once(&hub.node.store, key, digest, &No(refusal)).await
}

/// An answer of home that the protocol does not have.
pub(super) fn outside(what: &str) -> Failure {
    Failure::Protocol { peer: "home".into(), what: what.into() }
}

/// Reads a settlement that home answered.
pub(super) fn read(document: &pb::Settlement) -> Result<Settlement, Failure> {
    settlement::parse(document).map_err(|refusal| outside(&refusal.to_string()))
}

/// Reads the settlement that a negative record undoes.
pub(super) async fn undone_by(txn: &mut Txn, record: Settlement) -> Result<Undone, Failure> {
    let original: Option<&SettlementId> = record.undoes.as_ref();
    let booked: Option<Booked> = match original {
        Some(original) => Book::load(txn, original).await?,
        None => None,
    };
    match booked {
        Some(booked) if record.kind != Kind::Settled => Ok(Undone { settlement: booked.settlement, record }),
        _ => Err(outside("a negative record names a settlement in the book")),
    }
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
