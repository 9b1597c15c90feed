//! What every engine that writes in groups promises beyond the suite, shown with a medium that can be made to fail.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::port::Version;

/// Knows no record; writing fails on request.
#[derive(Default)]
struct Blank {
    fails: AtomicBool,
    groups: std::sync::Mutex<Vec<Vec<Bytes>>>,
    looks: AtomicU64,
}

impl Medium for Blank {
    const NAME: &'static str = "blank";
    const GROUP_BATCHES_MAX: usize = 8;
    const GROUP_BYTES_MAX: usize = 1024;
    type Head = Version;

    fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        assert_ne!(key, b"broken", "a page is broken");
        Ok(None)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: usize) -> Result<Vec<(Bytes, Record)>, StoreError> {
        Ok(Vec::new())
    }

    fn head(&self, _: &[u8]) -> Result<Option<Version>, StoreError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }

    fn version(head: &Version) -> Version {
        *head
    }

    fn write(&self, group: Group<Version>) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::io("sync", std::io::Error::other("the disk is gone")));
        }
        self.groups.lock().unwrap().push(group.writes.into_iter().map(|write| write.key).collect());
        Ok(())
    }

    fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn never_close(&self) {}
}

fn put(key: impl Into<Bytes>) -> Batch {
    Batch { writes: vec![(key.into(), Some("v".into()))], ..Batch::default() }
}

#[tokio::test]
async fn a_failed_write_stops_the_engine() {
    let engine = Grouped::start(Blank::default(), 0).unwrap();
    engine.commit(put("k")).await.unwrap();
    engine.medium().fails.store(true, Ordering::Relaxed);
    let first = engine.commit(put("k")).await;
    assert!(matches!(first, Err(CommitError::Failed(StoreError::Io { .. }))), "{first:?}");
    engine.medium().fails.store(false, Ordering::Relaxed);
    let later = engine.commit(put("k")).await;
    assert!(matches!(later, Err(CommitError::Failed(StoreError::Stopped { .. }))), "{later:?}");
    for error in [engine.get(b"k").await.unwrap_err(), engine.scan(b"", b"", 1).await.unwrap_err()] {
        let StoreError::Stopped { source } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(*source, StoreError::Io { doing: "sync", .. }));
    }
    assert_eq!(engine.syncs(), 1);
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let engine = Grouped::start(Blank::default(), 0).unwrap();
    let permits = engine.queue.room.available_permits();
    let taken = engine.queue.room.try_acquire_many(permits as u32).unwrap();
    let outcome = engine.commit(put("k")).await;
    assert!(matches!(outcome, Err(CommitError::Busy)), "{outcome:?}");
    drop(taken);
    engine.commit(put("k")).await.unwrap();
}

#[tokio::test]
async fn a_group_is_bounded_and_its_conflicts_are_found() {
    let engine = Grouped::start(Blank::default(), 0).unwrap();
    // Held back by the lock, so that all of the rest queue behind the first.
    let answers: Vec<_> = {
        let _held = engine.medium().groups.lock().unwrap();
        let send = |number: u8| {
            let mut batch = put(vec![number % 4]);
            batch.reads.push((vec![number % 4].into(), None));
            let bytes = batch.check().unwrap();
            engine.queue.send(batch, bytes).unwrap()
        };
        (0..20).map(send).collect()
    };
    let mut conflicts = 0;
    for answer in answers {
        conflicts += usize::from(matches!(answer.await.unwrap(), Err(CommitError::Conflict)));
    }
    assert_eq!(conflicts, 16, "of each key the first writer wins");
    for number in 0..20_u8 {
        engine.commit(put(vec![b'x', number])).await.unwrap();
    }
    let groups = std::mem::take(&mut *engine.medium().groups.lock().unwrap());
    assert!(groups.iter().all(|group| group.len() <= Blank::GROUP_BATCHES_MAX), "{groups:?}");
    assert!(groups.iter().all(|group| group.is_sorted_by(|one, other| one < other)), "{groups:?}");
}

#[tokio::test]
async fn who_has_read_lately_is_checked_without_a_look_at_the_medium() {
    let engine = Grouped::start(Blank::default(), 7).unwrap();
    assert_eq!(engine.latest(), Some(Version(7)));
    let commit = async |key: &'static str, seen: Option<u64>, since: Option<u64>| {
        let reads = vec![(key.into(), seen.map(Version))];
        let before = engine.medium().looks.load(Ordering::Relaxed);
        let outcome = engine.commit(Batch { reads, since: since.map(Version), ..put("k") }).await.ok();
        (outcome.map(|version| version.0), engine.medium().looks.load(Ordering::Relaxed) - before)
    };
    assert_eq!(commit("other", None, None).await, (Some(8), 1));
    assert_eq!(commit("other", None, Some(6)).await, (Some(9), 1), "it read before the window began");
    assert_eq!(commit("other", Some(3), Some(7)).await, (Some(10), 0));
    assert_eq!(engine.latest(), Some(Version(10)));
    assert_eq!(commit("k", Some(9), Some(10)).await, (None, 0));
    assert_eq!(commit("k", Some(10), None).await, (Some(11), 0), "what the window knows needs no date");
    assert_eq!(engine.latest(), Some(Version(11)));
}

#[tokio::test]
async fn a_panic_becomes_damage() {
    let engine = Grouped::start(Blank::default(), 0).unwrap();
    let damaged = engine.get(b"broken").await;
    let Err(StoreError::Damaged { what }) = damaged else { panic!("{damaged:?}") };
    assert!(what.contains("blank panicked during read"), "{what}");
}
