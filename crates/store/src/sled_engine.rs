//! The embedded engine: sled 0.34.7, with the durability sled itself does not give (see `files`).
//! One thread writes: it takes what has queued, checks it, applies it as one sled batch, syncs once, then answers.

mod files;
mod layout;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::memory::bounds;
use crate::port::{Batch, Engine, Pending, Record, Version, check_scan_limit, is_empty_range};
use files::{Closing, Files};
use layout::Tree;
use writer::{Request, Writer};

/// A store in a directory, open in one process at a time. Reads are answered on the caller's thread, from sled's cache
/// or the disk. Dropping the engine answers what has queued, waits for the writer to end and for sled to let go of its
/// files; then the store can be opened again.
pub struct SledEngine {
    shared: Arc<Shared>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Request>>,
    /// Room for the bytes of waiting batches, in KiB.
    room: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

/// What readers and the writer share.
struct Shared {
    tree: Tree,
    view: RwLock<View>,
    syncs: AtomicU64,
    /// Dropped last, that is after sled.
    _closing: Closing,
}

/// How readers see the tree. sled shows a batch as soon as it is applied; until the sync that follows, a crash can take
/// it back, so readers are shown the records from before. Were they shown the new ones, a service could answer from
/// data that then disappears. A reader holds the lock while it reads the tree, so it sees a group whole or not at all.
#[derive(Default)]
struct View {
    /// What the keys of the group being written held before it.
    before: BTreeMap<Bytes, Option<Record>>,
    /// Set once and for good when a write or sync fails: the kernel drops what it could not write and reports
    /// success the next time, so only opening the store again tells what is there.
    stopped: Option<StoreError>,
}

impl SledEngine {
    /// Opens the store in the directory `path`, or makes a new one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let tree = guarded("open", || Tree::open(path))?;
        let mut files = Files::open(path)?;
        let last = guarded("open", || tree.prepare(path))?;
        files.sync_all()?;
        Self::start(tree, files, last)
    }

    fn start(tree: Tree, files: Files, last: u64) -> Result<Self, StoreError> {
        let shared =
            Arc::new(Shared { tree, view: RwLock::default(), syncs: AtomicU64::new(0), _closing: files.closing()? });
        let (sender, queue) = mpsc::channel(limits::QUEUE_BATCHES_MAX);
        let writer = Writer { shared: Arc::clone(&shared), files, queue, last };
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(|| writer.run())
            .map_err(|error| StoreError::io("start its writer", error))?;
        Ok(Self {
            shared,
            queue: Some(sender),
            room: Arc::new(Semaphore::new(limits::QUEUE_BYTES_MAX / 1024)),
            writer: Some(writer),
        })
    }

    /// How many times commits were synced; with many waiting, fewer than there were commits.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }

    fn send(&self, batch: Batch) -> Result<oneshot::Receiver<Outcome>, CommitError> {
        let bytes = batch.check()?;
        drop(self.shared.view()?);
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room);
        let room = (room.try_acquire_many_owned(kib)).map_err(|_| CommitError::Busy)?;
        let (answer, receiver) = oneshot::channel();
        let request = Request { batch, bytes, answer, _room: room };
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        // A full queue is a quarter of a second of work: waiting longer helps nobody.
        queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed.into(),
        })?;
        Ok(receiver)
    }
}

type Outcome = Result<Version, CommitError>;

impl Shared {
    /// The readers' view, unless the engine has stopped.
    fn view(&self) -> Result<RwLockReadGuard<'_, View>, StoreError> {
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        match &view.stopped {
            Some(failure) => Err(StoreError::Stopped { source: Arc::new(failure.clone()) }),
            None => Ok(view),
        }
    }

    fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let view = self.view()?;
        match view.before.get(key) {
            Some(before) => Ok(before.clone()),
            None => self.tree.record(key),
        }
    }

    fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<(Bytes, Record)>, StoreError> {
        check_scan_limit(limit)?;
        let mut rows = Vec::new();
        if limit == 0 || is_empty_range(start, end) {
            return Ok(rows);
        }
        let view = self.view()?;
        let mut before = view.before.range::<[u8], _>(bounds(start, end)).peekable();
        let mut show = |key: &Bytes, record: Option<Record>| {
            rows.extend(record.map(|record| (key.clone(), record)));
            rows.len() < limit
        };
        for row in self.tree.rows(start, end) {
            let (key, head) = row?;
            // Keys that the group on its way deletes are no longer in the tree.
            while let Some((gone, record)) = before.next_if(|(held, _)| **held < key) {
                if !show(gone, record.clone()) {
                    return Ok(rows);
                }
            }
            let record = match before.next_if(|(held, _)| **held == key) {
                Some((_, record)) => record.clone(),
                None => Some(self.tree.load(head)?),
            };
            if !show(&key, record) {
                return Ok(rows);
            }
        }
        for (gone, record) in before {
            if !show(gone, record.clone()) {
                break;
            }
        }
        Ok(rows)
    }
}

