//! Driving a message to its end. The edge coordinates: an intent is committed, then sent to the hub until an answer
//! comes, however often, since hub and home answer one message once. What no hospital waits for, the sweep drives.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
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

use super::{Care, cancel, claim::Claimed, register_visit, reverse, settle};
use crate::{
    node::{
        Committed, Failure, Key, MessageState, Records, Stop, answer_of, call, commit, digest, document, is_transient,
        is_unknown, kept, keys, limits, planted::planted, sealed,
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
    /// It is sent; a claim is known as it was read.
    Send(Box<pb::Intent>, Option<Box<Claimed>>),
}

/// A message that may be begun: reads, checks and writes what must stand before it is sent.
pub(super) trait Begin: Sync {
    /// Plans. It may run several times; only the last run is committed.
    fn plan(&self, txn: &mut Txn) -> impl Future<Output = Result<Plan, Stop>> + Send;
}

/// Begins a message once, and drives it as long as a hospital may wait.
pub(super) async fn run(
    care: &Care,
    home: &RegionCode,
    key: &Key,
    request: &impl Message,
    begin: &impl Begin,
) -> Result<pb::Answer, Failure> {
    let _place = match care.admission.place(home) {
        Ok(place) => place,
        Err(busy) => return answer_of(Err(busy.into())),
    };
    let mut driven = Driven::mark(care, key);
    let answer = answer_of(begun(care, key, &digest(request), begin).await);
    driven.ended = answer.as_ref().is_ok_and(|answer| !is_unknown(answer));
    answer
}

async fn begun(care: &Care, key: &Key, digest: &[u8], begin: &impl Begin) -> Result<pb::Answer, Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        match MessageState::find(&mut txn, key, digest).await? {
            MessageState::Answered(answer) => return Ok(answer),
            MessageState::Sent(_) => return Ok(wait(care, key, None).await?),
            MessageState::New => {}
        }
        let place = key.message();
        let mut record = pb::MessageRecord { digest: digest.to_vec(), state: None };
        let begun = match begin.plan(&mut txn).await? {
            Plan::ForNow(answer) => return Ok(answer),
            Plan::Answer(answer) => {
                record.state = Some(State::Answer(kept(&answer)));
                txn.keep(place, &record);
                Err(answer)
            }
            Plan::Send(intent, claimed) => {
                record.state = Some(State::Intent(intent));
                let value = Bytes::from(sealed(&place, &record));
                txn.put(place, value.clone());
                if !planted!(DropIntent) {
                    txn.put(key.pending(), Bytes::new());
                }
                Ok(Sent { value, record, claimed, first: true })
            }
        };
        match (commit(txn).await?, begun) {
            (Committed::Yes, Err(answer)) => return Ok(answer),
            (Committed::Yes, Ok(sent)) => return Ok(wait(care, key, Some(sent)).await?),
            (Committed::Conflict, _) => {}
            (Committed::Busy, _) => return Err(Refusal::new(Code::Busy, "bounded queues", "").into()),
        }
    }
    Err(Refusal::new(Code::Busy, "one change of a visit at a time", "visit").into())
}

/// A message on its way, as the store has it.
struct Sent {
    /// The record as it is stored.
    value: Bytes,
    /// The record; its state is an intent.
    record: pb::MessageRecord,
    /// The claim that it sends, where it was read already.
    claimed: Option<Box<Claimed>>,
    /// It has just been kept, and was never sent before.
    first: bool,
}

