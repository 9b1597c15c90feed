//! Every record of the hub's book stands in exactly one place of clearing (清分): it waits, one table holds it, or it was
//! undone before any table did. What tables hold of a settlement is what its funds and account paid, less what was
//! deducted; nothing, once it is undone.

use std::fmt;

use zhijie_domain::{
    calendar::{Date, Month},
    clearing::item::{Item, ItemKind},
    ids::SettlementId,
    money::{Fen, Overflow},
    reconcile::Entry,
    refusal::Refusal,
    settlement::Kind,
};
use zhijie_store::{Bytes, Record, Store};

use super::{
    Stores, Subject,
    cases::{self, Reviews},
};
use crate::{
    hub::clearing::trail::{Dates, Trail, is_in},
    node::{Failure, Owner, Pages, damaged, document, entry, keys},
    wire::{clearing, codes, pb},
};

/// Looks for every record, and for the record of everything that waits or was cleared. On the same way through the book
/// it is looked at what reviews decided of each.
pub(super) async fn check(stores: &Stores) -> Result<[Subject; 2], Failure> {
    let mut subject = Subject::new("places", "清分去向", "each record waits, is cleared once, or was undone");
    let mut cases = cases::subject();
    let Some((owner, store)) = stores.hub() else {
        subject.missing.insert(super::hub());
        cases.missing.insert(super::hub());
        return Ok([subject, cases]);
    };
    let Some(dates) = subject.read(owner, keys::PERIODS, Dates::load(store).await)? else {
        return Ok([subject, cases]);
    };
    let mut reviews = Reviews { owner, store, dates: &dates, subject: &mut cases };
    let mut hub = Hub { owner, store, dates: &dates, subject: &mut subject };
    hub.booked(&mut reviews).await?;
    hub.kept(keys::WAITING).await?;
    hub.kept(keys::CLEARED).await?;
    hub.kept(keys::ITEMS).await?;
    reviews.unbooked().await?;
    Ok([subject, cases])
}

struct Hub<'a> {
    owner: &'a Owner,
    store: &'a Store,
    dates: &'a Dates,
    subject: &'a mut Subject,
}

