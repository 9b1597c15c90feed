//! Watching the hub: refusals, differences and what is overdue become tickets that are answered, escalated and closed;
//! the month's errors and indicators come out to the figure; the feed tells a story in order; metrics over plain HTTP.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::{Endpoint, Uri};
use zhijie_services::{
    cluster::LinkState,
    node::{Net, Served},
    pb::{
        self, HubEventKind as Kind, agency_reply::Outcome, agency_request::Command, answer::Outcome as Answered,
        national_client::NationalClient, prepayment_act::Act as Prepay, ticket_act::Act, ticket_cause::Cause,
    },
};
use zhijie_tests::{
    World,
    hospital::{CHONGQING, NURSING, TODAY, ZHANG, header, line, outpatient, refused, settled, world},
    planter::Planter,
    scripted::script_home,
};

const ANHUI: &str = "340000";
/// Nobody at home has this number.
const NOBODY: &str = "51010000000000009999";
/// Nobody has opened this hospital.
const UNOPENED: &str = "H50010099999";

/// A cluster with officers who number their messages.
struct Stage {
    world: World,
    messages: u32,
    _scripted: Option<Served>,
}

impl Stage {
    /// The story's four provinces on [`TODAY`].
    async fn new() -> Stage {
        Stage { world: world().await, messages: 0, _scripted: None }
    }

    /// Anhui, which pays whatever it is sent, and Shanghai.
    async fn scripted(day: &str) -> Stage {
        let mut world = World::of(&["310000", ANHUI], day).await;
        let anhui = script_home(&mut world, ANHUI).await;
        Stage { world, messages: 0, _scripted: Some(anhui) }
    }

    fn message(&mut self) -> String {
        self.messages += 1;
        format!("w{}", self.messages)
    }

