//! The calls of a month as the hub's facts tell them: what was settled stands in the book, what was refused and what else
//! was done stands in facts of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use zhijie_domain::{calendar::Month, reconcile::Filter, refusal::Code, settlement::Kind, ticket::Cause};

use crate::{
    hub::Hub,
    node::{Failure, Pages, document, keys, stored},
    wire::{self, pb, ticket},
};

/// A pair: home and care province.
pub(in crate::hub) type Pair = (String, String);

/// Refusals of one code.
#[derive(Default)]
pub(in crate::hub) struct Refusals {
    pub(in crate::hub) refused: i64,
    /// Of them, those of the first message of their act for the visit.
    pub(in crate::hub) first: i64,
    pub(in crate::hub) pairs: BTreeMap<Pair, i64>,
}

/// Calls of one act.
#[derive(Default, Clone, Copy)]
pub(in crate::hub) struct Count {
    pub(in crate::hub) done: i64,
    pub(in crate::hub) refused: i64,
}

/// The calls of a month.
#[derive(Default)]
pub(in crate::hub) struct Calls {
    pub(in crate::hub) acts: BTreeMap<i32, Count>,
    pub(in crate::hub) codes: BTreeMap<Code, Refusals>,
    /// Visits of the month that a settle was sent for, and those of them that the first one settled.
    pub(in crate::hub) visits: i64,
    pub(in crate::hub) settled_at_first: i64,
}

impl Calls {
    /// Reads the calls of a month.
    pub(in crate::hub) async fn of(hub: &Hub, month: Month) -> Result<Calls, Failure> {
        let mut calls = Calls::default();
        // The first refusal of each act and visit: when, and why.
        let mut first = BTreeMap::<(i32, String), (i64, Code)>::new();
        each(hub, &keys::problems_of(month), |key, value| {
            let fact: pb::ProblemRecord = document(key, value)?;
            let Cause::Refused(code) = stored(ticket::parse_cause(fact.cause.as_ref()), key)? else { return Ok(()) };
            calls.refused(&fact, code);
            let one = (fact.at, code);
            let known = first.entry((fact.act, visit_of(fact))).or_insert(one);
            *known = one.min(*known);
            Ok(())
        })
        .await?;
        for (_, code) in first.values() {
            calls.codes.entry(*code).or_default().first += 1;
        }
        each(hub, &keys::done_of(month), |key, value| {
            let fact: pb::DoneRecord = document(key, value)?;
            calls.acts.entry(fact.act).or_default().done += 1;
            Ok(())
        })
        .await?;
        let settle = pb::Act::Settle as i32;
        let refused = first.range((settle, String::new())..(settle + 1, String::new()));
        let refused: BTreeSet<&str> = refused.map(|((_, visit), _)| visit.as_str()).collect();
        let (done, settled_at_first) = settled(hub, month, &refused).await?;
        calls.acts.entry(settle).or_default().done += done;
        calls.visits = wire::count(refused.len()) + settled_at_first;
        calls.settled_at_first = settled_at_first;
        Ok(calls)
    }

    fn refused(&mut self, fact: &pb::ProblemRecord, code: Code) {
        self.acts.entry(fact.act).or_default().refused += 1;
        let refusals = self.codes.entry(code).or_default();
        refusals.refused += 1;
        *refusals.pairs.entry((fact.home.clone(), fact.care.clone())).or_default() += 1;
    }

    /// All calls.
    pub(in crate::hub) fn all(&self) -> Count {
        let add = |sum: Count, one: &Count| Count { done: sum.done + one.done, refused: sum.refused + one.refused };
        self.acts.values().fold(Count::default(), add)
    }
}

/// The settlements of a month, and the visits among theirs of which no settle was refused. One that is settled again
/// after a cancel is one visit; a month is too long to remember others than those that were undone.
async fn settled(hub: &Hub, month: Month, refused: &BTreeSet<&str>) -> Result<(i64, i64), Failure> {
    let (mut done, mut in_force, mut undone) = (0, 0, BTreeSet::new());
    for day in month.days() {
        let mut entries = hub.book.entries(day, Filter::default());
        while let Some(entry) = entries.try_next().await? {
            done += i64::from(entry.kind == Kind::Settled);
            match entry.kind {
                Kind::Settled if refused.contains(entry.visit.as_str()) => {}
                Kind::Settled if entry.in_force() => in_force += 1,
                Kind::Settled => drop(undone.insert(entry.visit)),
                Kind::Cancelled | Kind::Reversed => {}
            }
        }
    }
    for day in month.days() {
        if undone.is_empty() {
            break;
        }
        let mut entries = hub.book.entries(day, Filter::default());
        while let Some(entry) = entries.try_next().await? {
            if entry.in_force() {
                undone.remove(&entry.visit);
            }
        }
    }
    Ok((done, in_force + wire::count(undone.len())))
}

/// The visit of a refused message; one that names none is a visit of its own.
fn visit_of(fact: pb::ProblemRecord) -> String {
    if fact.visit.is_empty() { fact.reference } else { fact.visit }
}

/// Looks at every record under a prefix.
pub(super) async fn each(
    hub: &Hub,
    prefix: &[u8],
    mut look: impl FnMut(&[u8], &[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut pages = Pages::of(&hub.node.store, prefix);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            look(key, &record.value)?;
        }
    }
    Ok(())
}
