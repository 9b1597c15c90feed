//! Driving a message to its end. The edge coordinates: an intent is committed, then sent to the hub until an answer
//! comes, however often, since hub and home answer one message once. What no hospital waits for, the sweep drives.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use prost::Message;
use tokio::sync::watch;
use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::{Care, cancel, register_visit, reverse, settle};
use crate::{
    node::{
        Committed, Failure, Key, MessageState, Records, Stop, answer_of, call, commit, is_transient, is_unknown, keys,
        limits,
    },
    wire::{
        self,
        pb::{self, answer::Outcome, message_record::State},
    },
};

/// Messages that the sweep drives side by side.
const SWEPT_TOGETHER: usize = 16;

/// How a message begins at care.
pub(super) enum Plan {
    /// Its answer is known here.
    Answer(pb::Answer),
    /// What can be said for now; the message may be begun again.
    ForNow(pb::Answer),
    /// It is sent.
    Send(pb::Intent),
}

/// A message that may be begun: reads, checks and writes what must stand before it is sent.
pub(super) trait Begin: Sync {
    /// Plans. It may run several times; only the last run is committed.
    fn plan(&self, txn: &mut Txn) -> impl Future<Output = Result<Plan, Stop>> + Send;
}

/// Begins a message once, and drives it as long as a hospital may wait.
pub(super) async fn run(care: &Care, key: &Key, digest: &[u8], begin: &impl Begin) -> Result<pb::Answer, Failure> {
    answer_of(begun(care, key, digest, begin).await)
}

async fn begun(care: &Care, key: &Key, digest: &[u8], begin: &impl Begin) -> Result<pb::Answer, Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        match MessageState::of(txn.record(&key.message()).await?, digest)? {
            MessageState::Answered(answer) => return Ok(answer),
            MessageState::Sent(_) => return Ok(wait(care, key).await?),
            MessageState::New => {}
        }
        let plan = begin.plan(&mut txn).await?;
        let state = match &plan {
            Plan::ForNow(answer) => return Ok(answer.clone()),
            Plan::Answer(answer) => State::Answer(answer.clone()),
            Plan::Send(intent) => State::Intent(Box::new(intent.clone())),
        };
        txn.keep(key.message(), &pb::MessageRecord { digest: digest.to_vec(), state: Some(state) });
        if matches!(plan, Plan::Send(_)) {
            txn.put(key.pending(), Bytes::new());
        }
        match (commit(txn).await?, plan) {
            (Committed::Yes, Plan::Answer(answer) | Plan::ForNow(answer)) => return Ok(answer),
            (Committed::Yes, Plan::Send(_)) => return Ok(wait(care, key).await?),
            (Committed::Conflict, _) => {}
            (Committed::Busy, _) => return Err(Refusal::new(Code::Busy, "bounded queues", "").into()),
        }
    }
    Err(Refusal::new(Code::Busy, "one change of a visit at a time", "visit").into())
}

