//! Problem coordination (问题协同): one ticket for all cases of a cause between two provinces, answered or routed by the
//! first responder (第一响应人), escalated from city to province to nation.
//! Source: 医保发〔2022〕22号, annex, remembered; who responds first and the days are a choice of this simulator.

use serde::Deserialize;

use crate::{
    calendar::Date,
    ids::{RegionCode, TicketId},
    limits::TEXT_CHARS_MAX,
    party::Party,
    reconcile::DifferenceKind,
    refusal::{Code, Refusal},
    source::Source,
    workdays::Workdays,
};

const RULE: &str = "医保发〔2022〕22号, annex: problem coordination";

/// Terms of tickets, from `parameters/national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketTerms {
    /// Working days for an answer, and again after each escalation.
    pub answer_working_days: u8,
    /// Source mark.
    pub source: Source,
}

/// Something that was due and did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duty {
    /// The tables of a month are not confirmed in time.
    ConfirmationOverdue,
    /// A bill slipped further than a late item may.
    LateItem,
    /// The prepayment is used up.
    PrepaymentExhausted,
    /// A verification (费用协查) is not answered in time.
    VerificationOverdue,
    /// A day book could not be had.
    BookMissing,
}

/// What a ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A refusal that comes again and again (报错治理).
    Refused(Code),
    /// A difference between the books.
    Differs(DifferenceKind),
    /// An overdue duty.
    Duty(Duty),
}

impl Cause {
    /// Who can cure it, and is asked first.
    #[must_use]
    pub fn first_responder(self) -> Party {
        match self {
            Cause::Refused(code) => of_code(code),
            Cause::Differs(kind) => of_difference(kind),
            Cause::Duty(duty) => match duty {
                // Care sends bills and answers, and asks for an increase.
                Duty::LateItem | Duty::PrepaymentExhausted | Duty::VerificationOverdue => Party::Care,
                // The cause does not say whose fault it is: the hub urges.
                Duty::ConfirmationOverdue | Duty::BookMissing => Party::Hub,
            },
        }
    }
}

fn of_code(code: Code) -> Party {
    match code {
        // Care, its institutions and its catalogue make the message, its lines and its visits.
        Code::NotYourRegion
        | Code::FieldInvalid
        | Code::LimitExceeded
        | Code::QuantityInvalid
        | Code::AmountOverflow
        | Code::LineConflict
        | Code::ItemUnknown
        | Code::SplitBroken
        | Code::ThirdPartyLiable
        | Code::AlreadyReversed
        | Code::InstitutionNotOpened
        | Code::ItemUnrelated
        | Code::VisitUnknown
        | Code::VisitState
        | Code::SettlementUnknown
        | Code::AlreadyCancelled
        | Code::CancelRefused
        | Code::AlreadyCleared
        | Code::AuditState => Party::Care,
        // The hub keeps the parties, the message ids, the national list and the calendar of clearing.
        Code::RegionUnknown | Code::MessageReused | Code::DiseaseNotListed | Code::Busy | Code::ClearingState => {
            Party::Hub
        }
        // Home keeps the register, qualifications, filings, accumulators and open stays.
        Code::PersonUnknown
        | Code::InsuranceInactive
        | Code::OpenStay
        | Code::DiseaseNotQualified
        | Code::FilingMissing
        | Code::FilingNotAllowed
        | Code::FilingState
        | Code::PersonBusy => Party::Home,
    }
}

fn of_difference(kind: DifferenceKind) -> Party {
    match kind {
        // The hospital never got the answer: care reverses, or books what the others have.
        DifferenceKind::HomeOnly | DifferenceKind::HubHome | DifferenceKind::Duplicate => Party::Care,
        DifferenceKind::HubOnly | DifferenceKind::CareHome | DifferenceKind::Period => Party::Hub,
        // The reply was lost before home booked it; and home computed what differs.
        DifferenceKind::CareOnly
        | DifferenceKind::CareHub
        | DifferenceKind::Amount
        | DifferenceKind::Status
        | DifferenceKind::Unproven => Party::Home,
    }
}

