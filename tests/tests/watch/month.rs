//! A month in figures: its errors and its indicators.

use std::collections::BTreeMap;

use zhijie_services::pb::{self, agency_request::Command, prepayment_act::Act as Prepay};
use zhijie_tests::{
    hospital::{CHONGQING, TODAY, ZHANG, header, outpatient, refused, settled},
    planter::Planter,
};

use crate::stage::*;

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
    let codes = report.codes.iter().map(|code| (code.code, code.refused, code.share, code.first_attempts));
    assert_eq!(codes.collect::<Vec<_>>(), [(101, 2, 2_500, 2), (301, 1, 1_250, 0)]);
    let pair = pb::PairRefusals { home: "510000".into(), care: "500000".into(), refused: 2 };
    assert_eq!(report.codes[0].pairs, [pair]);
    let counts = report.tickets.expect("counts");
    // The missing care record and the single one wait like the unopened hospital: due on the 13th, and escalated. The
    // fourth is what the hub found by itself of a later day.
    assert_eq!((counts.opened, counts.answered_in_time, counts.answered_late), (4, 1, 0));
    assert_eq!((counts.unanswered, counts.overdue, counts.escalated, counts.closed), (3, 2, 2, 0));

    let found = stage.indicators("2025-03").await;
    for (name, expected) in [
        ("direct_rate", "unknown"),
        ("success_rate", "6250 5/8"),
        ("first_attempt_rate", "6000 3/5"),
        // Four days are over since the first booking; two of them agreed on the next day.
        ("reconciled_in_time_rate", "5000 2/4"),
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
