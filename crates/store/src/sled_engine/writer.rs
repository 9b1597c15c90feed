//! The writer thread: takes a group of waiting batches, checks each against the tree and those accepted before it,
//! applies the accepted ones as one sled batch, syncs, lets readers see it, and only then answers.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::files::Files;
use super::layout::{Head, Pages, Tree};
use super::{Outcome, Shared, guarded};
use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::port::{Batch, Record, Version};

/// A batch that waits, with its share of the queue's room.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Outcome>,
    pub(super) _room: OwnedSemaphorePermit,
}

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) files: Files,
    pub(super) queue: mpsc::Receiver<Request>,
    /// The last version given out.
    pub(super) last: u64,
}

impl Writer {
    /// Works until the engine is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
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
        while requests.len() < limits::GROUP_BATCHES_MAX && bytes < limits::GROUP_BYTES_MAX {
            let Ok(next) = self.queue.try_recv() else {
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
        let error = match shared.view().map(drop) {
            Err(stopped) => stopped,
            Ok(()) => match guarded("commit", || self.write(requests)) {
                Ok(outcomes) => return outcomes,
                Err(failure) => {
                    tracing::error!(error = &failure as &dyn std::error::Error, "the store stops");
                    shared.view_mut().stopped = Some(failure.clone());
                    shared.tree.never_close();
                    failure
                }
            },
        };
        (requests.iter()).map(|_| Err(error.clone().into())).collect()
    }

    fn write(&mut self, requests: &[Request]) -> Result<Vec<Outcome>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let mut group = Group::new(&shared.tree, self.last);
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            outcomes.push(group.admit(&request.batch)?);
        }
        if !group.writes.is_empty() {
            self.last = group.last;
            shared.view_mut().before = group.before()?;
            shared.tree.apply(group.into_pages())?;
            self.files.sync()?;
            shared.syncs.fetch_add(1, Ordering::Relaxed);
            // Dropped when the lock has been given back.
            let _synced = mem::take(&mut shared.view_mut().before);
        }
        Ok(outcomes)
    }
}

/// The batches accepted so far, as what they leave behind together.
struct Group<'a> {
    tree: &'a Tree,
    /// What the tree holds under the keys met so far.
    heads: BTreeMap<Bytes, Option<Head>>,
    writes: BTreeMap<Bytes, (Version, Option<Bytes>)>,
    last: u64,
}

impl<'a> Group<'a> {
    fn new(tree: &'a Tree, last: u64) -> Self {
        Self { tree, heads: BTreeMap::new(), writes: BTreeMap::new(), last }
    }

    fn admit(&mut self, batch: &Batch) -> Result<Outcome, StoreError> {
        for (key, seen) in &batch.reads {
            if self.version(key)? != *seen {
                return Ok(Err(CommitError::Conflict));
            }
        }
        if !batch.writes.is_empty() {
            self.last += 1;
        }
        let version = Version(self.last);
        for (key, value) in &batch.writes {
            self.head(key)?;
            self.writes.insert(key.clone(), (version, value.clone()));
        }
        Ok(Ok(version))
    }

    fn version(&mut self, key: &Bytes) -> Result<Option<Version>, StoreError> {
        match self.writes.get(key) {
            Some((version, value)) => Ok(value.as_ref().map(|_| *version)),
            None => Ok(self.head(key)?.map(|head| head.version)),
        }
    }

    fn head(&mut self, key: &Bytes) -> Result<Option<&Head>, StoreError> {
        if !self.heads.contains_key(key) {
            let head = self.tree.head(key)?;
            self.heads.insert(key.clone(), head);
        }
        Ok(self.heads.get(key).and_then(Option::as_ref))
    }

    fn old(&self, key: &Bytes) -> Option<&Head> {
        self.heads.get(key).and_then(Option::as_ref)
    }

    /// The records that the group replaces.
    fn before(&self) -> Result<BTreeMap<Bytes, Option<Record>>, StoreError> {
        let mut before = BTreeMap::new();
        for key in self.writes.keys() {
            let head = self.old(key).cloned();
            let record = head.map(|head| self.tree.load(head)).transpose()?;
            before.insert(key.clone(), record);
        }
        Ok(before)
    }

    fn into_pages(self) -> sled::Batch {
        let mut pages = Pages::default();
        for (key, (version, value)) in &self.writes {
            if let Some(old) = self.old(key) {
                pages.remove_chunks(old);
            }
            match value {
                Some(value) => pages.put(key, *version, value),
                None => pages.remove(key),
            }
        }
        pages.finish(self.last)
    }
}
