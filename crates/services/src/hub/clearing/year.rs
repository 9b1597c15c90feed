//! Closing a year (年度清算): by the end of the first quarter everything of the year is in a table and paid.

use zhijie_domain::{calendar::Month, refusal::Refusal};
use zhijie_store::Txn;

use super::{list, not_now, outcome_of};
use crate::{
    hub::{Hub, agency::Actor},
    node::{Failure, Pages, Records, Stop, document, keys, stored},
    wire::{clearing, pb},
};

/// Closes a year of which nothing is open; what arrives later is booked in the period in which it arrives.
pub(in crate::hub) async fn close(
    hub: &Hub,
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::CloseYear,
) -> Result<pb::YearReply, Stop> {
    actor.is_national()?;
    let year = i16::try_from(command.year).ok().filter(|year| (1..=9999).contains(year));
    let year = year.ok_or_else(|| Refusal::malformed("close_year.year", "应为年份", "a year"))?;
    let key = keys::year(year);
    if let Some(known) = txn.record::<pb::YearReply>(&key).await? {
        return Ok(known);
    }
    if actor.today.year() <= year {
        return Err(not_now("close_year.year", "该年尚未结束", "the year has not ended").into());
    }
    if let Some(waiting) = first_waiting(hub, year).await? {
        return Err(
            not_now("close_year.year", format!("{waiting} 尚未清算"), format!("{waiting} is not cleared yet")).into()
        );
    }
    // What is late of the year is in the tables of the next first quarter.
    let january = Month { year, month: 1 };
    for period in (0..15).map(|months| january.plus(months)) {
        for table in list::tables(&hub.node.store, Some(period), |_| true).await? {
            let life = clearing::parse_life(&table)?;
            let late = table.rows.iter().any(|row| row.late.is_some_and(|late| late.items > 0));
            if (period.year == year || late) && !life.is_closed(outcome_of(period, &table)?) {
                let name = format!("{period} {} → {}", table.home, table.care);
                return Err(not_now(
                    "close_year.year",
                    format!("{name} 尚未结清"),
                    format!("{name} is not paid through"),
                )
                .into());
            }
        }
    }
    let reply = pb::YearReply { year: command.year, closed: actor.today.to_string() };
    txn.keep(key, &reply);
    Ok(reply)
}

async fn first_waiting(hub: &Hub, year: i16) -> Result<Option<String>, Failure> {
    let mut pages = Pages::of(&hub.node.store, keys::WAITING);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let item = stored(clearing::parse_waiting(&document(key, &record.value)?), key)?;
            if item.day.year() == year {
                return Ok(Some(item.id.to_string()));
            }
        }
    }
    Ok(None)
}
