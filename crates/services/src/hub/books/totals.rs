//! The totals of a day in the books of every region and in the hub's own.

use std::future::Future;

use futures_util::stream::{self, StreamExt};
use tonic::{Response, Status};
use zhijie_domain::{
    calendar::Date,
    reconcile::{Group, Three, Totals},
};

use super::{
    super::Hub,
    peers::{Missing, Owner},
};
use crate::{
    node::{Failure, Stop, call, limits},
    wire::{book, pb},
};

/// The totals of three books. Where a book is missing, its pairs are left out of all three.
pub(super) async fn totals(hub: &Hub, day: Date) -> Result<(Three<Totals>, Missing), Stop> {
    let owners = hub.cares.keys().cloned().map(Owner::Care).chain(hub.homes.keys().cloned().map(Owner::Home));
    let asked = owners.chain([Owner::Hub]).map(|owner| totals_of(hub, owner, day)).collect::<Vec<_>>();
    let answered = stream::iter(asked).buffered(limits::REGIONS_TOGETHER).collect::<Vec<_>>().await;
    let mut totals = Three::<Totals>::default();
    let mut missing = Missing::default();
    for (owner, answered) in answered {
        match (answered, &owner) {
            (Ok(book), Owner::Care(care)) => {
                totals.care.extend(book.into_iter().filter(|(group, _)| group.care == *care))
            }
            (Ok(book), Owner::Home(home)) => {
                totals.home.extend(book.into_iter().filter(|(group, _)| group.home == *home))
            }
            (Ok(book), Owner::Hub) => totals.hub = book,
            (Err(Stop::Failed(failure)), _) => missing.add(&owner, failure)?,
            (Err(refused), _) => return Err(refused),
        }
    }
    Ok((had(totals, &missing), missing))
}

/// The totals without those of pairs of which a book is missing.
pub(super) fn had(totals: Three<Totals>, missing: &Missing) -> Three<Totals> {
    totals.map(|mut book| {
        book.retain(|Group { home, care, .. }, _| !missing.concerns(home, care));
        book
    })
}

async fn totals_of(hub: &Hub, owner: Owner, day: Date) -> (Owner, Result<Totals, Stop>) {
    let request = pb::DayTotalsRequest { day: day.to_string() };
    let totals = match &owner {
        Owner::Care(region) => match hub.cares.get(region).cloned() {
            Some(mut care) => ask("care", care.day_totals(request)).await,
            None => Ok(Totals::new()),
        },
        Owner::Home(region) => match hub.homes.get(region).cloned() {
            Some(mut home) => ask("home", home.day_totals(request)).await,
            None => Ok(Totals::new()),
        },
        Owner::Hub => hub.book.totals(day).await,
    };
    (owner, totals)
}

async fn ask(
    peer: &str,
    answering: impl Future<Output = Result<Response<pb::DayTotalsReply>, Status>> + Send,
) -> Result<Totals, Stop> {
    let outside = |what: String| Failure::Protocol { peer: peer.into(), what };
    let reply = call(peer, limits::BOOK_DEADLINE_MS, answering).await?;
    match reply.refused {
        Some(no) => Err(outside(no.en).into()),
        None => book::parse_totals(&reply.totals).map_err(|refusal| outside(refusal.to_string()).into()),
    }
}