/// The level of the agency that is asked (经办层级). The nation is the hub, and the hub has no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 市级.
    City,
    /// 省级.
    Province,
    /// 国家级.
    Nation,
}

/// What goes wrong, and between whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The cause; with the two provinces it says which cases are one ticket.
    pub cause: Cause,
    /// The home province.
    pub home: RegionCode,
    /// The care province.
    pub care: RegionCode,
    /// A reference to the first case, such as a message or settlement id. Never a person's.
    pub example: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub party: Party,
    /// When.
    pub on: Date,
    /// What.
    pub note: String,
    /// True when it came by [`Ticket::in_time_until`].
    pub in_time: bool,
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// 待答复.
    Waiting,
    /// 已答复.
    Answered,
    /// 已办结.
    Closed,
}

impl Status {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Status::Waiting => ("待答复", "waiting for an answer"),
            Status::Answered => ("已答复", "answered"),
            Status::Closed => ("已办结", "closed"),
        }
    }
}

/// A ticket (问题单).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id, issued by the hub.
    pub id: TicketId,
    /// What it is about.
    pub problem: Problem,
    /// The day it was opened.
    pub opened: Date,
    /// Who is asked now.
    pub responder: Party,
    /// At which level.
    pub level: Level,
    /// The day by which the level that is asked answers; later it can be escalated.
    pub due: Date,
    /// The first due day since it last began to wait. Routing and escalating do not move it.
    pub in_time_until: Date,
    /// Cases so far.
    pub occurrences: u64,
    /// Answers, oldest first.
    pub answers: Vec<Answer>,
    /// Where it stands.
    pub status: Status,
}

impl Ticket {
    /// Opens a ticket with its first case.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] for an empty example, [`Code::LimitExceeded`] for one too long.
    pub fn open(
        id: TicketId,
        problem: Problem,
        terms: &TicketTerms,
        workdays: &Workdays,
        at: Date,
    ) -> Result<Ticket, Refusal> {
        text("example", &problem.example)?;
        let responder = problem.cause.first_responder();
        let due = workdays.after(at, terms.answer_working_days);
        Ok(Ticket {
            id,
            responder,
            level: level_of(responder, Level::City),
            opened: at,
            due,
            in_time_until: due,
            occurrences: 1,
            answers: Vec::new(),
            status: Status::Waiting,
            problem,
        })
    }
}

/// The level at which a party is asked, coming from a level.
fn level_of(party: Party, from: Level) -> Level {
    match party {
        Party::Hub => Level::Nation,
        Party::Care | Party::Home => from.min(Level::Province),
    }
}

/// What is to be done with a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The same happened again. After an answer, that asks anew.
    Occur,
    /// The one who is asked answers.
    Answer {
        /// Who speaks.
        party: Party,
        /// What.
        note: String,
    },
    /// The one who is asked says who else must answer. The due day stays: it is the question's.
    Route {
        /// Who speaks.
        party: Party,
        /// To whom.
        to: Party,
    },
    /// The due day has passed: the next level is asked.
    Escalate,
    /// The answer cured it.
    Close,
    /// What it is about is gone (对平即结), with an answer or without: nothing is left to ask.
    Lapse,
}

/// What happened, with all that [`apply`] needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// One more case.
    Occurred {
        /// After an answer: the day by which a new one is due.
        due: Option<Date>,
    },
    /// Answered.
    Answered(Answer),
    /// Routed.
    Routed {
        /// To whom.
        to: Party,
        /// At which level.
        level: Level,
    },
    /// Escalated.
    Escalated {
        /// To whom: the same party, or the hub.
        to: Party,
        /// At which level.
        level: Level,
        /// Until when.
        due: Date,
    },
    /// Done.
    Closed {
        /// When.
        on: Date,
    },
}

