//! Screening through the services: the lines of settled stays reach the hub by themselves, each rule finds the stay that
//! breaks it and no other, and what breaks on the way only delays.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use zhijie_services::{
    domain::ids::{PersonId, RegionCode, SettlementId, VisitId},
    node::{Records, keys},
    pb::{self, Cure, agency_reply::Outcome, agency_request::Command, answer::Outcome as Answered},
};
use zhijie_store::Store;
use zhijie_tests::{
    World,
    hospital::{CHONGQING, SHANGHAI, TODAY, enrol, header, line, outpatient, person, settled, visit, world},
    planter::Planter,
    scripted::script_home,
};

const ANHUI: &str = "340000";
/// Limit 45.00 in Shanghai; one for each day.
const BED: &str = "001109000120000";
const NURSING: &str = "001201000030000";
const CT: &str = "002103000010000";
/// For women only.
const CAESAREAN: &str = "003314000120000";
/// For ages 0 to 14.
const DROPS: &str = "XN02BED059B003030347549";

/// A stay `institution from to`, with lines `item yuan quantity`.
struct Bill<'a>(&'a str, &'a str, &'a str, &'a [(&'a str, i64, i64)]);

/// A hospital's day: persons enrolled at home, stays settled one after another.
struct Ward {
    world: World,
    messages: u32,
}

impl Ward {
    async fn open() -> Ward {
        Ward { world: world().await, messages: 0 }
    }

    fn message(&mut self) -> String {
        self.messages += 1;
        format!("m{}", self.messages)
    }

    /// Enrols a resident of Fuyang, born on a day.
    async fn patient(&mut self, sex: pb::Sex, birth: &str) -> String {
        let id = format!("3412000000000001{:04}", self.messages);
        self.message();
        let category = pb::Category::Adult;
        let resident =
            pb::Person { sex: sex.into(), birth: birth.into(), ..person(&id, pb::Scheme::Resident, category) };
        enrol(&self.world, pb::Person { area: "341200".into(), ..resident }, pb::Purse::default()).await;
        id
    }

    /// An emergency stay, admitted and with its lines uploaded.
    async fn admitted(&mut self, person: &str, bill: &Bill<'_>) -> pb::Visit {
        let Bill(institution, from, _, lines) = bill;
        let mut care = self.world.care(&province(institution));
        let request = pb::RegisterVisitRequest {
            header: Some(header(institution, person, &self.message())),
            person: person.into(),
            scheme: pb::Scheme::Resident.into(),
            service: pb::Service::Stay.into(),
            emergency: true,
            from: (*from).into(),
        };
        let visit = visit(&care.register_visit(request).await.expect("a reply").into_inner());
        let lines = (1..).zip(*lines).map(|(serial, (item, yuan, quantity))| pb::FeeLine {
            quantity: quantity * 10_000,
            ..line(serial, item, *yuan)
        });
        let request = pb::UploadLinesRequest { visit: visit.id.clone(), lines: lines.collect() };
        assert_eq!(care.upload_lines(request).await.expect("a reply").into_inner().refused, None);
        visit
    }

    /// Discharges and settles a stay; its settlement's id.
    async fn left(&mut self, bill: &Bill<'_>, visit: &pb::Visit) -> String {
        let Bill(institution, _, to, _) = bill;
        let mut care = self.world.care(&province(institution));
        let request = pb::DischargeRequest { visit: visit.id.clone(), to: (*to).into() };
        assert_eq!(care.discharge(request).await.expect("a reply").into_inner().refused, None);
        let header = Some(header(institution, &visit.person, &self.message()));
        let request = pb::SettleRequest { header, visit: visit.id.clone(), ..pb::SettleRequest::default() };
        settled(&care.settle(request).await.expect("a reply").into_inner()).id
    }

    async fn stay(&mut self, person: &str, bill: &Bill<'_>) -> String {
        let visit = self.admitted(person, bill).await;
        self.left(bill, &visit).await
    }

    async fn cancel(&mut self, institution: &str, person: &str, settlement: &str) {
        let request = pb::FindRequest { by: Some(pb::find_request::By::Settlement(settlement.into())) };
        let found = self.world.hub().find(request).await.expect("a reply").into_inner();
        let request = pb::CancelRequest {
            header: Some(header(institution, person, &self.message())),
            settlement: settlement.into(),
            visit: settled(&found).claim.expect("a claim").visit,
            person: person.into(),
        };
        settled(&self.world.care(&province(institution)).cancel(request).await.expect("a reply").into_inner());
    }

