//! What goes wrong becomes a ticket: answered, routed, escalated, closed.

use zhijie_services::{
    cluster::LinkState,
    pb::{self, agency_reply::Outcome, agency_request::Command, prepayment_act::Act as Prepay, ticket_cause::Cause},
};
use zhijie_tests::{
    hospital::{CHONGQING, TODAY, outpatient, refused, settled},
    planter::Planter,
};

use crate::stage::*;

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
    assert_eq!(stage.tickets().await, std::slice::from_ref(&ticket));
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
    let mut stage = Stage::new().await;
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

    // As long as the books differ it is not closed.
    let close = pb::ticket_act::Act::Close(pb::CloseTicket {});
    match stage.act("hub", &ticket.id, close, "tired of it").await {
        Outcome::Refused(refusal) => assert!(refusal.en.contains("still differ"), "{}", refusal.en),
        other => panic!("{other:?}"),
    }

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
    let mut days: Vec<_> = stage.tickets().await.into_iter().map(|ticket| ticket.days).collect();
    days.sort();
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
    let missing = pb::TicketCause { cause: Some(overdue(pb::OverdueDuty::BookMissing)) };
    let mut tickets = stage.tickets().await;
    // The script of Anhui has no books, which the hub says each day.
    tickets.retain(|ticket| ticket.cause != Some(missing));
    assert_eq!(tickets, [], "the last day to confirm");
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
