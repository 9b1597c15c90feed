//! Problem coordination (问题协同) at the hub: what went wrong is kept as facts, the calendar groups them into one ticket
//! for each cause and pair, agencies answer, and what nobody answers is escalated.

pub(super) mod problems;
pub(super) mod report;
mod runs;
pub(super) mod turn;

use zhijie_domain::{
    calendar::Date,
    ids::{RegionCode, TicketId},
    limits::TEXT_CHARS_MAX,
    refusal::{Code, Refusal},
    ticket::{Command, Fact, Ticket, apply, decide},
};
use zhijie_store::Txn;

use super::{Hub, agency::Actor};
use crate::{
    node::{Failure, Pages, Records, Stop, document, keys, limits, stored},
    wire::{
        self, codes, id,
        pb::{self, ticket_act::Act},
        required, ticket as wire_ticket,
    },
};

/// An agency acts on a ticket.
pub(super) async fn act(hub: &Hub, txn: &mut Txn, actor: &Actor, act: &pb::TicketAct) -> Result<pb::Ticket, Stop> {
    let key = keys::ticket(&id(TicketId::parse, &act.ticket, "ticket.ticket")?);
    let known = txn.record::<pb::Ticket>(&key).await?;
    let mut document =
        known.ok_or_else(|| Refusal::malformed("ticket.ticket", "应为已有问题单", "a ticket of the hub"))?;
    let ticket = stored(wire_ticket::parse(&document), &key)?;
    actor.is_of(&ticket.problem.home, &ticket.problem.care)?;
    if act.note.chars().count() > TEXT_CHARS_MAX {
        let (zh, en) = (format!("至多 {TEXT_CHARS_MAX} 字"), format!("at most {TEXT_CHARS_MAX}"));
        return Err(Refusal::new(Code::LimitExceeded, "characters of a note", "ticket.note").with(zh, en).into());
    }
    if document.steps.len() >= limits::TICKET_STEPS_MAX {
        let most = limits::TICKET_STEPS_MAX;
        return Err(Refusal::new(Code::LimitExceeded, "limit: steps of one ticket", "ticket").with(most, most).into());
    }
    let command = match required(act.act.as_ref(), "ticket.act")? {
        // Closed by hand it would never be opened again, as long as its days find nothing new.
        Act::Close(_) if !document.days.is_empty() => {
            let days = document.days.join(" ");
            return Err(Refusal::new(
                Code::ClearingState,
                "a difference is cured before its ticket is closed",
                "ticket",
            )
            .with(format!("{days} 仍有差异"), format!("{days}: the books still differ"))
            .into());
        }
        Act::Answer(_) => Command::Answer { party: actor.party, note: act.note.clone() },
        Act::Route(route) => Command::Route { party: actor.party, to: codes::parse(route.to, "ticket.route.to")? },
        Act::Close(_) => Command::Close,
    };
    let done = Done { kind: kind_of(&command), officer: actor.officer.as_str().to_owned(), note: act.note.clone() };
    step(hub, txn, &mut document, ticket, command, done, actor.today)?;
    Ok(document)
}

/// What a ticket's document says of a step besides the ticket itself.
struct Done {
    kind: pb::TicketStepKind,
    officer: String,
    note: String,
}

fn kind_of(command: &Command) -> pb::TicketStepKind {
    match command {
        Command::Occur => pb::TicketStepKind::AskedAnew,
        Command::Answer { .. } => pb::TicketStepKind::Answered,
        Command::Route { .. } => pb::TicketStepKind::Routed,
        Command::Escalate => pb::TicketStepKind::Escalated,
        Command::Close => pb::TicketStepKind::Closed,
        Command::Lapse => pb::TicketStepKind::Lapsed,
    }
}

/// Takes a step of a ticket and keeps it; one that is closed is no longer the open one of its cause and pair.
fn step(
    hub: &Hub,
    txn: &mut Txn,
    document: &mut pb::Ticket,
    ticket: Ticket,
    command: Command,
    done: Done,
    today: Date,
) -> Result<(), Refusal> {
    let parameters = &hub.node.parameters;
    let fact = decide(&ticket, command, &parameters.rules.ticket, &parameters.workdays, today)?;
    let ticket = apply(ticket, &fact);
    keep(txn, document, &ticket, done, today);
    if matches!(fact, Fact::Closed { .. }) {
        txn.delete(pointer(&ticket));
    }
    Ok(())
}

fn keep(txn: &mut Txn, document: &mut pb::Ticket, ticket: &Ticket, done: Done, today: Date) {
    wire_ticket::print(ticket, document);
    document.steps.push(pb::TicketStep {
        kind: done.kind.into(),
        day: today.to_string(),
        officer: done.officer,
        responder: document.responder,
        level: document.level,
        due: document.due.clone(),
        note: done.note,
    });
    txn.keep(keys::ticket(&ticket.id), document);
}

/// The pointer to a ticket, while it is not closed.
pub(crate) fn pointer(ticket: &Ticket) -> Vec<u8> {
    let problem = &ticket.problem;
    keys::open_ticket(wire_ticket::name(problem.cause), problem.home.as_str(), problem.care.as_str())
}

/// The ticket of a cause and pair that is not closed.
async fn open_of(txn: &mut Txn, pointer: &[u8]) -> Result<Option<pb::Ticket>, Failure> {
    match txn.get(pointer).await? {
        Some(key) => txn.record(&key).await,
        None => Ok(None),
    }
}

/// Every ticket, oldest first.
pub(super) async fn all(hub: &Hub) -> Result<Vec<pb::Ticket>, Failure> {
    let mut tickets = Vec::new();
    let mut pages = Pages::of(&hub.node.store, keys::TICKETS);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            tickets.push(document(key, &record.value)?);
        }
    }
    Ok(tickets)
}

/// Tickets for those who look; an agency sees those of its province.
pub(super) async fn list(
    hub: &Hub,
    request: &pb::TicketsRequest,
    own: Option<&RegionCode>,
) -> Result<pb::TicketsReply, Stop> {
    let province = wire::optional_id(RegionCode::parse, &request.province, "province")?;
    let of = |ticket: &pb::Ticket, province: Option<&RegionCode>| {
        province.is_none_or(|province| ticket.home == province.as_str() || ticket.care == province.as_str())
    };
    let seen = |ticket: &pb::Ticket| {
        let open = ticket.status() != pb::TicketStatus::Closed;
        of(ticket, own) && of(ticket, province.as_ref()) && (open || !request.open_only)
    };
    let mut reply = pb::TicketsReply::default();
    if let Some(ticket) = wire::optional_id(TicketId::parse, &request.ticket, "ticket")? {
        reply.tickets.extend(hub.node.store.begin().record(&keys::ticket(&ticket)).await?.filter(seen));
        return Ok(reply);
    }
    let after = wire::optional_id(TicketId::parse, &request.after, "after")?;
    let mut pages = Pages::after(&hub.node.store, keys::TICKETS, after.map(|after| keys::ticket(&after)));
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let ticket: pb::Ticket = document(key, &record.value)?;
            if !seen(&ticket) {
                continue;
            }
            reply.tickets.push(ticket);
            if reply.tickets.len() == limits::LISTED_MAX {
                reply.next = reply.tickets.last().map(|ticket| ticket.id.clone()).unwrap_or_default();
                return Ok(reply);
            }
        }
    }
    Ok(reply)
}