    async fn start(&mut self, service: &str) {
        self.world.cluster.start_service(service).await.expect("it starts again");
        let what = "connections that broke are open again";
        until(what, || async {
            let care = self.world.care("310000").find(pb::FindRequest::default()).await;
            let hub = self.world.national().cases(pb::CasesRequest::default()).await;
            care.is_ok() && hub.is_ok()
        })
        .await;
    }

    fn store(&self, service: &str) -> Store {
        self.world.cluster.store(service).expect("a service of the cluster").clone()
    }

    async fn has(&self, service: &str, key: &[u8]) -> bool {
        self.store(service).get(key).await.expect("a read").is_some()
    }

    /// Waits until the lines of a stay are at the hub and screened.
    async fn screened(&self, settlement: &str) {
        let id = SettlementId::parse(settlement).expect("an id");
        let what = "the stay is screened";
        until(what, || async {
            let taken = self.has("hub", &keys::detail_lines(&id, 0)).await;
            taken && !self.has("hub", &keys::to_screen(&id)).await
        })
        .await;
    }

    async fn case(&self, settlement: &str) -> Option<pb::Case> {
        case(&self.world, settlement).await
    }

    /// What a screened stay's case lists: `rule reference amount`, with names in the place of settlements.
    async fn findings(&self, settlement: &str, names: &[(&str, &str)]) -> Vec<String> {
        self.screened(settlement).await;
        let shown = |finding: &pb::Finding| {
            let named = names.iter().find(|(_, id)| *id == finding.reference).map(|(name, _)| *name);
            format!("{} {} {}", finding.rule, named.unwrap_or(&finding.reference), finding.amount)
        };
        self.case(settlement).await.map(|case| case.findings.iter().map(shown).collect()).unwrap_or_default()
    }

    async fn details(&self, settlement: &str) -> pb::DetailsReply {
        let request = pb::DetailsRequest { settlement: settlement.into() };
        self.world.national().details(request).await.expect("a reply").into_inner()
    }
}

/// Waits until a condition holds, for as long as a round that failed takes to come again, and longer.
async fn until<A: Future<Output = bool>>(what: &str, holds: impl Fn() -> A) {
    for _ in 0..3_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came true: {what}");
}

fn province(institution: &str) -> String {
    format!("{}0000", &institution[1..3])
}

async fn case(world: &World, settlement: &str) -> Option<pb::Case> {
    let request = pb::CasesRequest { settlement: settlement.into(), ..pb::CasesRequest::default() };
    world.national().cases(request).await.expect("a reply").into_inner().cases.pop()
}

/// Settles one stay and expects the findings of its case, whose reason is a finding.
async fn check(sex: pb::Sex, birth: &str, bill: Bill<'_>, expected: &[&str]) {
    let mut ward = Ward::open().await;
    let person = ward.patient(sex, birth).await;
    let settlement = ward.stay(&person, &bill).await;
    assert_eq!(ward.findings(&settlement, &[]).await, expected);
    let reason = ward.case(&settlement).await.map(|case| case.reason());
    assert_eq!(reason, (!expected.is_empty()).then_some(pb::CaseReason::Finding));
}

const FROM: &str = "2025-03-01";
const WOMAN: pb::Sex = pb::Sex::Female;
const MAN: pb::Sex = pb::Sex::Male;
const ADULT: &str = "1990-05-05";

#[tokio::test]
async fn a_clean_stay_has_no_finding_and_no_case() {
    let lines = [(BED, 80, 10), (NURSING, 40, 10), (CAESAREAN, 1500, 1), (CT, 180, 1)];
    check(WOMAN, ADULT, Bill(SHANGHAI, FROM, TODAY, &lines), &[]).await;
}

#[tokio::test]
async fn a_line_that_repeats_is_found() {
    let lines = [(CT, 180, 1); 32];
    check(WOMAN, ADULT, Bill(SHANGHAI, FROM, TODAY, &lines), &["duplicate-line 31 36000"]).await;
}

#[tokio::test]
async fn more_bed_days_than_days_are_found() {
    check(WOMAN, ADULT, Bill(SHANGHAI, FROM, TODAY, &[(BED, 40, 12)]), &["quantity-per-day 1 8000"]).await;
}

