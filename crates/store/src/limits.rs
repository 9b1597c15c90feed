//! Every limit of the store, with its unit in its name and the reason for its size.

/// Longest key. With [`INLINE_BYTES_MAX`] it keeps every page of sled (at most about 20 pairs, or 256 keys)
/// under the 128 KiB above which sled would put the page into a file of its own.
pub const KEY_BYTES_MAX: usize = 256;

/// Longest value: a bill of 10,000 fee lines is about 3 MiB.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Largest batch, counting the keys it read and what it writes.
pub const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest page of a scan.
pub const SCAN_ROWS_MAX: usize = 10_000;

/// Batches that may wait for the writer. At the measured rate this is a quarter of a second of work.
pub const QUEUE_BATCHES_MAX: usize = 4_096;

/// Memory that waiting batches may hold.
pub const QUEUE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// From so many batches in one group on, more are taken to be on their way, and the next group waits for them a little;
/// up to this many, below which a sync costs more than what it makes durable. Whoever commits alone never waits.
pub const GROUP_FEW: usize = 4;

/// A group of so many is large enough; the next one follows at once.
pub const GROUP_MANY: usize = 96;

/// How long the next group waits, µs.
pub const GROUP_GAP_US: u64 = 2_000;

/// Batches that share one sync of sled. Measured throughput no longer grows beyond 64, while reads wait for a group to
/// be applied.
pub const SLED_GROUP_BATCHES_MAX: usize = 128;

/// A group for sled takes no further batch once it holds this much. Small groups also keep sled from reusing a segment
/// of its file before the pages that moved out of it are synced elsewhere.
pub const SLED_GROUP_BYTES_MAX: usize = 1024 * 1024;

/// Batches that share one sync of fjall.
pub const FJALL_GROUP_BATCHES_MAX: usize = 512;

/// A group for fjall takes no further batch once it holds this much.
pub const FJALL_GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Keys written lately that the writer remembers, so that it need not read them again; about 5 MiB.
pub const WINDOW_KEYS_MAX: usize = 32_768;

/// Longest value kept beside its key; a longer one is cut into chunks of this size.
pub const INLINE_BYTES_MAX: usize = 4_096;

/// What sled may keep in memory.
pub const SLED_CACHE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What fjall keeps of its tables in memory; what is being written comes on top.
pub const FJALL_CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Journals that fjall keeps, at most. With less room than for some memtables it closes a small one whenever a journal is
/// full.
pub const FJALL_JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Keys and values that fjall gathers in memory before it writes a table.
pub const FJALL_MEMTABLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Full memtables that wait for fjall's worker, at most; then commits wait.
pub const FJALL_SEALED_MAX: usize = 3;

/// Size of a table. Small ones keep a compaction short, and the worker free for the next memtable.
pub const FJALL_TABLE_BYTES: u64 = 32 * 1024 * 1024;

/// Tables that gather before they are merged into the first level, whose size is that of as many. Fewer are merged
/// sooner and thus more often: four took a tenth of the throughput.
pub const FJALL_LOOSE_TABLES: u8 = 8;

/// Size of a block before it is compressed. Records repeat each other, so several together take less.
pub const FJALL_BLOCK_BYTES: u32 = 16 * 1024;

/// How long closing a store waits for sled to let go of its files; it takes a millisecond or two.
pub const CLOSE_WAIT_MS_MAX: u64 = 1_000;

/// A data file longer than this was in use; if nothing is found in it, it is damaged, not new.
pub const NEW_STORE_BYTES_MAX: u64 = 1024 * 1024;

const _: () = assert!(VALUE_BYTES_MAX <= BATCH_BYTES_MAX && BATCH_BYTES_MAX <= QUEUE_BYTES_MAX);
