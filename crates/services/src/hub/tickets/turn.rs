//! What the calendar does with tickets at each turn: results of reconciliation and overdue confirmations become facts,
//! new facts are counted into tickets, what agrees now lapses, what is past due is escalated. Each part may be done
//! again: what was counted bears no mark any more.

use std::collections::BTreeMap;

use bytes::Bytes;
use zhijie_domain::{
    calendar::{Date, parse_date},
    ids::TicketId,
    ticket::{Cause, Command, Duty, Problem as About, Status, Ticket, apply, decide},
};
use zhijie_store::Txn;

use super::{Done, kind_of, open_of, problems::Problem, runs, step};
use crate::{
    hub::{Hub, clearing, duties::duty, events},
    node::{Committed, Failure, Pages, Records, Stop, commit, document, keys, limits, stored},
    wire::{clearing as wire_clearing, pb, ticket as wire_ticket},
};

/// Does with tickets what is due by the day.
pub(in crate::hub) async fn turn(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    let results = runs::note_all(hub).await?;
    confirmations_overdue(hub, today).await?;
    for ticket in count_all(hub, today).await? {
        duties.push(duty(today, "ticket_opened", ticket));
    }
    for ticket in runs::lapse_all(hub, &results, today).await? {
        duties.push(duty(today, "ticket_lapsed", ticket));
    }
    for ticket in escalate_all(hub, today).await? {
        duties.push(duty(today, "ticket_escalated", ticket));
    }
    Ok(())
}

/// Tables that are past their day of confirmation and not confirmed by both; one that is confirmed is noticed.
async fn confirmations_overdue(hub: &Hub, today: Date) -> Result<(), Stop> {
    let mut pages = Pages::of(&hub.node.store, keys::UNNOTICED);
    while let Some(page) = pages.next().await? {
        for (key, _) in &page {
            let mut txn = hub.node.store.begin();
            let Some(table) = txn.record::<pb::ClearingTable>(&keys::unnoticed_table(key)).await? else { continue };
            let (period, home, care) = clearing::fold::names(&table)?;
            let day = hub.schedule(period).confirmed_by;
            if today > day && !stored(wire_clearing::parse_life(&table), key)?.is_confirmed() {
                let cause = Cause::Duty(Duty::ConfirmationOverdue);
                Problem { cause, day, home, care, reference: &table.period }.note(hub, &mut txn).await?;
                // A province that confirms at this moment wins; the next turn looks again.
                let _: Committed = commit(txn).await?;
            }
        }
    }
    Ok(())
}

/// Counts every new fact into its ticket; gives the tickets that were opened.
async fn count_all(hub: &Hub, today: Date) -> Result<Vec<String>, Stop> {
    let mut opened = Vec::new();
    let mut pages = Pages::of(&hub.node.store, keys::UNCOUNTED);
    while let Some(page) = pages.next().await? {
        let mut groups = BTreeMap::<(String, String, String), Vec<(Bytes, pb::ProblemRecord)>>::new();
        for (mark, known) in &page {
            let key = &known.value;
            let Some(fact) = hub.node.store.get(key).await? else { continue };
            let fact: pb::ProblemRecord = document(key, &fact.value)?;
            let cause = stored(wire_ticket::parse_cause(fact.cause.as_ref()), key)?;
            let group = (wire_ticket::name(cause).to_owned(), fact.home.clone(), fact.care.clone());
            groups.entry(group).or_default().push((mark.clone(), fact));
        }
        for ((cause, home, care), facts) in groups {
            opened.extend(count(hub, &keys::open_ticket(&cause, &home, &care), &facts, today).await?);
        }
    }
    Ok(opened)
}

/// Counts facts of one cause and pair into their ticket; gives it where it was opened.
async fn count(
    hub: &Hub,
    pointer: &[u8],
    facts: &[(Bytes, pb::ProblemRecord)],
    today: Date,
) -> Result<Option<String>, Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = open_of(&mut txn, pointer).await?;
        let is_new = known.is_none();
        let Some(document) = counted(hub, &mut txn, known, facts, today)? else { return Ok(None) };
        txn.put(pointer.to_vec(), keys::ticket(&stored(TicketId::parse(&document.id).map_err(Into::into), pointer)?));
        for (mark, _) in facts {
            txn.delete(mark.clone());
        }
        // An officer who acts at this moment comes first; the ticket is read again.
        if matches!(commit(txn).await?, Committed::Yes) {
            hub.tell(events::ticket(&document));
            return Ok(is_new.then_some(document.id));
        }
    }
    Ok(None)
}