/// Drives a message while a hospital waits. When it may wait no longer the answer is unknown, and the sweep goes on.
async fn wait(care: &Care, key: &Key) -> Result<pb::Answer, Failure> {
    let _driven = Driven::mark(care, key);
    let deadline = Duration::from_millis(care.answer_deadline_ms);
    let mut reason = String::from("the hub has not answered yet");
    let driving = async {
        let mut pause = limits::RETRY_MS;
        loop {
            match attempt(care, key).await {
                Ok(Attempt::Ended(answer)) => return Ok(answer),
                Ok(Attempt::Again(why)) => reason = why,
                Err(Failure::Peer { peer, .. }) => reason = format!("{peer} has not answered yet"),
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            pause = (pause * 2).min(limits::RETRY_MS_MAX);
        }
    };
    let ended = tokio::time::timeout(deadline, driving).await;
    ended.unwrap_or_else(|_| {
        care.to_sweep.notify_one();
        Ok(wire::answer(Outcome::Unknown(pb::Unknown { reason })))
    })
}

enum Attempt {
    Ended(pb::Answer),
    Again(String),
}

/// Sends a message once and keeps what its answer means.
async fn attempt(care: &Care, key: &Key) -> Result<Attempt, Failure> {
    let record = care.node.store.begin().record::<pb::MessageRecord>(&key.message()).await?;
    let intent = match state(record) {
        Ok(intent) => intent,
        Err(answer) => return Ok(Attempt::Ended(*answer)),
    };
    let answer = send(care, &intent).await?;
    care.levels.learn(intent.before.as_ref().map_or("", |visit| &visit.institution), &answer);
    if is_transient(&answer) {
        return Ok(Attempt::Again("the regions are busy; the message is sent again".into()));
    }
    if is_stranger(&answer) {
        // Who we are says nothing about what became of the message: an earlier copy may be booked.
        return Ok(Attempt::Again("the hub does not know this care service; see its configuration".into()));
    }
    conclude(care, key, answer).await
}

fn is_stranger(answer: &pb::Answer) -> bool {
    matches!(&answer.outcome, Some(Outcome::Refused(no)) if no.code() == pb::RefusalCode::E010NotYourRegion)
}

/// The intent in a record, or the answer that stands in its place.
fn state(record: Option<pb::MessageRecord>) -> Result<Box<pb::Intent>, Box<pb::Answer>> {
    match record.and_then(|record| record.state) {
        Some(State::Intent(intent)) => Ok(intent),
        Some(State::Answer(answer)) => Err(Box::new(answer)),
        Some(State::Reversed(answer)) if is_unknown(&answer) => Err(Box::new(answer)),
        Some(State::Reversed(_)) | None => {
            let refusal = Refusal::new(Code::AlreadyReversed, "a reversed message stays reversed", "header.message_id");
            Err(Box::new(wire::refused(&refusal)))
        }
    }
}

async fn send(care: &Care, intent: &pb::Intent) -> Result<pb::Answer, Failure> {
    fn decoded<M: Message + Default>(intent: &pb::Intent) -> Result<M, Failure> {
        M::decode(intent.request.as_slice()).map_err(|_| Failure::Damaged(keys::shown(keys::PENDING)))
    }
    let mut hub = care.hub.clone();
    let deadline = limits::CALL_DEADLINE_MS;
    match intent.act() {
        pb::Act::Register => call("hub", deadline, hub.register_visit(decoded::<pb::RegisterRequest>(intent)?)).await,
        pb::Act::Settle => call("hub", deadline, hub.settle(decoded::<pb::ClaimRequest>(intent)?)).await,
        pb::Act::Cancel => call("hub", deadline, hub.cancel(decoded::<pb::CancelRequest>(intent)?)).await,
        pb::Act::Reverse => call("hub", deadline, hub.reverse(decoded::<pb::ReverseRequest>(intent)?)).await,
        pb::Act::Unspecified => Err(Failure::Damaged(keys::shown(keys::PENDING))),
    }
}

/// Keeps an answer and everything it means, in one commit; whoever comes second finds the first's answer.
async fn conclude(care: &Care, key: &Key, answer: pb::Answer) -> Result<Attempt, Failure> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        let record = txn.record::<pb::MessageRecord>(&key.message()).await?.unwrap_or_default();
        let digest = record.digest.clone();
        let intent = match state(Some(record)) {
            Ok(intent) => intent,
            Err(answer) => return Ok(Attempt::Ended(*answer)),
        };
        match intent.act() {
            pb::Act::Register => register_visit::conclude(&mut txn, &intent, &answer).await?,
            pb::Act::Settle => settle::conclude(&mut txn, &intent, &answer).await?,
            pb::Act::Cancel => cancel::conclude(&mut txn, &intent, &answer).await?,
            pb::Act::Reverse => reverse::conclude(&mut txn, &intent, &answer).await?,
            pb::Act::Unspecified => return Err(Failure::Damaged(keys::shown(keys::PENDING))),
        }
        txn.keep(key.message(), &pb::MessageRecord { digest, state: Some(State::Answer(answer.clone())) });
        txn.delete(key.pending());
        match commit(txn).await? {
            Committed::Yes => {
                care.to_upload.notify_one();
                return Ok(Attempt::Ended(answer));
            }
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    // The answer is stored at the hub and at home: asking again brings it back.
    Ok(Attempt::Again("this care service is busy; the message is sent again".into()))
}

/// An answer of the hub that the protocol does not have.
pub(super) fn outside(what: impl ToString) -> Failure {
    Failure::Protocol { peer: "hub".into(), what: what.to_string() }
}

/// Drives what no hospital waits for, until the service stops: after a restart, and after an unknown outcome.
pub(super) async fn sweep(care: Arc<Care>, mut stopping: watch::Receiver<bool>) {
    loop {
        let swept = async {
            if let Err(failure) = sweep_once(&care).await {
                tracing::error!(%failure, "pending messages cannot be read");
            }
            let pause = tokio::time::sleep(Duration::from_millis(limits::SWEEP_MS));
            tokio::select! {
                biased;
                () = care.to_sweep.notified() => {}
                () = pause => {}
            }
        };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = swept => {}
        }
    }
}

