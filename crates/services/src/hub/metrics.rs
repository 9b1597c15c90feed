//! Live metrics (运行指标) in the text form that Prometheus reads, at `GET /metrics` of the hub's port. Labels are acts
//! and codes, never ids, so that their number is bounded. Counters begin with the service; the gauges are what is
//! stored, read again after a while.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::{sync::Mutex, time::Instant};
use tonic::{metadata::MetadataMap, service::Routes};
use zhijie_domain::calendar::{Date, add_days};

use super::{Hub, clearing, latency::Latency};
use crate::{
    node::{Caller, Failure, Pages, Records, keys, limits},
    wire::{
        self,
        pb::{self, answer::Outcome},
        refusal,
    },
};

/// What the text is, so that a reader knows.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Days back in which the last reconciled day is looked for.
const RECONCILED_DAYS_BACK: i64 = 35;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    act: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    act: &'static str,
    code: &'static str,
}

/// Gauges of what is stored.
#[derive(Debug, Default)]
struct Stored {
    cases_open: Gauge<i64, AtomicI64>,
    tickets_open: Gauge<i64, AtomicI64>,
    items_waiting: Gauge<i64, AtomicI64>,
    last_period: Gauge<i64, AtomicI64>,
    reconciled_day: Gauge<i64, AtomicI64>,
    differences_open: Gauge<i64, AtomicI64>,
    books_missing: Gauge<i64, AtomicI64>,
}

/// The metrics of a hub that runs.
pub(super) struct Metrics {
    registry: Registry,
    settlements: Counter,
    undone: Counter,
    answers: Family<Answered, Counter>,
    refusals: Family<Refused, Counter>,
    latency: Latency,
    stored: Stored,
    /// When the stored ones are to be read again; one reader at a time.
    due: Mutex<Option<Instant>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("zhijie_hub");
        let (settlements, undone, stored) = (Counter::default(), Counter::default(), Stored::default());
        let (answers, refusals) = (Family::<Answered, Counter>::default(), Family::<Refused, Counter>::default());
        let latency = Latency::default();
        registry.register("settlements", "Settlements booked", settlements.clone());
        registry.register("undone", "Negative records booked", undone.clone());
        registry.register("answers", "Calls of the road by act and outcome", answers.clone());
        registry.register("refusals", "Refusals on the road by act and code", refusals.clone());
        registry.register("settle_seconds", "Time to answer a settle", latency.clone());
        for (name, help, gauge) in [
            ("cases_open", "Cases of review that are not closed", &stored.cases_open),
            ("tickets_open", "Tickets that are not closed", &stored.tickets_open),
            ("items_waiting", "Items that wait for a clearing table", &stored.items_waiting),
            ("last_table_period", "Last period whose tables are made, as 202406; 0: none", &stored.last_period),
            ("reconciled_day", "Last day with a reconciliation, as 20240618; 0: none", &stored.reconciled_day),
            ("differences_open", "Open differences of that day", &stored.differences_open),
            ("books_missing", "Books missing on that day", &stored.books_missing),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let due = Mutex::default();
        Metrics { registry, settlements, undone, answers, refusals, latency, stored, due }
    }
}

impl Metrics {
    /// Counts an answer of the road, stored answers given again among them.
    pub(super) fn answered(&self, act: &'static str, took: Duration, answer: &Result<pb::Answer, Failure>) {
        let outcome = match answer.as_ref().map(|answer| &answer.outcome) {
            Ok(Some(Outcome::Refused(no))) => {
                let code = refusal::code(no.code).map_or("none", |code| code.as_str());
                self.refusals.get_or_create(&Refused { act, code }).inc();
                "refused"
            }
            Ok(Some(_)) => "done",
            Ok(None) | Err(_) => "failed",
        };
        self.answers.get_or_create(&Answered { act, outcome }).inc();
        if act == "settle" {
            self.latency.observe(took);
        }
    }

    /// Counts a record that the hub has booked.
    pub(super) fn booked(&self, kind: pb::EntryKind) {
        if kind == pb::EntryKind::Settled {
            self.settlements.inc()
        } else {
            self.undone.inc()
        };
    }

    /// How long settles took.
    pub(super) fn latency(&self) -> &Latency {
        &self.latency
    }
}

/// Adds `GET /metrics` to the routes: for the national agency, as what it measures is of all provinces.
pub(super) fn route(routes: Routes, hub: Arc<Hub>) -> Routes {
    let shown = move |request: Request| {
        let hub = Arc::clone(&hub);
        async move {
            let (head, _) = request.into_parts();
            let metadata = MetadataMap::from_headers(head.headers);
            Caller::admitted(&head.extensions, &metadata, Caller::is_national).map_err(|_| StatusCode::FORBIDDEN)?;
            show(&hub).await
        }
    };
    routes.into_axum_router().route("/metrics", axum::routing::get(shown)).into()
}

async fn show(hub: &Hub) -> Result<([(axum::http::HeaderName, &'static str); 1], String), StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    refresh(hub).await.map_err(|failure| failed(failure.into_status().code()))?;
    let mut text = String::new();
    encode(&mut text, &hub.metrics.registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}

async fn refresh(hub: &Hub) -> Result<(), Failure> {
    let mut due = hub.metrics.due.lock().await;
    let began = Instant::now();
    if due.is_some_and(|due| began < due) {
        return Ok(());
    }
    let stored = &hub.metrics.stored;
    stored.cases_open.set(count(hub, keys::OPEN_CASES).await?);
    stored.tickets_open.set(count(hub, keys::OPEN_TICKETS).await?);
    stored.items_waiting.set(count(hub, keys::WAITING).await?);
    let made = match clearing::make::last(hub).await? {
        Some((period, record)) if record.made => Some(period),
        // It is being made; the one before it is made, unless it is the first.
        Some((period, _)) => {
            let before = period.plus(-1);
            hub.node.store.get(&keys::period(before)).await?.map(|_| before)
        }
        None => None,
    };
    stored.last_period.set(made.map_or(0, |made| i64::from(made.year) * 100 + i64::from(made.month)));
    if let Some((day, result)) = last_result(hub).await? {
        let number = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day());
        stored.reconciled_day.set(number);
        stored.differences_open.set(result.open);
        stored.books_missing.set(wire::count(result.missing.len()));
    }
    // What takes long to count is counted less often, so that watching a full store costs a bounded part of the time.
    let pause = Duration::from_millis(limits::GAUGES_MS).max(began.elapsed() * limits::GAUGES_PAUSE);
    *due = Some(Instant::now() + pause);
    Ok(())
}

async fn count(hub: &Hub, prefix: &[u8]) -> Result<i64, Failure> {
    let (mut number, mut pages) = (0, Pages::of(&hub.node.store, prefix));
    while let Some(page) = pages.next().await? {
        number += wire::count(page.len());
    }
    Ok(number)
}

async fn last_result(hub: &Hub) -> Result<Option<(Date, pb::ReconcileReply)>, Failure> {
    let today = hub.node.today();
    for back in 0..RECONCILED_DAYS_BACK {
        let day = add_days(today, -back);
        let mut txn = hub.node.store.begin();
        if let Some(key) = txn.get(&keys::last_run(day)).await? {
            return Ok(txn.record(&key).await?.map(|result| (day, result)));
        }
    }
    Ok(None)
}
