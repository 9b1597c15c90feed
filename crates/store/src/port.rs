//! The port itself: the few types and the three calls an engine must offer, and the promises that come with them.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{CommitError, StoreError};
use crate::limits;

/// Sequence number of the commit that last wrote a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A stored value and the commit that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The commit that wrote the value.
    pub version: Version,
    /// The value.
    pub value: Bytes,
}

/// What one commit read and what it writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Keys with the version seen, `None` where the key was absent.
    pub reads: Vec<(Bytes, Option<Version>)>,
    /// A commit that was readable before the first of the reads, see [`Engine::latest`]. It makes checking cheaper, and
    /// decides nothing; `None` where it is not known.
    pub since: Option<Version>,
    /// Keys with their new value, `None` to delete. Of two writes to one key the later counts.
    pub writes: Vec<(Bytes, Option<Bytes>)>,
}

/// An answer that is on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place that keeps ordered keys. What every engine promises:
///
/// - Commits happen one after another; each is whole or absent, also after a crash.
/// - A commit answers `Ok` when a crash can no longer take it back.
/// - `get` and `scan` show only what a crash can no longer take back. They may miss a commit that is on its way;
///   a commit that relied on the older state is then refused as a conflict.
/// - A conflict is answered when the commit it lost to has become readable, so deciding again finds newer data.
/// - Dropping a commit's future leaves the outcome open.
pub trait Engine: Send + Sync + 'static {
    /// The record under `key`.
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>>;

    /// Keys in `[start, end)`, ascending, at most `limit` of them; an empty `end` means to the last key.
    /// Fewer than `limit` rows mean that there are no more. A limit above [`limits::SCAN_ROWS_MAX`] is refused.
    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>>;

    /// Checks that every key read still has the version named, then writes all or nothing.
    /// A batch without writes is checked the same way. A batch without reads conflicts with nothing.
    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>>;

    /// The last commit that is readable now, from an engine that checks the readers since then for less.
    fn latest(&self) -> Option<Version> {
        None
    }

    /// Reads every record, and holds what it finds against what the engine knows that it keeps. For a time when nobody
    /// writes. Fails with [`StoreError::Damaged`] where a record does not read, or one is missing.
    fn verify(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Ends when the engine has stopped for good, with the reason; one that cannot fail never does.
    fn stopped(&self) -> Pending<'_, StoreError> {
        Box::pin(std::future::pending())
    }
}

impl<E: Engine + ?Sized> Engine for Arc<E> {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        (**self).get(key)
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        (**self).scan(start, end, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        (**self).commit(batch)
    }

    fn latest(&self) -> Option<Version> {
        (**self).latest()
    }

    fn verify(&self) -> Pending<'_, Result<(), StoreError>> {
        (**self).verify()
    }

    fn stopped(&self) -> Pending<'_, StoreError> {
        (**self).stopped()
    }
}

impl Batch {
    /// The batch's size in bytes, if it keeps to the limits.
    pub(crate) fn check(&self) -> Result<usize, StoreError> {
        let mut total = 0;
        for (key, _) in &self.reads {
            total += within("a key", key.len(), limits::KEY_BYTES_MAX)?;
        }
        for (key, value) in &self.writes {
            total += within("a key", key.len(), limits::KEY_BYTES_MAX)?;
            let value = value.as_ref().map_or(0, Bytes::len);
            total += within("a value", value, limits::VALUE_BYTES_MAX)?;
        }
        within("a batch", total, limits::BATCH_BYTES_MAX)
    }
}

pub(crate) fn check_scan_limit(limit: usize) -> Result<usize, StoreError> {
    within("a scan", limit, limits::SCAN_ROWS_MAX)
}

/// `true` when `[start, end)` cannot hold a key; the ordered maps below do not all accept such a range.
pub(crate) fn is_empty_range(start: &[u8], end: &[u8]) -> bool {
    !end.is_empty() && start >= end
}

fn within(what: &'static str, found: usize, max: usize) -> Result<usize, StoreError> {
    if found > max {
        return Err(StoreError::TooLarge { what, found, max });
    }
    Ok(found)
}
