//! The suite every engine must pass. A check gets `open`, which opens the same, at first empty, data every time;
//! [`conformance_suite!`](crate::conformance_suite) makes a module of tests out of the whole list.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;

use crate::limits;
use crate::{Batch, CommitError, Engine, Store, StoreError, Txn};

/// What a check returns: assertions panic, failures of the machinery come out here.
pub type Checked = Result<(), Box<dyn Error + Send + Sync>>;

/// What an engine's `open` returns.
pub type Opened = Result<Arc<dyn Engine>, StoreError>;

/// Makes the module `$module` with one test for each check; `$open` is evaluated anew in each.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $open:expr) => {
        $crate::conformance_suite!(@ $module, $open;
            a_commit_is_whole,
            a_refused_commit_leaves_nothing,
            a_transaction_sees_its_own_writes,
            a_transaction_reads_the_same_twice,
            of_two_creators_one_wins,
            a_stale_update_is_refused,
            a_deleted_key_is_another_key,
            a_read_only_commit_is_checked,
            a_blind_write_conflicts_with_nothing,
            versions_grow,
            scans_are_ordered_and_bounded,
            scans_page_through_a_prefix,
            limits_hold,
            increments_add_up,
            long_values_are_kept,
            reopening_finds_everything,
        );
    };
    (@ $module:ident, $open:expr; $($check:ident),* $(,)?) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() -> $crate::conformance::Checked {
                    $crate::conformance::$check($open).await
                }
            )*
        }
    };
}

fn store(open: &impl Fn() -> Opened) -> Result<Store, StoreError> {
    Ok(Store::new(open()?))
}

async fn put(store: &Store, key: &'static str, value: &'static str) -> Checked {
    let mut txn = store.begin();
    txn.put(key, value);
    Ok(txn.commit().await?)
}

async fn value(store: &Store, key: &str) -> Result<Option<Bytes>, StoreError> {
    let record = store.get(key.as_bytes()).await?;
    Ok(record.map(|record| record.value))
}

async fn must_conflict(txn: Txn) {
    let outcome = txn.commit().await;
    assert!(matches!(outcome, Err(CommitError::Conflict)), "{outcome:?}");
}

/// All writes of a batch, deletions among them, are there after it.
pub async fn a_commit_is_whole(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "gone", "1").await?;
    let mut txn = store.begin();
    txn.put("a", "1");
    txn.put("b", "2");
    txn.delete("gone");
    txn.delete("never was");
    txn.commit().await?;
    assert_eq!(value(&store, "a").await?, Some("1".into()));
    assert_eq!(value(&store, "b").await?, Some("2".into()));
    assert_eq!(value(&store, "gone").await?, None);
    Ok(())
}

/// A conflict on one key keeps every other write of the batch out.
pub async fn a_refused_commit_leaves_nothing(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "kept", "1").await?;
    let mut txn = store.begin();
    assert_eq!(txn.get(b"contended").await?, None);
    put(&store, "contended", "other").await?;
    txn.put("contended", "mine");
    txn.put("new", "mine");
    txn.delete("kept");
    must_conflict(txn).await;
    assert_eq!(value(&store, "contended").await?, Some("other".into()));
    assert_eq!(value(&store, "new").await?, None);
    assert_eq!(value(&store, "kept").await?, Some("1".into()));
    Ok(())
}

/// Buffered writes are seen inside the transaction and by nobody else.
pub async fn a_transaction_sees_its_own_writes(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "k", "old").await?;
    let mut txn = store.begin();
    txn.put("k", "new");
    assert_eq!(txn.get(b"k").await?, Some("new".into()));
    txn.delete("k");
    assert_eq!(txn.get(b"k").await?, None);
    assert_eq!(value(&store, "k").await?, Some("old".into()));
    txn.put("k", "newest");
    txn.commit().await?;
    assert_eq!(value(&store, "k").await?, Some("newest".into()));
    Ok(())
}

