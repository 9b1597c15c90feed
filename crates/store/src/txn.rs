//! What services hold: [`Store`], and the optimistic transaction [`Txn`] that turns reads and writes into one [`Batch`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{CommitError, StoreError};
use crate::port::{Batch, Engine, Record, Version};

/// A handle to an engine; cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// A store over `engine`; an `Arc` of an engine is an engine too.
    pub fn new(engine: impl Engine) -> Self {
        let engine = Arc::new(engine);
        Self { engine }
    }

    /// The engine behind this handle.
    #[must_use]
    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// Starts a transaction. It costs nothing until it reads or commits.
    #[must_use]
    pub fn begin(&self) -> Txn {
        let engine = Arc::clone(&self.engine);
        let since = engine.latest();
        Txn { engine, since, reads: BTreeMap::new(), writes: BTreeMap::new() }
    }

    /// The record under `key`, outside any transaction.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        self.engine.get(key).await
    }

    /// Reads everything, and fails where something is damaged or missing; see [`Engine::verify`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] naming what is, or what the disk says.
    pub async fn verify(&self) -> Result<(), StoreError> {
        self.engine.verify().await
    }

    /// Ends when the engine has stopped for good, with the reason; see [`Engine::stopped`].
    pub async fn stopped(&self) -> StoreError {
        self.engine.stopped().await
    }

    /// One page of the keys that start with `prefix`, from the first one behind `after`.
    /// Fewer than `limit` rows mean that there are no more.
    ///
    /// Pages are read one by one, and no commit checks them: a scan is for lists and reports. What a decision
    /// depends on is read with [`Txn::get`].
    pub async fn scan_prefix(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let mut start = prefix.to_vec();
        if let Some(after) = after.filter(|after| *after >= prefix) {
            start = after.to_vec();
            start.push(0);
        }
        self.engine.scan(&start, &prefix_end(prefix), limit).await
    }
}

/// The first key behind all that start with `prefix`; empty when there is none.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// An optimistic transaction. Reads remember the version they saw, writes are buffered, and [`Txn::commit`] succeeds
/// only if nothing that was read has changed. Two reads may straddle another commit; the commit then finds out.
pub struct Txn {
    engine: Arc<dyn Engine>,
    since: Option<Version>,
    reads: BTreeMap<Bytes, Option<Record>>,
    writes: BTreeMap<Bytes, Option<Bytes>>,
}

impl fmt::Debug for Txn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reads, writes) = (self.reads.len(), self.writes.len());
        write!(f, "Txn {{ {reads} reads, {writes} writes }}")
    }
}

impl Txn {
    /// The value under `key` as this transaction sees it: its own write, or else what its first read of the key found.
    pub async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if let Some(written) = self.writes.get(key) {
            return Ok(written.clone());
        }
        if let Some(read) = self.reads.get(key) {
            return Ok(read.as_ref().map(|record| record.value.clone()));
        }
        let record = self.engine.get(key).await?;
        let value = record.as_ref().map(|record| record.value.clone());
        self.reads.insert(Bytes::copy_from_slice(key), record);
        Ok(value)
    }

    /// Takes a record that a scan showed as read by this transaction, so that it need not be read again: the commit
    /// checks that it still stands. What the transaction has read by itself goes before.
    pub fn saw(&mut self, key: Bytes, record: Record) {
        self.reads.entry(key).or_insert(Some(record));
    }

    /// Writes `value` under `key` at commit. Without a `get` of the key before, whatever is there is overwritten.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.writes.insert(key.into(), Some(value.into()));
    }

    /// Deletes `key` at commit.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.writes.insert(key.into(), None);
    }

    /// Sends everything as one batch and answers when it is durable. A transaction that only read is checked as well.
    pub async fn commit(self) -> Result<(), CommitError> {
        let batch = Batch {
            reads: self.reads.into_iter().map(|(key, record)| (key, record.map(|record| record.version))).collect(),
            since: self.since,
            writes: self.writes.into_iter().collect(),
        };
        if batch.reads.is_empty() && batch.writes.is_empty() {
            return Ok(());
        }
        self.engine.commit(batch).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(prefix_end(b"ab"), b"ac");
        assert_eq!(prefix_end(b"a\xff\xff"), b"b");
        assert_eq!(prefix_end(b"\xff\xff"), b"");
        assert_eq!(prefix_end(b""), b"");
    }
}