#[tokio::test]
async fn an_item_that_does_not_fit_sex_or_age_is_found() {
    let caesarean: &[(&str, i64, i64)] = &[(BED, 40, 10), (CAESAREAN, 1500, 1)];
    check(MAN, ADULT, Bill(SHANGHAI, FROM, TODAY, caesarean), &["sex-or-age 2 150000"]).await;
    // A register without the sex: nothing is found by it, and the age is still known.
    check(pb::Sex::Unspecified, ADULT, Bill(SHANGHAI, FROM, TODAY, caesarean), &[]).await;
    let drops: &[(&str, i64, i64)] = &[(DROPS, 13, 1)];
    check(pb::Sex::Unspecified, ADULT, Bill(SHANGHAI, FROM, TODAY, drops), &["sex-or-age 1 1300"]).await;
}

/// Care's own split cuts what lies above a limit; one that does not is planted in its store.
#[tokio::test]
async fn a_price_over_its_limit_that_care_did_not_cut_is_found() {
    let mut ward = Ward::open().await;
    let person = ward.patient(WOMAN, ADULT).await;
    let bill = Bill(SHANGHAI, FROM, TODAY, &[(BED, 80, 10)]);
    let visit = ward.admitted(&person, &bill).await;
    change_lines(&ward, "care-310000", &visit.id, |split| {
        let parts = split.parts.as_mut().expect("parts");
        assert_eq!((parts.over, parts.in_scope), (35_000, 45_000));
        (parts.over, parts.in_scope) = (0, 80_000);
    })
    .await;
    let settlement = ward.left(&bill, &visit).await;
    assert_eq!(ward.findings(&settlement, &[]).await, ["price-over-limit 1 35000"]);
}

/// Changes the lines of a visit where care keeps them.
async fn change_lines(ward: &Ward, service: &str, visit: &str, change: impl Fn(&mut pb::SplitLine)) {
    let key = keys::lines(&VisitId::parse(visit).expect("an id"), 0);
    let mut txn = ward.store(service).begin();
    let mut chunk = txn.record::<pb::LineChunk>(&key).await.expect("a read").expect("lines");
    chunk.lines.iter_mut().for_each(change);
    txn.keep(key, &chunk);
    txn.commit().await.expect("a commit");
}

#[tokio::test]
async fn stays_in_two_provinces_at_once_are_found() {
    let mut ward = Ward::open().await;
    let person = ward.patient(WOMAN, ADULT).await;
    let gone = ward.stay(&person, &Bill(SHANGHAI, FROM, "2025-03-06", &[(NURSING, 600, 1)])).await;
    ward.screened(&gone).await;
    ward.cancel(SHANGHAI, &person, &gone).await;
    // What is undone is a stay no more. Its visit is open again; another visit stands in its place.
    let withdraw = pb::ReverseRequest {
        header: Some(header(SHANGHAI, &person, "withdraw")),
        act: pb::Act::Register.into(),
        original_message_id: "m2".into(),
        person: person.clone(),
    };
    let withdrawn = ward.world.care("310000").reverse(withdraw).await.expect("a reply").into_inner();
    assert!(matches!(withdrawn.outcome, Some(Answered::Reversal(_))), "{withdrawn:?}");

    let first = ward.stay(&person, &Bill(SHANGHAI, FROM, "2025-03-05", &[(NURSING, 600, 1)])).await;
    assert_eq!(ward.findings(&first, &[]).await, Vec::<String>::new());
    let second = ward.stay(&person, &Bill(CHONGQING, "2025-03-03", "2025-03-08", &[(NURSING, 600, 1)])).await;
    // Three days of six.
    assert_eq!(ward.findings(&second, &[("first", &first)]).await, ["overlapping-stays first 30000"]);
    // A transfer on the day, and another person on the same days.
    let third = ward.stay(&person, &Bill(SHANGHAI, "2025-03-08", "2025-03-09", &[(NURSING, 600, 1)])).await;
    assert_eq!(ward.findings(&third, &[]).await, Vec::<String>::new());
    let other = ward.patient(WOMAN, ADULT).await;
    let other = ward.stay(&other, &Bill(SHANGHAI, "2025-03-03", "2025-03-08", &[(NURSING, 600, 1)])).await;
    assert_eq!(ward.findings(&other, &[]).await, Vec::<String>::new());
    let stays = keys::stays_of(&RegionCode::parse(ANHUI).unwrap(), &PersonId::parse(&person).unwrap());
    let kept = ward.store("hub").scan_prefix(&stays, None, 10).await.expect("a scan").len();
    assert_eq!(kept, 3, "the cancelled stay is not among the person's");
}

