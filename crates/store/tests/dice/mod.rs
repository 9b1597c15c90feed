//! Random numbers of the crash tests.

use std::env;
use std::hash::{BuildHasher, RandomState};

const SEED: &str = "ZHIJIE_STORE_SEED";

/// Random numbers that can be repeated: xorshift from the seed in the environment, or a new one, which is printed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        let given = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(SEED));
        eprintln!("{SEED}={seed}");
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Lets a random moment pass, up to about a millisecond.
    #[allow(dead_code, reason = "not every test that throws dice waits")]
    pub(crate) fn moment(&mut self) {
        for _ in 0..self.below(50_000) {
            std::hint::spin_loop();
        }
    }
}