/// A key does not change under a transaction; the commit tells that it did.
pub async fn a_transaction_reads_the_same_twice(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "k", "1").await?;
    let mut txn = store.begin();
    assert_eq!(txn.get(b"k").await?, Some("1".into()));
    put(&store, "k", "2").await?;
    assert_eq!(txn.get(b"k").await?, Some("1".into()));
    must_conflict(txn).await;
    Ok(())
}

/// Both saw the key absent; the second is refused.
pub async fn of_two_creators_one_wins(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    let (mut first, mut second) = (store.begin(), store.begin());
    for (txn, value) in [(&mut first, "first"), (&mut second, "second")] {
        assert_eq!(txn.get(b"k").await?, None);
        txn.put("k", value);
    }
    second.commit().await?;
    must_conflict(first).await;
    assert_eq!(value(&store, "k").await?, Some("second".into()));
    Ok(())
}

/// Who decided on an old version is refused, even if the value is the same again.
pub async fn a_stale_update_is_refused(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "k", "1").await?;
    let mut txn = store.begin();
    assert_eq!(txn.get(b"k").await?, Some("1".into()));
    put(&store, "k", "2").await?;
    put(&store, "k", "1").await?;
    txn.put("k", "3");
    must_conflict(txn).await;
    Ok(())
}

/// A reader of a key conflicts with its deletion, and with its creation anew.
pub async fn a_deleted_key_is_another_key(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "k", "1").await?;
    let (mut before, mut between) = (store.begin(), store.begin());
    let mut also_before = store.begin();
    assert!(before.get(b"k").await?.is_some());
    assert!(also_before.get(b"k").await?.is_some());
    let mut txn = store.begin();
    txn.delete("k");
    txn.commit().await?;
    also_before.put("other", "x");
    must_conflict(also_before).await;
    assert!(between.get(b"k").await?.is_none());
    put(&store, "k", "1").await?;
    for mut txn in [before, between] {
        txn.put("other", "x");
        must_conflict(txn).await;
    }
    assert_eq!(value(&store, "other").await?, None);
    Ok(())
}

/// Without writes the reads are still checked.
pub async fn a_read_only_commit_is_checked(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    put(&store, "k", "1").await?;
    let (mut fresh, mut stale) = (store.begin(), store.begin());
    assert!(stale.get(b"k").await?.is_some());
    put(&store, "k", "2").await?;
    assert!(fresh.get(b"k").await?.is_some());
    assert!(fresh.get(b"absent").await?.is_none());
    fresh.commit().await?;
    must_conflict(stale).await;
    store.begin().commit().await?;
    Ok(())
}

/// Writes without reads always go through; of two to one key in a batch the later counts.
pub async fn a_blind_write_conflicts_with_nothing(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    let (mut first, mut second) = (store.begin(), store.begin());
    first.put("k", "first");
    second.put("k", "second");
    second.commit().await?;
    first.commit().await?;
    assert_eq!(value(&store, "k").await?, Some("first".into()));

    let engine = open_again(store, &open)?;
    let writes = [None, Some("1"), Some("2")];
    let batch = Batch {
        writes: (writes.into_iter()).map(|value| ("k".into(), value.map(Bytes::from))).collect(),
        ..Batch::default()
    };
    engine.commit(batch).await?;
    let record = engine.get(b"k").await?;
    assert_eq!(record.map(|record| record.value), Some("2".into()));
    Ok(())
}

fn open_again(store: Store, open: &impl Fn() -> Opened) -> Opened {
    drop(store);
    open()
}

