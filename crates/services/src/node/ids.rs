//! The seam of ids: UUIDs of version 7, ordered by time.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};
use zhijie_domain::calendar::Moment;

/// Makes ids.
pub trait Ids: Send + Sync + 'static {
    /// A new id of 32 characters.
    fn next(&self, at: Moment) -> String;
}

/// Ids from the machine's randomness.
#[derive(Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn next(&self, at: Moment) -> String {
        let mut random = [0; 10];
        // Version 7 ends in randomness; ours takes the time from the node's clock.
        random.copy_from_slice(&Uuid::now_v7().as_bytes()[6..]);
        made(at, &random)
    }
}

/// Ids from a seed: the same seed gives the same ids.
#[derive(Debug)]
pub struct SeededIds {
    seed: String,
    count: AtomicU64,
}

impl SeededIds {
    /// Ids of a seed, which should differ between nodes.
    #[must_use]
    pub fn new(seed: impl Into<String>) -> SeededIds {
        SeededIds { seed: seed.into(), count: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn next(&self, at: Moment) -> String {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let hash = Sha256::digest(format!("{}/{count}", self.seed));
        let mut random = [0; 10];
        random.copy_from_slice(&hash[..10]);
        made(at, &random)
    }
}

fn made(at: Moment, random: &[u8; 10]) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0);
    Builder::from_unix_timestamp_millis(ms, random).into_uuid().simple().to_string()
}