/// Decides a command on a day.
///
/// # Errors
/// [`Code::ClearingState`] when the status, the turn, the day or the level does not allow it, [`Code::FieldInvalid`] for
/// an empty note, [`Code::LimitExceeded`] for one too long.
pub fn decide(
    ticket: &Ticket,
    command: Command,
    terms: &TicketTerms,
    workdays: &Workdays,
    at: Date,
) -> Result<Fact, Refusal> {
    let next_due = || workdays.after(at, terms.answer_working_days);
    match (command, ticket.status) {
        (Command::Occur, Status::Waiting) => Ok(Fact::Occurred { due: None }),
        (Command::Occur, Status::Answered) => Ok(Fact::Occurred { due: Some(next_due()) }),
        (Command::Answer { party, note }, Status::Waiting) => {
            text("note", &note)?;
            asked(ticket, party)?;
            Ok(Fact::Answered(Answer { party, on: at, note, in_time: at <= ticket.in_time_until }))
        }
        (Command::Route { party, to }, Status::Waiting) => {
            asked(ticket, party)?;
            if to == ticket.responder {
                return Err(not_now("to", "已由该方响应", "this party is asked already"));
            }
            Ok(Fact::Routed { to, level: level_of(to, ticket.level) })
        }
        (Command::Escalate, Status::Waiting) => {
            let due = next_due();
            if at <= ticket.due {
                let (zh, en) = (format!("答复期限 {}", ticket.due), format!("it may be answered until {}", ticket.due));
                return Err(not_now("due", &zh, &en));
            }
            match ticket.level {
                Level::City => Ok(Fact::Escalated { to: ticket.responder, level: Level::Province, due }),
                Level::Province => Ok(Fact::Escalated { to: Party::Hub, level: Level::Nation, due }),
                Level::Nation => Err(not_now("level", "已至国家级", "there is no level above the nation")),
            }
        }
        (Command::Close, Status::Answered) | (Command::Lapse, Status::Waiting | Status::Answered) => {
            Ok(Fact::Closed { on: at })
        }
        (_, status) => {
            let (zh, en) = status.names();
            Err(not_now("status", zh, en))
        }
    }
}

/// The ticket after a fact.
#[must_use]
pub fn apply(ticket: Ticket, fact: &Fact) -> Ticket {
    match fact {
        Fact::Occurred { due } => {
            let occurrences = ticket.occurrences.saturating_add(1);
            match *due {
                Some(due) => Ticket { occurrences, due, in_time_until: due, status: Status::Waiting, ..ticket },
                None => Ticket { occurrences, ..ticket },
            }
        }
        Fact::Answered(answer) => {
            let mut answers = ticket.answers;
            answers.push(answer.clone());
            Ticket { answers, status: Status::Answered, ..ticket }
        }
        Fact::Routed { to, level } => Ticket { responder: *to, level: *level, ..ticket },
        Fact::Escalated { to, level, due } => Ticket { responder: *to, level: *level, due: *due, ..ticket },
        Fact::Closed { .. } => Ticket { status: Status::Closed, ..ticket },
    }
}

/// Refuses a party that is not asked.
fn asked(ticket: &Ticket, party: Party) -> Result<(), Refusal> {
    if party == ticket.responder {
        return Ok(());
    }
    Err(not_now("party", "不是当前响应方", "another party is asked"))
}

/// Refuses a text that says nothing or too much.
fn text(field: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::malformed(field, "不得为空", "some text"));
    }
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "limit: characters of a text", field)
            .with(format!("至多 {TEXT_CHARS_MAX} 字"), format!("at most {TEXT_CHARS_MAX} characters")));
    }
    Ok(())
}

fn not_now(field: &str, zh: &str, en: &str) -> Refusal {
    Refusal::new(Code::ClearingState, RULE, field).with(zh, en)
}
