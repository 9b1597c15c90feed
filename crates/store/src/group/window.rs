//! The keys written lately. Whoever read after the window began, as most do, is checked here alone: a key that is not in
//! it has not changed since. Only older readers cost the writer a second read of the tree.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::mem;

use bytes::Bytes;

use crate::limits;
use crate::port::Version;

/// What keys hold after the last commits, in two halves of which the older is dropped at once.
pub(super) struct Window {
    young: Half,
    old: Half,
    /// Each key written behind this commit is in one of the halves.
    begins: Version,
    /// Each key written behind this commit is in the younger half.
    young_begins: Version,
}

/// Keys begin alike, so that an ordered map would compare each all the way down.
#[allow(clippy::disallowed_types, reason = "only asked for single keys; its order is never seen")]
type Half = std::collections::HashMap<Bytes, Option<Version>, BuildHasherDefault<DefaultHasher>>;

impl Window {
    /// An empty window that begins behind `last`.
    pub(super) fn new(last: Version) -> Self {
        Self { young: Half::default(), old: Half::default(), begins: last, young_begins: last }
    }

    /// The key was written, or deleted where there is no version.
    pub(super) fn note(&mut self, key: &Bytes, version: Option<Version>) {
        self.young.insert(key.clone(), version);
    }

    /// What the key holds, if the window knows.
    pub(super) fn find(&self, key: &Bytes) -> Option<Option<Version>> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// Whether a key that is not in the window still is as it was when the commit `since` was readable.
    pub(super) fn covers(&self, since: Option<Version>) -> bool {
        since.is_some_and(|since| since >= self.begins)
    }

    /// Drops the older half when the younger is full. To be called when all up to `last` are noted.
    pub(super) fn turn(&mut self, last: Version) {
        if self.young.len() >= limits::WINDOW_KEYS_MAX / 2 {
            self.old = mem::take(&mut self.young);
            self.begins = mem::replace(&mut self.young_begins, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_no_longer_covered() {
        let key = |number: u64| Bytes::copy_from_slice(&number.to_be_bytes());
        let half = limits::WINDOW_KEYS_MAX as u64 / 2;
        let mut window = Window::new(Version(7));
        assert!(window.covers(Some(Version(7))) && !window.covers(Some(Version(6))) && !window.covers(None));
        for number in 8..8 + half {
            window.note(&key(number), Some(Version(number)));
            window.turn(Version(number));
        }
        // Full: the next half begins, nothing is lost yet.
        let first_half_ends = 7 + half;
        assert!(window.covers(Some(Version(7))));
        assert_eq!(window.find(&key(8)), Some(Some(Version(8))));
        window.note(&key(8), None);
        assert_eq!(window.find(&key(8)), Some(None), "the younger half counts");
        for number in first_half_ends + 1..first_half_ends + half {
            window.note(&key(number), Some(Version(number)));
            window.turn(Version(number));
        }
        assert_eq!(window.find(&key(9)), None);
        assert_eq!(window.find(&key(8)), Some(None));
        assert!(window.covers(Some(Version(first_half_ends))) && !window.covers(Some(Version(first_half_ends - 1))));
    }
}
