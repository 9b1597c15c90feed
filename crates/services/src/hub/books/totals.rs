//! The totals of a day in the books of every region and in the hub's own.

use futures_util::stream::{self, StreamExt};
use zhijie_domain::{
    author::{Author, Side},
    calendar::Date,
    reconcile::{Group, Three, Totals, unequal},
};

use super::{super::Hub, peers::Missing, signed};
use crate::{
    node::{Failure, Stop, call, heads, keyring::Keyring, limits},
    wire::{book, pb},
};

/// The totals of three books. Where a book is missing, its pairs are left out of all three; so they are where a region
/// signs, and the head of its day is not right.
pub(super) async fn totals(hub: &Hub, day: Date) -> Result<(Three<Totals>, Missing, Keyring), Stop> {
    let cares = hub.cares.keys().map(|region| Author { side: Side::Care, region: region.clone() });
    let homes = hub.homes.keys().map(|region| Author { side: Side::Home, region: region.clone() });
    let asked = cares.chain(homes).map(|author| totals_of(hub, author, day)).collect::<Vec<_>>();
    let answered = stream::iter(asked).buffered(limits::REGIONS_TOGETHER).collect::<Vec<_>>().await;
    let mut totals = Three::<Totals>::default();
    let mut missing = Missing::default();
    for (author, answered) in answered {
        let totals = match author.side {
            Side::Care => &mut totals.care,
            Side::Home => &mut totals.home,
        };
        match answered {
            Ok(book) => totals.extend(book.into_iter().filter(|(group, _)| group.is_of(&author))),
            Err(Stop::Failed(failure)) => missing.add(&author.into(), failure)?,
            Err(refused) => return Err(refused),
        }
    }
    let keyring = Keyring::load(&hub.node.store).await?;
    let tally = hub.book.tally(day, keyring.authors().cloned()).await?;
    totals.hub.clone_from(&tally.totals);
    signed::heads(hub, day, (&keyring, &tally), &unequal(&totals), &mut missing).await?;
    Ok((had(totals, &missing), missing, keyring))
}

/// The totals without those of pairs of which a book is missing.
pub(super) fn had(totals: Three<Totals>, missing: &Missing) -> Three<Totals> {
    totals.map(|mut book| {
        book.retain(|Group { home, care, .. }, _| !missing.concerns(home, care));
        book
    })
}

async fn totals_of(hub: &Hub, author: Author, day: Date) -> (Author, Result<Totals, Stop>) {
    let totals = ask(hub, &author, day).await;
    (author, totals)
}

async fn ask(hub: &Hub, author: &Author, day: Date) -> Result<Totals, Stop> {
    let (Author { side, region }, deadline) = (author, limits::BOOK_DEADLINE_MS);
    let outside = |what: String| Failure::Protocol { peer: side.name().into(), what };
    let after = heads::number_of(heads::last(&mut hub.node.store.begin(), author).await?.as_ref());
    let request = pb::DayTotalsRequest { day: day.to_string(), after };
    let reply = match side {
        Side::Care => match hub.cares.get(region).cloned() {
            Some(mut care) => call(side.name(), deadline, care.day_totals(request)).await?,
            None => return Ok(Totals::new()),
        },
        Side::Home => match hub.homes.get(region).cloned() {
            Some(mut home) => call(side.name(), deadline, home.day_totals(request)).await?,
            None => return Ok(Totals::new()),
        },
    };
    if let Some(no) = reply.refused {
        return Err(outside(no.en).into());
    }
    signed::take(hub, author, &reply).await?;
    book::parse_totals(&reply.totals).map_err(|refusal| outside(refusal.to_string()).into())
}