/// The ticket with all facts counted.
fn counted(
    hub: &Hub,
    txn: &mut Txn,
    known: Option<pb::Ticket>,
    facts: &[(Bytes, pb::ProblemRecord)],
    today: Date,
) -> Result<Option<pb::Ticket>, Stop> {
    let Some(((mark, first), rest)) = facts.split_first() else { return Ok(None) };
    let (terms, workdays) = (&hub.node.parameters.rules.ticket, &hub.node.parameters.workdays);
    let mut document = known.clone().unwrap_or_default();
    let (mut ticket, further, mut kind) = match &known {
        Some(known) => (stored(wire_ticket::parse(known), mark)?, facts, None),
        None => {
            let id = TicketId::parse(&hub.node.ids.next(hub.node.glance()))
                .map_err(zhijie_domain::refusal::Refusal::from)?;
            let opened = Ticket::open(id, about(first, mark)?, terms, workdays, today)?;
            (opened, rest, Some(pb::TicketStepKind::Opened))
        }
    };
    for _ in further {
        if ticket.status == Status::Answered {
            kind = Some(pb::TicketStepKind::AskedAnew);
        }
        let fact = decide(&ticket, Command::Occur, terms, workdays, today)?;
        ticket = apply(ticket, &fact);
    }
    if runs::is_of_days(ticket.problem.cause) {
        document.days.extend(facts.iter().map(|(_, fact)| fact.day.clone()));
        document.days.sort();
        document.days.dedup();
    }
    match kind {
        Some(kind) => {
            let done = Done { kind, officer: String::new(), note: String::new() };
            super::keep(txn, &mut document, &ticket, done, today);
        }
        None => {
            wire_ticket::print(&ticket, &mut document);
            txn.keep(keys::ticket(&ticket.id), &document);
        }
    }
    Ok(Some(document))
}

fn about(fact: &pb::ProblemRecord, key: &[u8]) -> Result<About, Failure> {
    let region = |text: &str| stored(zhijie_domain::ids::RegionCode::parse(text).map_err(Into::into), key);
    Ok(About {
        cause: stored(wire_ticket::parse_cause(fact.cause.as_ref()), key)?,
        home: region(&fact.home)?,
        care: region(&fact.care)?,
        example: fact.reference.clone(),
    })
}

/// The keys of all tickets that are not closed.
pub(super) async fn open_keys(hub: &Hub) -> Result<Vec<Bytes>, Failure> {
    let mut open = Vec::new();
    let mut pages = Pages::of(&hub.node.store, keys::OPEN_TICKETS);
    while let Some(page) = pages.next().await? {
        open.extend(page.iter().map(|(_, record)| record.value.clone()));
    }
    Ok(open)
}

/// Asks the next level where the day has passed; gives the tickets.
async fn escalate_all(hub: &Hub, today: Date) -> Result<Vec<String>, Stop> {
    let mut escalated = Vec::new();
    for key in open_keys(hub).await? {
        let mut txn = hub.node.store.begin();
        let Some(mut document) = txn.record::<pb::Ticket>(&key).await? else { continue };
        let waits = document.status() == pb::TicketStatus::Waiting && document.responder() != pb::PartyCode::Hub;
        if !waits || parse_date(&document.due).is_none_or(|due| today <= due) {
            continue;
        }
        take(hub, &mut txn, &mut document, Command::Escalate, today)?;
        // An officer who acts at this moment wins; the next turn takes the ticket up again.
        if matches!(commit(txn).await?, Committed::Yes) {
            hub.tell(events::ticket(&document));
            escalated.push(document.id);
        }
    }
    Ok(escalated)
}

/// Takes a step that the calendar asks for.
pub(super) fn take(
    hub: &Hub,
    txn: &mut Txn,
    document: &mut pb::Ticket,
    command: Command,
    today: Date,
) -> Result<(), Stop> {
    let ticket = stored(wire_ticket::parse(document), keys::TICKETS)?;
    let done = Done { kind: kind_of(&command), officer: String::new(), note: String::new() };
    Ok(step(hub, txn, document, ticket, command, done, today)?)
}
