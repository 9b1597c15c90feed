//! Results of reconciliation as problems: each open difference and each missing book is one, and a ticket about them
//! lapses with the last of its days that agrees.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use zhijie_domain::{
    calendar::{Date, parse_date},
    ids::RegionCode,
    reconcile::DifferenceKind,
    ticket::{Cause, Command, Duty},
};

use super::{
    open_of,
    problems::Problem,
    turn::{open_keys, take},
};
use crate::{
    hub::{Hub, events},
    node::{Committed, Failure, Pages, Records, Stop, commit, damaged, document, keys, limits, stored},
    wire::{codes, pb, ticket as wire_ticket},
};

/// What is open between two provinces: cause, home and care.
type About = (Cause, RegionCode, RegionCode);

/// The last result of a day, as far as tickets go.
pub(super) struct Outcome {
    mark: Bytes,
    run: Bytes,
    open: BTreeSet<About>,
    missing: BTreeSet<RegionCode>,
    /// Every difference is listed.
    complete: bool,
}

impl Outcome {
    /// True where the day no longer shows what a ticket is about.
    fn agrees(&self, about: &About) -> bool {
        let (cause, home, care) = about;
        let had = *cause == Cause::Duty(Duty::BookMissing)
            || (self.complete && !self.missing.contains(home) && !self.missing.contains(care));
        had && !self.open.contains(about)
    }
}

/// True for a cause that a ticket counts by accounting days.
pub(super) fn is_of_days(cause: Cause) -> bool {
    matches!(cause, Cause::Differs(_) | Cause::Duty(Duty::BookMissing))
}

/// Keeps what the new results found as facts; gives the results by day.
pub(super) async fn note_all(hub: &Hub) -> Result<BTreeMap<Date, Outcome>, Stop> {
    let mut results = BTreeMap::new();
    let mut pages = Pages::of(&hub.node.store, keys::FRESH_RUNS);
    while let Some(page) = pages.next().await? {
        for (mark, record) in &page {
            let run = &record.value;
            let Some(kept) = hub.node.store.get(run).await? else { return Err(damaged(mark).into()) };
            let result: pb::ReconcileReply = document(run, &kept.value)?;
            let day = parse_date(&result.day).ok_or_else(|| damaged(run))?;
            let found = found(&result, run)?;
            for (about, references) in &found {
                note(hub, day, about, references).await?;
            }
            let missing = result.missing.iter().filter_map(|book| RegionCode::parse(&book.region).ok()).collect();
            let complete = usize::try_from(result.found).is_ok_and(|found| found == result.differences.len());
            let open = found.into_keys().collect();
            results.insert(day, Outcome { mark: mark.clone(), run: run.clone(), open, missing, complete });
        }
    }
    Ok(results)
}

/// What is open in a result, with the records or books.
fn found(result: &pb::ReconcileReply, key: &[u8]) -> Result<BTreeMap<About, Vec<String>>, Failure> {
    let region = |text: &str| stored(RegionCode::parse(text).map_err(Into::into), key);
    let mut found = BTreeMap::<About, Vec<String>>::new();
    for difference in result.differences.iter().filter(|difference| difference.closed.is_none()) {
        let kind: DifferenceKind = stored(codes::parse(difference.kind, "kind"), key)?;
        let about = (Cause::Differs(kind), region(&difference.home)?, region(&difference.care)?);
        found.entry(about).or_default().push(difference.settlement.clone());
    }
    for book in &result.missing {
        let province = region(&book.region)?;
        let about = (Cause::Duty(Duty::BookMissing), province.clone(), province);
        found.entry(about).or_default().push(format!("{} of {}", book.role, result.day));
    }
    Ok(found)
}

/// Keeps facts of one day, cause and pair. What an open ticket counts for the day is not counted again.
async fn note(hub: &Hub, day: Date, about: &About, references: &[String]) -> Result<(), Stop> {
    let (cause, home, care) = about;
    let pointer = keys::open_ticket(wire_ticket::name(*cause), home.as_str(), care.as_str());
    for references in references.chunks(limits::PAGE) {
        let mut txn = hub.node.store.begin();
        let open = open_of(&mut hub.node.store.begin(), &pointer).await?;
        let held = open.is_some_and(|ticket| ticket.days.contains(&day.to_string()));
        for reference in references {
            let problem = Problem { cause: *cause, day, home: home.clone(), care: care.clone(), reference };
            if !(held && problem.is_known(&mut txn).await?) {
                problem.keep(&mut txn, hub.node.glance(), pb::Act::Unspecified, "");
            }
        }
        // Only a turn notes them, and turns are taken by one at a time.
        let _: Committed = commit(txn).await?;
    }
    Ok(())
}

/// Takes days that agree now off their tickets, and lets a ticket lapse with its last; gives those that did.
pub(super) async fn lapse_all(hub: &Hub, results: &BTreeMap<Date, Outcome>, today: Date) -> Result<Vec<String>, Stop> {
    let mut lapsed = Vec::new();
    if results.is_empty() {
        return Ok(lapsed);
    }
    for key in open_keys(hub).await? {
        for _ in 0..limits::ATTEMPTS_MAX {
            let mut txn = hub.node.store.begin();
            let Some(mut ticket) = txn.record::<pb::Ticket>(&key).await? else { break };
            let parsed = stored(wire_ticket::parse(&ticket), &key)?;
            let about = (parsed.problem.cause, parsed.problem.home, parsed.problem.care);
            let days = ticket.days.len();
            let result_of = |day: &String| parse_date(day).and_then(|day| results.get(&day));
            ticket.days.retain(|day| !result_of(day).is_some_and(|result| result.agrees(&about)));
            if days == ticket.days.len() {
                break;
            }
            let gone = ticket.days.is_empty();
            if gone {
                take(hub, &mut txn, &mut ticket, Command::Lapse, today)?;
            } else {
                txn.keep(key.to_vec(), &ticket);
            }
            if matches!(commit(txn).await?, Committed::Yes) {
                if gone {
                    hub.tell(events::ticket(&ticket));
                    lapsed.push(ticket.id);
                }
                break;
            }
        }
    }
    for result in results.values() {
        let mut txn = hub.node.store.begin();
        // A result that came meanwhile is for the next turn.
        if txn.get(&result.mark).await? == Some(result.run.clone()) {
            txn.delete(result.mark.clone());
            let _: Committed = commit(txn).await?;
        }
    }
    Ok(lapsed)
}