async fn sweep_once(care: &Care) -> Result<(), Failure> {
    // A home that does not answer is asked once a round, so that it does not hold up the others.
    let silent = Mutex::new(BTreeSet::new());
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = care.node.store.scan_prefix(keys::PENDING, after.as_deref(), limits::SWEEP_MAX).await?;
        let pending = page.iter().filter_map(|(key, _)| Key::of_pending(key)).filter(|key| !Driven::is(care, key));
        let swept = pending.map(|key| swept(care, &silent, key)).collect::<Vec<_>>();
        stream::iter(swept).buffer_unordered(SWEPT_TOGETHER).for_each(|()| async {}).await;
        if page.len() < limits::SWEEP_MAX {
            return Ok(());
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

async fn swept(care: &Care, silent: &Mutex<BTreeSet<String>>, key: Key) {
    let homes = || silent.lock().unwrap_or_else(PoisonError::into_inner);
    let home = match home_of(care, &key).await {
        Ok(home) if homes().contains(&home) => return,
        Ok(home) => home,
        Err(failure) => return tracing::error!(%failure, "a pending message cannot be read"),
    };
    match attempt(care, &key).await {
        Ok(_) => {}
        Err(Failure::Peer { .. }) => {
            homes().insert(home);
        }
        Err(failure) => tracing::error!(%failure, "a pending message cannot be driven"),
    }
}

/// The home province that a pending message is for.
async fn home_of(care: &Care, key: &Key) -> Result<String, Failure> {
    let record = care.node.store.begin().record::<pb::MessageRecord>(&key.message()).await?;
    let area = state(record).ok().and_then(|intent| intent.before).map(|visit| visit.home);
    Ok(area.and_then(|area| RegionCode::parse(&area).ok()).map(|area| area.province().to_string()).unwrap_or_default())
}

/// Marks a message as driven by a waiting hospital, for as long as the mark lives.
struct Driven<'a> {
    care: &'a Care,
    key: Key,
}

impl<'a> Driven<'a> {
    fn mark(care: &'a Care, key: &Key) -> Driven<'a> {
        lock(care).insert(key.clone());
        Driven { care, key: key.clone() }
    }

    fn is(care: &Care, key: &Key) -> bool {
        lock(care).contains(key)
    }
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        lock(self.care).remove(&self.key);
    }
}

fn lock(care: &Care) -> MutexGuard<'_, BTreeSet<Key>> {
    care.driven.lock().unwrap_or_else(PoisonError::into_inner)
}