#[tokio::test]
async fn a_stay_split_in_two_is_found() {
    let mut ward = Ward::open().await;
    let person = ward.patient(WOMAN, ADULT).await;
    let first = ward.stay(&person, &Bill(SHANGHAI, "2025-02-20", "2025-02-25", &[(NURSING, 28_000, 1)])).await;
    assert_eq!(ward.findings(&first, &[]).await, Vec::<String>::new());
    let second = ward.stay(&person, &Bill(SHANGHAI, "2025-02-27", "2025-03-03", &[(NURSING, 25_000, 1)])).await;
    assert_eq!(ward.findings(&second, &[("first", &first)]).await, ["split-stays first 2500000"]);
}

#[tokio::test]
async fn findings_join_the_case_that_is_open_and_lapse_with_the_stay() {
    let mut ward = Ward::open().await;
    let person = ward.patient(MAN, ADULT).await;
    let lines = [(NURSING, 30_000, 1), (CAESAREAN, 1500, 1)];
    let settlement = ward.stay(&person, &Bill(SHANGHAI, FROM, TODAY, &lines)).await;
    assert_eq!(ward.findings(&settlement, &[]).await, ["sex-or-age 2 150000"]);
    let case = ward.case(&settlement).await.expect("a case");
    assert_eq!((case.reason(), case.more_findings), (pb::CaseReason::Threshold, 0));
    assert!(!format!("{case:?}").contains(&person), "a case names nobody");
    ward.cancel(SHANGHAI, &person, &settlement).await;
    let case = ward.case(&settlement).await.expect("a case");
    assert_eq!(case.lapsed, TODAY);
}

#[tokio::test]
async fn the_lines_reach_the_hub_whole_and_are_shown_to_both_provinces() {
    let mut ward = Ward::open().await;
    let person = ward.patient(WOMAN, ADULT).await;
    let lines: Vec<(&str, i64, i64)> = (0..1_203).map(|price| (CT, 1 + price, 1)).collect();
    let settlement = ward.stay(&person, &Bill(SHANGHAI, FROM, TODAY, &lines)).await;
    ward.screened(&settlement).await;
    let details = ward.details(&settlement).await;
    assert_eq!((details.due.as_str(), details.last_refused.as_ref()), ("2025-03-13", None));
    let sent: Vec<i64> = lines.iter().map(|(_, price, _)| price * 1_000_000).collect();
    let kept: Vec<i64> = details.lines.iter().filter_map(|split| split.line.as_ref()).map(|line| line.price).collect();
    assert_eq!(kept, sent);

    let request = pb::DetailsRequest { settlement: settlement.clone() };
    for (office, shown) in
        [("care-310000", true), ("home-340000", true), ("care-500000", false), ("home-510000", false)]
    {
        let reply = ward.world.agency(office).details(request.clone()).await.expect("a reply").into_inner();
        assert_eq!(reply.refused.as_ref().map(|no| no.code), (!shown).then_some(10), "{office}");
        assert_eq!(reply.lines.len(), if shown { lines.len() } else { 0 }, "{office}");
    }
    let bill = ward.world.care("500000").settle_at_once(outpatient("visit", 100)).await.expect("a reply").into_inner();
    for (settlement, code) in [("nowhere", 703), (settled(&bill).id.as_str(), 1)] {
        let refused = ward.details(settlement).await.refused.expect("a refusal");
        assert_eq!(refused.code, code, "{settlement}");
    }
}

/// Uploads lines to the hub as a province's care service does, in messages of so many.
async fn upload(world: &World, care: &str, settlement: &str, lines: &[pb::SplitLine], each: usize) -> Option<i32> {
    let message =
        |lines: &[pb::SplitLine]| pb::UploadDetailsRequest { settlement: settlement.into(), lines: lines.to_vec() };
    let parts: Vec<pb::UploadDetailsRequest> = lines.chunks(each).map(message).collect();
    let reply = world.hub_as_care(care).upload_details(futures_util::stream::iter(parts)).await;
    reply.expect("a reply").into_inner().refused.map(|no| no.code)
}

