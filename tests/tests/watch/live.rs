//! The feed and the metrics of a hub that runs.

use futures_util::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::{Endpoint, Uri};
use zhijie_services::{
    node::Net,
    pb::{
        self, HubEventKind as Kind, agency_request::Command, answer::Outcome as Answered,
        national_client::NationalClient,
    },
};
use zhijie_tests::hospital::{CHONGQING, TODAY, ZHANG, outpatient, refused};

use crate::stage::*;

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
    for (kind, reference, amount, code) in &expected {
        // The script of Anhui has no books, which the hub says each day.
        let mut event = next(&mut events).await;
        while event.code.starts_with("book-missing") {
            event = next(&mut events).await;
        }
        let reference = if *kind == Kind::Ticket { &event.reference } else { *reference };
        let found = (event.kind(), event.reference.as_str(), event.amount, event.code.as_str());
        assert_eq!(found, (*kind, reference, *amount, *code));
        assert!(told.last().is_none_or(|last: &pb::HubEvent| last.sequence < event.sequence));
        told.push(event);
    }
    // A newcomer that asks for some kinds from some moment.
    let request = pb::WatchRequest { kinds: vec![Kind::Case.into()], since_ms: Some(told[5].at) };
    let mut some = stage.world.national().watch(request).await.expect("a feed").into_inner();
    let cases = told.iter().filter(|event| event.kind() == Kind::Case && event.at >= told[5].at);
    let cases: Vec<_> = cases.take(2).cloned().collect();
    assert_eq!([next(&mut some).await, next(&mut some).await], cases[..]);
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
    assert!(!text.contains(ZHANG) && !text.contains(NOBODY) && !text.contains("m1\""), "no ids:\n{text}");
}
