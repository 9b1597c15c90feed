//! The seam of ids: UUIDs of version 7, ordered by time; and the words that stand for people in logs.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};
use zhijie_domain::{calendar::Moment, ids::PersonId};

/// Bytes of a hash that a token shows.
const TOKEN_BYTES: usize = 6;

/// Makes ids.
pub trait Ids: Send + Sync + 'static {
    /// A new id of 32 characters.
    fn next(&self, at: Moment) -> String;

    /// What [`token`] hides people with: it stays the same as long as the service runs.
    fn key(&self) -> [u8; 32];
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

    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn key(&self) -> [u8; 32] {
        static KEY: OnceLock<[u8; 32]> = OnceLock::new();
        *KEY.get_or_init(|| Sha256::digest([Uuid::now_v7(), Uuid::now_v7()].map(Uuid::into_bytes).concat()).into())
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

    fn key(&self) -> [u8; 32] {
        Sha256::digest(format!("{}/key", self.seed)).into()
    }
}

/// The word that stands for a person in logs (脱敏), such as `p-3f2a91c07be4`: the same for the same person in the log of one
/// service, as long as it runs. Nobody needs more of it: what a person's settlement did elsewhere is found by its id.
/// Under another key it is another word, so that it cannot be looked up in a list of all numbers.
#[must_use]
pub fn token(key: &[u8; 32], person: &PersonId) -> String {
    let hash = Sha256::new().chain_update(key).chain_update(person.as_str()).finalize();
    let hex: String = hash.iter().take(TOKEN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("p-{hex}")
}

fn made(at: Moment, random: &[u8; 10]) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0);
    Builder::from_unix_timestamp_millis(ms, random).into_uuid().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_persons_and_of_one_run() {
        let [li, zhang] = ["34120000000000000001", "51010000000000000002"].map(|text| PersonId::parse(text).unwrap());
        let (one, other) = (SeededIds::new("a"), SeededIds::new("b"));
        let word = token(&one.key(), &li);
        assert!(word.len() == 2 + 2 * TOKEN_BYTES && word.starts_with("p-"), "{word}");
        assert_eq!(word, token(&one.key(), &li));
        assert_ne!(word, token(&one.key(), &zhang));
        assert_ne!(word, token(&other.key(), &li));
        assert_eq!(RandomIds.key(), RandomIds.key());
    }
}
