//! How keys lie in an engine's tree: the first byte tells what a key is of.

/// Tells the format of the tree.
pub(crate) const FORMAT_KEY: &[u8] = b"\0format";
/// Holds the last version given out, a big-endian `u64`; what an engine keeps with each group may follow.
pub(crate) const SEQUENCE_KEY: &[u8] = b"\0sequence";
/// Holds what the records come to together.
pub(crate) const SUM_KEY: &[u8] = b"\0sum";
/// The first byte of a record's key.
pub(crate) const RECORD: u8 = 1;
/// The first byte of a chunk's key.
pub(crate) const CHUNK: u8 = 2;
/// The first byte of the key of a group's mark.
pub(crate) const MARK: u8 = 3;

/// The key of a record in the tree.
pub(crate) fn record_key(key: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(1 + key.len());
    raw.push(RECORD);
    raw.extend_from_slice(key);
    raw
}

/// `[start, end)` in the tree; an empty `end` means to the last record.
pub(crate) fn record_range(start: &[u8], end: &[u8]) -> std::ops::Range<Vec<u8>> {
    let end = match end {
        [] => vec![RECORD + 1],
        end => record_key(end),
    };
    record_key(start)..end
}

/// Two numbers, as [`number`] reads them one after the other.
pub(crate) fn two_numbers(first: u64, second: u64) -> [u8; 16] {
    (u128::from(first) << u64::BITS | u128::from(second)).to_be_bytes()
}

/// The number at the beginning of `raw`, and the rest.
pub(crate) fn number(raw: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = raw.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}
