//! The promises of the road, each attacked: lost answers at every hop, duplicates, reordering, restarts, races,
//! strangers, and differences that reconciliation must find.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tonic::Code;
use zhijie_services::{
    cluster::LinkState,
    domain::{
        calendar::parse_date,
        ids::{RegionCode, SettlementId},
    },
    node::{Introduction, Net, Role, channel, document, keys, road::RoadClient},
    pb::{self, answer::Outcome, message_record::State},
};
use zhijie_tests::{
    World, day_book,
    hospital::{
        CHONGQING, LI, NURSING, TODAY, ZHANG, admit, amounts, discharged_stay, enrol, file, header, line, outpatient,
        person, refused, settle, settled, visit, world,
    },
};

/// Waits until the hub has booked a message.
async fn booked_at_hub(world: &World, header: &pb::Header) {
    let what = "the hub books the message";
    world
        .until(what, || async {
            matches!(world.found_at_hub(header, pb::Act::Settle).await.outcome, Some(Outcome::Settlement(_)))
        })
        .await;
}

/// Sends a bill again until its outcome is known.
async fn known(world: &World, bill: pb::SettleAtOnceRequest) -> pb::Answer {
    loop {
        let answer = world.care("500000").settle_at_once(bill.clone()).await.expect("a reply").into_inner();
        if !matches!(answer.outcome, Some(Outcome::Unknown(_))) {
            return answer;
        }
    }
}

fn reverse(message: &str, original: &str) -> pb::ReverseRequest {
    pb::ReverseRequest {
        header: Some(header(CHONGQING, ZHANG, message)),
        act: pb::Act::Settle.into(),
        original_message_id: original.into(),
        person: ZHANG.into(),
    }
}

fn cancel(message: &str, settlement: &pb::Settlement) -> pb::CancelRequest {
    pb::CancelRequest {
        header: Some(header(CHONGQING, ZHANG, message)),
        settlement: settlement.id.clone(),
        visit: settlement.claim.clone().unwrap_or_default().visit,
        person: ZHANG.into(),
    }
}

async fn pay(world: &World, message: &str, yuan: i64) -> pb::Answer {
    world.care("500000").settle_at_once(outpatient(message, yuan)).await.expect("a reply").into_inner()
}

