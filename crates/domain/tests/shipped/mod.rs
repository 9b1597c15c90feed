//! The shipped parameter files, for tests that read them.

use std::{fs, path::PathBuf};

/// The shipped files: path and text.
pub(crate) fn files() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../parameters");
    let mut files = Vec::new();
    for folder in ["national", "regions"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            files.push((format!("{folder}/{name}"), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}
