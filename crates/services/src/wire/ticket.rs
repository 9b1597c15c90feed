//! Tickets, and what they are about.

use zhijie_domain::{
    ids::{RegionCode, TicketId},
    reconcile::DifferenceKind,
    refusal::Refusal,
    ticket::{Answer, Cause, Duty, Problem, Ticket},
};

use super::{
    codes, date, id,
    pb::{self, ticket_cause::Cause as Wire},
    refusal, required,
};

/// The cause as a document.
#[must_use]
pub fn print_cause(cause: Cause) -> pb::TicketCause {
    let cause = match cause {
        Cause::Refused(code) => Wire::Refused(refusal::number(code)),
        Cause::Differs(kind) => Wire::Differs(codes::print(kind)),
        Cause::Duty(duty) => Wire::Overdue(codes::print(duty)),
    };
    pb::TicketCause { cause: Some(cause) }
}

/// Reads a cause.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_cause(cause: Option<&pb::TicketCause>) -> Result<Cause, Refusal> {
    Ok(match required(cause.and_then(|cause| cause.cause), "cause")? {
        Wire::Refused(number) => {
            let unknown = || Refusal::malformed("cause.refused", format!("无此代码 {number}"), "a known code");
            Cause::Refused(refusal::code(number).ok_or_else(unknown)?)
        }
        Wire::Differs(kind) => Cause::Differs(codes::parse(kind, "cause.differs")?),
        Wire::Overdue(duty) => Cause::Duty(codes::parse(duty, "cause.overdue")?),
    })
}

/// A cause in one word, for keys and events: `E201`, `care-only`, `late-item`.
#[must_use]
pub fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::Refused(code) => code.as_str(),
        Cause::Differs(kind) => kind_name(kind),
        Cause::Duty(duty) => match duty {
            Duty::ConfirmationOverdue => "confirmation-overdue",
            Duty::LateItem => "late-item",
            Duty::PrepaymentExhausted => "prepayment-exhausted",
            Duty::VerificationOverdue => "verification-overdue",
            Duty::BookMissing => "book-missing",
        },
    }
}

/// A kind of difference in one word.
#[must_use]
pub fn kind_name(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::CareOnly => "care-only",
        DifferenceKind::HubOnly => "hub-only",
        DifferenceKind::HomeOnly => "home-only",
        DifferenceKind::CareHub => "care-hub",
        DifferenceKind::HubHome => "hub-home",
        DifferenceKind::CareHome => "care-home",
        DifferenceKind::Amount => "amount",
        DifferenceKind::Status => "status",
        DifferenceKind::Period => "period",
        DifferenceKind::Duplicate => "duplicate",
        DifferenceKind::Unproven => "unproven",
    }
}

/// Reads a ticket.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(ticket: &pb::Ticket) -> Result<Ticket, Refusal> {
    let region = |text: &str, field: &str| id(RegionCode::parse, text, field);
    let answer = |answer: &pb::TicketAnswer| {
        Ok(Answer {
            party: codes::parse(answer.party, "ticket.answers.party")?,
            on: date(&answer.on, "ticket.answers.on")?,
            note: answer.note.clone(),
            in_time: answer.in_time,
        })
    };
    Ok(Ticket {
        id: id(TicketId::parse, &ticket.id, "ticket.id")?,
        problem: Problem {
            cause: parse_cause(ticket.cause.as_ref())?,
            home: region(&ticket.home, "ticket.home")?,
            care: region(&ticket.care, "ticket.care")?,
            example: ticket.example.clone(),
        },
        opened: date(&ticket.opened, "ticket.opened")?,
        responder: codes::parse(ticket.responder, "ticket.responder")?,
        level: codes::parse(ticket.level, "ticket.level")?,
        due: date(&ticket.due, "ticket.due")?,
        in_time_until: date(&ticket.in_time_until, "ticket.in_time_until")?,
        occurrences: u64::try_from(ticket.occurrences).unwrap_or_default(),
        answers: ticket.answers.iter().map(answer).collect::<Result<_, Refusal>>()?,
        status: codes::parse(ticket.status, "ticket.status")?,
    })
}

/// Writes a ticket into its document; steps and days of the document stay.
pub fn print(ticket: &Ticket, document: &mut pb::Ticket) {
    let answer = |answer: &Answer| pb::TicketAnswer {
        party: codes::print(answer.party),
        on: answer.on.to_string(),
        note: answer.note.clone(),
        in_time: answer.in_time,
    };
    *document = pb::Ticket {
        id: ticket.id.to_string(),
        cause: Some(print_cause(ticket.problem.cause)),
        home: ticket.problem.home.to_string(),
        care: ticket.problem.care.to_string(),
        example: ticket.problem.example.clone(),
        opened: ticket.opened.to_string(),
        responder: codes::print(ticket.responder),
        level: codes::print(ticket.level),
        due: ticket.due.to_string(),
        in_time_until: ticket.in_time_until.to_string(),
        occurrences: i64::try_from(ticket.occurrences).unwrap_or(i64::MAX),
        answers: ticket.answers.iter().map(answer).collect(),
        status: codes::print(ticket.status),
        steps: std::mem::take(&mut document.steps),
        days: std::mem::take(&mut document.days),
    };
}
