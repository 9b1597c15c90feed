//! The day's reconciliation (日对账): fetches both books of every region, compares them with the hub's.
//! A book that cannot be had is missing: its records are left out of the comparison, and the day is not equal.

use std::{collections::BTreeSet, future::Future};

use futures_util::TryStreamExt;
use tonic::{Response, Status, Streaming};
use zhijie_domain::{
    calendar::Date,
    ids::RegionCode,
    money::{Fen, Overflow},
    reconcile::{Book, Difference, Entry, compare},
    refusal::{Code, Refusal},
};

use super::Hub;
use crate::{
    node::{Failure, Role, call, limits},
    wire::{book, codes, date, pb, refusal},
};

pub(super) async fn reconcile(hub: &Hub, request: pb::ReconcileRequest) -> Result<pb::ReconcileReply, Failure> {
    let day = match date(&request.day, "day") {
        Ok(day) => day,
        Err(refused) => return Ok(refused_reply(&refused)),
    };
    let (mut cares, mut homes, mut missing) = (Book::new(), Book::new(), Vec::new());
    let (mut without_care, mut without_home) = (BTreeSet::new(), BTreeSet::new());
    let request = || pb::DayBookRequest { day: day.to_string() };
    for (region, client) in &hub.cares {
        match fetch(client.clone().day_book(request())).await {
            Ok(book) => cares.extend(book.into_iter().filter(|(_, entry)| entry.care == *region)),
            Err(reason) => {
                missing.push(missing_book(region, Role::Care, reason));
                without_care.insert(region.clone());
            }
        }
    }
    for (region, client) in &hub.homes {
        match fetch(client.clone().day_book(request())).await {
            Ok(book) => homes.extend(book.into_iter().filter(|(_, entry)| entry.home == *region)),
            Err(reason) => {
                missing.push(missing_book(region, Role::Home, reason));
                without_home.insert(region.clone());
            }
        }
    }
    let mut own = own_book(hub, day).await?;
    for book in [&mut cares, &mut own, &mut homes] {
        book.retain(|_, entry| !without_care.contains(&entry.care) && !without_home.contains(&entry.home));
    }
    let differences = compare(&cares, &own, &homes);
    let totals = [&cares, &own, &homes].map(totals);
    let [Ok(care), Ok(hub), Ok(home)] = totals else { return Ok(refused_reply(&Refusal::overflow("total"))) };
    let equal = differences.is_empty() && missing.is_empty();
    Ok(pb::ReconcileReply {
        care: Some(care),
        hub: Some(hub),
        home: Some(home),
        differences: differences.iter().map(print).collect(),
        missing,
        equal,
        refused: None,
    })
}

fn refused_reply(refused: &Refusal) -> pb::ReconcileReply {
    pb::ReconcileReply { refused: Some(refusal::print(refused)), ..pb::ReconcileReply::default() }
}

fn missing_book(region: &RegionCode, role: Role, reason: Failure) -> pb::MissingBook {
    pb::MissingBook { region: region.to_string(), role: role.name().into(), reason: reason.to_string() }
}

async fn fetch(
    opening: impl Future<Output = Result<Response<Streaming<pb::BookEntry>>, Status>> + Send,
) -> Result<Book, Failure> {
    let mut entries = call("region", limits::CALL_DEADLINE_MS, opening).await?;
    let mut book = Book::new();
    loop {
        let next = async { entries.try_next().await.map(Response::new) };
        let Some(entry) = call("region", limits::CALL_DEADLINE_MS, next).await? else { return Ok(book) };
        add(&mut book, &entry)?;
    }
}

async fn own_book(hub: &Hub, day: Date) -> Result<Book, Failure> {
    let mut entries = hub.book.day(day);
    let mut book = Book::new();
    while let Some(entry) = entries.try_next().await.map_err(|status| peer("hub", status))? {
        add(&mut book, &entry)?;
    }
    Ok(book)
}

fn peer(peer: &str, status: Status) -> Failure {
    Failure::Peer { peer: peer.into(), status: Box::new(status) }
}

fn add(book: &mut Book, entry: &pb::BookEntry) -> Result<(), Failure> {
    let outside = |what: String| Failure::Protocol { peer: "region".into(), what };
    let entry: Entry = book::parse(entry).map_err(|refusal| outside(refusal.to_string()))?;
    if book.len() >= limits::DAY_BOOK_MAX {
        return Err(outside(format!("more than {} records a day: {}", limits::DAY_BOOK_MAX, Code::LimitExceeded)));
    }
    book.insert(entry.id.clone(), entry);
    Ok(())
}

fn totals(book: &Book) -> Result<pb::BookTotal, Overflow> {
    let sum = |pick: fn(&Entry) -> Fen| Fen::sum(book.values().map(pick)).map(|fen| fen.0);
    Ok(pb::BookTotal {
        records: i64::try_from(book.len()).unwrap_or(i64::MAX),
        total: sum(|entry| entry.total)?,
        fund: sum(|entry| entry.fund)?,
        account: sum(|entry| entry.account)?,
    })
}

fn print(difference: &Difference) -> pb::Difference {
    pb::Difference {
        kind: codes::print(difference.kind),
        settlement: difference.id.to_string(),
        field: difference.field.into(),
        home: difference.pair.0.to_string(),
        care: difference.pair.1.to_string(),
    }
}