    /// Sends a bill of a person to the hub as care would; `name` is the message's id. Stays are for Shanghai only.
    async fn bill(&self, name: &str, visit: &str, person: &str, institution: &str, fen: i64) -> pb::Answer {
        let care = format!("{}0000", &institution[1..3]);
        let stay = care == "310000";
        let lines = vec![pb::SplitLine {
            line: Some(line(1, NURSING, fen / 100)),
            category: 7,
            item_class: pb::ItemClass::A.into(),
            parts: Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() }),
            ..pb::SplitLine::default()
        }];
        let parts = Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() });
        let header = header(institution, person, name);
        let claim = pb::Claim {
            visit: visit.into(),
            person: person.into(),
            home: header.home.clone(),
            scheme: pb::Scheme::Employee.into(),
            care: header.care.clone(),
            institution: institution.into(),
            level: pb::Level::Tertiary.into(),
            service: (if stay { pb::Service::Stay } else { pb::Service::Outpatient }).into(),
            emergency: true,
            from: self.world.today(),
            to: self.world.today(),
            parts,
            categories: vec![pb::CategoryParts { category: 7, parts }],
            lines: if stay { Vec::new() } else { lines },
            ..pb::Claim::default()
        };
        let request = pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None };
        self.world.hub_as_care(&care).settle(request).await.expect("a reply").into_inner()
    }

    /// A stay of so many fen of somebody of Anhui at Shanghai; its settlement.
    async fn stay(&mut self, fen: i64) -> String {
        let name = self.message();
        let answer = self.bill(&name, &format!("V{name}"), "34120000000000000001", "H31010000001", fen).await;
        settled(&answer).id
    }

    async fn ask(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        let request = pb::AgencyRequest { message_id: self.message(), officer: officer.into(), command: Some(command) };
        let reply = match who {
            "hub" => self.world.national().perform(request).await,
            _ => self.world.agency(who).perform(request).await,
        };
        reply.expect("a reply").into_inner().outcome.expect("an outcome")
    }

    async fn done(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        match self.ask(who, officer, command).await {
            Outcome::Refused(refusal) => panic!("{who}: {refusal:?}"),
            outcome => outcome,
        }
    }

    async fn act(&mut self, who: &str, ticket: &str, act: Act, note: &str) -> Outcome {
        let act = pb::TicketAct { ticket: ticket.into(), note: note.into(), act: Some(act) };
        self.ask(who, "o1", Command::Ticket(act)).await
    }

    /// Does what is due on a day. The hub may have done it by itself: only what is kept tells.
    async fn turn(&self, day: &str) {
        self.world.move_to(day);
        self.world.national().turn(pb::TurnRequest {}).await.expect("a reply");
    }

    async fn tickets(&self) -> Vec<pb::Ticket> {
        let reply = self.world.national().tickets(pb::TicketsRequest::default()).await;
        reply.expect("a reply").into_inner().tickets
    }

    /// The only ticket of a cause.
    async fn ticket(&self, cause: Cause) -> pb::Ticket {
        let about = pb::TicketCause { cause: Some(cause) };
        let mut tickets = self.tickets().await;
        tickets.retain(|ticket| ticket.cause == Some(about));
        assert_eq!(tickets.len(), 1, "{cause:?}: {tickets:?}");
        tickets.remove(0)
    }

    async fn table(&self, period: &str) -> pb::ClearingTable {
        let request = pb::TablesRequest { period: period.into(), ..pb::TablesRequest::default() };
        self.world.national().tables(request).await.expect("a reply").into_inner().tables.remove(0)
    }

    async fn step(&mut self, who: &str, period: &str, step: pb::TableStep) {
        let table = self.table(period).await;
        let command = pb::TakeStep {
            period: table.period,
            home: table.home,
            care: table.care,
            step: step.into(),
            content_hash: table.content_hash,
        };
        self.done(who, "t1", Command::TakeStep(command)).await;
    }

    async fn review(&mut self, settlement: &str, deduction: i64) {
        let act = |command: pb::CaseCommand, deduction| {
            let note = "the file was read".to_owned();
            Command::Audit(pb::AuditAct { settlement: settlement.into(), command: command.into(), deduction, note })
        };
        self.done("care-310000", "c1", act(pb::CaseCommand::Review, deduction)).await;
        self.done("care-310000", "c2", act(pb::CaseCommand::Countersign, 0)).await;
        self.done("home-340000", "h1", act(pb::CaseCommand::Concur, 0)).await;
    }

    /// The indicators of a month by name: value, numerator and denominator, or why there is none.
    async fn indicators(&self, month: &str) -> BTreeMap<String, pb::Indicator> {
        let reply = self.world.national().indicators(pb::IndicatorsRequest { month: month.into() }).await;
        let indicators = reply.expect("a reply").into_inner().indicators;
        indicators.into_iter().map(|found| (format!("{}{}", found.name, found.cause), found)).collect()
    }
}

fn answer() -> Act {
    Act::Answer(pb::AnswerTicket {})
}

fn route(to: pb::PartyCode) -> Act {
    Act::Route(pb::RouteTicket { to: to.into() })
}

fn close() -> Act {
    Act::Close(pb::CloseTicket {})
}

fn refused_by(code: pb::RefusalCode) -> Cause {
    Cause::Refused(code.into())
}

fn overdue(duty: pb::OverdueDuty) -> Cause {
    Cause::Overdue(duty.into())
}

/// `home city waiting 3 due 2025-03-18`.
fn shown(ticket: &pb::Ticket) -> String {
    let plain = |name: &str| name.rsplit('_').next().unwrap_or_default().to_lowercase();
    let (party, level) = (plain(ticket.responder().as_str_name()), plain(ticket.level().as_str_name()));
    let status = plain(ticket.status().as_str_name());
    format!("{party} {level} {status} {} due {}", ticket.occurrences, ticket.due)
}

fn is_refused(outcome: Outcome, code: pb::RefusalCode, said: &str) {
    match outcome {
        Outcome::Refused(no) => {
            assert_eq!(no.code(), code, "{}", no.en);
            assert!(no.en.contains(said), "{}", no.en);
        }
        other => panic!("expected a refusal that says {said}: {other:?}"),
    }
}

