//! The monthly treatment of errors (报错治理): what was refused and why, between whom, and what tickets came to.

use std::cmp::Reverse;

use zhijie_domain::{calendar::Month, ticket::Status};

use crate::{
    hub::{
        Hub,
        indicators::{
            calls::{Calls, Count, Refusals},
            share,
        },
    },
    node::{Failure, Stop, keys, stored},
    wire::{self, pb, refusal, ticket},
};

/// Pairs that the report names for a code.
const PAIRS_NAMED: usize = 5;

/// The report of a month.
pub(in crate::hub) async fn report(hub: &Hub, request: &pb::ErrorReportRequest) -> Result<pb::ErrorReport, Stop> {
    let month = wire::month(&request.month, "month")?;
    let calls = Calls::of(hub, month).await?;
    let Count { done, refused } = calls.all();
    let act = |(act, count): (&i32, &Count)| pb::ActCalls { act: *act, done: count.done, refused: count.refused };
    let mut codes: Vec<_> = calls.codes.iter().collect();
    codes.sort_by_key(|(code, refusals)| (Reverse(refusals.refused), **code));
    let print = |(code, refusals): (&zhijie_domain::refusal::Code, &Refusals)| pb::CodeRefusals {
        code: refusal::number(*code),
        zh: code.zh().into(),
        en: code.en().into(),
        refused: refusals.refused,
        share: share(refusals.refused, done + refused).and_then(|share| u32::try_from(share).ok()).unwrap_or_default(),
        first_attempts: refusals.first,
        pairs: pairs(refusals),
    };
    Ok(pb::ErrorReport {
        month: month.to_string(),
        calls: done + refused,
        refusals: refused,
        acts: calls.acts.iter().map(act).collect(),
        codes: codes.into_iter().map(print).collect(),
        tickets: Some(tickets(hub, month).await?),
        refused: None,
    })
}

fn pairs(refusals: &Refusals) -> Vec<pb::PairRefusals> {
    let mut pairs: Vec<_> = refusals.pairs.iter().collect();
    pairs.sort_by_key(|(pair, refused)| (Reverse(**refused), *pair));
    let print = |((home, care), refused): (&(String, String), &i64)| pb::PairRefusals {
        home: home.clone(),
        care: care.clone(),
        refused: *refused,
    };
    pairs.into_iter().take(PAIRS_NAMED).map(print).collect()
}

/// What the tickets opened in a month came to. A ticket that was asked anew counts by its first answer.
pub(in crate::hub) async fn tickets(hub: &Hub, month: Month) -> Result<pb::TicketCounts, Failure> {
    let today = hub.node.today();
    let mut counts = pb::TicketCounts::default();
    for document in super::all(hub).await? {
        let ticket = stored(ticket::parse(&document), keys::TICKETS)?;
        if Month::of(ticket.opened) != month {
            continue;
        }
        let steps = |kind: pb::TicketStepKind| document.steps.iter().filter(move |step| step.kind() == kind);
        counts.opened += 1;
        match ticket.answers.first() {
            Some(answer) if answer.in_time => counts.answered_in_time += 1,
            Some(_) => counts.answered_late += 1,
            None => {
                counts.unanswered += 1;
                let until = steps(pb::TicketStepKind::Lapsed).next().map(|step| step.day.clone());
                counts.overdue +=
                    i64::from(until.unwrap_or_else(|| today.to_string()) > ticket.in_time_until.to_string());
            }
        }
        counts.escalated += wire::count(steps(pb::TicketStepKind::Escalated).take(1).count());
        counts.closed += i64::from(ticket.status == Status::Closed);
    }
    Ok(counts)
}