impl Engine for SledEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move { guarded("read", || self.shared.get(key)) })
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        Box::pin(async move { guarded("scan", || self.shared.scan(start, end, limit)) })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            match self.send(batch)?.await {
                Ok(outcome) => outcome,
                Err(_) => Err(StoreError::Closed.into()),
            }
        })
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

impl fmt::Debug for SledEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledEngine").finish_non_exhaustive()
    }
}

/// Runs `work`; sled panics on some kinds of damage, and those become an error like the others.
fn guarded<T>(doing: &str, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let what = format!("sled panicked during {doing}: {}", text.unwrap_or("no message"));
        Err(StoreError::Damaged { what })
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn put(key: &'static str, value: &'static str) -> Batch {
        let writes = vec![(key.into(), Some(value.into()))];
        let reads = vec![];
        Batch { reads, writes }
    }

    #[tokio::test]
    async fn readers_see_a_group_when_it_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let engine = SledEngine::open(dir.path()).unwrap();
        for key in ["b", "d", "f"] {
            engine.commit(put(key, "synced")).await.unwrap();
        }
        let old = engine.scan(b"", b"", 10).await.unwrap();
        let mut before = BTreeMap::new();
        for key in ["a", "b", "e", "f", "g"] {
            before.insert(key.into(), engine.get(key.as_bytes()).await.unwrap());
        }
        let batch = Batch {
            reads: vec![],
            writes: vec![
                ("a".into(), Some("new".into())),
                ("b".into(), None),
                ("e".into(), Some("new".into())),
                ("f".into(), None),
                ("g".into(), Some("new".into())),
            ],
        };
        engine.commit(batch).await.unwrap();
        let new = engine.scan(b"", b"", 10).await.unwrap();

        // The moment between sled's showing the group and the end of its sync.
        engine.shared.view_mut().before = before;
        assert_eq!(engine.scan(b"", b"", 10).await.unwrap(), old);
        assert_eq!(engine.scan(b"b", b"f", 10).await.unwrap(), old[..2]);
        assert_eq!(engine.scan(b"", b"", 2).await.unwrap(), old[..2]);
        assert_eq!(engine.get(b"a").await.unwrap(), None);
        assert_eq!(engine.get(b"b").await.unwrap().as_ref(), Some(&old[0].1));
        assert_eq!(engine.get(b"d").await.unwrap().as_ref(), Some(&old[1].1));

        engine.shared.view_mut().before = BTreeMap::new();
        assert_eq!(engine.scan(b"", b"", 10).await.unwrap(), new);
        let keys: Vec<_> = new.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(keys, [b"a", b"d", b"e", b"g"]);
    }

    #[tokio::test]
    async fn a_failed_sync_stops_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::open(dir.path()).unwrap();
        let mut files = Files::open(dir.path()).unwrap();
        let last = tree.prepare(dir.path()).unwrap();
        // It cannot be synced.
        files.data = File::open("/dev/null").unwrap();
        let engine = SledEngine::start(tree, files, last).unwrap();

        let first = engine.commit(put("k", "v")).await;
        let io = matches!(first, Err(CommitError::Failed(StoreError::Io { .. })));
        assert!(io, "{first:?}");
        let later = engine.commit(put("k", "v")).await;
        let stopped = matches!(later, Err(CommitError::Failed(StoreError::Stopped { .. })));
        assert!(stopped, "{later:?}");
        for error in [engine.get(b"k").await.unwrap_err(), engine.scan(b"", b"", 1).await.unwrap_err()] {
            let StoreError::Stopped { source } = error else {
                panic!("{error:?}");
            };
            assert!(matches!(*source, StoreError::Io { doing: "sync", .. }));
        }
        assert_eq!(engine.syncs(), 0);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy() {
        let dir = tempfile::tempdir().unwrap();
        let engine = SledEngine::open(dir.path()).unwrap();
        let permits = engine.room.available_permits();
        let taken = engine.room.try_acquire_many(permits as u32).unwrap();
        let outcome = engine.commit(put("k", "v")).await;
        assert!(matches!(outcome, Err(CommitError::Busy)), "{outcome:?}");
        drop(taken);
        engine.commit(put("k", "v")).await.unwrap();
    }
}