#[tokio::test]
async fn refusals_become_one_ticket_that_is_escalated_over_a_weekend() {
    let mut stage = Stage::new().await;
    stage.world.move_to("2025-03-14");
    for name in ["m1", "m2", "m3", "m3"] {
        let answer = stage.bill(name, "V1", NOBODY, CHONGQING, 100_000).await;
        assert_eq!(refused(&answer), 101);
    }
    // Friday: two working days later is Tuesday. The stored answer of m3 is no new case.
    stage.turn("2025-03-14").await;
    let cause = refused_by(pb::RefusalCode::E101PersonUnknown);
    let ticket = stage.ticket(cause).await;
    assert_eq!(shown(&ticket), "home city waiting 3 due 2025-03-18");
    assert_eq!((ticket.home.as_str(), ticket.care.as_str()), ("510000", "500000"));
    assert_eq!(ticket.example, format!("{CHONGQING}/settle/m1"));

    stage.world.cluster.kill("hub");
    stage.world.cluster.start_service("hub").await.expect("it starts");
    let again = || async { stage.world.national().tickets(pb::TicketsRequest::default()).await.is_ok() };
    stage.world.until("the hub is found again", again).await;
    stage.turn("2025-03-14").await;
    stage.turn("2025-03-18").await;
    // The last day has not passed.
    assert_eq!(stage.tickets().await, [ticket.clone()]);
    stage.bill("m4", "V1", NOBODY, CHONGQING, 100_000).await;
    stage.turn("2025-03-19").await;
    assert_eq!(shown(&stage.ticket(cause).await), "home province waiting 4 due 2025-03-21");

    let (id, late) = (ticket.id.as_str(), pb::RefusalCode::E801ClearingState);
    let (home, care) = ("home-510000", "care-500000");
    is_refused(stage.act(care, id, answer(), "it is theirs").await, late, "another party is asked");
    is_refused(stage.act(care, id, route(pb::PartyCode::Home), "").await, late, "another party is asked");
    is_refused(stage.act(home, id, close(), "").await, late, "waiting for an answer");
    let stranger = pb::RefusalCode::E010NotYourRegion;
    is_refused(stage.act("home-340000", id, answer(), "not ours").await, stranger, "");
    is_refused(stage.act(home, id, answer(), " ").await, pb::RefusalCode::E001FieldInvalid, "some text");
    is_refused(stage.act(home, "none", answer(), "?").await, pb::RefusalCode::E001FieldInvalid, "a ticket of the hub");
    stage.act(home, id, route(pb::PartyCode::Care), "the number was typed wrong").await;
    assert_eq!(shown(&stage.ticket(cause).await), "care province waiting 4 due 2025-03-21");
    stage.turn("2025-03-22").await;
    assert_eq!(shown(&stage.ticket(cause).await), "hub nation waiting 4 due 2025-03-25");
    stage.turn("2025-03-26").await;
    assert_eq!(shown(&stage.ticket(cause).await), "hub nation waiting 4 due 2025-03-25", "there is nobody above");
    stage.act("hub", id, answer(), "hospitals read cards now").await;
    let answered = stage.ticket(cause).await;
    assert_eq!(answered.answers.iter().map(|answer| answer.in_time).collect::<Vec<_>>(), [false]);

    // It happens again after the answer, and then no more.
    stage.bill("m5", "V2", NOBODY, CHONGQING, 100_000).await;
    stage.turn("2025-03-26").await;
    assert_eq!(shown(&stage.ticket(cause).await), "hub nation waiting 5 due 2025-03-28");
    stage.act("hub", id, answer(), "the last hospital too").await;
    stage.act(care, id, close(), "").await;
    let kinds: Vec<_> = stage.ticket(cause).await.steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [1, 4, 3, 4, 2, 5, 2, 6],
        "opened, escalated, routed, escalated, answered, anew, answered, closed"
    );

    // A further case is a new ticket, and agencies see their own.
    stage.bill("m6", "V3", NOBODY, CHONGQING, 100_000).await;
    stage.turn("2025-03-27").await;
    for (who, open_only, expected) in [(home, false, 2), (home, true, 1), (care, true, 1), ("home-340000", false, 0)] {
        let request = pb::TicketsRequest { open_only, ..pb::TicketsRequest::default() };
        let reply = stage.world.agency(who).tickets(request).await.expect("a reply").into_inner();
        assert_eq!(reply.tickets.len(), expected, "{who}");
    }
}

