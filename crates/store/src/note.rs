//! The note beside an engine's files: the last commit that is durable, written after each sync. An engine takes damage at
//! the end of its log for what a crash leaves, and forgets what follows; the note shows that loss.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::StoreError;
use crate::keys::{number, two_numbers};

const NAME: &str = "last";
/// The commit, and its hash.
const BYTES: usize = 16;

/// An open note. It is not synced: a power cut may leave an older one, which asks for less.
pub(crate) struct Note {
    file: File,
    /// Set when it cannot be written any more.
    stuck: AtomicBool,
}

impl Note {
    /// Opens the note in a store's folder, and refuses a store that ends before what was noted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where commits are missing at the end, or the note does not read.
    pub(crate) fn open(folder: &Path, found: u64) -> Result<Self, StoreError> {
        let open = |error| StoreError::io("open its note of the last commit", error);
        let path = folder.join(NAME);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(open)?;
        let noted = read(&file).map_err(open)?;
        let damaged = |what: String| Err(StoreError::Damaged { what });
        match noted {
            None => damaged(format!("the note `{NAME}` in its folder does not read")),
            Some(noted) if found < noted => damaged(format!(
                "it ends with commit {found}, and commit {noted} had been made: the end of its log is lost"
            )),
            Some(_) => Ok(Self { file, stuck: AtomicBool::new(false) }),
        }
    }

    /// Notes that everything up to `last` is durable. Where it cannot be noted, a later loss goes unnoticed; nothing else
    /// depends on it.
    pub(crate) fn set(&self, last: u64) {
        if self.stuck.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.file.write_all_at(&content(last), 0) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the store's last commit is not noted any more");
            self.stuck.store(true, Ordering::Relaxed);
        }
    }
}

fn content(last: u64) -> [u8; BYTES] {
    two_numbers(last, xxh3_64(&last.to_be_bytes()))
}

/// The commit noted, 0 where none is, as in what a power cut leaves of a new note; `None` for what was never written.
fn read(file: &File) -> io::Result<Option<u64>> {
    let mut found = [0; BYTES];
    match file.read_exact_at(&mut found, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
        read => read?,
    }
    let noted = number(&found).map_or(0, |(last, _)| last);
    Ok(if found == [0; BYTES] || found == content(noted) { Some(noted) } else { None })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_store_that_ends_before_its_note_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let note = Note::open(dir.path(), 7).unwrap();
        for last in [8, 9] {
            note.set(last);
        }
        for (found, opens) in [(10, true), (9, true), (8, false)] {
            assert_eq!(Note::open(dir.path(), found).is_ok(), opens, "{found}");
        }
    }

    #[test]
    fn what_a_power_cut_leaves_of_a_note_asks_for_nothing_and_damage_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for left in [vec![], vec![0; BYTES]] {
            fs::write(dir.path().join(NAME), left).unwrap();
            assert!(Note::open(dir.path(), 0).is_ok());
        }
        Note::open(dir.path(), 0).unwrap().set(5);
        let mut damaged = fs::read(dir.path().join(NAME)).unwrap();
        damaged[7] = 4;
        fs::write(dir.path().join(NAME), damaged).unwrap();
        assert!(matches!(Note::open(dir.path(), 9), Err(StoreError::Damaged { .. })));
    }
}