/// Makes the hub forget the lines of a stay, as if they had never come.
async fn forget_lines(ward: &Ward, settlement: &str) {
    let id = SettlementId::parse(settlement).expect("an id");
    let mut txn = ward.store("hub").begin();
    txn.delete(keys::details(&id));
    txn.delete(keys::detail_lines(&id, 0));
    txn.commit().await.expect("a commit");
}

/// Puts a stay into care's outbox while care does not run.
async fn send_again(ward: &Ward, service: &str, settlement: &str) -> Vec<u8> {
    let key = keys::to_upload(&SettlementId::parse(settlement).expect("an id"));
    let mut txn = ward.store(service).begin();
    txn.put(key.clone(), Vec::new());
    txn.commit().await.expect("a commit");
    key
}

#[tokio::test]
async fn lines_are_taken_once_from_their_care_province_where_they_add_up() {
    let mut ward = Ward::open().await;
    let person = ward.patient(MAN, ADULT).await;
    let bill = Bill(SHANGHAI, FROM, TODAY, &[(BED, 40, 10), (NURSING, 40, 10), (CT, 180, 1)]);
    let settlement = ward.stay(&person, &bill).await;
    ward.screened(&settlement).await;
    let lines = ward.details(&settlement).await.lines;
    let short = &lines[..2];
    let mut other = lines.clone();
    other.swap(0, 1);
    let mut twice = lines.clone();
    twice[1].line.as_mut().unwrap().serial = "1".into();
    let mut shifted = lines.clone();
    let parts = shifted[2].parts.as_mut().unwrap();
    (parts.in_scope, parts.pre) = (parts.in_scope + 1, parts.pre - 1);

    let world = &ward.world;
    assert_eq!(upload(world, "310000", &settlement, &lines, 1).await, None, "the same lines again, in other messages");
    assert_eq!(upload(world, "310000", &settlement, &other, 10).await, Some(602), "other lines");
    assert_eq!(upload(world, "500000", &settlement, &lines, 10).await, Some(10), "from another province");
    assert_eq!(upload(world, "310000", "nowhere", &lines, 10).await, Some(703));
    forget_lines(&ward, &settlement).await;
    for (name, wrong, code) in
        [("short", short, 402), ("shifted", &shifted, 402), ("a serial twice", &twice, 403), ("no line", &[], 1)]
    {
        let each = wrong.len().max(1);
        assert_eq!(upload(&ward.world, "310000", &settlement, wrong, each).await, Some(code), "{name}");
        if !wrong.is_empty() {
            let details = ward.details(&settlement).await;
            assert_eq!(details.last_refused.map(|no| no.code), Some(code), "{name} is shown to whoever looks");
            assert_eq!(details.lines, []);
        }
    }
    let too_many: Vec<pb::SplitLine> = lines.iter().cycle().take(10_001).cloned().collect();
    assert_eq!(upload(&ward.world, "310000", &settlement, &too_many, 2_000).await, Some(2));
    assert_eq!(upload(&ward.world, "310000", &settlement, &lines, 2).await, None);
    let details = ward.details(&settlement).await;
    assert_eq!((details.lines, details.last_refused), (lines, None));
}

#[tokio::test]
async fn care_sends_what_the_hub_refuses_for_good_only_once() {
    let mut ward = Ward::open().await;
    let person = ward.patient(WOMAN, ADULT).await;
    let bill = Bill(SHANGHAI, FROM, TODAY, &[(BED, 40, 10)]);
    let visit = ward.admitted(&person, &bill).await;
    let settlement = ward.left(&bill, &visit).await;
    ward.screened(&settlement).await;
    ward.world.cluster.kill("care-310000");
    forget_lines(&ward, &settlement).await;
    change_lines(&ward, "care-310000", &visit.id, |split| {
        let parts = split.parts.as_mut().expect("parts");
        (parts.own, parts.in_scope) = (parts.in_scope, 0);
    })
    .await;
    let key = send_again(&ward, "care-310000", &settlement).await;
    ward.start("care-310000").await;
    until("care gives up", || async { !ward.has("care-310000", &key).await }).await;
    let details = ward.details(&settlement).await;
    assert_eq!(details.last_refused.map(|no| no.code()), Some(pb::RefusalCode::E402SplitBroken));
    assert_eq!(details.lines, []);
}