#[tokio::test]
async fn a_difference_ticket_closes_when_its_day_agrees() {
    let stage = Stage::new().await;
    let mut ids = Vec::new();
    for name in ["s1", "s2"] {
        let answer = stage.world.care("500000").settle_at_once(outpatient(name, 400)).await.expect("a reply");
        ids.push(settled(&answer.into_inner()).id);
    }
    for id in &ids {
        Planter::of(&stage.world, "hub").remove(id).await;
    }
    assert_eq!(stage.world.reconcile(TODAY).await.open, 2);
    stage.turn(TODAY).await;
    let cause = Cause::Differs(pb::DifferenceKind::CareHome.into());
    let ticket = stage.ticket(cause).await;
    assert_eq!(shown(&ticket), "hub nation waiting 2 due 2025-03-12");
    assert_eq!(ticket.days, [TODAY]);

    // One is cured, the other stays: the same two cases.
    let cure = |id: &str| pb::CureRequest {
        day: TODAY.into(),
        settlement: id.into(),
        cure: pb::Cure::ReQuery.into(),
        note: None,
    };
    stage.world.books().cure(cure(&ids[0])).await.expect("a reply");
    assert_eq!(stage.world.reconcile(TODAY).await.open, 1);
    stage.turn("2025-03-11").await;
    assert_eq!(stage.ticket(cause).await, ticket);

    // A book that is missing agrees with nothing, and is a ticket of its own.
    stage.world.books().cure(cure(&ids[1])).await.expect("a reply");
    stage.world.cluster.net().set("hub", "care-500000", LinkState::Cut);
    assert_eq!(stage.world.reconcile(TODAY).await.missing.len(), 1);
    stage.turn("2025-03-11").await;
    let missing = stage.ticket(overdue(pb::OverdueDuty::BookMissing)).await;
    assert_eq!((missing.care.as_str(), missing.home.as_str()), ("500000", "500000"));
    assert_eq!(missing.example, format!("care of {TODAY}"));
    assert_eq!(stage.ticket(cause).await, ticket);

    stage.world.cluster.net().set("hub", "care-500000", LinkState::Whole);
    assert!(stage.world.reconcile(TODAY).await.equal);
    stage.turn("2025-03-11").await;
    for ticket in stage.tickets().await {
        assert_eq!(ticket.status(), pb::TicketStatus::Closed);
        assert_eq!(ticket.steps.last().map(pb::TicketStep::kind), Some(pb::TicketStepKind::Lapsed));
    }
    // The same difference again is a new case.
    Planter::of(&stage.world, "hub").remove(&ids[0]).await;
    stage.world.reconcile(TODAY).await;
    stage.turn("2025-03-11").await;
    let days: Vec<_> = stage.tickets().await.into_iter().map(|ticket| ticket.days).collect();
    assert_eq!(days, [vec![], vec![], vec![TODAY.to_owned()]]);
}

