//! What the tree looks like: one tree, the first byte of a key tells what it is, every value starts with its version.
//! Long values are cut into chunks, because sled would put a page of 128 KiB or more into a file of its own,
//! never sync that file, and delete its predecessor before the new one counts.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use bytes::{BufMut, Bytes};

use crate::error::StoreError;
use crate::keys::{self, CHUNK, FORMAT_KEY, SEQUENCE_KEY, SUM_KEY, record_key, record_range};
use crate::limits;
use crate::port::{Record, Version};
use crate::sum::Sum;

const FORMAT: &[u8] = b"zhijie-store 2";

const INLINE: u8 = 0;
const CHUNKED: u8 = 1;

/// sled's tree, in this crate's words.
pub(super) struct Tree {
    db: sled::Db,
    /// Whether the data file was, before sled opened it, too long for a new store.
    was_in_use: bool,
}

/// A record as it lies in the tree.
#[derive(Clone)]
pub struct Head {
    pub(super) version: Version,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Inline(Bytes),
    Chunked(Chunks),
}

/// The chunks of one value: their keys are numbered by the commit, the value's place in the group, and their own place.
#[derive(Clone, Copy)]
struct Chunks {
    version: Version,
    place: u32,
    length: u32,
}

impl Chunks {
    fn keys(self) -> impl Iterator<Item = [u8; 17]> {
        let count = (self.length as usize).div_ceil(limits::INLINE_BYTES_MAX);
        (0u32..).take(count).map(move |index| {
            let mut key = [CHUNK; 17];
            key[1..9].copy_from_slice(&self.version.0.to_be_bytes());
            key[9..13].copy_from_slice(&self.place.to_be_bytes());
            key[13..].copy_from_slice(&index.to_be_bytes());
            key
        })
    }
}

impl Tree {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let data = fs::metadata(path.join("db"));
        let was_in_use = data.is_ok_and(|data| data.len() > limits::NEW_STORE_BYTES_MAX);
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(limits::SLED_CACHE_BYTES_MAX)
            // The writer flushes; a second thread writing the file between flush and sync would gain nothing.
            .flush_every_ms(None);
        let db = config.open().map_err(|error| match error {
            // sled gives a lock that is taken no kind of its own.
            sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
                StoreError::Locked { path: path.into() }
            }
            sled::Error::Unsupported(what) => StoreError::Foreign { path: path.into(), what },
            error => failed("open its files", error),
        })?;
        Ok(Self { db, was_in_use })
    }

    /// Checks the format, or writes it into a new store. Returns the last version given out, and what the records come to.
    pub(super) fn prepare(&self, path: &Path) -> Result<(u64, Sum), StoreError> {
        let foreign = |what: String| StoreError::Foreign { path: path.into(), what };
        match self.raw(FORMAT_KEY)? {
            Some(format) if format == FORMAT => (),
            Some(format) => {
                let (found, known) = (format.escape_ascii(), FORMAT.escape_ascii());
                return Err(foreign(format!("its format is {found}, this program reads {known}")));
            }
            None if self.db.is_empty() && self.db.tree_names().len() == 1 => {
                if self.was_in_use {
                    return Err(damaged("a data file in use is found empty"));
                }
                let mut batch = sled::Batch::default();
                batch.insert(FORMAT_KEY, FORMAT);
                batch.insert(SEQUENCE_KEY, &0u64.to_be_bytes());
                batch.insert(SUM_KEY, &Sum::default().to_bytes());
                self.apply(batch)?;
            }
            None => return Err(foreign("another program's sled database".to_owned())),
        }
        let sequence = self.raw(SEQUENCE_KEY)?;
        let sequence = sequence.as_deref().and_then(|bytes| bytes.try_into().ok());
        let last = sequence.map(u64::from_be_bytes).ok_or_else(|| damaged("its sequence number is missing"))?;
        let sum = self.raw(SUM_KEY)?.as_deref().and_then(Sum::parse);
        Ok((last, sum.ok_or_else(|| damaged("the sum of its records is missing"))?))
    }

    /// Writes `batch` to the file. Only a sync of the file makes it durable.
    pub(super) fn apply(&self, batch: sled::Batch) -> Result<(), StoreError> {
        let write = |error| failed("write", error);
        self.db.apply_batch(batch).map_err(write)?;
        self.db.flush().map_err(write)?;
        Ok(())
    }

    pub(super) fn head(&self, key: &[u8]) -> Result<Option<Head>, StoreError> {
        let raw = self.raw(&record_key(key))?;
        raw.map(|raw| decode(&raw)).transpose()
    }

    pub(super) fn record(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        self.head(key)?.map(|head| self.load(head)).transpose()
    }

    /// The whole record, from its chunks where there are any.
    pub(super) fn load(&self, head: Head) -> Result<Record, StoreError> {
        let value = match head.body {
            Body::Inline(value) => value,
            Body::Chunked(chunks) => {
                let mut value = Vec::with_capacity(chunks.length as usize);
                for key in chunks.keys() {
                    let chunk = self.raw(&key)?;
                    value.put_slice(&chunk.ok_or_else(|| damaged("a chunk is missing"))?);
                }
                if value.len() != chunks.length as usize {
                    return Err(damaged("a chunked value has another length than it should"));
                }
                value.into()
            }
        };
        Ok(Record { version: head.version, value })
    }

    /// Keys and heads in `[start, end)`.
    pub(super) fn rows(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<(Bytes, Head), StoreError>> + use<> {
        self.db.range(record_range(start, end)).map(|row| {
            let (key, raw) = row.map_err(|error| failed("scan", error))?;
            Ok((Bytes::copy_from_slice(&key[1..]), decode(&raw)?))
        })
    }

    /// Keeps sled from closing: it would write and sync once more, and panic where that fails.
    pub(super) fn never_close(&self) {
        std::mem::forget(self.db.clone());
    }

    fn raw(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(key).map_err(|error| failed("read", error))
    }
}