/// A commit answers the version that its keys then have, and later commits have higher ones, also after reopening.
pub async fn versions_grow(open: impl Fn() -> Opened) -> Checked {
    let mut last = None;
    for _ in 0..3 {
        let engine = open()?;
        for _ in 0..3 {
            let batch = Batch {
                writes: vec![("a".into(), Some("1".into())), ("b".into(), Some("1".into()))],
                ..Batch::default()
            };
            let version = Some(engine.commit(batch).await?);
            for key in [b"a", b"b"] {
                let record = engine.get(key).await?;
                assert_eq!(record.map(|record| record.version), version);
            }
            assert!(version > last);
            last = version;
        }
    }
    Ok(())
}

/// Start, end, limit, and the keys to be found.
type Scan<'a> = (&'a [u8], &'a [u8], usize, &'a [&'a [u8]]);

/// Rows come in the order of their bytes, from `start` on, before `end`, at most `limit`.
pub async fn scans_are_ordered_and_bounded(open: impl Fn() -> Opened) -> Checked {
    let engine = open()?;
    let keys: [&[u8]; 7] = [b"", b"\0", b"a", b"a\0", b"b", b"b\xff", b"\xff\xff"];
    for index in [3, 0, 6, 2, 5, 1, 4] {
        let key = Bytes::from_static(keys[index]);
        let writes = vec![(key.clone(), Some(key))];
        engine.commit(Batch { writes, ..Batch::default() }).await?;
    }
    let cases: [Scan<'_>; 8] = [
        (b"", b"", 100, &keys),
        (b"", b"", 3, &keys[..3]),
        (b"", b"", 0, &[]),
        (b"a", b"b", 100, &keys[2..4]),
        (b"a\0", b"b\xff\0", 100, &keys[3..6]),
        (b"b", b"", 100, &keys[4..]),
        (b"b", b"b", 100, &[]),
        (b"b", b"a", 100, &[]),
    ];
    for (start, end, limit, expected) in cases {
        let rows = engine.scan(start, end, limit).await?;
        let found: Vec<&[u8]> = rows.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(found, expected, "[{start:?}, {end:?}) limit {limit}");
        assert!(rows.iter().all(|(key, record)| *key == record.value));
    }
    Ok(())
}

/// Pages join up without a gap or a repetition and stay under the prefix.
pub async fn scans_page_through_a_prefix(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    let mut txn = store.begin();
    for key in ["a", "a/", "b", "a0"] {
        txn.put(key, "neighbour");
    }
    for number in 0..250 {
        txn.put(format!("a/{number:03}"), number.to_string());
    }
    txn.commit().await?;
    let mut found = Vec::new();
    let mut after = Some(Bytes::from("a/"));
    while let Some(last) = after.take() {
        let page = store.scan_prefix(b"a/", Some(&last), 100).await?;
        if page.len() == 100 {
            after = page.last().map(|(key, _)| key.clone());
        }
        found.extend(page.into_iter().map(|(key, _)| key));
    }
    let expected: Vec<String> = (0..250).map(|number| format!("a/{number:03}")).collect();
    assert_eq!(found, expected);
    assert_eq!(store.scan_prefix(b"a/", None, 1).await?[0].0, "a/");
    assert_eq!(store.scan_prefix(b"a/", Some(b"a"), 1).await?[0].0, "a/");
    assert!(store.scan_prefix(b"a/", Some(b"b"), 1).await?.is_empty());
    assert_eq!(store.scan_prefix(b"", None, 1000).await?.len(), 254);
    Ok(())
}

/// What exceeds a limit is refused and leaves nothing; what just fits is kept.
pub async fn limits_hold(open: impl Fn() -> Opened) -> Checked {
    let store = store(&open)?;
    let long_key = vec![b'k'; limits::KEY_BYTES_MAX];
    let mut txn = store.begin();
    txn.put(long_key.clone(), "v");
    txn.commit().await?;
    assert!(store.get(&long_key).await?.is_some());

    let mut longer_key = long_key;
    longer_key.push(b'k');
    let mut long_value = store.begin();
    long_value.put("k", vec![0; limits::VALUE_BYTES_MAX + 1]);
    let mut large_batch = store.begin();
    for key in ["a", "b", "c"] {
        large_batch.put(key, vec![0; limits::VALUE_BYTES_MAX]);
    }
    let mut txn = store.begin();
    txn.put(longer_key, "v");
    for txn in [txn, long_value, large_batch] {
        let outcome = txn.commit().await;
        let refused = matches!(outcome, Err(CommitError::Failed(StoreError::TooLarge { .. })));
        assert!(refused, "{outcome:?}");
    }
    assert_eq!(store.scan_prefix(b"", None, 10).await?.len(), 1);
    let page = store.scan_prefix(b"", None, limits::SCAN_ROWS_MAX + 1).await;
    assert!(matches!(page, Err(StoreError::TooLarge { .. })));
    Ok(())
}

/// Many tasks add one to the same number; none is lost.
pub async fn increments_add_up(open: impl Fn() -> Opened) -> Checked {
    const TASKS: u64 = 16;
    const EACH: u64 = 20;
    let store = store(&open)?;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    increment(&store).await?;
                }
                Ok::<_, CommitError>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let sum = (TASKS * EACH).to_be_bytes();
    assert_eq!(value(&store, "sum").await?.as_deref(), Some(&sum[..]));
    Ok(())
}