impl Hub<'_> {
    async fn booked(&mut self, reviews: &mut Reviews<'_>) -> Result<(), Failure> {
        let mut pages = Pages::of(self.store, keys::BOOK);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let booked = read(key, &record.value);
                let Some((day, booked)) = self.subject.read(self.owner, key, booked)? else { continue };
                self.subject.look();
                let trail = Trail::of(self.store, self.dates, &booked, day).await;
                let trail = self.subject.read(self.owner, key, trail)?;
                reviews.look(&booked, trail.as_ref()).await?;
                let Some(trail) = trail else { continue };
                self.place(key, (&booked, day), &trail).await?;
                if booked.kind == Kind::Settled {
                    self.sum(key, &booked, &trail).await?;
                }
            }
        }
        Ok(())
    }

    /// The record is in the one place in which it must be.
    async fn place(&mut self, key: &Bytes, (booked, day): (&Entry, Date), trail: &Trail) -> Result<(), Failure> {
        let entered: Vec<Month> = trail.entered().map(|(period, _)| *period).collect();
        let found = (trail.waiting.is_some(), trail.cleared.is_some(), entered.len());
        let cleared = match &booked.undoes {
            Some(original) => self.store.get(&keys::cleared(original)).await?.is_some(),
            None => true,
        };
        let right = match found {
            // It waits: in force, or it corrects what was cleared.
            (true, false, 0) => booked.undone_by.is_none() && cleared,
            (false, true, 1) => cleared,
            // It was undone before any table, or undid what was.
            (false, false, 0) => booked.undone_by.is_some() || !cleared,
            _ => false,
        };
        if !right {
            let (waits, pointed, tables) = found;
            let periods: Vec<String> = entered.iter().map(ToString::to_string).collect();
            let what = match (waits, pointed, tables) {
                (false, false, 0) => "it neither waits nor was cleared, and nothing undid it".to_owned(),
                (true, false, 0) => "it waits, and it was undone before any table".to_owned(),
                (_, false, _) if !waits => format!("tables {periods:?} hold it, and nothing says so"),
                (_, true, 0) => "it is said to be cleared, and no table holds it".to_owned(),
                _ => format!("waits: {waits}, said to be cleared: {pointed}, tables that hold it: {periods:?}"),
            };
            self.subject.differs(self.owner, key, "place", what);
        }
        if let (Some(cleared), [period]) = (&trail.cleared, entered.as_slice()) {
            self.subject.compare(self.owner, key, "cleared.period", cleared.period.clone(), period.to_string());
        }
        self.content(&Item::of(booked, day), trail);
        Ok(())
    }

    /// What waits and what tables hold of a record is what the book holds; a deduction holds nothing but itself.
    fn content(&mut self, own: &Item, trail: &Trail) {
        let (total, fund, account) = (Fen::ZERO, Fen::ZERO, Fen::ZERO);
        let deduction = Item { total, fund, account, ..own.clone() };
        for (is_deduction, right, waiting, items) in
            [(false, own, &trail.waiting, &trail.items), (true, &deduction, &trail.deduction, &trail.deductions)]
        {
            let right = Amounts(right);
            // What does not parse is named with the records.
            if let Some(Ok(item)) = waiting.as_ref().map(clearing::parse_waiting) {
                let key = keys::waiting(&own.id, is_deduction);
                self.subject.compare(self.owner, &key, "amounts", Amounts(&item), right);
            }
            for (period, item) in items {
                let key = keys::table_item(*period, &own.home, &own.care, &own.id, is_deduction);
                if let Ok((item, _)) = clearing::parse_cleared(item, &own.home, &own.care) {
                    self.subject.compare(self.owner, &key, "amounts", Amounts(&item), right);
                }
            }
        }
    }

    /// The sum over tables of a settlement and of its negative record.
    async fn sum(&mut self, key: &Bytes, booked: &Entry, trail: &Trail) -> Result<(), Failure> {
        let Some(cleared) = trail.cleared.as_ref().filter(|_| trail.entered().next().is_some()) else { return Ok(()) };
        let mut in_tables = held(trail);
        let mut right = booked.fund.plus(booked.account).and_then(|paid| paid.minus(Fen(cleared.deducted)));
        if let Some(undone_by) = &booked.undone_by {
            let Some((day, record)) = self.find(undone_by).await? else { return Ok(()) };
            let correction = Trail::of(self.store, self.dates, &record, day).await;
            let Some(correction) = self.subject.read(self.owner, key, correction)? else { return Ok(()) };
            let waits =
                correction.waiting.as_ref().map_or(Ok(Fen::ZERO), |item| net(item.fund, item.account, item.deduction));
            in_tables = in_tables.and_then(|sum| sum.plus(held(&correction)?)?.plus(waits?));
            right = Ok(Fen::ZERO);
        }
        let sums = in_tables.and_then(|sum| Ok((sum, right?))).map_err(Refusal::from);
        if let Some((sum, right)) = self.subject.read(self.owner, key, sums)? {
            self.subject.compare(self.owner, key, "sum over tables", sum, right);
        }
        Ok(())
    }

    async fn find(&self, id: &SettlementId) -> Result<Option<(Date, Entry)>, Failure> {
        let Some(pointer) = self.store.get(&keys::settlement(id)).await? else { return Ok(None) };
        let record = self.store.get(&pointer.value).await?;
        Ok(record.and_then(|record| read(&pointer.value, &record.value).ok()))
    }

    /// What is kept for clearing is of a booked record.
    async fn kept(&mut self, prefix: &[u8]) -> Result<(), Failure> {
        let mut pages = Pages::of(self.store, prefix);
        while let Some(page) = pages.next().await? {
            for (key, Record { value, .. }) in &page {
                let Some(id) = id_of(key) else { continue };
                match self.find(&id).await? {
                    None => self.subject.differs(self.owner, key, "settlement", "the book does not hold it"),
                    Some((day, booked)) if prefix == keys::ITEMS => self.item(key, value, (&booked, day))?,
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// An item of a table is of its record's pair and kind, and of a period that its record can be in.
    fn item(&mut self, key: &Bytes, value: &Bytes, (booked, day): (&Entry, Date)) -> Result<(), Failure> {
        let item = document::<pb::ClearedItem>(key, value);
        let Some(item) = self.subject.read(self.owner, key, item)? else { return Ok(()) };
        self.subject.look();
        let kind = match (booked.kind, key.ends_with(b"/d")) {
            (_, true) => ItemKind::Deduction,
            (Kind::Settled, false) => ItemKind::Settlement,
            _ => ItemKind::Correction,
        };
        if codes::print(kind) != item.kind {
            self.subject.differs(self.owner, key, "kind", format!("its record is a {kind:?}"));
        }
        let Entry { home, care, .. } = booked;
        let period = period_of(key).filter(|period| self.dates.tables.contains_key(period));
        let Some(period) = period.filter(|period| *period >= Month::of(day)) else {
            self.subject.differs(self.owner, key, "period", "its record can be in no table of this period");
            return Ok(());
        };
        if !key.starts_with(&keys::items_of(period, home, care)) {
            self.subject.differs(self.owner, key, "pair", format!("its record is of {home} and {care}"));
        }
        Ok(())
    }
}

/// A record of the book, and its day.
fn read(key: &[u8], value: &[u8]) -> Result<(Date, Entry), Failure> {
    let (day, _) = keys::day_and_settlement(key).ok_or_else(|| damaged(key))?;
    Ok((day, entry(key, value)?))
}

fn period_of(key: &[u8]) -> Option<Month> {
    std::str::from_utf8(key).ok()?.split('/').nth(1).and_then(Month::parse)
}

/// The record that a key of clearing is about.
fn id_of(key: &[u8]) -> Option<SettlementId> {
    let key = std::str::from_utf8(key).ok()?;
    let id = key.strip_suffix("/d").unwrap_or(key).rsplit('/').next()?;
    SettlementId::parse(id).ok()
}

/// What tables hold of a record and of deductions on it.
fn held(trail: &Trail) -> Result<Fen, Overflow> {
    let deductions = trail.deductions.iter().filter(|(_, item)| is_in(item));
    let items = trail.entered().chain(deductions);
    Fen::sum(items.map(|(_, item)| net(item.fund, item.account, item.deduction)).collect::<Result<Vec<_>, _>>()?)
}

fn net(fund: i64, account: i64, deduction: i64) -> Result<Fen, Overflow> {
    Fen(fund).plus(Fen(account))?.minus(Fen(deduction))
}

/// What an item holds of its record, in words where they are asked for.
#[derive(Clone, Copy)]
struct Amounts<'a>(&'a Item);

impl PartialEq for Amounts<'_> {
    fn eq(&self, other: &Self) -> bool {
        let of = |item: &Item| (item.day, item.scheme, item.service, item.total, item.fund, item.account);
        of(self.0) == of(other.0) && self.0.home == other.0.home && self.0.care == other.0.care
    }
}

impl fmt::Display for Amounts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Item { day, home, care, scheme, service, total, fund, account, .. } = self.0;
        write!(f, "{day} {home} → {care} {scheme:?} {service:?}: total {total}, funds {fund}, account {account}")
    }
}
