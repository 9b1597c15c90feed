//! The folder of a fjall store: `fjall/` is fjall's, `lock` keeps other processes out, `last` names a commit that must
//! be there. A new store is made under another name and renamed when it is whole, because fjall does not open what a
//! crash has left of one half made.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::sync_directory;
use crate::error::StoreError;
use crate::keys::number;
use crate::kind::EngineKind;

const LOCK: &str = "lock";
const LAST: &str = "last";
const HALF_MADE: &str = "fjall.new";

pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        EngineKind::Fjall.check(path)?;
        let open = |error| StoreError::io("open its files", error);
        fs::create_dir_all(path).map_err(open)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(open)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.into() }),
            Err(TryLockError::Error(error)) => Err(open(error)),
        }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join(EngineKind::Fjall.data())
    }

    pub(super) fn has_data(&self) -> bool {
        self.data().exists()
    }

    /// Has `create` make the data, and gives it its name when it is durable.
    pub(super) fn make(&self, create: impl FnOnce(&Path) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let half_made = self.path.join(HALF_MADE);
        let make = |error| StoreError::io("make its files", error);
        match fs::remove_dir_all(&half_made) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(make(error)),
            _ => (),
        }
        create(&half_made)?;
        sync_directory(&half_made).map_err(make)?;
        fs::rename(&half_made, self.data()).map_err(make)?;
        sync_directory(&self.path).map_err(make)
    }

    /// Notes that everything up to `last` is durable. fjall takes damage in its journal for the end of the journal, as a
    /// crash leaves it, and forgets what follows; the note shows that loss.
    pub(super) fn note_last(&self, last: u64) -> Result<(), StoreError> {
        let noted = fs::write(self.path.join(LAST), last.to_be_bytes());
        noted.map_err(|error| StoreError::io("note its last commit", error))
    }

    /// Compares what was found with the note, where there is one.
    pub(super) fn check_last(&self, found: u64) -> Result<(), StoreError> {
        let noted = match fs::read(self.path.join(LAST)) {
            Ok(noted) => number(&noted).map_or(0, |(last, _)| last),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(StoreError::io("read its last commit", error)),
        };
        if found < noted {
            let what = format!("it ends with commit {found}, but commit {noted} had been made");
            return Err(StoreError::Damaged { what });
        }
        Ok(())
    }

    pub(super) fn foreign(&self, what: String) -> StoreError {
        StoreError::Foreign { path: self.path.clone(), what }
    }
}
