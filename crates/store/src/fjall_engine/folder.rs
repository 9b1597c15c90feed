//! The folder of a fjall store: `fjall/` is fjall's, `lock` keeps other processes out, `last` is the note of the last commit.
//! A new store is made under another name and renamed when it is whole, because fjall does not open what a crash has left
//! of one half made.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::disk::sync_directory;
use crate::error::StoreError;
use crate::kind::EngineKind;
use crate::note::Note;

const LOCK: &str = "lock";
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

    /// Checks the lists of tables that count. fjall keeps a hash of each in a file `current`, and does not look at it: from a
    /// damaged list it would read fewer tables, or ask for more memory than there is.
    pub(super) fn check_lists(&self) -> Result<(), StoreError> {
        let read = |error| StoreError::io("read its lists of tables", error);
        for keyspace in fs::read_dir(self.data().join("keyspaces")).map_err(read)? {
            let folder = keyspace.map_err(read)?.path();
            let Ok(current) = fs::read(folder.join("current")) else { continue };
            let Some((id, hash)) = current.split_first_chunk().and_then(|(id, rest)| Some((id, rest.first_chunk()?)))
            else {
                return Err(StoreError::Damaged { what: "a file `fjall/keyspaces/*/current` is cut short".into() });
            };
            let name = format!("v{}", u64::from_le_bytes(*id));
            // Where it is missing, fjall says so.
            let Ok(list) = fs::read(folder.join(&name)) else { continue };
            if xxh3_128(&list) != u128::from_le_bytes(*hash) {
                let what = format!("a list of tables, `fjall/keyspaces/*/{name}`, is not what was written");
                return Err(StoreError::Damaged { what });
            }
        }
        Ok(())
    }

    /// Opens the note of the last commit, and refuses a store that ends before it.
    pub(super) fn note(&self, found: u64) -> Result<Note, StoreError> {
        Note::open(&self.path, found)
    }

    pub(super) fn foreign(&self, what: String) -> StoreError {
        StoreError::Foreign { path: self.path.clone(), what }
    }
}