/// A hub that lost a settlement takes its lines when a cure has given it back; a cure that undoes it ends their upload.
#[tokio::test]
async fn lines_wait_for_their_settlement_and_go_with_it() {
    for (lost, cure, taken) in [(&["hub"][..], Cure::ReQuery, true), (&["hub", "home-340000"], Cure::Reverse, false)] {
        let mut ward = Ward::open().await;
        let person = ward.patient(WOMAN, ADULT).await;
        let settlement = ward.stay(&person, &Bill(SHANGHAI, FROM, TODAY, &[(BED, 40, 10)])).await;
        ward.screened(&settlement).await;
        ward.world.cluster.kill("care-310000");
        forget_lines(&ward, &settlement).await;
        for book in lost {
            Planter::of(&ward.world, book).remove(&settlement).await;
        }
        let key = send_again(&ward, "care-310000", &settlement).await;
        ward.start("care-310000").await;
        let id = SettlementId::parse(&settlement).unwrap();
        ward.world.reconcile(TODAY).await;
        assert!(ward.has("care-310000", &key).await, "the hub does not know the settlement, and the lines wait");
        let note = Some(pb::Note { by: "Wang".into(), why: "the hub lost it".into() });
        let request = pb::CureRequest { day: TODAY.into(), settlement: settlement.clone(), cure: cure.into(), note };
        let reply = ward.world.books().cure(request).await.expect("a reply").into_inner();
        assert_eq!(reply.refused, None);
        until("nothing waits", || async { !ward.has("care-310000", &key).await }).await;
        assert_eq!(ward.has("hub", &keys::details(&id)).await, taken, "{cure:?}");
    }
}

/// Wherever the hub or care crashes after the answer: before the upload, in it, or between it and the screening.
#[tokio::test]
async fn a_crash_between_settlement_and_screening_loses_and_doubles_nothing() {
    let mut ward = Ward::open().await;
    for (service, turns) in
        [("hub", 0), ("care-310000", 0), ("hub", 3), ("care-310000", 5), ("hub", 10), ("hub", 30), ("hub", 100)]
    {
        let person = ward.patient(MAN, ADULT).await;
        let settlement = ward.stay(&person, &Bill(SHANGHAI, FROM, TODAY, &[(CAESAREAN, 1500, 1)])).await;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        ward.world.cluster.kill(service);
        ward.start(service).await;
        assert_eq!(ward.findings(&settlement, &[]).await, ["sex-or-age 1 150000"], "{service} after {turns} turns");
    }
}

/// What the store holds when the hub crashes right after it has taken the lines.
#[tokio::test]
async fn a_hub_that_crashed_with_lines_unscreened_screens_them_when_it_starts() {
    let mut ward = Ward::open().await;
    let person = ward.patient(MAN, ADULT).await;
    let settlement = ward.stay(&person, &Bill(SHANGHAI, FROM, TODAY, &[(CAESAREAN, 1500, 1)])).await;
    ward.screened(&settlement).await;
    ward.world.cluster.kill("hub");
    let id = SettlementId::parse(&settlement).unwrap();
    let mut txn = ward.store("hub").begin();
    txn.delete(keys::case(&id));
    txn.put(keys::to_screen(&id), Vec::new());
    txn.commit().await.expect("a commit");
    ward.start("hub").await;
    assert_eq!(ward.findings(&settlement, &[]).await, ["sex-or-age 1 150000"]);
}

/// Clearing: a stay with a doubt is held; one that is cleared already has its deduction in the next table.
mod cleared {
    use super::*;

    const HOME: &str = "341200";

    async fn perform(world: &World, who: &str, message: &str, command: Command) -> Outcome {
        let officer = message.to_owned();
        let request = pb::AgencyRequest { message_id: message.into(), officer, command: Some(command) };
        world.agency(who).perform(request).await.expect("a reply").into_inner().outcome.expect("an outcome")
    }

    async fn agree(world: &World, message: &str, month: &str) {
        let command = Command::AgreeMonth(pb::AgreeMonth { month: month.into(), excepted: Vec::new() });
        let agreed = perform(world, "care-310000", message, command).await;
        assert!(matches!(agreed, Outcome::Done(_)), "{agreed:?}");
    }

