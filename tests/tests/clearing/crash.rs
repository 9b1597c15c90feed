//! A hub that crashes while it makes tables: after its restart the tables are those that an undisturbed hub makes.

use zhijie_services::pb::{self, Scheme::Employee};

use crate::stage::Stage;

/// More than two pages of items.
const STAYS: i64 = 550;
const CARE: [&str; 3] = ["310000", "320000", "330000"];

async fn month() -> Stage {
    let mut stage = Stage::with_slow_commits("2024-06-18").await;
    for stay in 0..STAYS {
        let care = CARE[usize::try_from(stay).expect("an index") % CARE.len()];
        stage.settle(care, Employee, 10_000 + stay).await;
    }
    stage.turn("2024-07-10").await;
    for care in CARE {
        stage.agree(care, "2024-06", &[]).await;
    }
    stage
}

async fn tables(stage: &Stage) -> Vec<(String, String, i64)> {
    let request = pb::TablesRequest { period: "2024-06".into(), province: String::new() };
    let reply = stage.world.national().tables(request).await.expect("a reply").into_inner();
    reply.tables.into_iter().map(|table| (table.care, table.content_hash, table.payable)).collect()
}

#[tokio::test]
async fn a_crash_while_tables_are_made_only_delays_them() {
    let mut calm = month().await;
    calm.turn("2024-07-21").await;
    let expected = tables(&calm).await;
    assert_eq!(expected.len(), CARE.len());

    let mut stage = month().await;
    stage.world.move_to("2024-07-21");
    let mut crashes_inside = 0;
    for patience in [20, 60, 120, 200, 300, 450] {
        let mut national = stage.world.national();
        let turning = tokio::spawn(async move { national.turn(pb::TurnRequest {}).await });
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        crashes_inside += usize::from(!turning.is_finished());
        stage.world.cluster.kill("hub");
        let _ = turning.await;
        stage.world.cluster.start_service("hub").await.expect("it starts again");
    }
    assert!(crashes_inside > 0, "some crash fell into the making");
    stage.turn("2024-07-21").await;
    assert_eq!(tables(&stage).await, expected);
}
