//! The engine over fjall 3. Its batch writes and syncs the journal before it touches the memtable
//! (`WriteBatch::commit` with a durability), so what readers see is durable and nothing has to be hidden from them.
//! Values are not cut: fjall's tables take them as they are.

mod folder;
mod trail;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use fjall::config::{BlockSizePolicy, CompressionPolicy};
use fjall::{
    AbstractTree as _, CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode,
    Readable as _, Slice,
};

use crate::error::StoreError;
use crate::group::{Group, Grouped, Medium, Write, guarded};
use crate::keys::{FORMAT_KEY, RECORD, SEQUENCE_KEY, number, record_key, record_range};
use crate::limits;
use crate::note::Note;
use crate::port::{Record, Version};
use folder::Folder;
use trail::Trail;

const FORMAT: &[u8] = b"zhijie-store 2";
const KEYSPACE: &str = "records";

/// The engine over fjall.
pub type FjallEngine = Grouped<Fjall>;

/// fjall's tree, in this crate's words: one keyspace, every value starts with its version.
pub struct Fjall {
    records: Keyspace,
    db: Database,
    note: Note,
    written: Mutex<Written>,
    /// Dropped last: the lock ends with it.
    _folder: Folder,
}

/// What the writer knows of what it wrote.
struct Written {
    /// Bytes since the last memtable was closed.
    gathered: u64,
    trail: Trail,
}

impl FjallEngine {
    /// Opens the store in the directory `path`, or makes a new one.
    ///
    /// # Errors
    /// When another process has it, or it is damaged or foreign.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = Folder::open(path.as_ref())?;
        let (medium, last) = guarded::<Fjall, _>("open", || Fjall::open(folder))?;
        Self::start(medium, last)
    }
}

impl Fjall {
    fn open(folder: Folder) -> Result<(Self, u64), StoreError> {
        if !folder.has_data() {
            folder.make(Fjall::create)?;
        }
        folder.check_lists()?;
        let (db, records) = open_database(&folder.data())?;
        let (last, trail) = prepare(&records, &folder)?;
        let note = folder.note(last)?;
        let marks = db.snapshot().range(&records, trail.range());
        trail.check(marks.map(|row| row.key().map_err(|error| failed("read its marks", error))))?;
        let written = Mutex::new(Written { gathered: records.tree.active_memtable().size(), trail });
        Ok((Self { records, db, note, written, _folder: folder }, last))
    }

