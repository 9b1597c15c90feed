//! The trail of a booked record through clearing: whether it waits, which tables took it, which it was carried past.
//! What checking and the ledger share. A record stands in a table at most once a period, so that no scan is needed.

use std::collections::BTreeMap;

use zhijie_domain::{
    calendar::{Date, Month},
    clearing::item::Carried,
    ids::RegionCode,
    reconcile::Entry,
};
use zhijie_store::{Record, Store};

use crate::{
    node::{Failure, Pages, damaged, document, keys, stored},
    wire::{codes, date, pb},
};

/// The days that date what happens in clearing.
pub(crate) struct Dates {
    /// When the tables of a period were made; a period that is only begun is dated as well.
    pub(crate) tables: BTreeMap<Month, Date>,
    /// Periods whose tables are made.
    pub(crate) made: Vec<Month>,
    /// When a care province agreed the bills of a month.
    pub(crate) agreed: BTreeMap<(RegionCode, Month), Date>,
}

impl Dates {
    /// Reads them from the hub's store.
    pub(crate) async fn load(store: &Store) -> Result<Dates, Failure> {
        let (mut tables, mut made, mut agreed) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut pages = Pages::of(store, keys::PERIODS);
        while let Some(page) = pages.next().await? {
            for (key, Record { value, .. }) in &page {
                let record: pb::PeriodRecord = document(key, value)?;
                let period = last_part(key).and_then(Month::parse).ok_or_else(|| damaged(key))?;
                tables.insert(period, stored(date(&record.day, "day"), key)?);
                if record.made {
                    made.push(period);
                }
            }
        }
        let mut pages = Pages::of(store, keys::AGREEMENTS);
        while let Some(page) = pages.next().await? {
            for (key, Record { value, .. }) in &page {
                let record: pb::AgreementRecord = document(key, value)?;
                let month = last_part(key).and_then(Month::parse).ok_or_else(|| damaged(key))?;
                let care = std::str::from_utf8(key).ok().and_then(|key| key.split('/').nth(1));
                let care = care.and_then(|care| RegionCode::parse(care).ok()).ok_or_else(|| damaged(key))?;
                agreed.insert((care, month), stored(date(&record.day, "day"), key)?);
            }
        }
        Ok(Dates { tables, made, agreed })
    }
}

fn last_part(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok()?.rsplit('/').next()
}

/// What the hub keeps of a booked record besides the book.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// It waits.
    pub(crate) waiting: Option<pb::WaitingItem>,
    /// A deduction on it waits.
    pub(crate) deduction: Option<pb::WaitingItem>,
    /// Where it was cleared.
    pub(crate) cleared: Option<pb::ClearedRecord>,
    /// It as an item of tables, or carried past them, ascending by period.
    pub(crate) items: Vec<(Month, pb::ClearedItem)>,
    /// Deductions on it as items of tables.
    pub(crate) deductions: Vec<(Month, pb::ClearedItem)>,
}

impl Trail {
    /// Reads the trail of a record.
    pub(crate) async fn of(store: &Store, dates: &Dates, record: &Entry, day: Date) -> Result<Trail, Failure> {
        let Entry { id, home, care, .. } = record;
        let mut trail = Trail {
            waiting: read(store, &keys::waiting(id, false)).await?,
            deduction: read(store, &keys::waiting(id, true)).await?,
            cleared: read(store, &keys::cleared(id)).await?,
            ..Trail::default()
        };
        for (period, _) in dates.tables.range(Month::of(day)..) {
            for (deduction, found) in [(false, &mut trail.items), (true, &mut trail.deductions)] {
                let item = read(store, &keys::table_item(*period, home, care, id, deduction)).await?;
                found.extend(item.map(|item| (*period, item)));
            }
        }
        Ok(trail)
    }

    /// The items with which tables hold the record itself.
    pub(crate) fn entered(&self) -> impl Iterator<Item = &(Month, pb::ClearedItem)> {
        self.items.iter().filter(|(_, item)| is_in(item))
    }

    /// The first item by which a table took the record, be it that it was disputed out of the table afterwards.
    pub(crate) fn first_taken(&self) -> Option<&(Month, pb::ClearedItem)> {
        self.items.iter().find(|(_, item)| is_in(item) || is_disputed(item))
    }

    /// It was disputed out of a table.
    pub(crate) fn was_disputed(&self) -> bool {
        self.items.iter().any(|(_, item)| is_disputed(item))
    }
}

/// True where the table holds the item; false where the item was carried past it.
pub(crate) fn is_in(item: &pb::ClearedItem) -> bool {
    item.carried == 0
}

fn is_disputed(item: &pb::ClearedItem) -> bool {
    codes::optional(item.carried) == Some(Carried::Disputed)
}

async fn read<M: prost::Message + Default>(store: &Store, key: &[u8]) -> Result<Option<M>, Failure> {
    store.get(key).await?.map(|record| document(key, &record.value)).transpose()
}