#[tokio::test]
async fn what_is_overdue_becomes_a_ticket_once() {
    let mut stage = Stage::scripted("2024-06-18").await;
    let over = Prepay::TakeOver(pb::TakeOver { lent: 1_000_000, cleared: Vec::new() });
    let over = pb::PrepaymentAct { home: ANHUI.into(), care: "310000".into(), act: Some(over) };
    stage.done("hub", "q1", Command::Prepayment(over)).await;
    let (_in_time, late) = (stage.stay(950_000).await, stage.stay(700_000).await);
    let held = stage.stay(4_000_000).await;
    stage.world.move_to("2024-07-10");
    let excepted = vec![pb::ExceptedItem { settlement: late.clone(), reason: "not agreed".into() }];
    let agree = pb::AgreeMonth { month: "2024-06".into(), excepted };
    stage.done("care-310000", "c1", Command::AgreeMonth(agree)).await;
    stage.turn("2024-07-25").await;
    assert_eq!(stage.tickets().await, [], "the last day to confirm");
    stage.turn("2024-07-26").await;
    let ticket = stage.ticket(overdue(pb::OverdueDuty::Confirmation)).await;
    assert_eq!((shown(&ticket).as_str(), ticket.example.as_str()), ("hub nation waiting 1 due 2024-07-30", "2024-06"));
    // The month uses 95 of 100 of the prepayment; the case was to be closed by the 26th.
    stage.step("home-340000", "2024-06", pb::TableStep::Confirm).await;
    stage.step("care-310000", "2024-06", pb::TableStep::Confirm).await;
    stage.turn("2024-07-27").await;
    let ticket = stage.ticket(overdue(pb::OverdueDuty::PrepaymentExhausted)).await;
    assert_eq!(shown(&ticket), "care city waiting 1 due 2024-07-30");
    let ticket = stage.ticket(overdue(pb::OverdueDuty::Verification)).await;
    assert_eq!(ticket.example, held);
    // An item of June that the table of August does not hold is one period too late.
    stage.turn("2024-08-21").await;
    assert!(stage.tickets().await.iter().all(|ticket| ticket.example != late));
    stage.turn("2024-09-21").await;
    let ticket = stage.ticket(overdue(pb::OverdueDuty::LateItem)).await;
    assert_eq!((ticket.occurrences, ticket.level()), (2, pb::AgencyLevel::City), "with the stay that is held");
    stage.turn("2024-10-21").await;
    assert_eq!(stage.ticket(overdue(pb::OverdueDuty::LateItem)).await.occurrences, 2);
}

/// `value numerator/denominator` of an indicator, or `unknown`.
fn figure(indicator: &pb::Indicator) -> String {
    let text = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
    match indicator.value {
        Some(value) => format!("{value} {}/{}", text(indicator.numerator), text(indicator.denominator)),
        None => {
            assert!(!indicator.unknown.is_empty(), "{indicator:?}");
            "unknown".to_owned()
        }
    }
}