#[tokio::test]
async fn promise_1_a_lost_answer_between_hospital_and_care_is_found_again() {
    let world = world().await;
    world.cluster.net().set("outside", "care-500000", LinkState::Muted);
    let mut care = world.care("500000");
    let waiting = tokio::spawn(async move { care.settle_at_once(outpatient("m1", 500)).await });
    booked_at_hub(&world, &header(CHONGQING, ZHANG, "m1")).await;
    world.cluster.net().set("outside", "care-500000", LinkState::Cut);
    assert!(waiting.await.expect("the task").is_err(), "the hospital has no answer");
    world.cluster.net().set("outside", "care-500000", LinkState::Whole);
    let answer = pay(&world, "m1", 500).await;
    assert_eq!(answer, world.found_at_hub(&header(CHONGQING, ZHANG, "m1"), pb::Act::Settle).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_1_a_lost_answer_between_care_and_hub_is_asked_for_again() {
    lost_behind_care("care-500000", "hub").await;
}

#[tokio::test]
async fn promise_1_a_lost_answer_between_hub_and_home_is_asked_for_again() {
    lost_behind_care("hub", "home-510000").await;
}

/// Home books, the answer is lost on the way back, care asks again: the hospital sees one settlement.
async fn lost_behind_care(from: &str, to: &str) {
    let world = world().await;
    world.cluster.net().set(from, to, LinkState::Muted);
    let mut care = world.care("500000");
    let waiting = tokio::spawn(async move { care.settle_at_once(outpatient("m1", 500)).await });
    world
        .until("home books", || async {
            world.member("510000", ZHANG).await.purse.unwrap_or_default().account < 30_000
        })
        .await;
    // Cut as long as the hospital waits, so that the answer on the wire is lost and not only late.
    world.cluster.net().set(from, to, LinkState::Cut);
    let answer = waiting.await.expect("the task").expect("a reply").into_inner();
    assert!(matches!(answer.outcome, Some(Outcome::Unknown(_))), "{answer:?}");
    world.cluster.net().set(from, to, LinkState::Whole);
    settled(&known(&world, outpatient("m1", 500)).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_1_one_message_has_one_answer() {
    let world = world().await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut care = world.care("500000");
        waiting.push(tokio::spawn(async move { care.settle_at_once(outpatient("m1", 500)).await }));
    }
    let mut answers = Vec::new();
    for task in waiting {
        let answer = task.await.expect("the task").expect("a reply").into_inner();
        // Those that came between the looks of another may be told that the service is busy; they decided nothing.
        if !matches!(&answer.outcome, Some(Outcome::Refused(refusal)) if refusal.code == 605) {
            answers.push(settled(&answer));
        }
    }
    assert!(!answers.is_empty());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(settled(&pay(&world, "m1", 500).await), answers[0]);
    assert_eq!(refused(&pay(&world, "m1", 501).await), 602, "the same id with other content");
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_1_a_reverse_that_comes_first_stops_the_settle() {
    let world = world().await;
    // Learn what care sends for such a bill, from a message that is refused at home: the person is unknown there.
    let settled_once = settled(&pay(&world, "first", 500).await);
    let claim = pb::Claim { visit: "another-visit".into(), ..settled_once.claim.expect("a claim") };
    let lines = vec![split_line(&claim)];
    let late = pb::ClaimRequest {
        header: Some(header(CHONGQING, ZHANG, "late")),
        claim: Some(pb::Claim { lines, ..claim }),
        listed: None,
    };
    let answer = world.hub_as_care("500000").reverse(reverse("r1", "late")).await.expect("a reply").into_inner();
    assert_eq!(answer.outcome, Some(Outcome::Reversal(Box::default())), "nothing had been booked");
    let at_hub = world.hub_as_care("500000").settle(late.clone()).await.expect("a reply").into_inner();
    assert_eq!(refused(&at_hub), 604, "the hub refuses the late original");
    let at_home = world.home_as_hub("510000").settle(late).await.expect("a reply").into_inner();
    assert_eq!(refused(&at_home), 604, "and so does home");
    world.assert_books_equal(TODAY, 1).await;
}

fn split_line(claim: &pb::Claim) -> pb::SplitLine {
    pb::SplitLine {
        line: Some(line(1, NURSING, 500)),
        category: 7,
        item_class: pb::ItemClass::A.into(),
        parts: claim.parts,
        ..pb::SplitLine::default()
    }
}

#[tokio::test]
async fn promise_1_a_reverse_is_harmless_to_repeat_and_final() {
    let world = world().await;
    let before = world.member("510000", ZHANG).await;
    pay(&world, "m1", 500).await;
    assert_ne!(world.member("510000", ZHANG).await.purse, before.purse);
    let mut care = world.care("500000");
    let first = care.reverse(reverse("r1", "m1")).await.expect("a reply").into_inner();
    for message in ["r1", "r2"] {
        assert_eq!(care.reverse(reverse(message, "m1")).await.expect("a reply").into_inner(), first);
    }
    let member = world.member("510000", ZHANG).await;
    assert_eq!((member.purse, member.accumulators), (before.purse, before.accumulators));
    assert_eq!(refused(&pay(&world, "m1", 500).await), 604, "a reversed message stays reversed");
    // What never came is reversed too, and is refused when it comes.
    care.reverse(reverse("r3", "never")).await.expect("a reply");
    assert_eq!(refused(&pay(&world, "never", 500).await), 604);
    world.assert_books_equal(TODAY, 2).await;
}

#[tokio::test]
async fn promise_1_a_reverse_overtakes_a_settle_that_is_under_way() {
    let world = world().await;
    world.cluster.net().set("hub", "home-510000", LinkState::Cut);
    let answer = pay(&world, "m1", 500).await;
    assert!(matches!(answer.outcome, Some(Outcome::Unknown(_))), "{answer:?}");
    let mut care = world.care("500000");
    let unknown = care.reverse(reverse("r1", "m1")).await.expect("a reply").into_inner();
    assert!(matches!(unknown.outcome, Some(Outcome::Unknown(_))), "{unknown:?}");
    world.cluster.net().set("hub", "home-510000", LinkState::Whole);
    let what = "care drives the reversal to its end";
    world
        .until(what, || async {
            let found = world.found_at_care("500000", &header(CHONGQING, ZHANG, "r1"), pb::Act::Reverse).await;
            matches!(found.outcome, Some(Outcome::Reversal(_)))
        })
        .await;
    assert_eq!(refused(&pay(&world, "m1", 500).await), 604);
    assert!(world.reconcile(TODAY).await.equal);
}

#[tokio::test]
async fn promise_2_an_outcome_that_is_not_known_is_called_unknown() {
    let world = world().await;
    world.cluster.net().set("care-500000", "hub", LinkState::Cut);
    let answer = pay(&world, "m1", 500).await;
    let Some(Outcome::Unknown(unknown)) = &answer.outcome else { panic!("unknown: {answer:?}") };
    assert!(!unknown.reason.is_empty());
    let head = header(CHONGQING, ZHANG, "m1");
    let found = world.found_at_care("500000", &head, pb::Act::Settle).await;
    assert!(matches!(found.outcome, Some(Outcome::Unknown(_))), "{found:?}");
    world.cluster.net().set("care-500000", "hub", LinkState::Whole);
    booked_at_hub(&world, &head).await;
    settled(&pay(&world, "m1", 500).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_3_two_settlements_of_one_person_are_ordered() {
    let world = world().await;
    let mut waiting = Vec::new();
    for number in 0..6 {
        let mut care = world.care("500000");
        waiting.push(tokio::spawn(async move {
            care.settle_at_once(outpatient(&format!("m{number}"), 300)).await.expect("a reply").into_inner()
        }));
    }
    let (mut funds, mut account, mut deductible) = (0, 0, 0);
    for task in waiting {
        let amounts = amounts(&settled(&task.await.expect("the task")));
        funds += amounts.fund_total;
        account += amounts.account;
        deductible += amounts.deductible;
    }
    // 6 × 300 = 1,800 in scope, one yearly deductible of 200, half of the rest; the account is used once.
    assert_eq!((deductible, funds, account), (20_000, 80_000, 42_000));
    let member = world.member("510000", ZHANG).await;
    assert_eq!(member.purse, Some(pb::Purse { account: 0, family: 0 }));
    assert_eq!(member.accumulators[0].amounts["outpatient_basic"], 80_000);
    world.assert_books_equal(TODAY, 6).await;
}

#[tokio::test]
async fn promise_3_a_cancel_that_is_not_the_last_names_what_must_go_first() {
    let world = world().await;
    let before = world.member("510000", ZHANG).await;
    let first = settled(&pay(&world, "m1", 500).await);
    let second = settled(&pay(&world, "m2", 400).await);
    let mut care = world.care("500000");
    let early = care.cancel(cancel("c1", &first)).await.expect("a reply").into_inner();
    let Some(Outcome::Refused(refusal)) = &early.outcome else { panic!("{early:?}") };
    assert_eq!(refusal.code, 701);
    assert!(refusal.en.contains(&second.id), "{}", refusal.en);
    for (message, settlement) in [("c2", &second), ("c3", &first)] {
        let record = settled(&care.cancel(cancel(message, settlement)).await.expect("a reply").into_inner());
        assert_eq!(record.undoes, settlement.id);
        assert_eq!(amounts(&record).fund_total, -amounts(settlement).fund_total);
    }
    let again = care.cancel(cancel("c4", &first)).await.expect("a reply").into_inner();
    assert_eq!(refused(&again), 704);
    let member = world.member("510000", ZHANG).await;
    assert_eq!((member.purse, member.accumulators), (before.purse, before.accumulators));
    world.assert_books_equal(TODAY, 4).await;
}

#[tokio::test]
async fn promise_3_an_open_stay_keeps_its_bed_when_an_earlier_one_is_cancelled() {
    let world = world().await;
    let first = discharged_stay(&world).await;
    let settlement = settled(&world.care("310000").settle(settle(&first, "pay")).await.expect("a reply").into_inner());
    visit(&admit(&world, "in-again", TODAY).await);
    let request = pb::CancelRequest {
        header: Some(header(zhijie_tests::hospital::SHANGHAI, LI, "c1")),
        settlement: settlement.id,
        visit: first,
        person: LI.into(),
    };
    let answer = world.care("310000").cancel(request).await.expect("a reply").into_inner();
    assert_eq!(refused(&answer), 502, "undoing would open a second stay");
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_4_a_restart_of_any_service_in_the_middle_loses_and_doubles_nothing() {
    for service in ["care-500000", "hub", "home-510000"] {
        let mut world = world().await;
        world.cluster.net().set("hub", "home-510000", LinkState::Muted);
        let mut care = world.care("500000");
        let waiting = tokio::spawn(async move { care.settle_at_once(outpatient("m1", 500)).await });
        world.until("home books", || async { world.member("510000", ZHANG).await.accumulators.len() == 1 }).await;
        world.cluster.kill(service);
        world.cluster.net().set("hub", "home-510000", LinkState::Whole);
        world.cluster.start_service(service).await.expect("it starts again");
        let _ = waiting.await;
        let head = header(CHONGQING, ZHANG, "m1");
        let what = "care drives the message to its end";
        world
            .until(what, || async {
                let request = pb::FindRequest { by: Some(pb::find_request::By::Message(key(&head))) };
                let found = world.care("500000").find(request).await;
                found.is_ok_and(|found| matches!(found.into_inner().outcome, Some(Outcome::Settlement(_))))
            })
            .await;
        settled(&pay(&world, "m1", 500).await);
        world.assert_books_equal(TODAY, 1).await;
    }
}

fn key(header: &pb::Header) -> pb::MessageKey {
    let (institution, message_id) = (header.institution.clone(), header.message_id.clone());
    pb::MessageKey { institution, act: pb::Act::Settle.into(), message_id }
}

#[tokio::test]
async fn promise_5_money_is_conserved_in_every_book() {
    let world = world().await;
    let first = settled(&pay(&world, "m1", 1_234).await);
    pay(&world, "m2", 999).await;
    let mut care = world.care("500000");
    care.reverse(reverse("r1", "m2")).await.expect("a reply");
    care.cancel(cancel("c1", &first)).await.expect("a reply");
    pay(&world, "m3", 5_000).await;
    let day = || pb::DayBookRequest { day: TODAY.into(), ..pb::DayBookRequest::default() };
    let books = [
        day_book(world.care("500000").day_book(day()).await.expect("a book").into_inner()).await,
        day_book(world.hub().day_book(day()).await.expect("a book").into_inner()).await,
        day_book(world.home("510000").day_book(day()).await.expect("a book").into_inner()).await,
    ];
    assert_eq!(books[0].len(), 5);
    assert!(books[0] == books[1] && books[1] == books[2]);
    for entry in books[1].values() {
        assert_eq!(entry.total, entry.fund + entry.account + entry.cash);
    }
    let fund: i64 = books[1].values().map(|entry| entry.fund + entry.account).sum();
    let request = pb::PreviewRequest { period: TODAY[..7].into() };
    let table = world.national().preview(request).await.expect("a reply").into_inner();
    let payable: i64 = table.positions.iter().map(|position| position.payable).sum();
    let receivable: i64 = table.positions.iter().map(|position| position.receivable).sum();
    assert_eq!((payable, receivable), (fund, fund));
    let rows = table.tables.iter().flat_map(|table| &table.rows);
    assert_eq!(
        rows.map(|row| row.new.unwrap_or_default().items).collect::<Vec<_>>(),
        [1],
        "what is undone is not cleared"
    );
}

#[tokio::test]
async fn promise_6_the_hub_enforces_whoever_sends() {
    let world = world().await;
    let good = settled(&pay(&world, "m1", 500).await).claim.expect("a claim");
    let send = |message: &str, change: &dyn Fn(&mut pb::Claim)| {
        let mut claim = pb::Claim { visit: format!("v-{message}"), lines: vec![split_line(&good)], ..good.clone() };
        change(&mut claim);
        let header = pb::Header { home: claim.home.clone(), ..header(CHONGQING, ZHANG, message) };
        pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None }
    };
    let ask = |request: pb::ClaimRequest, as_province: &'static str| {
        let mut hub = world.hub_as_care(as_province);
        async move { refused(&hub.settle(request).await.expect("a reply").into_inner()) }
    };
    assert_eq!(ask(send("a", &|_| ()), "310000").await, 10, "another region's care service");
    let stranger = world.hub().settle(send("b", &|_| ())).await;
    assert_eq!(stranger.expect_err("it says nothing of itself").code(), Code::Unauthenticated);
    let direct = world.home("510000").settle(send("c", &|_| ())).await;
    assert_eq!(direct.expect_err("nobody but the hub speaks to home").code(), Code::Unauthenticated);
    assert_eq!(ask(send("d", &|c| c.parts.as_mut().expect("parts").in_scope -= 1), "500000").await, 402);
    assert_eq!(ask(send("e", &|c| c.lines.clear()), "500000").await, 402, "the bill is the sum of its lines");
    assert_eq!(ask(send("f", &|c| c.level = pb::Level::Primary.into()), "500000").await, 301);
    let lupus = |c: &mut pb::Claim| (c.service, c.disease) = (pb::Service::Chronic.into(), "M07101".into());
    assert_eq!(ask(send("g", &lupus), "500000").await, 303);
    let shanghai = |c: &mut pb::Claim| (c.home, c.person) = ("310000".into(), "31000000000000000004".into());
    assert_eq!(ask(send("h", &shanghai), "500000").await, 201, "the hub itself finds no filing");
    assert_eq!(ask(send("i", &|c| c.home = "440100".into()), "500000").await, 11);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_7_a_difference_is_found_named_and_never_hidden() {
    let mut world = world().await;
    let settlement = settled(&pay(&world, "m1", 500).await);
    pay(&world, "m2", 400).await;
    let day = parse_date(TODAY).expect("a date");
    let id = SettlementId::parse(&settlement.id).expect("an id");
    let place = keys::book(day, &id);
    let store = world.cluster.store("care-500000").expect("a store").clone();
    let kept = store.get(&place).await.expect("a read").expect("a record").value;
    let mut txn = store.begin();
    txn.delete(place.clone());
    txn.commit().await.expect("a commit");
    let reply = world.reconcile(TODAY).await;
    assert!(!reply.equal);
    let found: Vec<_> = reply.differences.iter().map(|d| (d.kind(), d.settlement.clone())).collect();
    assert_eq!(found, [(pb::DifferenceKind::HubHome, settlement.id)]);
    let mut txn = store.begin();
    txn.put(place, kept);
    txn.commit().await.expect("a commit");
    world.assert_books_equal(TODAY, 2).await;

    world.cluster.kill("home-510000");
    let reply = world.reconcile(TODAY).await;
    assert!(!reply.equal, "a book that cannot be had is missing, not empty");
    let missing: Vec<_> = reply.missing.iter().map(|m| (m.region.as_str(), m.role.as_str())).collect();
    assert_eq!(missing, [("510000", "home")]);
    assert_eq!(reply.differences, [], "its records are not compared");
    world.cluster.start_service("home-510000").await.expect("it starts again");
    world.assert_books_equal(TODAY, 2).await;
}

#[tokio::test]
async fn promise_1_a_reverse_names_the_home_and_the_person_of_its_message() {
    let world = world().await;
    world.cluster.net().set("care-500000", "hub", LinkState::Muted);
    assert!(matches!(pay(&world, "m1", 500).await.outcome, Some(Outcome::Unknown(_))));
    world.cluster.net().set("care-500000", "hub", LinkState::Whole);
    for (number, (home, person)) in [("310000", ZHANG), ("510100", LI)].into_iter().enumerate() {
        let header = pb::Header { home: home.into(), ..header(CHONGQING, ZHANG, &format!("r{number}")) };
        let wrong = pb::ReverseRequest { header: Some(header), person: person.into(), ..reverse("", "m1") };
        let answer = world.care("500000").reverse(wrong).await.expect("a reply").into_inner();
        assert_eq!(refused(&answer), 1);
    }
    settled(&pay(&world, "m1", 500).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_1_a_reverse_of_what_was_cancelled_tells_by_which_record_and_changes_nothing() {
    let world = world().await;
    let settlement = settled(&pay(&world, "m1", 500).await);
    let mut care = world.care("500000");
    let record = settled(&care.cancel(cancel("c1", &settlement)).await.expect("a reply").into_inner());
    let before = world.member("510000", ZHANG).await;
    let answer = care.reverse(reverse("r1", "m1")).await.expect("a reply").into_inner();
    let told = pb::Reversal { undone: Some(settlement), record: Some(record), visit: None };
    assert_eq!(answer.outcome, Some(Outcome::Reversal(told.into())));
    assert_eq!(world.member("510000", ZHANG).await, before);
    assert_eq!(refused(&pay(&world, "m1", 500).await), 604);
    world.assert_books_equal(TODAY, 2).await;
}

#[tokio::test]
async fn promise_1_while_a_message_is_being_reversed_its_outcome_is_unknown() {
    let world = world().await;
    pay(&world, "m1", 500).await;
    world.cluster.net().set("care-500000", "hub", LinkState::Cut);
    let mut care = world.care("500000");
    for message in ["r1", "r2"] {
        let answer = care.reverse(reverse(message, "m1")).await.expect("a reply").into_inner();
        assert!(matches!(answer.outcome, Some(Outcome::Unknown(_))), "{answer:?}");
    }
    let again = pay(&world, "m1", 500).await;
    assert!(matches!(again.outcome, Some(Outcome::Unknown(_))), "not refused as long as it may stand: {again:?}");
    world.cluster.net().set("care-500000", "hub", LinkState::Whole);
    let what = "the reversal ends";
    world
        .until(what, || async {
            let found = world.found_at_care("500000", &header(CHONGQING, ZHANG, "r1"), pb::Act::Reverse).await;
            matches!(found.outcome, Some(Outcome::Reversal(_)))
        })
        .await;
    let second = care.reverse(reverse("r2", "m1")).await.expect("a reply").into_inner();
    assert!(matches!(second.outcome, Some(Outcome::Reversal(_))), "{second:?}");
    world.assert_books_equal(TODAY, 2).await;
}

const ZHOU: &str = "31000000000000000004";

fn bill_of_zhou() -> pb::SettleAtOnceRequest {
    pb::SettleAtOnceRequest {
        header: Some(header(CHONGQING, ZHOU, "m1")),
        person: ZHOU.into(),
        ..outpatient("m1", 900)
    }
}

/// A bill that home has booked and the hub has no answer to; and the filing it needs is gone since: Shanghai settles nobody
/// without one. Gives what care will be told while home stays silent.
async fn booked_and_unfiled(world: &World) -> JoinHandle<pb::Answer> {
    enrol(world, person(ZHOU, pb::Scheme::Employee, pb::Category::Active), pb::Purse::default()).await;
    let filing = file(world, ZHOU, pb::FilingKind::Referred, "500000", TODAY).await;
    world.cluster.net().set("hub", "home-310000", LinkState::Muted);
    let mut care = world.care("500000");
    let waiting = tokio::spawn(async move { care.settle_at_once(bill_of_zhou()).await.expect("a reply").into_inner() });
    world.until("home books", || async { world.member("310000", ZHOU).await.accumulators.len() == 1 }).await;
    let cancel = pb::ChangeFilingRequest {
        person: ZHOU.into(),
        filing: filing.id,
        change: pb::FilingChange::Cancel.into(),
        replacement: None,
    };
    assert!(world.home("310000").change_filing(cancel).await.expect("a reply").into_inner().mirrored);
    waiting
}

#[tokio::test]
async fn promise_6_a_change_of_rules_does_not_contradict_what_home_has_booked() {
    let world = world().await;
    let waiting = booked_and_unfiled(&world).await;
    world.cluster.net().set("hub", "home-310000", LinkState::Cut);
    let answer = waiting.await.expect("the task");
    assert!(matches!(answer.outcome, Some(Outcome::Unknown(_))), "{answer:?}");
    world.cluster.net().set("hub", "home-310000", LinkState::Whole);
    settled(&known(&world, bill_of_zhou()).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_6_a_first_copy_that_comes_late_is_not_refused_either() {
    let world = world().await;
    let waiting = booked_and_unfiled(&world).await;
    // What care sent first, once more, as if it had been held up on a connection that care has given up.
    let key = keys::message(&format!("{CHONGQING}/settle/m1"));
    let kept =
        world.cluster.store("care-500000").expect("a store").get(&key).await.expect("a read").expect("a message");
    let Some(State::Intent(sent)) = document::<pb::MessageRecord>(&key, &kept.value).expect("a record").state else {
        panic!("care still drives it");
    };
    let net: Arc<dyn Net> = Arc::new(world.cluster.net().clone());
    let region = RegionCode::parse("500000").expect("a region");
    let care = Introduction::of(&Role::Care.of(&region));
    let hub = channel(&net, "http://hub").expect("a channel");
    let road = RoadClient::new(hub, care.metadata(), "zhijie.v1.Hub");
    let letter = pb::Letter { call: pb::RoadCall::Settle.into(), request: sent.request, first: true, number: 0 };
    let answer = road.send(letter).await;
    assert_eq!(answer.expect_err("home is asked, and is silent").code(), Code::Unavailable);
    world.cluster.net().set("hub", "home-310000", LinkState::Whole);
    waiting.await.expect("the task");
    settled(&known(&world, bill_of_zhou()).await);
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn promise_6_a_visit_is_registered_once_whoever_says_otherwise() {
    let world = world().await;
    let visit_id = discharged_stay(&world).await;
    settled(&world.care("310000").settle(settle(&visit_id, "pay")).await.expect("a reply").into_inner());
    let head = header(zhijie_tests::hospital::SHANGHAI, LI, "again");
    let visit = pb::Visit {
        id: visit_id,
        person: LI.into(),
        home: "341200".into(),
        scheme: pb::Scheme::Resident.into(),
        institution: zhijie_tests::hospital::SHANGHAI.into(),
        service: pb::Service::Stay.into(),
        from: TODAY.into(),
        ..pb::Visit::default()
    };
    let request = pb::RegisterRequest { header: Some(head), visit: Some(visit.clone()) };
    let answer = world.hub_as_care("310000").register_visit(request).await.expect("a reply").into_inner();
    assert_eq!(refused(&answer), 505);

    // Another care, for a person of another home, under the id of this visit: that home knows nothing of it.
    let theirs = pb::Visit {
        person: ZHANG.into(),
        home: ZHANG[..6].into(),
        scheme: pb::Scheme::Employee.into(),
        institution: CHONGQING.into(),
        ..visit
    };
    let request = pb::RegisterRequest { header: Some(header(CHONGQING, ZHANG, "theirs")), visit: Some(theirs) };
    let answer = world.hub_as_care("500000").register_visit(request).await.expect("a reply").into_inner();
    assert_eq!(refused(&answer), 505);
}
