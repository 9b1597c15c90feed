//! The books of regions as the hub reads them: streams with a deadline, checked on the way, and the books that are missing.

use std::{collections::BTreeMap, future::Future, future::ready};

use futures_util::{
    TryStreamExt,
    stream::{self, StreamExt},
};
use tonic::{Response, Status, Streaming};
use zhijie_domain::{
    author::{Author, Side},
    calendar::Date,
    ids::{RegionCode, SettlementId},
    reconcile::{Entry, Filter},
    refusal::Code,
};

use super::super::Hub;
use crate::{
    node::{Day, Failure, Role, call, limits},
    wire::{book, pb},
};

/// Whose book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A care region's.
    Care(RegionCode),
    /// The hub's own.
    Hub,
    /// A home region's.
    Home(RegionCode),
}

impl From<Author> for Owner {
    fn from(Author { side, region }: Author) -> Owner {
        match side {
            Side::Care => Owner::Care(region),
            Side::Home => Owner::Home(region),
        }
    }
}

/// Books that could not be had, and why: their records are not compared.
#[derive(Debug, Default)]
pub(super) struct Missing {
    cares: BTreeMap<RegionCode, String>,
    homes: BTreeMap<RegionCode, String>,
}

impl Missing {
    /// Notes a book that could not be had. The hub's own is never missing: without it there is no result.
    pub(super) fn add(&mut self, owner: &Owner, failure: Failure) -> Result<(), Failure> {
        let (books, region) = match owner {
            Owner::Care(region) => (&mut self.cares, region),
            Owner::Home(region) => (&mut self.homes, region),
            Owner::Hub => return Err(failure),
        };
        books.entry(region.clone()).or_insert_with(|| failure.to_string());
        Ok(())
    }

    /// True where a record of this pair has a book that is missing.
    pub(super) fn concerns(&self, home: &RegionCode, care: &RegionCode) -> bool {
        self.homes.contains_key(home) || self.cares.contains_key(care)
    }

    /// The missing books as documents.
    pub(super) fn print(&self) -> Vec<pb::MissingBook> {
        let print = |role: Role| {
            move |(region, reason): (&RegionCode, &String)| pb::MissingBook {
                region: region.to_string(),
                role: role.name().into(),
                reason: reason.clone(),
            }
        };
        self.cares.iter().map(print(Role::Care)).chain(self.homes.iter().map(print(Role::Home))).collect()
    }
}

/// Records of a day in a book; none where the hub knows no such region.
pub(super) fn records(hub: &Hub, owner: &Owner, day: Date, filter: &Filter) -> Day {
    let request = book::print_filter(day, filter);
    match owner {
        Owner::Hub => hub.book.entries(day, filter.clone()),
        Owner::Care(region) => match hub.cares.get(region).cloned() {
            Some(mut care) => {
                let region = region.clone();
                let own = move |entry: &Entry| entry.care == region;
                fetched("care", async move { care.day_book(request).await }, own)
            }
            None => stream::empty().boxed(),
        },
        Owner::Home(region) => match hub.homes.get(region).cloned() {
            Some(mut home) => {
                let region = region.clone();
                let own = move |entry: &Entry| entry.home == region;
                fetched("home", async move { home.day_book(request).await }, own)
            }
            None => stream::empty().boxed(),
        },
    }
}

/// A stream of a peer, whose records must ascend; only its own are taken.
fn fetched(
    peer: &'static str,
    opening: impl Future<Output = Result<Response<Streaming<pb::BookEntry>>, Status>> + Send + 'static,
    own: impl Fn(&Entry) -> bool + Send + 'static,
) -> Day {
    let outside = move |what: String| Failure::Protocol { peer: peer.into(), what };
    let opened = async move {
        let entries = call(peer, limits::CALL_DEADLINE_MS, opening).await?;
        let last: Option<SettlementId> = None;
        Ok::<_, Failure>(stream::try_unfold((entries, last, 0), move |(mut entries, last, count)| async move {
            let next = async { entries.try_next().await.map(Response::new) };
            let Some(entry) = call(peer, limits::BOOK_DEADLINE_MS, next).await? else { return Ok(None) };
            let entry = book::parse(&entry).map_err(|refusal| outside(refusal.to_string()))?;
            if last.is_some_and(|last| last >= entry.id) {
                return Err(outside("the records of a book ascend by id".into()));
            }
            if count >= limits::DAY_BOOK_MAX {
                return Err(outside(format!("more than {count} records a day: {}", Code::LimitExceeded)));
            }
            let last = Some(entry.id.clone());
            Ok(Some((entry, (entries, last, count + 1))))
        }))
    };
    stream::once(opened).try_flatten().try_filter(move |entry| ready(own(entry))).boxed()
}
