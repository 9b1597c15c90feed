//! What the feed says of each decision. No personal data: provinces, ids of records, amounts and codes.

use zhijie_domain::{calendar::Moment, ids::RegionCode};

use super::Hub;
use crate::wire::{
    codes,
    pb::{
        self, EntryKind as Entry, HubEventKind as Kind, agency_reply::Outcome, agency_request::Command,
        prepayment_act::Act,
    },
    ticket as wire_ticket,
};

/// An event of a kind about a pair.
pub(super) fn of(kind: Kind, home: &str, care: &str, reference: &str, amount: i64, code: &str) -> pb::HubEvent {
    pb::HubEvent {
        kind: kind.into(),
        home: home.into(),
        care: care.into(),
        reference: reference.into(),
        amount,
        code: code.into(),
        ..pb::HubEvent::default()
    }
}

impl Hub {
    /// Tells what was decided, when its commit is durable; at this moment, where the event does not say.
    pub(super) fn tell(&self, event: pb::HubEvent) {
        let at = if event.at == 0 { self.node.glance() } else { Moment(event.at) };
        self.feed.tell(at, event);
    }
}

/// A settlement or a negative record that the hub has booked.
pub(super) fn booked(settlement: &pb::Settlement) -> pb::HubEvent {
    let (kind, code) = match settlement.kind() {
        Entry::Cancelled => (Kind::Undone, "cancelled"),
        Entry::Reversed => (Kind::Undone, "reversed"),
        Entry::Settled | Entry::Unspecified => (Kind::Settled, ""),
    };
    let claim = settlement.claim.as_ref();
    let province = |area: Option<&String>| {
        area.and_then(|area| RegionCode::parse(area).ok()).map(|area| area.province().to_string()).unwrap_or_default()
    };
    let (home, care) = (province(claim.map(|claim| &claim.home)), province(claim.map(|claim| &claim.care)));
    let amounts = settlement.computation.as_ref().and_then(|computation| computation.amounts.as_ref());
    let fund = amounts.map_or(0, |amounts| amounts.fund_total);
    pb::HubEvent { at: settlement.at, ..of(kind, &home, &care, &settlement.id, fund, code) }
}

/// The case of a settlement, of which no officer has done anything yet.
pub(super) fn case_of(settlement: &pb::Settlement, code: &str) -> pb::HubEvent {
    pb::HubEvent { at: 0, kind: Kind::Case.into(), code: code.into(), ..booked(settlement) }
}

/// A case at its stage.
pub(super) fn case(case: &pb::Case, code: &str) -> pb::HubEvent {
    let amount = if case.stage() == pb::CaseStage::Closed { case.deduction } else { case.fund };
    of(Kind::Case, &case.home, &case.care, &case.settlement, amount, code)
}

/// A step of a table, or its making.
pub(super) fn table(kind: Kind, table: &pb::ClearingTable, code: &str) -> pb::HubEvent {
    of(kind, &table.home, &table.care, &table.period, table.payable, code)
}

/// A prepayment after a step.
pub(super) fn quota(quota: &pb::Quota, code: &str) -> pb::HubEvent {
    of(Kind::Prepayment, &quota.home, &quota.care, &quota.judged, quota.quota, code)
}

/// A ticket after what happened to it last.
pub(super) fn ticket(ticket: &pb::Ticket) -> pb::HubEvent {
    let step = ticket.steps.last().map(pb::TicketStep::kind).unwrap_or_default();
    let step = plain(step.as_str_name(), "TICKET_STEP_KIND_");
    let cause = wire_ticket::parse_cause(ticket.cause.as_ref()).map_or("", wire_ticket::name);
    let event = of(Kind::Ticket, &ticket.home, &ticket.care, &ticket.id, 0, &format!("{cause} {step}"));
    pb::HubEvent { count: ticket.occurrences, ..event }
}

/// The open differences of a day: one event for each kind and pair.
pub(super) fn differences(result: &pb::ReconcileReply) -> Vec<pb::HubEvent> {
    let mut events = std::collections::BTreeMap::<_, pb::HubEvent>::new();
    for found in result.differences.iter().filter(|found| found.closed.is_none()) {
        let name = codes::optional(found.kind).map_or("", wire_ticket::kind_name);
        let event = events
            .entry((found.kind, &found.home, &found.care))
            .or_insert_with(|| of(Kind::Difference, &found.home, &found.care, &result.day, 0, name));
        event.count += 1;
    }
    events.into_values().collect()
}

/// A cure that is done.
pub(super) fn cure(outcome: &pb::CureOutcome) -> pb::HubEvent {
    let code = plain(outcome.cure().as_str_name(), "CURE_");
    of(Kind::Cure, "", "", &outcome.settlement, 0, &code)
}

/// What an agency did, where it is told; a query never is.
pub(super) fn of_agency(command: &Command, outcome: &Outcome) -> Option<pb::HubEvent> {
    Some(match (command, outcome) {
        (Command::TakeStep(step), Outcome::Table(told)) => {
            table(Kind::Step, told, &plain(step.step().as_str_name(), "TABLE_STEP_"))
        }
        (Command::DisputeItem(dispute), Outcome::Table(told)) => {
            of(Kind::Dispute, &told.home, &told.care, &dispute.settlement, 0, "disputed")
        }
        (Command::ResolveDispute(resolve), _) => {
            of(Kind::Dispute, "", "", &resolve.settlement, resolve.deduction, "resolved")
        }
        (Command::AgreeMonth(agreed), _) => of(Kind::Step, "", "", &agreed.month, 0, "agree_month"),
        (Command::CloseYear(closed), _) => of(Kind::Step, "", "", &closed.year.to_string(), 0, "close_year"),
        (_, Outcome::Case(told)) => case(told, &plain(told.stage().as_str_name(), "CASE_STAGE_")),
        (Command::Prepayment(act), Outcome::Quota(told)) => quota(told, prepayment(act)),
        (_, Outcome::Ticket(told)) => ticket(told),
        _ => return None,
    })
}

fn prepayment(act: &pb::PrepaymentAct) -> &'static str {
    match &act.act {
        Some(Act::TakeOver(_)) => "take_over",
        Some(Act::Reset(_)) => "reset",
        Some(Act::Paid(_)) => "paid",
        Some(Act::Received(_)) => "received",
        Some(Act::Apply(_)) => "apply",
        Some(Act::Decide(decision)) if decision.approved == 0 => "deny",
        Some(Act::Decide(_)) => "approve",
        None => "",
    }
}

/// `CASE_STAGE_CLOSED` as `closed`.
fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}