async fn increment(store: &Store) -> Result<(), CommitError> {
    loop {
        let mut txn = store.begin();
        let old = txn.get(b"sum").await?;
        let old = old.and_then(|old| Some(u64::from_be_bytes(old.as_ref().try_into().ok()?)));
        txn.put("sum", Bytes::copy_from_slice(&(old.unwrap_or(0) + 1).to_be_bytes()));
        match txn.commit().await {
            Err(CommitError::Conflict) => {}
            outcome => return outcome,
        }
    }
}

/// A value of several MiB is written, overwritten by others, read, scanned, reopened and deleted like a short one.
pub async fn long_values_are_kept(open: impl Fn() -> Opened) -> Checked {
    let mut store = store(&open)?;
    for length in [3 << 20, 4_096, 4_097, 100_000, 0, 3 << 20] {
        let long: Bytes = (0..length).map(|at: u32| (at ^ length ^ (at >> 8)) as u8).collect();
        let mut txn = store.begin();
        txn.get(b"long").await?;
        txn.put("long", long.clone());
        txn.put("twin", long.clone());
        txn.commit().await?;
        store = Store::new(open_again(store, &open)?);
        for key in ["long", "twin"] {
            assert!(value(&store, key).await?.as_ref() == Some(&long), "{key} of {length} bytes");
        }
        let rows = store.scan_prefix(b"", None, 10).await?;
        assert!(rows.len() == 2 && rows.iter().all(|(_, record)| record.value == long));
    }
    let mut txn = store.begin();
    txn.delete("long");
    txn.commit().await?;
    assert_eq!(value(&store, "long").await?, None);
    assert!(value(&store, "twin").await?.is_some_and(|twin| twin.len() == 3 << 20));
    Ok(())
}

/// Everything acknowledged is there after closing and opening.
pub async fn reopening_finds_everything(open: impl Fn() -> Opened) -> Checked {
    let mut store = store(&open)?;
    for round in 0..5_u32 {
        for number in 0..20_u32 {
            let mut txn = store.begin();
            txn.put(format!("{round}/{number}"), vec![number as u8; 100]);
            txn.put("last", format!("{round}/{number}"));
            txn.delete(format!("{}/{number}", round.wrapping_sub(2)));
            txn.commit().await?;
        }
        store = Store::new(open_again(store, &open)?);
        let rows = store.scan_prefix(b"", None, 1000).await?;
        assert_eq!(rows.len(), if round == 0 { 21 } else { 41 });
        assert_eq!(value(&store, "last").await?, Some(format!("{round}/19").into()));
        assert!(rows.iter().all(|(key, record)| record.value.len() == 100 || key == "last"));
    }
    Ok(())
}
