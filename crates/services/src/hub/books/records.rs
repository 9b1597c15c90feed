//! The records of totals that differ: three walks at once over streams that ascend by id, so that of each book one record
//! is held; then what the neighbouring days and the visits of the records say about the differences.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use futures_util::TryStreamExt;
use zhijie_domain::{
    calendar::{Date, add_days},
    ids::{RegionCode, SettlementId, VisitId},
    reconcile::{Difference, Entry, Filter, Group, Held, Three, differs, lowest},
};

use super::{
    super::Hub,
    peers::{Missing, Owner, records},
};
use crate::node::{Day, Failure, limits};

/// What three books hold of one record.
pub(super) type Row = Three<Option<Held>>;

/// A region's stream and its next record.
struct Source {
    owner: Owner,
    entries: Day,
    head: Option<Entry>,
}

impl Source {
    async fn advance(&mut self, missing: &mut Missing) -> Result<Option<Entry>, Failure> {
        let next = match self.entries.try_next().await {
            Ok(next) => next,
            Err(failure) => {
                missing.add(&self.owner, failure)?;
                None
            }
        };
        Ok(mem::replace(&mut self.head, next))
    }
}

/// One of the three books: the streams of all its regions, merged.
struct Side(Vec<Source>);

impl Side {
    async fn open(
        hub: &Hub,
        day: Date,
        books: BTreeMap<Owner, Filter>,
        missing: &mut Missing,
    ) -> Result<Side, Failure> {
        let mut side = Side(Vec::new());
        for (owner, filter) in books {
            let mut source = Source { entries: records(hub, &owner, day, &filter), owner, head: None };
            source.advance(missing).await?;
            side.0.push(source);
        }
        Ok(side)
    }

    fn first(&self) -> Option<(usize, &Entry)> {
        let heads = self.0.iter().enumerate().filter_map(|(place, source)| Some((place, source.head.as_ref()?)));
        heads.min_by_key(|(_, head)| &head.id)
    }

    fn head(&self) -> Option<&Entry> {
        self.first().map(|(_, head)| head)
    }

    async fn take(&mut self, shown: bool, missing: &mut Missing) -> Result<Option<Entry>, Failure> {
        let first = self.first().map(|(place, _)| place).filter(|_| shown);
        match first.and_then(|place| self.0.get_mut(place)) {
            Some(source) => source.advance(missing).await,
            None => Ok(None),
        }
    }
}

/// Records that are counted only, by pair: home and care province.
pub(super) type Unlisted = BTreeMap<(RegionCode, RegionCode), i64>;

/// The records that are not the same in three books: the first of them as a list, the others counted.
pub(super) async fn rows(
    hub: &Hub,
    day: Date,
    groups: &BTreeSet<Group>,
    missing: &mut Missing,
) -> Result<(Vec<Row>, Unlisted), Failure> {
    let books = |owner: fn(&Group) -> Owner| {
        let mut books = BTreeMap::<Owner, Filter>::new();
        for group in groups {
            books.entry(owner(group)).or_default().groups.insert(group.clone());
        }
        books
    };
    let mut care = Side::open(hub, day, books(|group| Owner::Care(group.care.clone())), missing).await?;
    let mut own = Side::open(hub, day, books(|_| Owner::Hub), missing).await?;
    let mut home = Side::open(hub, day, books(|group| Owner::Home(group.home.clone())), missing).await?;
    let mut listed = Vec::new();
    let mut unlisted = Unlisted::new();
    while let Some(shown) = lowest(&Three { care: care.head(), hub: own.head(), home: home.head() }) {
        let row = Three {
            care: care.take(shown.care, missing).await?,
            hub: own.take(shown.hub, missing).await?,
            home: home.take(shown.home, missing).await?,
        };
        if !differs(&row) {
            continue;
        }
        let Some(entry) = any(&row) else { continue };
        if listed.len() < limits::DIFFERENCES_MAX {
            listed.push(row.map(|entry| entry.map(|entry| Held { day, entry })));
        } else {
            *unlisted.entry((entry.home.clone(), entry.care.clone())).or_default() += 1;
        }
    }
    Ok((listed, unlisted))
}

