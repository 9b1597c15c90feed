//! The writer thread: takes a group of waiting batches, checks each against what was accepted before it, has the accepted ones written as one and synced, and only then answers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::queue::{Outcome, Request};
use super::window::Window;
use super::{Group, Medium, Shared, Write, guarded};
use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::port::{Batch, Version};

pub(super) struct Writer<M> {
    pub(super) shared: Arc<Shared<M>>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// The last version given out.
    pub(super) last: u64,
    pub(super) window: Window,
}

impl<M: Medium> Writer<M> {
    /// Works until the engine is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            let mut requests = self.gather(first);
            let together = requests.len();
            let outcomes = self.commit(&mut requests);
            for (request, outcome) in requests.into_iter().zip(outcomes) {
                // Whoever stopped listening does not need the answer.
                let _ = request.answer.send(outcome);
            }
            if (limits::GROUP_FEW..limits::GROUP_MANY).contains(&together) {
                thread::sleep(Duration::from_micros(limits::GROUP_GAP_US));
            }
        }
    }

    fn gather(&mut self, first: Request) -> Vec<Request> {
        let mut bytes = first.bytes;
        let mut requests = vec![first];
        while requests.len() < M::GROUP_BATCHES_MAX && bytes < M::GROUP_BYTES_MAX {
            let Ok(next) = self.requests.try_recv() else {
                break;
            };
            bytes += next.bytes;
            requests.push(next);
        }
        requests
    }

    /// One outcome for each request. If anything fails, all of the group fail and the engine stops.
    fn commit(&mut self, requests: &mut [Request]) -> Vec<Outcome> {
        let shared = Arc::clone(&self.shared);
        let error = match shared.check_running() {
            Err(stopped) => stopped,
            Ok(()) => match guarded::<M, _>("commit", || self.write(requests)) {
                Ok(outcomes) => return outcomes,
                Err(failure) => {
                    tracing::error!(error = &failure as &dyn std::error::Error, "the store stops");
                    // Only this thread sets it, and it was not set.
                    let _ = shared.stopped.set(failure.clone());
                    shared.medium.never_close();
                    failure
                }
            },
        };
        requests.iter().map(|_| Err(error.clone().into())).collect()
    }

    fn write(&mut self, requests: &mut [Request]) -> Result<Vec<Outcome>, StoreError> {
        let mut group = Group { heads: BTreeMap::new(), writes: Vec::new(), last: self.last };
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            outcomes.push(self.admit(&mut group, mem::take(&mut request.batch))?);
        }
        if !group.writes.is_empty() {
            self.last = group.last;
            // Of several writes to a key the last is kept: the sort is stable.
            group.writes.reverse();
            group.writes.sort_by(|one, other| one.key.cmp(&other.key));
            group.writes.dedup_by(|next, kept| next.key == kept.key);
            self.shared.medium.write(group)?;
            self.shared.latest.store(self.last, Ordering::Release);
            self.shared.syncs.fetch_add(1, Ordering::Relaxed);
            self.window.turn(Version(self.last));
        }
        Ok(outcomes)
    }

    fn admit(&mut self, group: &mut Group<M::Head>, batch: Batch) -> Result<Outcome, StoreError> {
        for (key, seen) in &batch.reads {
            if self.has_changed(group, key, *seen, batch.since)? {
                return Ok(Err(CommitError::Conflict));
            }
        }
        if !batch.writes.is_empty() {
            group.last += 1;
        }
        let version = Version(group.last);
        for (key, value) in batch.writes {
            self.window.note(&key, value.as_ref().map(|_| version));
            group.writes.push(Write { key, version, value });
        }
        Ok(Ok(version))
    }

    fn has_changed(
        &self,
        group: &mut Group<M::Head>,
        key: &Bytes,
        seen: Option<Version>,
        since: Option<Version>,
    ) -> Result<bool, StoreError> {
        if let Some(version) = self.window.find(key) {
            return Ok(version != seen);
        }
        if self.window.covers(since) {
            return Ok(false);
        }
        let head = match group.heads.entry(key.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.shared.medium.head(key)?),
        };
        Ok(head.as_ref().map(M::version) != seen)
    }
}
