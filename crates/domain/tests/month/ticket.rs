//! Tickets: who responds first, every status with every command, and what is kept of time.

use zhijie_domain::{
    ids::{RegionCode, TicketId},
    party::Party,
    reconcile::DifferenceKind,
    refusal::{Code, Refusal},
    ticket::{Cause, Command, Duty, Level, Problem, Status, Ticket, apply, decide},
};

use crate::{day, parameters};

/// The day tickets of these tests are opened: a Friday. An answer is due on Tuesday.
const OPENED: &str = "2024-07-26";

fn open(cause: Cause, example: &str, at: &str) -> Result<Ticket, Refusal> {
    let region = |code| RegionCode::parse(code).unwrap();
    let problem = Problem { cause, home: region("340000"), care: region("310000"), example: example.into() };
    let id = TicketId::parse("T1").unwrap();
    Ticket::open(id, problem, &parameters().rules.ticket, &parameters().workdays, day(at))
}

/// The ticket after a command, or the refusal's code and field.
fn step(ticket: &Ticket, command: Command, at: &str) -> Result<Ticket, String> {
    decide(ticket, command, &parameters().rules.ticket, &parameters().workdays, day(at))
        .map(|fact| apply(ticket.clone(), &fact))
        .map_err(|refusal| format!("{} {}", refusal.code, refusal.field))
}

fn answer(party: Party) -> Command {
    Command::Answer { party, note: "已处理".into() }
}

#[test]
fn who_can_cure_it_is_asked_first() {
    for (cause, party, level) in [
        (Cause::Refused(Code::PersonUnknown), Party::Home, Level::City),
        (Cause::Refused(Code::FilingMissing), Party::Home, Level::City),
        (Cause::Refused(Code::PersonBusy), Party::Home, Level::City),
        (Cause::Refused(Code::ItemUnknown), Party::Care, Level::City),
        (Cause::Refused(Code::InstitutionNotOpened), Party::Care, Level::City),
        (Cause::Refused(Code::MessageReused), Party::Hub, Level::Nation),
        (Cause::Refused(Code::ClearingState), Party::Hub, Level::Nation),
        (Cause::Differs(DifferenceKind::CareOnly), Party::Home, Level::City),
        (Cause::Differs(DifferenceKind::HomeOnly), Party::Care, Level::City),
        (Cause::Differs(DifferenceKind::CareHome), Party::Hub, Level::Nation),
        (Cause::Differs(DifferenceKind::Amount), Party::Home, Level::City),
        (Cause::Duty(Duty::LateItem), Party::Care, Level::City),
        (Cause::Duty(Duty::PrepaymentExhausted), Party::Care, Level::City),
        (Cause::Duty(Duty::VerificationOverdue), Party::Care, Level::City),
        (Cause::Duty(Duty::ConfirmationOverdue), Party::Hub, Level::Nation),
        (Cause::Duty(Duty::BookMissing), Party::Hub, Level::Nation),
    ] {
        let ticket = open(cause, "m1", OPENED).unwrap();
        assert_eq!((ticket.responder, ticket.level), (party, level), "{cause:?}");
        assert_eq!((ticket.occurrences, ticket.status), (1, Status::Waiting), "{cause:?}");
    }
}

#[test]
fn an_answer_is_due_after_two_working_days() {
    for (at, due) in [
        ("2024-07-24", "2024-07-26"),
        ("2024-07-26", "2024-07-30"),
        ("2024-07-27", "2024-07-30"),
        ("2024-09-30", "2024-10-09"),
    ] {
        let ticket = open(Cause::Duty(Duty::LateItem), "S1", at).unwrap();
        assert_eq!((ticket.due, ticket.in_time_until), (day(due), day(due)), "{at}");
    }
    for (example, code) in
        [("", Code::FieldInvalid), (" ", Code::FieldInvalid), (&"x".repeat(201), Code::LimitExceeded)]
    {
        assert_eq!(open(Cause::Duty(Duty::LateItem), example, OPENED).unwrap_err().code, code, "{example:?}");
    }
}

/// `home city waiting` as the table writes it.
fn shown(ticket: &Ticket) -> String {
    format!("{:?} {:?} {:?}", ticket.responder, ticket.level, ticket.status).to_lowercase()
}

/// Puts a ticket of a refusal that home cures where `from` says, and expects `to`, or code and field of a refusal.
fn check(from: (Party, Level, Status), command: Command, at: &str, to: &str) {
    let (responder, level, status) = from;
    let base = open(Cause::Refused(Code::FilingMissing), "m1", OPENED).unwrap();
    let ticket = Ticket { responder, level, status, ..base };
    let found = step(&ticket, command.clone(), at).map_or_else(|refusal| refusal, |after| shown(&after));
    assert_eq!(found, to, "{from:?} {command:?} on {at}");
}

