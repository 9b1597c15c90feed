//! Every clearing table (清算表) is the fold of its items, to the byte: rows, payable and content hash. It takes over what
//! the period before left, and what home provinces owe is what care provinces are owed.

use std::collections::BTreeMap;

use zhijie_domain::{
    calendar::Month,
    clearing::table::Outcome,
    ids::RegionCode,
    money::{Fen, Overflow},
    refusal::Refusal,
};
use zhijie_store::{Record, Store};

use super::{Stores, Subject, unequal};
use crate::{
    hub::clearing::{
        fold, outcome_of,
        trail::{Dates, is_in},
    },
    node::{Failure, Owner, Pages, Stop, document, keys},
    wire::pb,
};

/// Makes every table again.
pub(super) async fn check(stores: &Stores) -> Result<Subject, Failure> {
    let mut subject = Subject::new("tables", "清算表", "every table is the fold of its items");
    let Some((owner, store)) = stores.hub() else {
        subject.missing.insert(super::hub());
        return Ok(subject);
    };
    let Some(dates) = subject.read(owner, keys::PERIODS, Dates::load(store).await)? else { return Ok(subject) };
    let mut sums = BTreeMap::<Month, Sums>::new();
    let mut pages = Pages::of(store, keys::TABLES);
    while let Some(page) = pages.next().await? {
        for (key, Record { value, .. }) in &page {
            let table = document::<pb::ClearingTable>(key, value);
            let Some(table) = subject.read(owner, key, table)? else { continue };
            let named = fold::names(&table);
            let Some((period, ..)) = subject.read(owner, key, named)? else { continue };
            if !dates.made.contains(&period) {
                // They are being made: a crash in between only delays.
                continue;
            }
            subject.look();
            let credit = credit(store, &table).await;
            if let Some(credit) = subject.read(owner, key, credit)? {
                subject.compare(owner, key, "credit", Fen(table.credit), credit);
            }
            let again = fold::again(store, &table, None).await;
            let Some(again) = subject.read(owner, key, again)? else { continue };
            compare(&mut subject, owner, key, &table, &again);
            let added = sums.entry(period).or_default().add(&table, &again).map_err(Refusal::from);
            subject.read(owner, key, added)?;
        }
    }
    for (period, Sums { payable, receivable }) in &sums {
        subject.compare(owner, &keys::tables_of(*period), "payable", *payable, *receivable);
    }
    without_table(&mut subject, owner, store, &dates).await?;
    Ok(subject)
}

/// Both sides of a period: what home provinces owe by its tables, what care provinces are owed by their items.
#[derive(Default)]
struct Sums {
    payable: Fen,
    receivable: Fen,
}

impl Sums {
    fn add(&mut self, table: &pb::ClearingTable, again: &pb::ClearingTable) -> Result<(), Overflow> {
        self.payable = self.payable.plus(Fen(table.payable))?;
        self.receivable = self.receivable.plus(Fen(again.payable))?;
        Ok(())
    }
}

fn compare(subject: &mut Subject, owner: &Owner, key: &[u8], table: &pb::ClearingTable, again: &pb::ClearingTable) {
    let folded = |table: &pb::ClearingTable| pb::ClearingTable {
        rows: table.rows.clone(),
        payable: table.payable,
        content_hash: table.content_hash.clone(),
        ..pb::ClearingTable::default()
    };
    if let Some(unequal) = unequal::first(&folded(table), &folded(again)) {
        subject.differs(owner, key, unequal.field, format!("{}, and its items give {}", unequal.found, unequal.right));
    }
}

/// What the period before left to a table.
async fn credit(store: &Store, table: &pb::ClearingTable) -> Result<Fen, Stop> {
    let (period, home, care) = fold::names(table)?;
    let before = period.plus(-1);
    let key = keys::table(before, &home, &care);
    let Some(record) = store.get(&key).await? else { return Ok(Fen::ZERO) };
    let before = (before, document::<pb::ClearingTable>(&key, &record.value)?);
    Ok(match outcome_of(before.0, &before.1)? {
        Outcome::Credit(credit) => credit,
        _ => Fen::ZERO,
    })
}

/// Items of a period that is made belong to a table, and what a table left is taken over by the next.
async fn without_table(subject: &mut Subject, owner: &Owner, store: &Store, dates: &Dates) -> Result<(), Failure> {
    let mut known: Option<(Month, RegionCode, RegionCode)> = None;
    let mut pages = Pages::of(store, keys::ITEMS);
    while let Some(page) = pages.next().await? {
        for (key, Record { value, .. }) in &page {
            let Some(pair) = pair_of(key).filter(|(period, ..)| dates.made.contains(period)) else { continue };
            if known.as_ref() == Some(&pair) {
                continue;
            }
            let (period, home, care) = &pair;
            if store.get(&keys::table(*period, home, care)).await?.is_none() {
                let in_it = document::<pb::ClearedItem>(key, value).is_ok_and(|item| is_in(&item));
                let what = if in_it { "no table holds it" } else { "no table says that it was carried" };
                subject.differs(owner, key, "table", what);
            }
            known = Some(pair);
        }
    }
    Ok(())
}

fn pair_of(key: &[u8]) -> Option<(Month, RegionCode, RegionCode)> {
    let mut parts = std::str::from_utf8(key).ok()?.split('/').skip(1);
    let period = Month::parse(parts.next()?)?;
    let mut region = || parts.next().and_then(|part| RegionCode::parse(part).ok());
    Some((period, region()?, region()?))
}
