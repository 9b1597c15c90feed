//! Places that something holds while it is open, counted in all and by whose they are; each comes back when it is dropped.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places of one kind of thing.
pub(crate) struct Places<K>(Arc<Mutex<Held<K>>>);

struct Held<K> {
    all: usize,
    of: BTreeMap<K, usize>,
}

/// A place that is held.
pub(crate) struct Place<K: Ord> {
    held: Arc<Mutex<Held<K>>>,
    whose: K,
}

impl<K> Default for Places<K> {
    fn default() -> Places<K> {
        Places(Arc::new(Mutex::new(Held { all: 0, of: BTreeMap::new() })))
    }
}

fn lock<K>(held: &Mutex<Held<K>>) -> MutexGuard<'_, Held<K>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Ord + Clone> Places<K> {
    /// A place, where `free` says so of the numbers that are held in all and by the same.
    pub(crate) fn take(&self, whose: K, free: impl FnOnce(usize, usize) -> bool) -> Option<Place<K>> {
        let mut held = lock(&self.0);
        let own = held.of.get(&whose).copied().unwrap_or_default();
        if !free(held.all, own) {
            return None;
        }
        held.all += 1;
        held.of.insert(whose.clone(), own + 1);
        Some(Place { held: Arc::clone(&self.0), whose })
    }

    /// How many are held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        lock(&self.0).all
    }
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        held.all = held.all.saturating_sub(1);
        match held.of.get_mut(&self.whose) {
            Some(own) if *own > 1 => *own -= 1,
            // Whoever holds none is forgotten, so that strangers leave nothing behind.
            _ => drop(held.of.remove(&self.whose)),
        }
    }
}