#[tokio::test]
async fn the_errors_of_a_month_come_out_to_the_figure() {
    let mut stage = Stage::new().await;
    let mut first = None;
    for name in ["s1", "s2", "s3"] {
        let answer = stage.world.care("500000").settle_at_once(outpatient(name, 400)).await.expect("a reply");
        first = Some(settled(&answer.into_inner()));
    }
    let last = first.expect("a settlement");
    let claim = last.claim.clone().expect("a claim");
    let cancel = pb::CancelRequest {
        header: Some(header(CHONGQING, ZHANG, "n3")),
        settlement: last.id.clone(),
        visit: claim.visit.clone(),
        person: ZHANG.into(),
    };
    stage.world.care("500000").cancel(cancel).await.expect("a reply");
    stage.world.move_to("2025-03-11");
    assert!(stage.world.reconcile(TODAY).await.equal);
    // One visit is settled at the second attempt, one never.
    for (name, visit, person, institution, code) in
        [("m1", "V1", NOBODY, CHONGQING, 101), ("m2", "V2", NOBODY, CHONGQING, 101), ("m3", "V2", ZHANG, UNOPENED, 301)]
    {
        assert_eq!(refused(&stage.bill(name, visit, person, institution, 100_000).await), code, "{name}");
    }
    settled(&stage.bill("m4", "V1", ZHANG, CHONGQING, 100_000).await);
    // Care books something that nobody else knows.
    let lonely = pb::Settlement {
        id: "lonely".into(),
        claim: Some(pb::Claim { visit: "V9".into(), lines: Vec::new(), ..claim }),
        ..last
    };
    Planter::of(&stage.world, "care-500000").add(&[lonely]).await;
    stage.world.reconcile(TODAY).await;
    stage.turn("2025-03-11").await;
    let ticket = stage.ticket(refused_by(pb::RefusalCode::E101PersonUnknown)).await;
    stage.act("home-510000", &ticket.id, answer(), "the hospital shall read the card").await;
    stage.turn("2025-03-14").await;

    let request = pb::ErrorReportRequest { month: "2025-03".into() };
    let report = stage.world.national().error_report(request).await.expect("a reply").into_inner();
    assert_eq!((report.calls, report.refusals, report.refused), (8, 3, None));
    let acts: Vec<_> = report.acts.iter().map(|act| (act.act(), act.done, act.refused)).collect();
    assert_eq!(acts, [(pb::Act::Settle, 4, 3), (pb::Act::Cancel, 1, 0)]);
    let codes = report.codes.iter().map(|code| (code.code as i32, code.refused, code.share, code.first_attempts));
    assert_eq!(codes.collect::<Vec<_>>(), [(101, 2, 2_500, 2), (301, 1, 1_250, 0)]);
    let pair = pb::PairRefusals { home: "510000".into(), care: "500000".into(), refused: 2 };
    assert_eq!(report.codes[0].pairs, [pair]);
    let counts = report.tickets.expect("counts");
    // The missing care record and the single one wait like the unopened hospital: due on the 13th, and escalated.
    assert_eq!((counts.opened, counts.answered_in_time, counts.answered_late), (3, 1, 0));
    assert_eq!((counts.unanswered, counts.overdue, counts.escalated, counts.closed), (2, 2, 2, 0));

    let found = stage.indicators("2025-03").await;
    for (name, expected) in [
        ("direct_rate", "unknown"),
        ("success_rate", "6250 5/8"),
        ("first_attempt_rate", "6000 3/5"),
        // Twelve days are over; of them the tenth agreed on the next day.
        ("reconciled_in_time_rate", "833 1/12"),
        ("single_sided_open", "1 1/-"),
        ("single_sided_age", "4 4/-"),
        ("tickets_in_time_rate", "3333 1/3"),
        ("agreed_in_time_rate", "unknown"),
        ("verified_in_time_rate", "unknown"),
        ("filings_at_once_rate", "unknown"),
        ("error_rateE101", "2500 2/8"),
        ("error_rateE301", "1250 1/8"),
    ] {
        assert_eq!(figure(&found[name]), expected, "{name}");
    }
    // Seven settles were sent to the hub, each within the longest bound.
    let (mean, p95) = (&found["response_mean"], &found["response_p95"]);
    assert_eq!((mean.denominator, p95.denominator), (Some(7), Some(7)));
    assert!(p95.value.is_some_and(|ms| (1..=3_200).contains(&ms)), "{p95:?}");
    // Before anything happened there is nothing to measure.
    let empty = stage.indicators("2024-01").await;
    assert_eq!(figure(&empty["success_rate"]), "unknown");
    let wrong = stage.world.national().indicators(pb::IndicatorsRequest { month: "March".into() }).await;
    assert_eq!(
        wrong.expect("a reply").into_inner().refused.map(|no| no.code()),
        Some(pb::RefusalCode::E001FieldInvalid)
    );
}

