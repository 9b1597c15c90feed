//! What the embedded engines have in common: a bounded queue, one thread that writes what has queued as one group and
//! syncs once, and the promises of the port around it. An engine adds its [`Medium`].

mod queue;
mod window;
mod writer;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use tokio::sync::SetOnce;

use crate::error::{CommitError, StoreError};
use crate::port::{Batch, Engine, Pending, Record, Version, check_scan_limit, is_empty_range};
use crate::txn::Store;
use queue::Queue;
use window::Window;
use writer::Writer;

/// How an engine keeps its records. Only one thread, the writer, calls [`write`](Medium::write).
pub trait Medium: Send + Sync + 'static {
    /// The engine's name, for messages.
    const NAME: &'static str;
    /// Batches that share one sync.
    const GROUP_BATCHES_MAX: usize;
    /// A group takes no further batch once it holds this much.
    const GROUP_BYTES_MAX: usize;
    /// As much of a record as the writer needs.
    type Head: Send;

    /// The record under `key`, as far as a crash can no longer take it back.
    ///
    /// # Errors
    /// What the disk says, or damage.
    fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError>;

    /// As [`Engine::scan`], for a limit and a range that are not empty. A group is seen whole or not at all.
    ///
    /// # Errors
    /// What the disk says, or damage.
    fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<(Bytes, Record)>, StoreError>;

    /// For the writer: what was written last under `key`.
    ///
    /// # Errors
    /// What the disk says, or damage.
    fn head(&self, key: &[u8]) -> Result<Option<Self::Head>, StoreError>;

    /// The version in a head.
    fn version(head: &Self::Head) -> Version;

    /// Writes a group, all or nothing, makes it durable, and only then shows it to readers.
    ///
    /// # Errors
    /// Any; after one it is not called again.
    fn write(&self, group: Group<Self::Head>) -> Result<(), StoreError>;

    /// Reads every record, and holds what it finds against what it knows that it keeps. Nobody writes meanwhile.
    ///
    /// # Errors
    /// Damage, naming it, or what the disk says.
    fn verify(&self) -> Result<(), StoreError>;

    /// Keeps the engine from closing after a failed write, when closing would write again.
    fn never_close(&self);
}

/// Accepted batches, as what they leave behind together.
pub struct Group<H> {
    /// What lay under the keys that were looked at.
    pub heads: BTreeMap<Bytes, Option<H>>,
    /// What to write, each key once, ascending.
    pub writes: Vec<Write>,
    /// The last version given out.
    pub last: u64,
}

/// A key and what it is to hold.
pub struct Write {
    /// The key.
    pub key: Bytes,
    /// The commit that writes it.
    pub version: Version,
    /// The value, `None` to delete.
    pub value: Option<Bytes>,
}

/// An engine that writes in groups: a store in a directory, open in one process at a time. Reads are answered on the
/// caller's thread, from the cache or the disk. Dropping the engine answers what has queued and waits for the writer
/// to end and for the files to be let go; then the store can be opened again.
pub struct Grouped<M: Medium> {
    /// Dropped first: the writer ends with it.
    queue: Queue,
    shared: Arc<Shared<M>>,
}

/// What readers and the writer share.
struct Shared<M> {
    medium: M,
    /// The last version that is readable.
    latest: AtomicU64,
    syncs: AtomicU64,
    /// Set once and for good when a write or sync fails: the kernel drops what it could not write and reports
    /// success the next time, so only opening the store again tells what is there.
    stopped: SetOnce<StoreError>,
}

impl<M: Medium> Grouped<M> {
    /// Starts the writer over an opened medium; `last` is the last version given out.
    pub(crate) fn start(medium: M, last: u64) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            medium,
            latest: AtomicU64::new(last),
            syncs: AtomicU64::new(0),
            stopped: SetOnce::new(),
        });
        let (queue, requests) = Queue::new();
        let writer = Writer { shared: Arc::clone(&shared), requests, last, window: Window::new(Version(last)) };
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(|| writer.run())
            .map_err(|error| StoreError::io("start its writer", error))?;
        Ok(Self { queue: queue.with_writer(thread), shared })
    }

    /// A store over it, whose records are all read first where that is asked for.
    pub(crate) fn known(self, read: bool) -> Result<Store, StoreError> {
        if read {
            self.verified()?;
        }
        Ok(Store::new(self))
    }

    fn verified(&self) -> Result<(), StoreError> {
        self.shared.read("verify", M::verify)
    }

    /// How many times commits were synced; with many waiting, fewer than there were commits.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn medium(&self) -> &M {
        &self.shared.medium
    }
}

impl<M: Medium> Shared<M> {
    fn check_running(&self) -> Result<(), StoreError> {
        match self.stopped.get() {
            Some(failure) => Err(StoreError::Stopped { source: Arc::new(failure.clone()) }),
            None => Ok(()),
        }
    }

    fn read<T>(&self, doing: &str, work: impl FnOnce(&M) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check_running()?;
        guarded::<M, _>(doing, || work(&self.medium))
    }
}

impl<M: Medium> Engine for Grouped<M> {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move { self.shared.read("read", |medium| medium.get(key)) })
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        Box::pin(async move {
            check_scan_limit(limit)?;
            if limit == 0 || is_empty_range(start, end) {
                return Ok(Vec::new());
            }
            self.shared.read("scan", |medium| medium.scan(start, end, limit))
        })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            let bytes = batch.check()?;
            self.shared.check_running()?;
            match self.queue.send(batch, bytes)?.await {
                Ok(outcome) => outcome,
                Err(_) => Err(StoreError::Closed.into()),
            }
        })
    }

    fn latest(&self) -> Option<Version> {
        Some(Version(self.shared.latest.load(Ordering::Acquire)))
    }

    fn verify(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move { self.verified() })
    }

    fn stopped(&self) -> Pending<'_, StoreError> {
        Box::pin(async move { self.shared.stopped.wait().await.clone() })
    }
}

impl<M: Medium> fmt::Debug for Grouped<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} engine", M::NAME)
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread becomes an error of the store: a hook need not print it.
#[must_use]
pub fn panics_are_caught() -> bool {
    GUARDED.get()
}

/// Runs `work`; an engine may panic on some kinds of damage, and those become an error like the others.
pub(crate) fn guarded<M: Medium, T>(
    doing: &str,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let what = format!("{} panicked during {doing}: {}", M::NAME, text.unwrap_or("no message"));
        Err(StoreError::Damaged { what })
    })
}

#[cfg(test)]
mod tests;
