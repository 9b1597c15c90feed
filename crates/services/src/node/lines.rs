//! Split fee lines as they are stored: in chunks under keys of one prefix, in the order in which they came.

use zhijie_domain::split::SplitLine;
use zhijie_store::Store;

use super::{
    Failure, Pages,
    records::{document, stored},
};
use crate::wire::{claim::parse_split, pb};

/// All lines under a prefix. No commit checks them: what stands above them, read in a transaction, has to.
pub(crate) async fn stored_lines(store: &Store, prefix: &[u8]) -> Result<Vec<SplitLine>, Failure> {
    let mut lines = Vec::new();
    let mut pages = Pages::of(store, prefix);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let chunk = document::<pb::LineChunk>(key, &record.value)?;
            for line in &chunk.lines {
                lines.push(stored(parse_split(line), key)?);
            }
        }
    }
    Ok(lines)
}
