//! Single items: held above the threshold, cleared once and net of what undid them, disputed, corrected.

use zhijie_services::pb::{
    self, Scheme::Employee, agency_reply::Outcome, agency_request::Command, answer::Outcome as Answered,
};

use crate::stage::{ANHUI, Stage};

#[tokio::test]
async fn a_stay_is_held_above_the_threshold_and_cleared_when_its_review_is_closed() {
    let mut stage = Stage::at("2024-06-18").await;
    let free = stage.settle("310000", Employee, 3_000_000).await.id;
    let held = stage.settle("310000", Employee, 3_000_001).await.id;
    let cases = stage.world.national().cases(pb::CasesRequest::default()).await.expect("a reply").into_inner().cases;
    let cases: Vec<&str> = cases.iter().map(|case| case.settlement.as_str()).collect();
    assert_eq!(cases, [held.as_str()], "{free} is exactly at the threshold");
    stage.world.move_to("2024-07-10");
    stage.agree("310000", "2024-06", &[]).await;
    // A review that is under way holds it as well.
    for (officer, command) in [("c8", pb::CaseCommand::Review), ("c9", pb::CaseCommand::Return)] {
        let act = pb::AuditAct {
            settlement: held.clone(),
            command: command.into(),
            deduction: 0,
            note: "the file is not complete".into(),
        };
        stage.done("care-310000", officer, Command::Audit(act)).await;
    }
    stage.turn("2024-07-21").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!(table.payable, 3_000_000, "the held stay is carried");
    // Overdue on the 27th of July, and carried over.
    stage.turn("2024-07-27").await;
    let case = stage.world.national().cases(pb::CasesRequest { settlement: held.clone(), ..Default::default() }).await;
    let case = case.expect("a reply").into_inner().cases.remove(0);
    assert_eq!((case.overdue, case.due.as_str()), (1, "2024-08-26"));
    stage.review("310000", &held, 500_000).await;
    stage.turn("2024-08-21").await;
    let table = stage.table("2024-07", "310000").await;
    assert_eq!(table.payable, 3_000_001 - 500_000, "it enters the first table after its review, less the deduction");
    // Each is in one table.
    for (period, settlement) in [("2024-06", &free), ("2024-07", &held)] {
        let request = pb::ItemsRequest { period: period.into(), home: ANHUI.into(), care: "310000".into() };
        let mut items = stage.world.agency("care-310000").items(request).await.expect("a reply").into_inner();
        let mut entered = Vec::new();
        while let Some(item) = items.message().await.expect("an item") {
            if item.carried() == pb::CarriedReason::Unspecified {
                entered.push(item.settlement);
            }
        }
        assert_eq!(&entered, std::slice::from_ref(settlement), "{period}");
    }
}

#[tokio::test]
async fn what_is_undone_is_cleared_net() {
    let mut stage = Stage::at("2024-06-18").await;
    let gone = stage.settle("310000", Employee, 100_000).await;
    let kept = stage.settle("310000", Employee, 200_000).await;
    let disputed = stage.settle("310000", Employee, 70_000).await;
    stage.world.move_to("2024-07-10");
    assert!(matches!(stage.cancel("310000", &gone).await.outcome, Some(Answered::Settlement(_))));
    stage.agree("310000", "2024-06", &[]).await;
    stage.turn("2024-07-21").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!((table.payable, table.revision), (270_000, 1));
    let made = stage.done("hub", "n1", Command::MakeTables(pb::MakeTables { period: "2024-06".into() })).await;
    assert!(matches!(made, Outcome::Tables(again) if again.tables == [table.clone()]), "the same bytes again");

    // A single item is disputed: the rest is confirmed, and the old hash no more.
    let dispute = Command::DisputeItem(pb::DisputeItem {
        period: "2024-06".into(),
        settlement: disputed.id.clone(),
        note: "the invoice is not ours".into(),
    });
    stage.done(&format!("home-{ANHUI}"), "h1", dispute.clone()).await;
    stage.refused(&format!("home-{ANHUI}"), "h1", dispute, "not in this table").await;
    stage.refused("care-310000", "c1", Stage::step(&table, pb::TableStep::Confirm), "revision 2").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!((table.payable, table.revision), (200_000, 2));
    stage.confirm(&table).await;

    // Cleared is cleared: a cancel is refused, and the correction is a deduction in the next table.
    match stage.cancel("310000", &kept).await.outcome {
        Some(Answered::Refused(refusal)) => assert_eq!(refusal.code(), pb::RefusalCode::E705AlreadyCleared),
        other => panic!("{other:?}"),
    }
    let verify = |command: pb::CaseCommand, deduction| {
        let act = pb::AuditAct {
            settlement: kept.id.clone(),
            command: command.into(),
            deduction,
            note: "billed twice".into(),
        };
        Command::Audit(act)
    };
    stage.done(&format!("home-{ANHUI}"), "h9", verify(pb::CaseCommand::Request, 0)).await;
    stage.review("310000", &kept.id, 200_000).await;
    let resolve =
        pb::ResolveDispute { settlement: disputed.id.clone(), deduction: 0, note: "the invoice was found".into() };
    stage.done("hub", "n1", Command::ResolveDispute(resolve)).await;
    stage.world.move_to("2024-08-10");
    stage.agree("310000", "2024-07", &[]).await;
    stage.turn("2024-08-21").await;
    let table = stage.table("2024-07", "310000").await;
    assert_eq!(table.payable, 70_000 - 200_000, "negative: nothing is paid");
    stage.confirm(&table).await;
    stage.turn("2024-09-21").await;
    let next = stage.table("2024-08", "310000").await;
    assert_eq!((next.credit, next.payable), (-130_000, -130_000), "and taken over by the next period");
}