impl Sent {
    /// Reads a message, or the answer that stands in the intent's place.
    async fn read(txn: &mut Txn, key: &Key) -> Result<Result<Sent, pb::Answer>, Failure> {
        let place = key.message();
        let Some(value) = txn.get(&place).await? else { return Ok(Err(buried())) };
        let record: pb::MessageRecord = document(&place, &value)?;
        match MessageState::find(txn, key, &record.digest).await {
            Ok(MessageState::Sent(_)) => Ok(Ok(Sent { value, record, claimed: None, first: false })),
            Ok(MessageState::Answered(answer)) => Ok(Err(answer)),
            Ok(MessageState::New) | Err(Stop::Refused(_)) => Ok(Err(buried())),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    fn intent(&self) -> Result<&pb::Intent, Failure> {
        match &self.record.state {
            Some(State::Intent(intent)) => Ok(intent),
            _ => Err(Failure::Damaged(keys::shown(keys::PENDING))),
        }
    }
}

/// The answer to a message that was reversed.
fn buried() -> pb::Answer {
    wire::refused(&Refusal::new(Code::AlreadyReversed, "a reversed message stays reversed", "header.message_id"))
}

/// Drives a message while a hospital waits. When it may wait no longer the answer is unknown, and the sweep goes on.
async fn wait(care: &Care, key: &Key, mut sent: Option<Sent>) -> Result<pb::Answer, Failure> {
    let deadline = Duration::from_millis(care.answer_deadline_ms);
    let mut reason = String::from("the hub has not answered yet");
    let driving = async {
        let mut pause = limits::RETRY_MS;
        loop {
            match attempt(care, key, sent.take()).await {
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
    if ended.is_err() && planted!(UnknownIsNo) {
        return Ok(buried());
    }
    ended.unwrap_or_else(|_| Ok(wire::answer(Outcome::Unknown(pb::Unknown { reason }))))
}

enum Attempt {
    Ended(pb::Answer),
    Again(String),
}

/// Sends a message once and keeps what its answer means.
async fn attempt(care: &Care, key: &Key, sent: Option<Sent>) -> Result<Attempt, Failure> {
    let sent = match sent {
        Some(sent) => sent,
        None => match Sent::read(&mut care.node.store.begin(), key).await? {
            Ok(sent) => sent,
            Err(answer) => return Ok(Attempt::Ended(answer)),
        },
    };
    let answer = send(care, sent.intent()?, sent.first).await?;
    care.levels.learn(sent.intent()?.before.as_ref().map_or("", |visit| &visit.institution), &answer);
    if is_transient(&answer) {
        return Ok(Attempt::Again("the regions are busy; the message is sent again".into()));
    }
    if is_stranger(&answer) {
        // Who we are says nothing about what became of the message: an earlier copy may be booked.
        return Ok(Attempt::Again("the hub does not know this care service; see its configuration".into()));
    }
    conclude(care, key, sent, answer).await
}

fn is_stranger(answer: &pb::Answer) -> bool {
    matches!(&answer.outcome, Some(Outcome::Refused(no)) if no.code() == pb::RefusalCode::E010NotYourRegion)
}

async fn send(care: &Care, intent: &pb::Intent, first: bool) -> Result<pb::Answer, Failure> {
    let call_of = match intent.act() {
        pb::Act::Register => pb::RoadCall::RegisterVisit,
        pb::Act::Settle => pb::RoadCall::Settle,
        pb::Act::Cancel => pb::RoadCall::Cancel,
        pb::Act::Reverse => pb::RoadCall::Reverse,
        pb::Act::Unspecified => return Err(Failure::Damaged(keys::shown(keys::PENDING))),
    };
    let letter = pb::Letter { call: call_of.into(), request: intent.request.clone(), first, ..pb::Letter::default() };
    call("hub", limits::CALL_DEADLINE_MS, care.road.send(letter)).await
}

/// Keeps an answer and everything it means, in one commit; whoever comes second finds the first's answer.
async fn conclude(care: &Care, key: &Key, mut sent: Sent, answer: pb::Answer) -> Result<Attempt, Failure> {
    let place = key.message();
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        if txn.get(&place).await?.as_ref() != Some(&sent.value) {
            // Its reversal came between, or another that drives it; the claim stays what it was.
            match Sent::read(&mut txn, key).await? {
                Ok(other) => sent = Sent { claimed: sent.claimed, ..other },
                Err(answer) => return Ok(Attempt::Ended(answer)),
            }
        }
        let intent = sent.intent()?;
        match intent.act() {
            pb::Act::Register => register_visit::conclude(&mut txn, intent, &answer).await?,
            pb::Act::Settle => settle::conclude(&mut txn, intent, sent.claimed.as_deref(), &answer).await?,
            pb::Act::Cancel => cancel::conclude(&mut txn, intent, &answer).await?,
            pb::Act::Reverse => reverse::conclude(&mut txn, intent, &answer).await?,
            pb::Act::Unspecified => return Err(Failure::Damaged(keys::shown(keys::PENDING))),
        }
        let state = Some(State::Answer(kept(&answer)));
        txn.keep(place.clone(), &pb::MessageRecord { digest: sent.record.digest.clone(), state });
        txn.delete(key.pending());
        match commit(txn).await? {
            Committed::Yes => {
                let is_stay = intent.before.as_ref().is_some_and(|visit| visit.service() == pb::Service::Stay);
                if is_stay && intent.act() == pb::Act::Settle {
                    care.to_upload.notify_one();
                }
                if intent.act() == pb::Act::Reverse {
                    // Refused, it has put its original back to be driven.
                    care.abandoned();
                }
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
            tokio::time::sleep(Duration::from_millis(limits::SWEEP_GAP_MS)).await;
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

/// Looks for what nobody drives, unless nobody has left anything: each look passes over all that were ever pending,
/// until the store has cleared its own traces of them.
async fn sweep_once(care: &Care) -> Result<(), Failure> {
    if !care.left.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    let swept = match behind_all(care).await {
        Ok(true) => sweep_all(care).await,
        // Not looked at yet: it is as good as pending.
        other => other.map(|_| true),
    };
    if !matches!(swept, Ok(false)) {
        care.left.store(true, Ordering::Relaxed);
    }
    swept.map(drop)
}

/// Waits for the commits that nobody waits for any more: a hospital may hang up while its intent is on the way to the disk,
/// where no look finds it yet. What comes behind it in the store's queue is answered after it. False where the queue is full.
async fn behind_all(care: &Care) -> Result<bool, Failure> {
    let mut txn = care.node.store.begin();
    txn.get(keys::PENDING).await?;
    Ok(!matches!(commit(txn).await?, Committed::Busy))
}

/// True where something is still pending.
async fn sweep_all(care: &Care) -> Result<bool, Failure> {
    let mut remains = false;
    // A home that does not answer is asked once a round, so that it does not hold up the others.
    let silent = Mutex::new(BTreeSet::new());
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = care.node.store.scan_prefix(keys::PENDING, after.as_deref(), limits::SWEEP_MAX).await?;
        let pending = page.iter().filter_map(|(key, _)| Key::of_pending(key)).filter(|key| !Driven::is(care, key));
        let swept = pending.map(|key| swept(care, &silent, key)).collect::<Vec<_>>();
        let mut swept = stream::iter(swept).buffer_unordered(SWEPT_TOGETHER);
        while let Some(ended) = swept.next().await {
            remains |= !ended;
        }
        if page.len() < limits::SWEEP_MAX {
            return Ok(remains);
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

/// Drives a message once; true where it has come to its end.
async fn swept(care: &Care, silent: &Mutex<BTreeSet<String>>, key: Key) -> bool {
    let homes = || silent.lock().unwrap_or_else(PoisonError::into_inner);
    let (sent, home) = match sent_home(care, &key).await {
        Ok((_, home)) if homes().contains(&home) => return false,
        Ok(sent) => sent,
        Err(failure) => {
            tracing::error!(%failure, "a pending message cannot be read");
            return false;
        }
    };
    match attempt(care, &key, sent).await {
        Ok(Attempt::Ended(_)) => true,
        Ok(Attempt::Again(_)) => false,
        Err(Failure::Peer { .. }) => {
            homes().insert(home);
            false
        }
        Err(failure) => {
            tracing::error!(%failure, "a pending message cannot be driven");
            false
        }
    }
}

/// A pending message, and the home province that it is for.
async fn sent_home(care: &Care, key: &Key) -> Result<(Option<Sent>, String), Failure> {
    let Ok(sent) = Sent::read(&mut care.node.store.begin(), key).await? else { return Ok((None, String::new())) };
    let visit = sent.intent()?.before.as_ref();
    let area = visit.and_then(|visit| RegionCode::parse(&visit.home).ok());
    let home = area.map(|area| area.province().to_string()).unwrap_or_default();
    Ok((Some(sent), home))
}

/// Marks a message as driven by a waiting hospital, for as long as the mark lives.
struct Driven<'a> {
    care: &'a Care,
    key: Key,
    /// It has its answer; otherwise the sweep goes on with it.
    ended: bool,
}

impl<'a> Driven<'a> {
    fn mark(care: &'a Care, key: &Key) -> Driven<'a> {
        lock(care).insert(key.clone());
        Driven { care, key: key.clone(), ended: false }
    }

    fn is(care: &Care, key: &Key) -> bool {
        lock(care).contains(key)
    }
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        lock(self.care).remove(&self.key);
        if !self.ended {
            self.care.abandoned();
        }
    }
}

fn lock(care: &Care) -> MutexGuard<'_, BTreeSet<Key>> {
    care.driven.lock().unwrap_or_else(PoisonError::into_inner)
}
