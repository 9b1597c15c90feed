//! The writer thread: takes a group of waiting batches, checks each against the medium and those accepted before it,
//! has the accepted ones written as one and synced, and only then answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::queue::{Outcome, Request};
use super::{Group, Medium, Shared, guarded};
use crate::error::{CommitError, StoreError};
use crate::port::{Batch, Version};

pub(super) struct Writer<M> {
    pub(super) shared: Arc<Shared<M>>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// The last version given out.
    pub(super) last: u64,
}

impl<M: Medium> Writer<M> {
    /// Works until the engine is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            let requests = self.gather(first);
            let outcomes = self.commit(&requests);
            for (request, outcome) in requests.into_iter().zip(outcomes) {
                // Whoever stopped listening does not need the answer.
                let _ = request.answer.send(outcome);
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
    fn commit(&mut self, requests: &[Request]) -> Vec<Outcome> {
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

    fn write(&mut self, requests: &[Request]) -> Result<Vec<Outcome>, StoreError> {
        let medium = &self.shared.medium;
        let mut group = Group { heads: BTreeMap::new(), writes: BTreeMap::new(), last: self.last };
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            outcomes.push(group.admit(medium, &request.batch)?);
        }
        if !group.writes.is_empty() {
            self.last = group.last;
            medium.write(group)?;
            self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(outcomes)
    }
}

impl<H> Group<H> {
    fn admit(&mut self, medium: &impl Medium<Head = H>, batch: &Batch) -> Result<Outcome, StoreError> {
        for (key, seen) in &batch.reads {
            if self.version(medium, key)? != *seen {
                return Ok(Err(CommitError::Conflict));
            }
        }
        if !batch.writes.is_empty() {
            self.last += 1;
        }
        let version = Version(self.last);
        for (key, value) in &batch.writes {
            self.writes.insert(key.clone(), (version, value.clone()));
        }
        Ok(Ok(version))
    }

    fn version<M: Medium<Head = H>>(&mut self, medium: &M, key: &Bytes) -> Result<Option<Version>, StoreError> {
        if let Some((version, value)) = self.writes.get(key) {
            return Ok(value.as_ref().map(|_| *version));
        }
        let head = match self.heads.entry(key.clone()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(unknown) => unknown.insert(medium.head(key)?),
        };
        Ok(head.as_ref().map(M::version))
    }
}