    async fn payable(world: &World, period: &str, day: &str) -> i64 {
        world.move_to(day);
        world.national().turn(pb::TurnRequest {}).await.expect("a reply");
        let request = pb::TablesRequest { period: period.into(), ..pb::TablesRequest::default() };
        let tables = world.national().tables(request).await.expect("a reply").into_inner().tables;
        tables.iter().map(|table| table.payable).sum()
    }

    /// Lines of nursing for a stay of one day, so many of 400 yuan: a second day of it is one too many.
    fn lines(days: i64) -> Vec<pb::SplitLine> {
        let total = 40_000 * days;
        vec![pb::SplitLine {
            line: Some(pb::FeeLine { quantity: days * 10_000, ..line(1, NURSING, 400) }),
            category: 7,
            item_class: pb::ItemClass::A.into(),
            self_pay: 0,
            limit: None,
            parts: Some(pb::Parts { total, in_scope: total, ..pb::Parts::default() }),
        }]
    }

    /// Settles such a stay past the care service, so that its lines come when the test sends them.
    async fn settle(world: &World, message: &str, days: i64) -> String {
        let parts = lines(days)[0].parts;
        let day = world.today();
        let claim = pb::Claim {
            visit: format!("V{message}"),
            person: format!("P{message}"),
            home: HOME.into(),
            scheme: pb::Scheme::Resident.into(),
            care: "310100".into(),
            institution: SHANGHAI.into(),
            level: pb::Level::Tertiary.into(),
            service: pb::Service::Stay.into(),
            emergency: true,
            from: day.clone(),
            to: day,
            parts,
            categories: vec![pb::CategoryParts { category: 7, parts }],
            ..pb::Claim::default()
        };
        let header = Some(header(SHANGHAI, HOME, message));
        let request = pb::ClaimRequest { header, claim: Some(claim), listed: None };
        settled(&world.hub_as_care("310000").settle(request).await.expect("a reply").into_inner()).id
    }

    async fn send(world: &World, settlement: &str, days: i64) {
        assert_eq!(upload(world, "310000", settlement, &lines(days), 1).await, None);
        let key = keys::to_screen(&SettlementId::parse(settlement).unwrap());
        let store = world.cluster.store("hub").unwrap();
        until("it is screened", || async { store.get(&key).await.expect("a read").is_none() }).await;
    }

    async fn review(world: &World, settlement: &str, deduction: i64) {
        let steps = [
            ("care-310000", "c1", pb::CaseCommand::Review, deduction),
            ("care-310000", "c2", pb::CaseCommand::Countersign, 0),
            ("home-340000", "h1", pb::CaseCommand::Concur, 0),
        ];
        for (who, message, command, deduction) in steps {
            let note = "two days on one".into();
            let act = pb::AuditAct { settlement: settlement.into(), command: command.into(), deduction, note };
            let done = perform(world, who, &format!("{message}{settlement}"), Command::Audit(act)).await;
            assert!(matches!(done, Outcome::Case(_)), "{done:?}");
        }
    }

    #[tokio::test]
    async fn a_doubt_holds_a_stay_and_follows_one_that_is_cleared() {
        let mut world = World::of(&["310000", ANHUI], "2024-06-18").await;
        let _anhui = script_home(&mut world, ANHUI).await;
        let clean = settle(&world, "clean", 1).await;
        let held = settle(&world, "held", 2).await;
        let late = settle(&world, "late", 2).await;
        send(&world, &clean, 1).await;
        send(&world, &held, 2).await;
        assert_eq!(case(&world, &clean).await, None);
        let opened = case(&world, &held).await.expect("a case");
        assert_eq!((opened.reason(), opened.joint), (pb::CaseReason::Finding, true));
        world.move_to("2024-07-10");
        agree(&world, "a1", "2024-06").await;
        // The clean one and the one whose lines have not come; the doubtful one waits for its review.
        assert_eq!(payable(&world, "2024-06", "2024-07-21").await, 40_000 + 80_000);
        send(&world, &late, 2).await;
        let opened = case(&world, &late).await.expect("a case of a stay that is cleared");
        assert_eq!((opened.reason(), opened.findings[0].rule.as_str()), (pb::CaseReason::Finding, "quantity-per-day"));
        review(&world, &held, 0).await;
        review(&world, &late, 40_000).await;
        world.move_to("2024-08-10");
        agree(&world, "a2", "2024-07").await;
        assert_eq!(payable(&world, "2024-07", "2024-08-21").await, 80_000 - 40_000);
    }
}