#[test]
fn every_status_with_every_command() {
    let city = (Party::Home, Level::City, Status::Waiting);
    let province = (Party::Home, Level::Province, Status::Waiting);
    let nation = (Party::Hub, Level::Nation, Status::Waiting);
    let answered = (Party::Home, Level::City, Status::Answered);
    let closed = (Party::Home, Level::City, Status::Closed);
    let (due, late) = ("2024-07-30", "2024-07-31");
    let silent = Command::Answer { party: Party::Home, note: " ".into() };
    let long = Command::Answer { party: Party::Home, note: "长".repeat(201) };
    for (from, command, at, to) in [
        (city, Command::Occur, due, "home city waiting"),
        (city, answer(Party::Home), due, "home city answered"),
        (city, answer(Party::Home), late, "home city answered"),
        (city, answer(Party::Care), due, "E801 party"),
        (city, answer(Party::Hub), late, "E801 party"),
        (city, silent, due, "E001 note"),
        (city, long, due, "E002 note"),
        (city, Command::Route { party: Party::Home, to: Party::Care }, due, "care city waiting"),
        (city, Command::Route { party: Party::Home, to: Party::Hub }, due, "hub nation waiting"),
        (city, Command::Route { party: Party::Home, to: Party::Home }, due, "E801 to"),
        (city, Command::Route { party: Party::Care, to: Party::Hub }, due, "E801 party"),
        (city, Command::Lapse, late, "home city closed"),
        (city, Command::Escalate, due, "E801 due"),
        (city, Command::Escalate, late, "home province waiting"),
        (city, Command::Close, due, "E801 status"),
        (province, Command::Route { party: Party::Home, to: Party::Care }, late, "care province waiting"),
        (province, Command::Escalate, due, "E801 due"),
        (province, Command::Escalate, late, "hub nation waiting"),
        (nation, answer(Party::Hub), late, "hub nation answered"),
        (nation, answer(Party::Home), late, "E801 party"),
        (nation, Command::Route { party: Party::Hub, to: Party::Home }, late, "home province waiting"),
        (nation, Command::Escalate, late, "E801 level"),
        (answered, Command::Occur, late, "home city waiting"),
        (answered, answer(Party::Home), due, "E801 status"),
        (answered, Command::Route { party: Party::Home, to: Party::Care }, due, "E801 status"),
        (answered, Command::Escalate, late, "E801 status"),
        (answered, Command::Close, late, "home city closed"),
        (answered, Command::Lapse, late, "home city closed"),
        (closed, Command::Occur, late, "E801 status"),
        (closed, answer(Party::Home), due, "E801 status"),
        (closed, Command::Route { party: Party::Home, to: Party::Care }, due, "E801 status"),
        (closed, Command::Escalate, late, "E801 status"),
        (closed, Command::Close, late, "E801 status"),
        (closed, Command::Lapse, late, "E801 status"),
    ] {
        check(from, command, at, to);
    }
}

#[test]
fn what_was_late_stays_late() {
    // Each row: commands with their days, then who answered when, in time or not, and how often it occurred.
    type Row<'a> = (&'a [(Command, &'a str)], &'a [(Party, &'a str, bool)], u64);
    let (home, care, hub) = (answer(Party::Home), answer(Party::Care), answer(Party::Hub));
    let rows: [Row<'_>; 5] = [
        (&[(home.clone(), "2024-07-30")], &[(Party::Home, "2024-07-30", true)], 1),
        (&[(home.clone(), "2024-07-31")], &[(Party::Home, "2024-07-31", false)], 1),
        // Routing buys no time.
        (
            &[(Command::Route { party: Party::Home, to: Party::Care }, "2024-07-30"), (care, "2024-07-31")],
            &[(Party::Care, "2024-07-31", false)],
            1,
        ),
        // Escalating gives the next level its days, and is no answer in time.
        (
            &[(Command::Escalate, "2024-07-31"), (Command::Escalate, "2024-08-05"), (hub, "2024-08-05")],
            &[(Party::Hub, "2024-08-05", false)],
            1,
        ),
        // After an answer a further case asks anew.
        (
            &[
                (Command::Occur, "2024-07-29"),
                (home.clone(), "2024-07-31"),
                (Command::Occur, "2024-08-05"),
                (home, "2024-08-07"),
                (Command::Close, "2024-08-08"),
            ],
            &[(Party::Home, "2024-07-31", false), (Party::Home, "2024-08-07", true)],
            3,
        ),
    ];
    for (commands, answers, occurrences) in rows {
        let mut ticket = open(Cause::Refused(Code::FilingMissing), "m1", OPENED).unwrap();
        for (command, at) in commands {
            ticket = step(&ticket, command.clone(), at).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        }
        let found: Vec<_> = ticket.answers.iter().map(|answer| (answer.party, answer.on, answer.in_time)).collect();
        let expected: Vec<_> = answers.iter().map(|(party, on, in_time)| (*party, day(on), *in_time)).collect();
        assert_eq!((found, ticket.occurrences), (expected, occurrences), "{commands:?}");
    }
}