fn any(row: &Three<Option<Entry>>) -> Option<&Entry> {
    row.as_ref().each().into_iter().flatten().next()
}

/// Looks for what a book lacks under the neighbouring days: a record may be booked before midnight here and after it there.
pub(super) async fn look_around(hub: &Hub, day: Date, rows: &mut [Row], missing: &mut Missing) -> Result<(), Failure> {
    let mut wanted = BTreeMap::<Owner, Filter>::new();
    let mut places = BTreeMap::<SettlementId, usize>::new();
    for (place, row) in rows.iter().enumerate() {
        let Some(entry) = row.as_ref().each().into_iter().flatten().next().map(|held| &held.entry) else { continue };
        places.insert(entry.id.clone(), place);
        for (owner, _) in owners(entry).into_iter().zip(row.as_ref().each()).filter(|(_, held)| held.is_none()) {
            wanted.entry(owner).or_default().settlements.insert(entry.id.clone());
        }
    }
    for near in [add_days(day, -1), add_days(day, 1)] {
        for (owner, filter) in &wanted {
            for entry in all(records(hub, owner, near, filter), owner, missing).await? {
                let Some(row) = places.get(&entry.id).and_then(|place| rows.get_mut(*place)) else { continue };
                let slot = match owner {
                    Owner::Care(_) => &mut row.care,
                    Owner::Hub => &mut row.hub,
                    Owner::Home(_) => &mut row.home,
                };
                slot.get_or_insert(Held { day: near, entry });
            }
        }
    }
    Ok(())
}

fn owners(entry: &Entry) -> [Owner; 3] {
    [Owner::Care(entry.care.clone()), Owner::Hub, Owner::Home(entry.home.clone())]
}

/// A few records as a list. A book that breaks off is missing.
pub(super) async fn all(records: Day, owner: &Owner, missing: &mut Missing) -> Result<Vec<Entry>, Failure> {
    match records.try_collect().await {
        Ok(records) => Ok(records),
        Err(failure) => missing.add(owner, failure).map(|()| Vec::new()),
    }
}

/// The differences, those among them marked whose visit a book that holds the record has settled twice.
pub(super) async fn differences(
    hub: &Hub,
    day: Date,
    rows: &[Row],
    missing: &mut Missing,
) -> Result<Vec<Difference>, Failure> {
    let mut differences: Vec<Difference> = rows.iter().filter_map(Difference::of).collect();
    let mut wanted = BTreeMap::<Owner, Filter>::new();
    let mut places = BTreeMap::<VisitId, Vec<usize>>::new();
    for (place, difference) in differences.iter().enumerate().filter(|(_, difference)| difference.may_be_double()) {
        let visit = &difference.entry.visit;
        places.entry(visit.clone()).or_default().push(place);
        for (owner, _) in owners(&difference.entry).into_iter().zip(difference.held.each()).filter(|(_, held)| *held) {
            wanted.entry(owner).or_default().visits.insert(visit.clone());
        }
    }
    for near in [day, add_days(day, -1), add_days(day, 1)] {
        for (owner, filter) in &wanted {
            for twin in all(records(hub, owner, near, filter), owner, missing).await? {
                for place in places.get(&twin.visit).into_iter().flatten() {
                    let Some(difference) = differences.get_mut(*place) else { continue };
                    let holds = owners(&difference.entry).into_iter().zip(difference.held.each());
                    if holds.into_iter().any(|(other, held)| held && other == *owner) {
                        *difference = difference.clone().doubled(&twin);
                    }
                }
            }
        }
    }
    differences.retain(|difference| !missing.concerns(&difference.entry.home, &difference.entry.care));
    Ok(differences)
}