    /// A new store, durable but for its name.
    fn create(path: &Path) -> Result<(), StoreError> {
        let (db, records) = open_database(path)?;
        let mut batch = durable(&db, 2);
        batch.insert(&records, FORMAT_KEY, FORMAT);
        batch.insert(&records, SEQUENCE_KEY, sequence(0, &Trail::new()));
        batch.commit().map_err(|error| failed("write", error))
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Slice>, StoreError> {
        raw(&self.records, key)
    }

    /// Waits until fjall's worker has written out enough of what is in memory. fjall would wait itself, but in steps
    /// of 100 ms, and without end where the worker has failed.
    fn wait_for_worker(&self) -> Result<(), StoreError> {
        while self.records.sealed_memtable_count() >= limits::FJALL_SEALED_MAX {
            // Writes nothing; tells whether the worker has failed.
            self.db.persist(PersistMode::Buffer).map_err(|error| failed("write", error))?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Closes the open memtable once so much was written to it. Left to itself, fjall asks its worker for that with every
    /// commit: while the worker compacts, its queue fills, and the worker, which puts the next step into the same queue,
    /// then waits for itself for ever.
    fn close_memtable_after(&self, written: &mut Written, bytes: usize) -> Result<(), StoreError> {
        written.gathered = written.gathered.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if written.gathered < limits::FJALL_MEMTABLE_BYTES_MAX {
            return Ok(());
        }
        written.gathered = 0;
        written.trail.close();
        self.records.rotate_memtable().map(drop).map_err(|error| failed("write", error))
    }
}

impl Medium for Fjall {
    const NAME: &'static str = "fjall";
    const GROUP_BATCHES_MAX: usize = limits::FJALL_GROUP_BATCHES_MAX;
    const GROUP_BYTES_MAX: usize = limits::FJALL_GROUP_BYTES_MAX;
    type Head = Version;

    fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let raw = self.raw(&record_key(key))?;
        raw.map(|raw| decode(&raw)).transpose()
    }

    fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<(Bytes, Record)>, StoreError> {
        // A snapshot shows a batch when all of it is in the memtable.
        let rows = self.db.snapshot().range(&self.records, record_range(start, end));
        let rows = rows.take(limit).map(|row| {
            let (key, raw) = row.into_inner().map_err(|error| failed("scan", error))?;
            let key = key.get(1..).ok_or_else(|| damaged("a key is empty"))?;
            Ok((Bytes::copy_from_slice(key), decode(&raw)?))
        });
        rows.collect()
    }

    fn head(&self, key: &[u8]) -> Result<Option<Version>, StoreError> {
        let raw = self.raw(&record_key(key))?;
        raw.map(|raw| Ok(split(&raw)?.0)).transpose()
    }

    fn version(head: &Version) -> Version {
        *head
    }

    fn write(&self, group: Group<Version>) -> Result<(), StoreError> {
        self.wait_for_worker()?;
        let mut batch = durable(&self.db, group.writes.len() + 4);
        let (mut raw, mut bytes) = (Vec::new(), 0);
        for Write { key, version, value } in group.writes {
            bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
            let key = Slice::from(in_place(&mut raw, &[RECORD], &key));
            match value {
                Some(value) => {
                    let value = Slice::from(in_place(&mut raw, &version.0.to_be_bytes(), &value));
                    batch.insert(&self.records, key, value);
                }
                None => batch.remove(&self.records, key),
            }
        }
        // Nobody but the writer wants it.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if self.records.sealed_memtable_count() == 0 {
            written.trail.written_out();
        }
        let (mark, taken) = written.trail.step();
        batch.insert(&self.records, mark, []);
        taken.for_each(|taken| batch.remove(&self.records, taken));
        batch.insert(&self.records, SEQUENCE_KEY, sequence(group.last, &written.trail));
        batch.commit().map_err(|error| failed("write", error))?;
        self.note.set(group.last);
        self.close_memtable_after(&mut written, bytes)
    }

    fn verify(&self) -> Result<(), StoreError> {
        // fjall knows its tables, and each block of them has a checksum.
        for row in self.db.snapshot().range(&self.records, record_range(b"", b"")) {
            let (_, raw) = row.into_inner().map_err(|error| failed("read its records", error))?;
            split(&raw)?;
        }
        Ok(())
    }

    fn never_close(&self) {
        // fjall's journal would write what is left in its buffer.
        std::mem::forget(self.db.clone());
    }
}

/// Checks the format, and gives the last version given out and the trail.
fn prepare(records: &Keyspace, folder: &Folder) -> Result<(u64, Trail), StoreError> {
    match raw(records, FORMAT_KEY)? {
        Some(format) if *format == *FORMAT => {
            let sequence = raw(records, SEQUENCE_KEY)?;
            let sequence = sequence.as_deref().and_then(number);
            let sequence = sequence.and_then(|(last, kept)| Some((last, Trail::parse(kept)?)));
            sequence.ok_or_else(|| damaged("its sequence number is missing"))
        }
        Some(format) => {
            let (found, known) = (format.escape_ascii(), FORMAT.escape_ascii());
            Err(folder.foreign(format!("its format is {found}, this program reads {known}")))
        }
        None if records.is_empty().map_err(|error| failed("read", error))? => {
            Err(damaged("a store in use is found empty"))
        }
        None => Err(folder.foreign("another program's fjall database".to_owned())),
    }
}

/// What is kept under [`SEQUENCE_KEY`].
fn sequence(last: u64, trail: &Trail) -> Vec<u8> {
    [&last.to_be_bytes()[..], &trail.to_bytes()].concat()
}

fn raw(records: &Keyspace, key: &[u8]) -> Result<Option<Slice>, StoreError> {
    records.get(key).map_err(|error| failed("read", error))
}

fn open_database(path: &Path) -> Result<(Database, Keyspace), StoreError> {
    let open = |error| failed("open its files", error);
    let db = Database::builder(path)
        .cache_size(limits::FJALL_CACHE_BYTES_MAX)
        .max_journaling_size(limits::FJALL_JOURNAL_BYTES_MAX)
        // Flushes and compactions, one after another. A second worker would go round and round while the first compacts.
        .worker_threads(1)
        .open()
        .map_err(open)?;
    let options = || {
        KeyspaceCreateOptions::default()
            // Its own limit is not to be reached: the writer closes memtables.
            .max_memtable_size(u64::MAX)
            .data_block_size_policy(BlockSizePolicy::all(limits::FJALL_BLOCK_BYTES))
            // The first level is soon written again.
            .data_block_compression_policy(CompressionPolicy::new([CompressionType::None, CompressionType::Lz4]))
            .compaction_strategy(Arc::new(
                fjall::compaction::Leveled::default()
                    .with_table_target_size(limits::FJALL_TABLE_BYTES)
                    .with_l0_threshold(limits::FJALL_LOOSE_TABLES),
            ))
    };
    let records = db.keyspace(KEYSPACE, options).map_err(open)?;
    Ok((db, records))
}

/// A batch that is synced before it is shown.
fn durable(db: &Database, writes: usize) -> OwnedWriteBatch {
    OwnedWriteBatch::with_capacity(db.clone(), writes).durability(Some(PersistMode::SyncData))
}

/// Puts two parts together in `raw`, whose place is used again and again; fjall copies what it takes.
fn in_place<'a>(raw: &'a mut Vec<u8>, first: &[u8], second: &[u8]) -> &'a [u8] {
    raw.clear();
    raw.extend_from_slice(first);
    raw.extend_from_slice(second);
    raw
}

fn split(raw: &[u8]) -> Result<(Version, &[u8]), StoreError> {
    let (version, value) = number(raw).ok_or_else(|| damaged("a record is cut short"))?;
    Ok((Version(version), value))
}

fn decode(raw: &[u8]) -> Result<Record, StoreError> {
    let (version, value) = split(raw)?;
    Ok(Record { version, value: Bytes::copy_from_slice(value) })
}

fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: what.into() }
}

fn failed(doing: &'static str, error: fjall::Error) -> StoreError {
    match error {
        // A file that should be there is not, or ends too early.
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData) =>
        {
            damaged(format!("a file in `fjall/` is missing or cut short: {error}"))
        }
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => StoreError::io(doing, error),
        fjall::Error::JournalRecovery(error) => damaged(format!("a journal, `fjall/*.jnl`: {error:?}")),
        fjall::Error::InvalidVersion(_) => damaged("its file `fjall/version` does not read"),
        fjall::Error::Storage(error) => damaged(format!("a table in `fjall/keyspaces/`: {error:?}")),
        // Its worker could not write out what is in memory; its own log says why.
        fjall::Error::Poisoned => StoreError::io(doing, io::Error::other("an earlier write of fjall's worker failed")),
        error => damaged(format!("in `fjall/`: {error:?}")),
    }
}

#[cfg(test)]
mod tests;
