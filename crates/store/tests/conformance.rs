//! Every engine against the suite, and what only the embedded engines promise.
#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zhijie_store::conformance::Opened;
use zhijie_store::{Engine, EngineKind, FjallEngine, Memory, SledEngine, Store, StoreError, conformance_suite, open};

fn memory() -> impl Fn() -> Opened {
    let engine = Memory::new();
    move || Ok(Arc::new(engine.clone()))
}

fn embedded(kind: EngineKind) -> impl Fn() -> Opened {
    let dir = tempfile::tempdir().unwrap();
    move || Ok(open(&dir.path().join("store"), kind)?.engine())
}

conformance_suite!(memory_engine, memory());
conformance_suite!(sled_db, embedded(EngineKind::Sled));
conformance_suite!(fjall_db, embedded(EngineKind::Fjall));

async fn commits_share_syncs<E: Engine>(engine: E, syncs: impl Fn(&E) -> u64) {
    let engine = Arc::new(engine);
    let store = Store::new(Arc::clone(&engine));
    let before = syncs(&engine);
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
    let shared = syncs(&engine) - before;
    assert!(shared > 0 && shared < 256, "{shared} syncs for 256 commits");

    store.begin().commit().await.unwrap();
    let mut reader = store.begin();
    assert!(reader.get(b"000").await.unwrap().is_some());
    reader.commit().await.unwrap();
    assert_eq!(syncs(&engine) - before, shared, "reading needs no sync");
}

#[tokio::test]
async fn waiting_commits_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    commits_share_syncs(SledEngine::open(dir.path().join("sled")).unwrap(), SledEngine::syncs).await;
    commits_share_syncs(FjallEngine::open(dir.path().join("fjall")).unwrap(), FjallEngine::syncs).await;
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
    for kind in EngineKind::ALL {
        let dir = tempfile::tempdir().unwrap();
        let _store = open(dir.path(), kind).unwrap();
        let second = open(dir.path(), kind);
        assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
    }
}

#[test]
fn a_store_is_opened_by_the_engine_that_made_it() {
    for kind in EngineKind::ALL {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(EngineKind::found_in(dir.path()), None);
        drop(open(dir.path(), kind).unwrap());
        assert_eq!(EngineKind::found_in(dir.path()), Some(kind));
        for other in EngineKind::ALL {
            let opened = open(dir.path(), other);
            let Err(StoreError::OtherEngine { found, wanted, .. }) = opened else {
                assert!(opened.is_ok() && other == kind, "{opened:?}");
                continue;
            };
            assert_eq!((found, wanted), (kind, other));
        }
    }
}

#[test]
fn engines_have_names() {
    for kind in EngineKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    let unknown = "rocksdb".parse::<EngineKind>().unwrap_err();
    assert!(unknown.to_string().contains("rocksdb"));
}

#[test]
fn a_foreign_or_newer_store_is_refused() {
    for (key, value) in [("anything", "else"), ("\0format", "zhijie-store 3")] {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        db.insert(key, value).unwrap();
        drop(db);
        let opened = SledEngine::open(dir.path());
        assert!(matches!(opened, Err(StoreError::Foreign { .. })), "{opened:?}");

        let dir = tempfile::tempdir().unwrap();
        let db = fjall::Database::builder(dir.path().join("fjall")).open().unwrap();
        db.keyspace("records", Default::default).unwrap().insert(key, value).unwrap();
        drop(db);
        let opened = FjallEngine::open(dir.path());
        assert!(matches!(opened, Err(StoreError::Foreign { .. })), "{opened:?}");
    }
}

#[test]
fn a_damaged_sled_store_is_refused() {
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

/// A store of a few hundred commits, closed; and its journal.
async fn closed_fjall_store(dir: &Path) -> PathBuf {
    let store = open(dir, EngineKind::Fjall).unwrap();
    for number in 0..300_u32 {
        let mut txn = store.begin();
        txn.put(number.to_be_bytes().to_vec(), vec![7; 500]);
        txn.commit().await.unwrap();
    }
    dir.join("fjall/0.jnl")
}

/// What happened to the journal, and how.
type Damage = (&'static str, fn(&Path));

#[tokio::test]
async fn a_damaged_fjall_store_is_refused() {
    let damages: [Damage; 6] = [
        ("a byte of a value is another", |journal| overwrite(journal, 30_000, &[9])),
        ("a page is blank, which fjall takes for the end", |journal| overwrite(journal, 8_192, &[0; 4_096])),
        ("the journal is short", |journal| {
            File::options().write(true).open(journal).unwrap().set_len(50_000).unwrap();
        }),
        ("the journal is gone", |journal| fs::remove_file(journal).unwrap()),
        ("the list of its tables is another", |journal| {
            for entry in fs::read_dir(journal.with_file_name("keyspaces").join("1")).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().starts_with('v') {
                    overwrite(&path, 70, &[0xee]);
                }
            }
        }),
        ("the keyspace is gone", |journal| {
            fs::remove_dir_all(journal.with_file_name("keyspaces").join("1")).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        damage(&closed_fjall_store(dir.path()).await);
        let opened = FjallEngine::open(dir.path());
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{what}: {opened:?}");
    }
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

#[tokio::test]
async fn what_a_crash_left_half_made_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("fjall.new");
    fs::create_dir_all(half.join("keyspaces")).unwrap();
    fs::write(half.join("0.jnl"), []).unwrap();
    let store = open(dir.path(), EngineKind::Fjall).unwrap();
    assert!(store.scan_prefix(b"", None, 10).await.unwrap().is_empty());
    assert!(!half.exists());
}

#[test]
fn a_path_that_is_no_directory_keeps_its_source() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for kind in EngineKind::ALL {
        let error = open(file.path(), kind).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        assert!(error.source().is_some());
    }
}

#[test]
fn the_port_is_an_object_and_its_answers_are_sendable() {
    fn sendable<T: Send + Sync>(_: &T) {}
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let store = Store::new(engine);
    sendable(&store);
    sendable(&store.begin());
}