/// A sled batch under construction.
#[derive(Default)]
pub(super) struct Pages {
    batch: sled::Batch,
    place: u32,
}

impl Pages {
    pub(super) fn put(&mut self, key: &[u8], version: Version, value: &Bytes) {
        let mut raw = Vec::with_capacity(9 + value.len().min(limits::INLINE_BYTES_MAX));
        raw.put_u64(version.0);
        match u32::try_from(value.len()) {
            Ok(length) if value.len() > limits::INLINE_BYTES_MAX => {
                self.place += 1;
                let place = self.place;
                raw.put_u8(CHUNKED);
                raw.put_u32(place);
                raw.put_u32(length);
                let chunks = Chunks { version, place, length };
                for (key, chunk) in chunks.keys().zip(value.chunks(limits::INLINE_BYTES_MAX)) {
                    self.batch.insert(&key, chunk);
                }
            }
            _ => {
                raw.put_u8(INLINE);
                raw.put_slice(value);
            }
        }
        self.batch.insert(record_key(key), raw);
    }

    /// Removes the chunks of a record that is overwritten or deleted.
    pub(super) fn remove_chunks(&mut self, head: &Head) {
        if let Body::Chunked(chunks) = head.body {
            for key in chunks.keys() {
                self.batch.remove(&key);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.batch.remove(record_key(key));
    }

    pub(super) fn finish(mut self, last: u64, sum: Sum) -> sled::Batch {
        self.batch.insert(SEQUENCE_KEY, &last.to_be_bytes());
        self.batch.insert(SUM_KEY, &sum.to_bytes());
        self.batch
    }
}

fn decode(raw: &[u8]) -> Result<Head, StoreError> {
    let (version, rest) = number(raw)?;
    let version = Version(version);
    let body = match rest.split_first() {
        Some((&INLINE, value)) => Body::Inline(Bytes::copy_from_slice(value)),
        Some((&CHUNKED, chunks)) => {
            let (numbers, _) = number(chunks)?;
            let (place, length) = ((numbers >> 32) as u32, numbers as u32);
            if length as usize > limits::VALUE_BYTES_MAX {
                return Err(damaged("a value is longer than any that was written"));
            }
            Body::Chunked(Chunks { version, place, length })
        }
        _ => return Err(damaged("a record is of an unknown kind")),
    };
    Ok(Head { version, body })
}

fn number(raw: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    keys::number(raw).ok_or_else(|| damaged("a record is cut short"))
}

fn damaged(what: impl Display) -> StoreError {
    let what = what.to_string();
    StoreError::Damaged { what }
}

fn failed(doing: &'static str, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::Io { doing, source: Arc::new(source) },
        sled::Error::Unsupported(what) => StoreError::io(doing, io::Error::new(io::ErrorKind::Unsupported, what)),
        error => damaged(format!("its file `db`: {error}")),
    }
}
