//! Making files and their names durable.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Syncs everything in a directory, the directory, and its name in the one above.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    sync_deep(path)?;
    match fs::canonicalize(path)?.parent() {
        Some(above) => File::open(above)?.sync_all(),
        None => Ok(()),
    }
}

fn sync_deep(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_deep(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}
