//! A pair's table as the fold of its items: what making, disputing and checking share. The content hash covers the
//! period, the pair, the credit and every item in order, so that the same facts give the same bytes.

use sha2::{Digest, Sha256};
use zhijie_domain::{calendar::Month, clearing::table::Table, ids::RegionCode, money::Fen, refusal::Refusal};
use zhijie_store::Store;

use crate::{
    node::{Failure, Pages, Stop, document, keys, sealed, stored},
    wire::{clearing, pb},
};

/// A table while it is folded.
pub(crate) struct Fold {
    period: Month,
    home: RegionCode,
    care: RegionCode,
    prefix: Vec<u8>,
    table: Table,
    hash: Sha256,
}

impl Fold {
    /// Begins with what the period before left.
    pub(crate) fn new(period: Month, home: RegionCode, care: RegionCode, credit: Fen) -> Fold {
        let mut hash = Sha256::new();
        hash.update(format!("{period}/{home}/{care}/{credit}"));
        let prefix = keys::items_of(period, &home, &care);
        Fold { period, home, care, prefix, table: Table { credit, ..Table::default() }, hash }
    }

    /// True for an item of the pair that it folds.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix)
    }

    /// Adds a stored item; items come in the order of their keys.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        let item = document::<pb::ClearedItem>(key, value)?;
        let (item, verdict) = stored(clearing::parse_cleared(&item, &self.home, &self.care), key)?;
        self.table.add(&item, verdict)?;
        for part in [key, value] {
            self.hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            self.hash.update(part);
        }
        Ok(())
    }

    /// The table of so many revisions.
    pub(crate) fn print(self, revision: u32) -> Result<pb::ClearingTable, Refusal> {
        let hash = self.hash.finalize();
        Ok(pb::ClearingTable {
            period: self.period.to_string(),
            home: self.home.to_string(),
            care: self.care.to_string(),
            rows: clearing::print_rows(&self.table)?,
            credit: self.table.credit.0,
            payable: self.table.payable()?.0,
            content_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            revision,
            ..pb::ClearingTable::default()
        })
    }
}

/// An item that is to stand in place of the stored one.
pub(crate) type Changed<'a> = Option<(&'a [u8], &'a pb::ClearedItem)>;

/// Folds the items of one pair again, as the store holds them but for one that is being changed.
pub(crate) async fn again(
    store: &Store,
    table: &pb::ClearingTable,
    changed: Changed<'_>,
) -> Result<pb::ClearingTable, Stop> {
    let (period, home, care) = names(table)?;
    let prefix = keys::items_of(period, &home, &care);
    let mut fold = Fold::new(period, home, care, Fen(table.credit));
    let mut pages = Pages::of(store, &prefix[..]);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            match changed {
                Some((changed, item)) if changed == &key[..] => fold.add(key, &sealed(key, item))?,
                _ => fold.add(key, &record.value)?,
            }
        }
    }
    Ok(fold.print(table.revision)?)
}

/// What a stored table is of.
pub(crate) fn names(table: &pb::ClearingTable) -> Result<(Month, RegionCode, RegionCode), Failure> {
    let damaged = || Failure::Damaged(format!("t/{}/{}/{}", table.period, table.home, table.care));
    let period = Month::parse(&table.period).ok_or_else(damaged)?;
    let region = |text: &str| RegionCode::parse(text).map_err(|_| damaged());
    Ok((period, region(&table.home)?, region(&table.care)?))
}
