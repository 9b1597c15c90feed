//! Reading ahead (预读): what is said of a record elsewhere is looked up record by record, and mostly in the order of keys.
//! A few records are then read with the one that is asked for, and more as long as they are wanted. It is for a time when
//! nobody writes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zhijie_store::{Batch, Bytes, CommitError, Engine, Pending, Record, Store, StoreError, Version, prefix_end};

use crate::node::keys;

/// Records that are read together, at most.
const ROWS_MAX: usize = 128;
/// Windows of a store, at most; then they begin anew.
const WINDOWS_MAX: usize = 256;

/// A store that reads ahead.
pub(super) fn ahead(store: &Store) -> Store {
    Store::new(Ahead { engine: store.engine(), windows: Mutex::default() })
}

struct Ahead {
    engine: Arc<dyn Engine>,
    /// By what keys begin with.
    windows: Mutex<BTreeMap<Bytes, Window>>,
}

/// What was read together last.
#[derive(Default)]
struct Window {
    start: Bytes,
    /// The last key that it tells of; nothing: all there are behind the start.
    last: Option<Bytes>,
    rows: Vec<(Bytes, Record)>,
    /// How many records may be read together.
    size: usize,
    /// How often it was of use.
    hits: usize,
}

impl Window {
    /// What it tells of a key; nothing where it does not.
    fn tell(&mut self, key: &[u8]) -> Option<Option<Record>> {
        let covers = self.size > 0 && *self.start <= *key && self.last.as_ref().is_none_or(|last| *key <= **last);
        covers.then(|| {
            self.hits += 1;
            let place = self.rows.binary_search_by(|(other, _)| (**other).cmp(key));
            place.ok().and_then(|place| self.rows.get(place)).map(|(_, record)| record.clone())
        })
    }

    /// How many records to read with the next one: more where half of the last were wanted, otherwise fewer.
    fn next_size(&self) -> usize {
        let size = if self.hits * 2 + 2 > self.size { self.size * 2 } else { self.size / 2 };
        size.clamp(1, ROWS_MAX)
    }
}

impl Ahead {
    fn windows(&self) -> MutexGuard<'_, BTreeMap<Bytes, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let family = keys::family(key);
        let size = match self.windows().get_mut(family) {
            None => 1,
            Some(window) => match window.tell(key) {
                Some(told) => return Ok(told),
                // Whoever looks back comes again.
                None if *key < *window.start => 0,
                None => window.next_size(),
            },
        };
        if size == 0 {
            return self.engine.get(key).await;
        }
        let rows = self.engine.scan(key, &prefix_end(family), size).await?;
        let last = (rows.len() == size).then(|| rows.last().map(|(key, _)| key.clone())).flatten();
        let found = rows.first().filter(|(other, _)| other == key).map(|(_, record)| record.clone());
        let mut windows = self.windows();
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(family) {
            windows.clear();
        }
        let start = Bytes::copy_from_slice(key);
        windows.insert(Bytes::copy_from_slice(family), Window { start, last, rows, size, hits: 0 });
        Ok(found)
    }
}

impl Engine for Ahead {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(self.read(key))
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        self.engine.scan(start, end, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        self.engine.commit(batch)
    }

    fn verify(&self) -> Pending<'_, Result<(), StoreError>> {
        self.engine.verify()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use zhijie_store::Memory;

    use super::*;

    /// Counts how often it is asked.
    #[derive(Clone)]
    struct Counted(Memory, Arc<AtomicUsize>);

    impl Engine for Counted {
        fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.get(key)
        }

        fn scan<'a>(
            &'a self,
            start: &'a [u8],
            end: &'a [u8],
            limit: usize,
        ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.scan(start, end, limit)
        }

        fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
            self.0.commit(batch)
        }
    }

    /// Every third number has a record of each kind, of two families that lie beside each other.
    async fn filled() -> (Store, Counted) {
        let counted = Counted(Memory::new(), Arc::default());
        let plain = Store::new(counted.0.clone());
        let mut txn = plain.begin();
        for number in (0..3_000).step_by(3) {
            for kind in ["k/1/a", "k/1/b", "q"] {
                txn.put(format!("{kind}/{number:05}").into_bytes(), format!("{kind} {number}").into_bytes());
            }
            txn.put(format!("q/{number:05}/d").into_bytes(), b"d".to_vec());
        }
        txn.commit().await.unwrap();
        (plain, counted)
    }

    #[tokio::test]
    async fn it_answers_as_the_store_does_in_any_order() {
        let (plain, counted) = filled().await;
        let store = ahead(&Store::new(counted));
        let mut state: u64 = 7;
        for step in 0..20_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let jump = if step % 50 < 40 { (step * 3) % 3_100 } else { (state >> 33) % 3_100 };
            let kind = ["k/1/a", "k/1/b", "q", "s"][usize::try_from(state >> 62).unwrap()];
            let end = if step % 7 == 0 { "/d" } else { "" };
            let key = format!("{kind}/{jump:05}{end}").into_bytes();
            assert_eq!(store.get(&key).await.unwrap(), plain.get(&key).await.unwrap(), "{}", key.escape_ascii());
        }
    }

    #[tokio::test]
    async fn keys_in_their_order_are_read_together() {
        let (_, counted) = filled().await;
        let store = ahead(&Store::new(counted.clone()));
        for number in 0..3_000 {
            for kind in ["k/1/a", "k/1/b", "q"] {
                store.get(format!("{kind}/{number:05}").as_bytes()).await.unwrap();
            }
            store.get(format!("q/{number:05}/d").as_bytes()).await.unwrap();
        }
        let asked = counted.1.load(Ordering::Relaxed);
        assert!(asked < 200, "{asked} for 12,000");
    }
}
