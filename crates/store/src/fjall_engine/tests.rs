//! What is fjall's alone.

use std::collections::BTreeMap;

use super::*;

/// Writes `rows` rows of `bytes` bytes each as one group, under keys that lie anywhere.
fn write(store: &Fjall, last: &mut u64, rows: u64, bytes: usize) {
    let value = Bytes::from(vec![7; bytes]);
    let mut writes: Vec<_> = (0..rows)
        .map(|_| {
            *last += 1;
            // Odd, so that no key comes twice.
            let key = last.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            Write { key: Bytes::copy_from_slice(&key), version: Version(*last), value: Some(value.clone()) }
        })
        .collect();
    writes.sort_by(|one, other| one.key.cmp(&other.key));
    store.write(Group { heads: BTreeMap::new(), writes, last: *last }).unwrap();
}

/// fjall's worker once waited for itself for ever, as its queue was full of requests to close a memtable that had grown
/// while it compacted. The writer closes them in time, whatever the worker does, and nothing is requested.
#[test]
fn the_writer_closes_memtables_while_the_worker_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut last) = Fjall::open(Folder::open(dir.path()).unwrap()).unwrap();
    let (closed, group) = (limits::FJALL_MEMTABLE_BYTES_MAX, limits::FJALL_GROUP_BYTES_MAX);
    let mut largest = 0;
    while store.records.table_count() < 4 {
        write(&store, &mut last, 4_096, group / 4_096);
        largest = largest.max(store.records.tree.active_memtable().size());
    }
    // Of 4,096 rows fjall counts some hundred kilobytes more than their keys and values.
    assert!(largest < closed + 2 * group as u64, "{largest}");
    for _ in 0..6_000 {
        if store.records.sealed_memtable_count() == 0 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("closed memtables are never written out");
}

#[test]
fn a_group_that_is_lost_before_others_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Fjall::open(Folder::open(dir.path()).unwrap());
    let (store, mut last) = open().unwrap();
    for _ in 0..5 {
        write(&store, &mut last, 3, 16);
    }
    drop(store);
    let (store, last) = open().unwrap();
    assert_eq!(last, 15);
    store.records.remove([3, 0, 0, 0, 0, 0, 0, 0, 3]).unwrap();
    drop(store);
    let Err(StoreError::Damaged { what }) = open() else { panic!("it opens") };
    assert!(what.starts_with("group 3 of its commits is lost"), "{what}");
}
