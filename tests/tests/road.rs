//! The road as a hospital drives it: what is refused, by which code, and that a refusal changes nothing;
//! filings and their snapshot; lines; reflection.

use zhijie_services::pb::{self, RefusalCode, answer::Outcome};
use zhijie_tests::{
    World,
    hospital::{
        CHONGQING, ENALAPRIL, LI, NURSING, SHANGHAI, TODAY, ZHANG, admit, amounts, discharge, discharged_stay, enrol,
        file, header, line, outpatient, person, refused, settle, settled, upload, visit, world,
    },
};

/// Sends one bad bill and asserts its code; books and person stay as they were.
async fn check(world: &World, code: RefusalCode, request: pb::SettleAtOnceRequest) {
    let before = world.member("510000", ZHANG).await;
    let answer = world.care("500000").settle_at_once(request).await.expect("a reply").into_inner();
    let Some(Outcome::Refused(refusal)) = &answer.outcome else { panic!("expected {code:?}: {answer:?}") };
    assert_eq!(refusal.code(), code, "{refusal:?}");
    for said in [&refusal.rule, &refusal.field, &refusal.zh, &refusal.en] {
        assert!(!said.is_empty(), "a refusal names rule and field in both languages: {refusal:?}");
    }
    assert_eq!(world.member("510000", ZHANG).await, before);
}

#[tokio::test]
async fn every_wrong_bill_has_its_own_refusal_and_changes_nothing() {
    let world = world().await;
    let mut number = 0;
    let mut bill = |change: &dyn Fn(&mut pb::SettleAtOnceRequest)| {
        number += 1;
        let mut request = outpatient(&format!("bad-{number}"), 500);
        change(&mut request);
        request
    };
    let head = |change: fn(&mut pb::Header)| {
        move |request: &mut pb::SettleAtOnceRequest| change(request.header.as_mut().expect("a head"))
    };
    use RefusalCode as Code;
    check(&world, Code::E011RegionUnknown, bill(&head(|h| h.home = "500100".into()))).await;
    check(&world, Code::E011RegionUnknown, bill(&head(|h| h.home = "990100".into()))).await;
    check(&world, Code::E011RegionUnknown, bill(&head(|h| h.home = "440100".into()))).await;
    check(&world, Code::E011RegionUnknown, bill(&head(|h| h.care = "310100".into()))).await;
    check(&world, Code::E001FieldInvalid, bill(&head(|h| h.message_id = String::new()))).await;
    check(&world, Code::E001FieldInvalid, bill(&head(|h| h.message_id = "x".repeat(65)))).await;
    check(&world, Code::E001FieldInvalid, bill(&|r| r.header = None)).await;
    check(&world, Code::E001FieldInvalid, bill(&|r| r.from = "2025-02-30".into())).await;
    check(&world, Code::E001FieldInvalid, bill(&|r| r.from = "2025-03-11".into())).await;
    check(&world, Code::E001FieldInvalid, bill(&|r| r.lines.clear())).await;
    check(&world, Code::E001FieldInvalid, bill(&|r| r.service = pb::Service::Stay.into())).await;
    check(&world, Code::E002LimitExceeded, bill(&|r| r.lines = (1..=10_001).map(|n| line(n, NURSING, 1)).collect()))
        .await;
    check(&world, Code::E004QuantityInvalid, bill(&|r| r.lines[0].quantity = -10_000)).await;
    check(&world, Code::E003AmountOverflow, bill(&|r| (r.lines[0].price, r.lines[0].quantity) = (i64::MAX, i64::MAX)))
        .await;
    check(
        &world,
        Code::E003AmountOverflow,
        bill(&|r| (r.lines[0].price, r.lines[0].quantity) = (100_000_000_000_000, 10_000_000_000)),
    )
    .await;
    check(&world, Code::E401ItemUnknown, bill(&|r| r.lines[0].item = "nothing".into())).await;
    check(&world, Code::E402SplitBroken, bill(&|r| r.lines[0].declared = Some(1))).await;
    check(
        &world,
        Code::E402SplitBroken,
        bill(&|r| r.declared = Some(pb::Parts { total: 50_000, own: 1, ..pb::Parts::default() })),
    )
    .await;
    check(
        &world,
        Code::E402SplitBroken,
        bill(&|r| r.declared = Some(pb::Parts { total: 7, in_scope: 7, ..pb::Parts::default() })),
    )
    .await;
    check(&world, Code::E403LineConflict, bill(&|r| r.lines.push(line(1, NURSING, 7)))).await;
    check(&world, Code::E101PersonUnknown, bill(&|r| r.person = "51010000000000009999".into())).await;
    check(&world, Code::E101PersonUnknown, bill(&|r| r.scheme = pb::Scheme::Resident.into())).await;
    check(&world, Code::E204ThirdPartyLiable, bill(&|r| (r.injury, r.third_party) = (true, true))).await;
    check(&world, Code::E301InstitutionNotOpened, bill(&|r| r.service = pb::Service::Pharmacy.into())).await;
    check(&world, Code::E301InstitutionNotOpened, bill(&head(|h| h.institution = "H50010099999".into()))).await;
    let chronic = |disease: &'static str| {
        move |r: &mut pb::SettleAtOnceRequest| (r.service, r.disease) = (pb::Service::Chronic.into(), disease.into())
    };
    check(&world, Code::E303DiseaseNotListed, bill(&chronic("M07101"))).await;
    file(&world, ZHANG, pb::FilingKind::LongTermResident, "500000", TODAY).await;
    check(&world, Code::E304ItemUnrelated, bill(&chronic("M03900"))).await;
    let hypertension = |r: &mut pb::SettleAtOnceRequest| {
        chronic("M03900")(r);
        r.lines = vec![line(1, ENALAPRIL, 500)];
    };
    check(&world, Code::E302DiseaseNotQualified, bill(&hypertension)).await;
    // A disease of 2024 for a visit before the list had it.
    let early = |r: &mut pb::SettleAtOnceRequest| {
        chronic("M07200")(r);
        r.from = "2024-11-30".into();
    };
    check(&world, Code::E303DiseaseNotListed, bill(&early)).await;
    world.assert_books_equal(TODAY, 0).await;
}

