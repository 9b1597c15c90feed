//! The turn of the year: December's negative payable is paid back, January sets the quotas anew, and a year is closed
//! when nothing of it is open.

use zhijie_services::pb::{
    self, Scheme::Employee, TableStep, agency_reply::Outcome, agency_request::Command, prepayment_act::Act,
};

use crate::stage::{ANHUI, Stage};

const CARE: &str = "310000";

/// Confirms the table of a period, lets the notices go out and pays.
async fn through(stage: &mut Stage, period: &str, end: &str) {
    let table = stage.table(period, CARE).await;
    stage.confirm(&table).await;
    stage.turn(end).await;
    let (home, care) = (format!("home-{ANHUI}"), format!("care-{CARE}"));
    let (payer, payee) = match table.payable {
        0 => return,
        payable if payable < 0 => (care, home),
        _ => (home, care),
    };
    for (who, step) in [(&payer, TableStep::Submit), (&payer, TableStep::Pay), (&payee, TableStep::Receive)] {
        stage.done(who, "a1", Stage::step(&table, step)).await;
    }
}

#[tokio::test]
async fn a_year_is_closed_when_nothing_of_it_is_open() {
    let mut stage = Stage::at("2024-10-10").await;
    stage.prepay("hub", CARE, Act::TakeOver(pb::TakeOver { lent: 100_000, cleared: Vec::new() })).await;
    let mut settled = Vec::new();
    let months = [("2024-10", "2024-11"), ("2024-11", "2024-12"), ("2024-12", "2025-01")];
    for (index, (month, next)) in months.iter().enumerate() {
        stage.turn(&format!("{month}-12")).await;
        // December has less than what is taken away in it.
        let fen = [900_000, 600_000, 300_000][index];
        settled.push(stage.settle(CARE, Employee, fen).await.id);
        if index == 2 {
            // Home had October's bill verified, and all of it goes.
            let act = pb::AuditAct {
                settlement: settled[0].clone(),
                command: pb::CaseCommand::Request.into(),
                deduction: 0,
                note: "never in this hospital".into(),
            };
            stage.done(&format!("home-{ANHUI}"), "h9", Command::Audit(act)).await;
            stage.review(CARE, &settled[0], 900_000).await;
        }
        stage.turn(&format!("{next}-10")).await;
        stage.agree(CARE, month, &[]).await;
        let close = Command::CloseYear(pb::CloseYear { year: 2024 });
        let expected = if index == 2 { "is not cleared yet" } else { "has not ended" };
        stage.refused("hub", "n1", close, expected).await;
        stage.turn(&format!("{next}-21")).await;
        let end = ["2024-11-30", "2024-12-31", "2025-01-31"][index];
        if index < 2 {
            through(&mut stage, month, end).await;
        }
    }
    let december = stage.table("2024-12", CARE).await;
    assert_eq!(december.payable, 300_000 - 900_000);
    // The quota of the new year: twice the mean of 9,000.00, 6,000.00 and −6,000.00, set when December was made.
    let quota = stage.world.national().quotas(pb::QuotasRequest::default()).await.expect("a reply").into_inner();
    let quota = &quota.quotas[0];
    assert_eq!((quota.quota, quota.reset_in), (2 * (900_000 + 600_000 - 600_000) / 3, 2025));
    let close = Command::CloseYear(pb::CloseYear { year: 2024 });
    stage.refused("hub", "n1", close.clone(), "is not paid through").await;
    through(&mut stage, "2024-12", "2025-01-31").await;
    stage.refused(&format!("care-{CARE}"), "c1", close.clone(), "for the national agency").await;
    for _ in 0..2 {
        let closed = stage.done("hub", "n1", close.clone()).await;
        assert!(matches!(closed, Outcome::Year(year) if year.closed == "2025-01-31"));
    }
}
