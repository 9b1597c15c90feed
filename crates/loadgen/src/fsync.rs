//! The disk's limit: how often a second a group of records can be appended and made durable. No store that waits for its
//! disk commits more often than that.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::Instant;

/// Size at which a file is begun anew, as journals are, bytes.
const FILE_MAX: u64 = 64 << 20;
/// Longest sync that is told apart, µs.
const SYNC_MAX_US: u64 = 60_000_000;

/// What a disk gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Syncs {
    /// Appends, each made durable before the next.
    pub per_second: f64,
    /// Half of them took at most, µs.
    pub p50: u64,
    /// 99 of 100 took at most, µs.
    pub p99: u64,
}

/// Appends groups of so many bytes to a file in `folder`, each with `fdatasync`, for so long. It blocks its thread.
///
/// # Errors
/// When the folder cannot be written.
pub fn syncs(folder: &Path, group: usize, lasting: Duration) -> io::Result<Syncs> {
    let path = folder.join("syncs");
    let measured = appended(&path, group, lasting);
    fs::remove_file(&path)?;
    measured
}

fn appended(path: &Path, group: usize, lasting: Duration) -> io::Result<Syncs> {
    let mut took = Histogram::<u64>::new_with_max(SYNC_MAX_US, 3).map_err(io::Error::other)?;
    let (bytes, mut file, mut size) = (vec![0x5a; group], File::create(path)?, 0);
    let begun = Instant::now();
    while begun.elapsed() < lasting {
        let from = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        took.saturating_record(u64::try_from(from.elapsed().as_micros()).unwrap_or(u64::MAX));
        size += u64::try_from(group).unwrap_or(u64::MAX);
        if size >= FILE_MAX {
            (file, size) = (File::create(path)?, 0);
        }
    }
    let per_second = took.len() as f64 / begun.elapsed().as_secs_f64();
    Ok(Syncs { per_second, p50: took.value_at_quantile(0.5), p99: took.value_at_quantile(0.99) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_counted_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let syncs = syncs(folder.path(), 4096, Duration::from_millis(100)).unwrap();
        assert!(syncs.per_second > 1.0 && syncs.p50 > 0 && syncs.p50 <= syncs.p99, "{syncs:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(super::syncs(&folder.path().join("none"), 4096, Duration::ZERO).is_err());
    }
}