#[tokio::test]
async fn the_clearing_of_a_month_is_measured() {
    let mut stage = Stage::scripted("2024-06-18").await;
    let over = Prepay::TakeOver(pb::TakeOver { lent: 10_000_000, cleared: Vec::new() });
    let over = pb::PrepaymentAct { home: ANHUI.into(), care: "310000".into(), act: Some(over) };
    stage.done("hub", "q1", Command::Prepayment(over)).await;
    let (_agreed, late) = (stage.stay(1_000_000).await, stage.stay(500_000).await);
    let reviewed = stage.stay(4_000_000).await;
    let open = stage.stay(3_000_001).await;
    stage.world.move_to("2024-07-10");
    stage.review(&reviewed, 1_000_000).await;
    let excepted = vec![pb::ExceptedItem { settlement: late.clone(), reason: "not agreed".into() }];
    let agree = pb::AgreeMonth { month: "2024-06".into(), excepted };
    stage.done("care-310000", "c1", Command::AgreeMonth(agree)).await;
    stage.turn("2024-07-21").await;
    for who in ["home-340000", "care-310000"] {
        stage.step(who, "2024-06", pb::TableStep::Confirm).await;
    }
    let due = stage.indicators("2024-06").await;
    assert_eq!(figure(&due["paid_in_time_rate"]), "unknown", "nothing is due yet");
    stage.turn("2024-07-31").await;
    stage.step("home-340000", "2024-06", pb::TableStep::Submit).await;
    stage.step("home-340000", "2024-06", pb::TableStep::Pay).await;
    stage.review(&open, 0).await;
    let agree = pb::AgreeItems { settlements: vec![late] };
    stage.done("care-310000", "c1", Command::AgreeItems(agree)).await;
    stage.turn("2024-08-21").await;
    let check = |found: BTreeMap<String, pb::Indicator>, expected: &[(&str, &str)]| {
        for (name, expected) in expected {
            assert_eq!(figure(&found[*name]), *expected, "{name}");
        }
    };
    let june = [
        // Two of three bills: the one under review is left out.
        ("agreed_in_time_rate", "6667 2/3"),
        ("delay_months", "0 0/2"),
        ("paid_in_time_rate", "10000 1/1"),
        ("prepayment_use", "4000 4000000/10000000"),
        ("deducted_amount", "1000000 1000000/5000000"),
        ("deduction_rate", "2000 1000000/5000000"),
        // One was closed on the tenth, the other after the 26th.
        ("verified_in_time_rate", "5000 1/2"),
    ];
    check(stage.indicators("2024-06").await, &june);
    // Two bills of June come one month late.
    check(stage.indicators("2024-07").await, &[("delay_months", "10000 2/2"), ("agreed_in_time_rate", "unknown")]);
}

async fn next(events: &mut tonic::Streaming<pb::HubEvent>) -> pb::HubEvent {
    events.message().await.expect("an event").expect("the feed goes on")
}

#[tokio::test]
async fn the_feed_tells_a_story_in_order() {
    let mut stage = Stage::scripted("2024-06-18").await;
    stage.turn("2024-06-18").await;
    let early = stage.stay(1_000_000).await;
    let mut events = stage.world.national().watch(pb::WatchRequest::default()).await.expect("a feed").into_inner();
    let large = stage.stay(3_500_000).await;
    let refusal = stage.bill("no", "V8", "34120000000000000001", "H31010099999", 100).await;
    assert_eq!(refused(&refusal), 301);
    stage.review(&large, 500_000).await;
    stage.turn("2024-07-10").await;
    let agree = pb::AgreeMonth { month: "2024-06".into(), excepted: Vec::new() };
    stage.done("care-310000", "c1", Command::AgreeMonth(agree)).await;
    stage.turn("2024-07-21").await;
    stage.step("home-340000", "2024-06", pb::TableStep::Confirm).await;
    let dispute = pb::DisputeItem { period: "2024-06".into(), settlement: early.clone(), note: "not ours".into() };
    stage.done("home-340000", "h1", Command::DisputeItem(dispute)).await;
    let mut told = Vec::new();
    let expected = [
        (Kind::Settled, early.as_str(), 1_000_000, ""),
        (Kind::Settled, &large, 3_500_000, ""),
        (Kind::Case, &large, 3_500_000, "opened"),
        (Kind::Refused, "H31010099999/settle/no", 0, "E301"),
        (Kind::Case, &large, 3_500_000, "proposed"),
        (Kind::Case, &large, 3_500_000, "awaiting_home"),
        (Kind::Case, &large, 500_000, "closed"),
        (Kind::Ticket, "", 0, "E301 opened"),
        (Kind::Step, "2024-06", 0, "agree_month"),
        (Kind::Table, "2024-06", 4_000_000, "made"),
        (Kind::Ticket, "", 0, "E301 escalated"),
        (Kind::Step, "2024-06", 4_000_000, "confirm"),
        (Kind::Dispute, &early, 0, "disputed"),
    ];
    for (place, (kind, reference, amount, code)) in expected.iter().enumerate() {
        let event = next(&mut events).await;
        let reference = if *kind == Kind::Ticket { &event.reference } else { *reference };
        let found = (event.kind(), event.reference.as_str(), event.amount, event.code.as_str());
        assert_eq!(found, (*kind, reference, *amount, *code));
        assert_eq!(event.sequence, place as u64 + 1);
        told.push(event);
    }
    // A newcomer that asks for some kinds from some moment.
    let request = pb::WatchRequest { kinds: vec![Kind::Case.into()], since_ms: Some(told[5].at) };
    let mut some = stage.world.national().watch(request).await.expect("a feed").into_inner();
    assert_eq!([next(&mut some).await, next(&mut some).await], told[5..7]);
}