#[tokio::test]
async fn insurance_must_be_in_force_on_the_day() {
    let world = world().await;
    let zhang = || person(ZHANG, pb::Scheme::Employee, pb::Category::Active);
    for (number, changed) in [
        pb::Person { paused_from: TODAY.into(), ..zhang() },
        pb::Person { waiting_until: "2025-03-11".into(), ..zhang() },
        pb::Person { insured_from: "2025-03-11".into(), ..zhang() },
    ]
    .into_iter()
    .enumerate()
    {
        enrol(&world, changed, pb::Purse::default()).await;
        let answer = world.care("500000").settle_at_once(outpatient(&format!("m{number}"), 500)).await;
        assert_eq!(refused(&answer.expect("a reply").into_inner()), 102);
    }
}

#[tokio::test]
async fn a_stay_is_explained_before_it_is_paid_and_settled_once() {
    let world = world().await;
    let visit = discharged_stay(&world).await;
    let asked = world.care("310000").pre_settle(settle(&visit, "ask")).await.expect("a reply").into_inner();
    let Some(Outcome::Computation(asked)) = asked.outcome else { panic!("a computation: {asked:?}") };
    assert!(!asked.steps.is_empty());
    let settlement = settled(&world.care("310000").settle(settle(&visit, "pay")).await.expect("a reply").into_inner());
    assert_eq!(settlement.computation, Some(*asked), "settling books what pre-settling said");
    let again = world.care("310000").settle(settle(&visit, "pay-2")).await.expect("a reply").into_inner();
    assert_eq!(refused(&again), 505, "a settled visit is not settled again under another id");
    assert_eq!(world.member("340000", LI).await.open_stay, "");
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn a_second_stay_waits_for_the_first() {
    let world = world().await;
    let first = visit(&admit(&world, "one", TODAY).await).id;
    assert_eq!(refused(&admit(&world, "two", TODAY).await), 502);
    assert_eq!(world.member("340000", LI).await.open_stay, first);
    // A registration made by mistake is reversed; then the bed is free.
    let reverse = pb::ReverseRequest {
        header: Some(header(SHANGHAI, LI, "mistake")),
        act: pb::Act::Register.into(),
        original_message_id: "one".into(),
        person: LI.into(),
    };
    world.care("310000").reverse(reverse).await.expect("a reply");
    assert_eq!(world.member("340000", LI).await.open_stay, "");
    let third = visit(&admit(&world, "three", TODAY).await).id;
    assert_eq!(world.member("340000", LI).await.open_stay, third);
    assert_eq!(upload(&world, &first, vec![line(1, NURSING, 1)]).await.refused.map(|r| r.code), Some(505));
}

#[tokio::test]
async fn admission_keeps_the_filing_whatever_becomes_of_it() {
    let world = world().await;
    let visit = visit(&admit(&world, "in", TODAY).await);
    assert_eq!(visit.snapshot.as_ref().map(pb::CoveredFiling::kind), Some(pb::FilingKind::Referred));
    // Nine months later the filing has expired; it is also cancelled meanwhile.
    let filing = world.member("340000", LI).await.filings.remove(0);
    let cancel = pb::ChangeFilingRequest {
        person: LI.into(),
        filing: filing.id,
        change: pb::FilingChange::Cancel.into(),
        replacement: None,
    };
    let reply = world.home("340000").change_filing(cancel).await.expect("a reply").into_inner();
    assert_eq!(reply.filing.map(|filing| filing.status()), Some(pb::FilingStatus::Cancelled));
    world.move_to("2025-12-01");
    upload(&world, &visit.id, vec![line(1, NURSING, 20_000)]).await;
    assert_eq!(discharge(&world, &visit.id, "2025-12-01").await.refused, None);
    let answer = world.care("310000").settle(settle(&visit.id, "pay")).await.expect("a reply").into_inner();
    let class = settled(&answer).computation.map(|computation| computation.treatment_class());
    assert_eq!(class, Some(pb::TreatmentClass::Referred));
}

#[tokio::test]
async fn a_filing_made_before_the_discharge_settlement_is_in_time() {
    let world = World::at(TODAY).await;
    let zhou = "31000000000000000004";
    enrol(&world, person(zhou, pb::Scheme::Employee, pb::Category::Active), pb::Purse::default()).await;
    let request = pb::RegisterVisitRequest {
        header: Some(header(CHONGQING, zhou, "in")),
        person: zhou.into(),
        scheme: pb::Scheme::Employee.into(),
        service: pb::Service::Stay.into(),
        emergency: false,
        from: TODAY.into(),
    };
    let mut care = world.care("500000");
    let visit = visit(&care.register_visit(request).await.expect("a reply").into_inner());
    assert_eq!(visit.snapshot, None);
    let lines = pb::UploadLinesRequest { visit: visit.id.clone(), lines: vec![line(1, NURSING, 5_000)] };
    care.upload_lines(lines).await.expect("a reply");
    world.move_to("2025-03-15");
    let day = pb::DischargeRequest { visit: visit.id.clone(), to: "2025-03-14".into() };
    care.discharge(day).await.expect("a reply");
    let pay = |message: &str| pb::SettleRequest {
        header: Some(header(CHONGQING, zhou, message)),
        visit: visit.id.clone(),
        ..pb::SettleRequest::default()
    };
    let unfiled = care.settle(pay("pay-1")).await.expect("a reply").into_inner();
    assert_eq!(refused(&unfiled), 201, "Shanghai does not settle without a filing");
    file(&world, zhou, pb::FilingKind::OtherTemporary, "500000", "2025-03-15").await;
    assert_eq!(
        refused(&care.settle(pay("pay-1")).await.expect("a reply").into_inner()),
        201,
        "one message, one answer"
    );
    let paid = care.settle(pay("pay-2")).await.expect("a reply").into_inner();
    let class = settled(&paid).computation.map(|computation| computation.treatment_class());
    assert_eq!(class, Some(pb::TreatmentClass::Other));
}

#[tokio::test]
async fn an_expired_filing_is_none_and_an_emergency_needs_none() {
    let world = World::at(TODAY).await;
    let zhou = "31000000000000000004";
    enrol(&world, person(zhou, pb::Scheme::Employee, pb::Category::Active), pb::Purse::default()).await;
    file(&world, zhou, pb::FilingKind::Referred, "500000", TODAY).await;
    world.move_to("2025-09-10");
    let bill = |message: &str, emergency: bool| pb::SettleAtOnceRequest {
        header: Some(header(CHONGQING, zhou, message)),
        person: zhou.into(),
        from: "2025-09-10".into(),
        emergency,
        ..outpatient(message, 900)
    };
    let mut care = world.care("500000");
    assert_eq!(refused(&care.settle_at_once(bill("late", false)).await.expect("a reply").into_inner()), 201);
    let paid = care.settle_at_once(bill("urgent", true)).await.expect("a reply").into_inner();
    let class = settled(&paid).computation.map(|computation| computation.treatment_class());
    assert_eq!(class, Some(pb::TreatmentClass::Emergency));
}

#[tokio::test]
async fn an_upload_is_whole_or_nothing_and_harmless_to_repeat() {
    let world = world().await;
    let visit = visit(&admit(&world, "in", TODAY).await).id;
    let two = || vec![line(1, NURSING, 100), line(2, NURSING, 200)];
    for _ in 0..2 {
        let reply = upload(&world, &visit, two()).await;
        assert_eq!((reply.refused, reply.lines.len()), (None, 2));
        assert_eq!(reply.bill.map(|bill| bill.total), Some(30_000));
    }
    let conflict = upload(&world, &visit, vec![line(3, NURSING, 5), line(2, NURSING, 201)]).await;
    assert_eq!(conflict.refused.map(|refused| refused.code), Some(403));
    let many = upload(&world, &visit, (3..=10_001).map(|serial| line(serial, NURSING, 1)).collect()).await;
    assert_eq!(many.refused.map(|refused| refused.code), Some(2), "10,001 lines with those already there");
    let full = upload(&world, &visit, (3..=10_000).map(|serial| line(serial, NURSING, 1)).collect()).await;
    assert_eq!(full.bill.map(|bill| bill.total), Some(30_000 + 9_998 * 100));
    let withdraw = |serials: Vec<String>| pb::WithdrawLinesRequest { visit: visit.clone(), serials };
    let mut care = world.care("310000");
    let unknown = care.withdraw_lines(withdraw(vec!["77777".into()])).await.expect("a reply").into_inner();
    assert_eq!(unknown.refused.map(|refused| refused.code), Some(1));
    care.withdraw_lines(withdraw(vec!["1".into()])).await.expect("a reply");
    let rest = upload(&world, &visit, vec![line(2, NURSING, 200)]).await;
    assert_eq!(rest.bill.map(|bill| bill.total), Some(20_000 + 9_998 * 100));
    care.withdraw_lines(withdraw(Vec::new())).await.expect("a reply");
    let anew = upload(&world, &visit, two()).await;
    assert_eq!(anew.bill.map(|bill| bill.total), Some(30_000));
}

#[tokio::test]
async fn a_bill_of_ten_thousand_lines_settles() {
    let world = world().await;
    let mut request = outpatient("long", 1);
    request.lines = (1..=10_000).map(|serial| line(serial, NURSING, 1)).collect();
    // So long a bill may take longer than a hospital waits here; the same message asks again.
    let ask = || async {
        let answer = world.care("500000").settle_at_once(request.clone()).await.expect("a reply").into_inner();
        Some(answer).filter(|answer| !matches!(answer.outcome, Some(Outcome::Unknown(_))))
    };
    let mut answer = None;
    while answer.is_none() {
        answer = ask().await;
    }
    let settlement = settled(&answer.expect("an answer"));
    assert_eq!(amounts(&settlement).parts.map(|parts| parts.total), Some(1_000_000));
    world.assert_books_equal(TODAY, 1).await;
}

#[tokio::test]
async fn a_filing_lives_its_life_at_the_window() {
    let world = world().await;
    let request = |message: &str, place: &str| pb::FileRequest {
        person: LI.into(),
        kind: pb::FilingKind::OtherTemporary.into(),
        place: place.into(),
        from: TODAY.into(),
        needs_review: true,
        message_id: message.into(),
    };
    let mut home = world.home("340000");
    let applied = home.file(request("f1", "500000")).await.expect("a reply").into_inner().filing.expect("a filing");
    assert_eq!(applied.status(), pb::FilingStatus::Applied);
    let again = home.file(request("f1", "500000")).await.expect("a reply").into_inner();
    assert_eq!(again.filing, Some(applied.clone()), "one message, one filing");
    let reused = home.file(request("f1", "510000")).await.expect("a reply").into_inner();
    assert_eq!(reused.refused.map(|refused| refused.code), Some(602));
    let change = |act: pb::FilingChange| {
        let (mut home, filing) = (world.home("340000"), applied.id.clone());
        let request = pb::ChangeFilingRequest { person: LI.into(), filing, change: act.into(), replacement: None };
        async move { home.change_filing(request).await.expect("a reply").into_inner() }
    };
    let approved = change(pb::FilingChange::Approve).await.filing.map(|filing| filing.status());
    assert_eq!(approved, Some(pb::FilingStatus::Active));
    assert_eq!(change(pb::FilingChange::Approve).await.refused.map(|refused| refused.code), Some(205));
    let emergency = pb::FileRequest { kind: pb::FilingKind::Emergency.into(), ..request("f2", "500000") };
    let reply = home.file(emergency).await.expect("a reply").into_inner();
    assert_eq!(reply.refused.map(|refused| refused.code), Some(202), "an emergency is deemed filed, never filed");
    let within = home.file(request("f3", "340100")).await.expect("a reply").into_inner();
    assert_eq!(within.refused.map(|refused| refused.code), Some(202));
}
