//! Durability: sled's `flush` only starts the write-back (`sync_file_range`), which a power cut does not survive.
//! Its data file is synced here through a handle of our own, and so is everything sled makes beside it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::disk::sync_directory;
use crate::error::StoreError;
use crate::limits;

/// sled's files: `db` grows and is overwritten in place; `conf` and `snap.*` are written when a store is opened;
/// `blobs/` stays empty, because values are cut into chunks, and is synced should that ever be wrong.
pub(super) struct Files {
    path: PathBuf,
    pub(super) data: File,
    blobs_synced: BTreeSet<OsString>,
}

impl Files {
    /// Opens the data file of a store that sled has just opened. The handle is kept, as an error of the write-back is
    /// reported once to every handle that was open.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let data = File::open(path.join("db"));
        Ok(Self {
            path: path.to_owned(),
            data: data.map_err(|error| StoreError::io("open its data file", error))?,
            blobs_synced: BTreeSet::new(),
        })
    }

    /// See [`Closing`].
    pub(super) fn closing(&self) -> Result<Closing, StoreError> {
        let data = File::open(self.path.join("db"));
        data.map(Closing).map_err(|error| StoreError::io("open its data file", error))
    }

    /// Syncs everything, down to the store's own name in the directory above.
    pub(super) fn sync_all(&mut self) -> Result<(), StoreError> {
        self.sync()?;
        sync_directory(&self.path).map_err(|error| StoreError::io("sync its files", error))
    }

    /// Makes what sled has written durable. After an error it must not be called again.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        let synced = self.sync_blobs().and_then(|()| self.data.sync_data());
        synced.map_err(|error| StoreError::io("sync", error))
    }

    fn sync_blobs(&mut self) -> io::Result<()> {
        let blobs = self.path.join("blobs");
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&blobs)? {
            names.insert(entry?.file_name());
        }
        if names == self.blobs_synced {
            return Ok(());
        }
        for name in names.difference(&self.blobs_synced) {
            File::open(blobs.join(name))?.sync_all()?;
        }
        File::open(&blobs)?.sync_all()?;
        self.blobs_synced = names;
        Ok(())
    }
}

/// Waits, when dropped, until sled's own threads have let go of the data file and its lock: they may be behind sled's
/// `drop` by a moment. A handle of our own tells, because sled locks the file and the lock ends with its last handle.
pub(super) struct Closing(File);

impl Drop for Closing {
    fn drop(&mut self) {
        for _ in 0..limits::CLOSE_WAIT_MS_MAX {
            match self.0.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
                Ok(()) | Err(TryLockError::Error(_)) => return,
            }
        }
        tracing::warn!("the store is closed, but stays locked until the process ends");
    }
}