#[tokio::test]
async fn a_slow_watcher_is_told_what_it_missed() {
    const REFUSALS: usize = 2_200;
    /// Bytes that may be under way to a watcher that reads nothing.
    const WINDOW: u32 = 8_192;
    let stage = Stage::new().await;
    let net = stage.world.cluster.net().clone();
    let connect = tower::service_fn(move |_: Uri| {
        let connecting = net.connect("hub".into());
        async move { connecting.await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://hub").initial_stream_window_size(WINDOW);
    let mut slow = NationalClient::new(endpoint.connect_with_connector_lazy(connect));
    let mut events = slow.watch(pb::WatchRequest::default()).await.expect("a feed").into_inner();
    let sent = stream::iter(0..REFUSALS).map(|number| {
        let stage = &stage;
        async move {
            let answer = stage.bill(&format!("m{number}"), "V1", ZHANG, UNOPENED, 100).await;
            assert_eq!(refused(&answer), 301);
        }
    });
    sent.buffer_unordered(64).collect::<Vec<()>>().await;
    let (mut last, mut told, mut missed) = (0, 0, 0);
    while told + missed < REFUSALS as u64 {
        let event = next(&mut events).await;
        if event.kind() == Kind::Missed {
            missed += event.count as u64;
            last += event.count as u64;
        } else {
            told += 1;
            last += 1;
            assert_eq!(event.sequence, last);
        }
    }
    assert!(missed > 0 && told > 1_000, "{told} told, {missed} missed");
    drop(slow);
    stage.world.cluster.stop().await;
    assert_eq!(events.message().await.expect("an end"), None, "the feed ends with the hub");
}

#[tokio::test]
async fn metrics_are_read_over_plain_http() {
    let stage = Stage::new().await;
    for name in ["s1", "s2"] {
        let answer = stage.world.care("500000").settle_at_once(outpatient(name, 400)).await.expect("a reply");
        assert!(matches!(answer.into_inner().outcome, Some(Answered::Settlement(_))));
    }
    assert_eq!(refused(&stage.bill("m1", "V1", NOBODY, CHONGQING, 100).await), 101);
    stage.world.reconcile(TODAY).await;
    stage.turn(TODAY).await;
    let get = |path: &'static str| {
        let connecting = stage.world.cluster.net().connect("hub".into());
        async move {
            let mut conn = connecting.await.expect("a connection");
            let request = format!("GET {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n");
            conn.write_all(request.as_bytes()).await.expect("sent");
            let mut text = String::new();
            conn.read_to_string(&mut text).await.expect("a text");
            text
        }
    };
    let text = get("/metrics").await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{text}");
    for line in [
        "# TYPE zhijie_hub_settlements counter",
        "zhijie_hub_settlements_total 2",
        "zhijie_hub_refusals_total{act=\"settle\",code=\"E101\"} 1",
        "zhijie_hub_answers_total{act=\"settle\",outcome=\"done\"} 2",
        "zhijie_hub_answers_total{act=\"settle\",outcome=\"refused\"} 1",
        "zhijie_hub_items_waiting 2",
        "zhijie_hub_cases_open 0",
        "zhijie_hub_tickets_open 1",
        "zhijie_hub_last_table_period 0",
        "zhijie_hub_reconciled_day 20250310",
        "zhijie_hub_differences_open 0",
        "zhijie_hub_settle_seconds_bucket{le=\"+Inf\"} 3",
        "zhijie_hub_settle_seconds_count 3",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
    }
    assert!(!text.contains(ZHANG) && !text.contains("m1\""), "no ids:\n{text}");
}
