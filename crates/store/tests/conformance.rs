//! Every engine against the suite, and what only the sled engine promises.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::sync::Arc;

use zhijie_store::conformance::Opened;
use zhijie_store::{Engine, Memory, SledEngine, Store, StoreError, conformance_suite};

fn memory() -> impl Fn() -> Opened {
    let engine = Memory::new();
    move || Ok(Arc::new(engine.clone()))
}

fn sled_engine() -> impl Fn() -> Opened {
    let dir = tempfile::tempdir().unwrap();
    move || Ok(Arc::new(SledEngine::open(dir.path().join("store"))?))
}

conformance_suite!(memory_engine, memory());
conformance_suite!(sled_db, sled_engine());

#[tokio::test]
async fn waiting_commits_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Arc::new(SledEngine::open(dir.path()).unwrap());
    let store = Store::new(Arc::clone(&engine));
    let before = engine.syncs();
    let tasks: Vec<_> = (0..256)
        .map(|number: u32| {
            let mut txn = store.begin();
            txn.put(format!("{number:03}"), number.to_string());
            tokio::spawn(txn.commit())
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.scan_prefix(b"", None, 1000).await.unwrap().len(), 256);
    let syncs = engine.syncs() - before;
    assert!(syncs > 0 && syncs < 256, "{syncs} syncs for 256 commits");

    store.begin().commit().await.unwrap();
    let mut reader = store.begin();
    assert!(reader.get(b"000").await.unwrap().is_some());
    reader.commit().await.unwrap();
    assert_eq!(engine.syncs() - before, syncs, "reading needs no sync");
}

#[tokio::test]
async fn sled_keeps_no_page_in_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(SledEngine::open(dir.path()).unwrap());
    for round in 0..5_u8 {
        for number in 0..40_u8 {
            let mut key = vec![number; zhijie_store::limits::KEY_BYTES_MAX];
            key[255] = round;
            let mut txn = store.begin();
            txn.put(key, vec![round; 4_096 + usize::from(number % 2) * 60_000]);
            txn.put(vec![number], vec![number; 4_096]);
            txn.commit().await.unwrap();
        }
    }
    let blobs = dir.path().join("blobs").read_dir().unwrap();
    assert_eq!(blobs.count(), 0);
}

#[test]
fn a_store_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _engine = SledEngine::open(dir.path()).unwrap();
    let second = SledEngine::open(dir.path());
    assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
}

#[test]
fn a_foreign_or_newer_store_is_refused() {
    for (key, value) in [("anything", "else"), ("\0format", "zhijie-store 2")] {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        db.insert(key, value).unwrap();
        drop(db);
        let opened = SledEngine::open(dir.path());
        assert!(matches!(opened, Err(StoreError::Foreign { .. })), "{opened:?}");
    }
}

#[test]
fn a_damaged_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        drop(SledEngine::open(dir.path()).unwrap());
    }
    let snapshot = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
    let snapshot = snapshot.filter(|path| path.to_string_lossy().contains("snap.")).last();
    std::fs::write(snapshot.unwrap(), b"not what sled wrote").unwrap();
    let opened = SledEngine::open(dir.path());
    assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{opened:?}");

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("db"), vec![0; 4 << 20]).unwrap();
    let opened = SledEngine::open(dir.path());
    assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{opened:?}");
}

#[test]
fn a_path_that_is_no_directory_keeps_its_source() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = SledEngine::open(file.path()).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    assert!(error.source().is_some());
}

#[test]
fn the_port_is_an_object_and_its_answers_are_sendable() {
    fn sendable<T: Send + Sync>(_: &T) {}
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let store = Store::new(engine);
    sendable(&store);
    sendable(&store.begin());
}
