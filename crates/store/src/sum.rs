//! What the records of a store come to together. It is kept with every group, so that a record that is missing, or older than
//! it should be, is noticed although each one that is found reads well.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::keys::{number, two_numbers};
use crate::port::Version;

/// How many records there are, and the sum of a hash of each one's key and version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) records: u64,
    hashes: u64,
}

impl Sum {
    /// A record is there.
    pub(crate) fn add(&mut self, key: &[u8], version: Version) {
        self.records = self.records.wrapping_add(1);
        self.hashes = self.hashes.wrapping_add(xxh3_64_with_seed(key, version.0));
    }

    /// A record is there no more.
    pub(crate) fn take(&mut self, key: &[u8], version: Version) {
        self.records = self.records.wrapping_sub(1);
        self.hashes = self.hashes.wrapping_sub(xxh3_64_with_seed(key, version.0));
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        two_numbers(self.records, self.hashes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (records, rest) = number(bytes)?;
        let (hashes, _) = number(rest)?;
        Some(Self { records, hashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_a_record_that_is_missing_old_or_another() {
        let of = |records: &[(&str, u64)]| {
            let mut sum = Sum::default();
            records.iter().for_each(|(key, version)| sum.add(key.as_bytes(), Version(*version)));
            sum
        };
        let kept = of(&[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(kept, of(&[("c", 3), ("a", 1), ("b", 2)]));
        for other in [&[("a", 1), ("b", 2)][..], &[("a", 1), ("b", 1), ("c", 3)], &[("a", 1), ("d", 2), ("c", 3)]] {
            assert_ne!(kept, of(other));
        }
        let mut less = kept;
        less.take(b"b", Version(2));
        assert_eq!(less, of(&[("a", 1), ("c", 3)]));
        assert_eq!(Sum::parse(&less.to_bytes()), Some(less));
    }
}
