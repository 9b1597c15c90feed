//! The engine for tests: an ordered map. No thread and no timer, so it behaves the same in every run of a simulated
//! network; on request it holds commits back until [`Memory::sync`] and loses them in [`Memory::crash`].

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::port::{Batch, Engine, Pending, Record, Version, check_scan_limit, is_empty_range};

/// An ordered map in memory. Clones share the data, so a restarted service finds what its predecessor committed.
#[derive(Clone, Default)]
pub struct Memory {
    inner: Arc<Mutex<Inner>>,
    manual_sync: bool,
}

#[derive(Default)]
struct Inner {
    synced: BTreeMap<Bytes, Record>,
    unsynced: BTreeMap<Bytes, Option<Record>>,
    waiting: Vec<Waiting>,
    last: u64,
}

/// A commit whose outcome is known but not yet said.
struct Waiting {
    outcome: Result<Version, CommitError>,
    answer: oneshot::Sender<Result<Version, CommitError>>,
}

enum Answer {
    Now(Result<Version, CommitError>),
    AfterSync(oneshot::Receiver<Result<Version, CommitError>>),
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// An empty engine whose commits are done at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty engine whose commits are answered, and become readable, when [`Memory::sync`] is called.
    #[must_use]
    pub fn with_manual_sync() -> Self {
        Self { manual_sync: true, ..Self::default() }
    }

    /// Makes every commit so far durable and answers it.
    pub fn sync(&self) {
        self.inner().sync();
    }

    /// Loses what was not synced; the commits that wait for it fail. The data can be used again at once.
    pub fn crash(&self) {
        let mut inner = self.inner();
        inner.unsynced.clear();
        for waiting in mem::take(&mut inner.waiting) {
            // Whoever stopped listening does not need the answer.
            let _ = waiting.answer.send(Err(StoreError::Closed.into()));
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, batch: Batch) -> Answer {
        let mut inner = self.inner();
        if inner.waiting.len() >= limits::QUEUE_BATCHES_MAX {
            return Answer::Now(Err(CommitError::Busy));
        }
        let outcome = inner.admit(batch);
        if !self.manual_sync {
            inner.sync();
        }
        if inner.unsynced.is_empty() {
            return Answer::Now(outcome);
        }
        let (answer, receiver) = oneshot::channel();
        inner.waiting.push(Waiting { outcome, answer });
        Answer::AfterSync(receiver)
    }
}

impl Inner {
    fn version(&self, key: &Bytes) -> Option<Version> {
        let record = match self.unsynced.get(key) {
            Some(unsynced) => unsynced.as_ref(),
            None => self.synced.get(key),
        };
        record.map(|record| record.version)
    }

    fn admit(&mut self, batch: Batch) -> Result<Version, CommitError> {
        if (batch.reads.iter()).any(|(key, seen)| self.version(key) != *seen) {
            return Err(CommitError::Conflict);
        }
        if !batch.writes.is_empty() {
            self.last += 1;
        }
        let version = Version(self.last);
        for (key, value) in batch.writes {
            let record = value.map(|value| Record { version, value });
            self.unsynced.insert(key, record);
        }
        Ok(version)
    }

    fn sync(&mut self) {
        for (key, record) in mem::take(&mut self.unsynced) {
            match record {
                Some(record) => self.synced.insert(key, record),
                None => self.synced.remove(&key),
            };
        }
        for Waiting { outcome, answer } in mem::take(&mut self.waiting) {
            let _ = answer.send(outcome);
        }
    }
}

impl Engine for Memory {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move { Ok(self.inner().synced.get(key).cloned()) })
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        Box::pin(async move {
            check_scan_limit(limit)?;
            if is_empty_range(start, end) {
                return Ok(Vec::new());
            }
            let inner = self.inner();
            let rows = inner.synced.range::<[u8], _>(bounds(start, end));
            Ok(rows.take(limit).map(|(k, r)| (k.clone(), r.clone())).collect())
        })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            batch.check()?;
            match self.offer(batch) {
                Answer::Now(outcome) => outcome,
                Answer::AfterSync(answer) => match answer.await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(StoreError::Closed.into()),
                },
            }
        })
    }
}

/// `[start, end)`, or everything from `start` when `end` is empty.
pub(crate) fn bounds<'a>(start: &'a [u8], end: &'a [u8]) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    let end = match end {
        [] => Bound::Unbounded,
        end => Bound::Excluded(end),
    };
    (Bound::Included(start), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &'static str, value: &'static str) -> Batch {
        Batch { writes: vec![(key.into(), Some(value.into()))], ..Batch::default() }
    }

    async fn value(engine: &Memory, key: &str) -> Option<Bytes> {
        let record = engine.get(key.as_bytes()).await.unwrap();
        record.map(|record| record.value)
    }

    #[tokio::test]
    async fn a_commit_waits_for_its_sync() {
        let engine = Memory::with_manual_sync();
        let task = tokio::spawn({
            let engine = engine.clone();
            async move { engine.commit(put("k", "v")).await }
        });
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        assert_eq!(value(&engine, "k").await, None);
        engine.sync();
        assert_eq!(task.await.unwrap().unwrap(), Version(1));
        assert_eq!(value(&engine, "k").await, Some("v".into()));
    }

    #[tokio::test]
    async fn a_crash_loses_what_was_not_synced() {
        let engine = Memory::with_manual_sync();
        let task = tokio::spawn({
            let engine = engine.clone();
            async move { engine.commit(put("k", "v")).await }
        });
        tokio::task::yield_now().await;
        engine.crash();
        assert!(matches!(task.await.unwrap(), Err(CommitError::Failed(StoreError::Closed))));
        engine.sync();
        assert_eq!(value(&engine, "k").await, None);
    }

    #[tokio::test]
    async fn a_conflict_is_told_when_the_winner_is_readable() {
        let engine = Memory::with_manual_sync();
        let mut create = put("k", "v");
        create.reads.push(("k".into(), None));
        let spawn = |batch: Batch| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.commit(batch).await })
        };
        let (winner, loser) = (spawn(create.clone()), spawn(create));
        tokio::task::yield_now().await;
        assert!(!loser.is_finished());
        engine.sync();
        assert!(winner.await.unwrap().is_ok());
        assert!(matches!(loser.await.unwrap(), Err(CommitError::Conflict)));
    }
}
