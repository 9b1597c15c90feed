//! The engine over sled 0.34.7, with the durability sled itself does not give (see `files`).

mod files;
mod layout;

use std::collections::BTreeMap;
use std::mem;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::error::StoreError;
use crate::group::{Group, Grouped, Medium, Write, guarded};
use crate::kind::EngineKind;
use crate::limits;
use crate::memory::bounds;
use crate::note::Note;
use crate::port::{Record, Version};
use crate::sum::Sum;
use files::{Closing, Files};
use layout::{Head, Pages, Tree};

/// The engine over sled.
pub type SledEngine = Grouped<Sled>;

/// sled, and how readers see it. sled shows a batch as soon as it is applied; until the sync that follows, a crash can
/// take it back, so readers are shown the records from before. Were they shown the new ones, a service could answer from
/// data that then disappears. A reader holds the lock while it reads the tree, so it sees a group whole or not at all.
pub struct Sled {
    tree: Tree,
    /// What the keys of the group being written held before it. It stays when the group fails.
    before: RwLock<BTreeMap<Bytes, Option<Record>>>,
    /// Only the writer locks it.
    files: Mutex<Files>,
    /// Of what is in the tree.
    sum: Mutex<Sum>,
    note: Note,
    /// Dropped last, that is after sled.
    _closing: Closing,
}

impl SledEngine {
    /// Opens the store in the directory `path`, or makes a new one.
    ///
    /// # Errors
    /// When another process has it, or it is damaged or foreign.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        EngineKind::Sled.check(path)?;
        let tree = guarded::<Sled, _>("open", || Tree::open(path))?;
        let mut files = Files::open(path)?;
        let (last, sum) = guarded::<Sled, _>("open", || tree.prepare(path))?;
        let note = Note::open(path, last)?;
        files.sync_all()?;
        Self::over(tree, files, last, sum, note)
    }

    fn over(tree: Tree, files: Files, last: u64, sum: Sum, note: Note) -> Result<Self, StoreError> {
        let _closing = files.closing()?;
        let (files, sum) = (Mutex::new(files), Mutex::new(sum));
        Self::start(Sled { tree, before: RwLock::default(), files, sum, note, _closing }, last)
    }
}

impl Sled {
    fn before(&self) -> RwLockReadGuard<'_, BTreeMap<Bytes, Option<Record>>> {
        self.before.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn before_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Bytes, Option<Record>>> {
        self.before.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Medium for Sled {
    const NAME: &'static str = "sled";
    const GROUP_BATCHES_MAX: usize = limits::SLED_GROUP_BATCHES_MAX;
    const GROUP_BYTES_MAX: usize = limits::SLED_GROUP_BYTES_MAX;
    type Head = Head;

    fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let before = self.before();
        match before.get(key) {
            Some(before) => Ok(before.clone()),
            None => self.tree.record(key),
        }
    }

    fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let mut rows = Vec::new();
        let before = self.before();
        let mut before = before.range::<[u8], _>(bounds(start, end)).peekable();
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

    fn head(&self, key: &[u8]) -> Result<Option<Head>, StoreError> {
        self.tree.head(key)
    }

    fn version(head: &Head) -> Version {
        head.version
    }

    fn write(&self, group: Group<Head>) -> Result<(), StoreError> {
        let Group { mut heads, writes, last } = group;
        let mut before = BTreeMap::new();
        let mut pages = Pages::default();
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        for Write { key, version, value } in writes {
            let old = match heads.remove(&key) {
                Some(known) => known,
                None => self.tree.head(&key)?,
            };
            if let Some(old) = &old {
                sum.take(&key, old.version);
                pages.remove_chunks(old);
            }
            match value {
                Some(value) => {
                    sum.add(&key, version);
                    pages.put(&key, version, &value);
                }
                None => pages.remove(&key),
            }
            before.insert(key, old.map(|old| self.tree.load(old)).transpose()?);
        }
        *self.before_mut() = before;
        self.tree.apply(pages.finish(last, *sum))?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).sync()?;
        self.note.set(last);
        // Dropped when the lock has been given back.
        let _synced = mem::take(&mut *self.before_mut());
        Ok(())
    }

    fn verify(&self) -> Result<(), StoreError> {
        let (mut found, kept) = (Sum::default(), *self.sum.lock().unwrap_or_else(PoisonError::into_inner));
        for row in self.tree.rows(b"", b"") {
            let (key, head) = row?;
            found.add(&key, self.tree.load(head)?.version);
        }
        let (there, kept_records) = (found.records, kept.records);
        let damaged = |what| Err(StoreError::Damaged { what });
        match there.cmp(&kept_records) {
            _ if found == kept => Ok(()),
            std::cmp::Ordering::Equal => {
                damaged(format!("some of the {there} records in its file `db` are not the last ones"))
            }
            _ => damaged(format!("{there} records are found in its file `db`, and {kept_records} were kept")),
        }
    }

    fn never_close(&self) {
        self.tree.never_close();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::error::CommitError;
    use crate::port::{Batch, Engine};

    fn put(key: &'static str, value: &'static str) -> Batch {
        let writes = vec![(key.into(), Some(value.into()))];
        Batch { writes, ..Batch::default() }
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
            writes: vec![
                ("a".into(), Some("new".into())),
                ("b".into(), None),
                ("e".into(), Some("new".into())),
                ("f".into(), None),
                ("g".into(), Some("new".into())),
            ],
            ..Batch::default()
        };
        engine.commit(batch).await.unwrap();
        let new = engine.scan(b"", b"", 10).await.unwrap();

        // The moment between sled's showing the group and the end of its sync.
        *engine.medium().before_mut() = before;
        assert_eq!(engine.scan(b"", b"", 10).await.unwrap(), old);
        assert_eq!(engine.scan(b"b", b"f", 10).await.unwrap(), old[..2]);
        assert_eq!(engine.scan(b"", b"", 2).await.unwrap(), old[..2]);
        assert_eq!(engine.get(b"a").await.unwrap(), None);
        assert_eq!(engine.get(b"b").await.unwrap().as_ref(), Some(&old[0].1));
        assert_eq!(engine.get(b"d").await.unwrap().as_ref(), Some(&old[1].1));

        engine.medium().before_mut().clear();
        assert_eq!(engine.scan(b"", b"", 10).await.unwrap(), new);
        let keys: Vec<_> = new.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(keys, [b"a", b"d", b"e", b"g"]);
    }

    #[tokio::test]
    async fn a_failed_sync_shows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::open(dir.path()).unwrap();
        let mut files = Files::open(dir.path()).unwrap();
        let (last, sum) = tree.prepare(dir.path()).unwrap();
        let note = Note::open(dir.path(), last).unwrap();
        // It cannot be synced.
        files.data = File::open("/dev/null").unwrap();
        let engine = SledEngine::over(tree, files, last, sum, note).unwrap();

        let first = engine.commit(put("k", "v")).await;
        assert!(matches!(first, Err(CommitError::Failed(StoreError::Io { doing: "sync", .. }))), "{first:?}");
        let later = engine.get(b"k").await;
        assert!(matches!(later, Err(StoreError::Stopped { .. })), "{later:?}");
        // Nor would a reader that had passed the check before.
        assert_eq!(engine.medium().get(b"k").unwrap(), None);
        assert_eq!(engine.syncs(), 0);
    }
}
