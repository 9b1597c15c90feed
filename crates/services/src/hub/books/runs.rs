//! Results of days (对账结果), kept as facts: a result that differs from the last one of its day is a new revision of it.

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tonic::Status;
use zhijie_domain::{
    calendar::{Date, Month},
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::super::{Hub, events};
use crate::{
    node::{Committed, Failure, Records, Stop, commit, document, keys, limits},
    wire::pb,
};

/// The results of a month, streamed.
pub(super) type Runs = BoxStream<'static, Result<pb::DayRun, Status>>;

/// Keeps a result, unless the last one of the day says the same; then that one is the answer.
pub(super) async fn keep(hub: &Hub, day: Date, mut result: pb::ReconcileReply) -> Result<pb::ReconcileReply, Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let last = last(&mut txn, day).await?.unwrap_or_default();
        (result.revision, result.at) = (last.revision, last.at);
        if result == last {
            return Ok(last);
        }
        (result.revision, result.at) = (last.revision.saturating_add(1), hub.node.glance().0);
        let key = keys::run(day, result.revision);
        txn.put(keys::last_run(day), key.clone());
        txn.put(keys::fresh_run(day), key.clone());
        txn.keep(key, &result);
        match commit(txn).await? {
            Committed::Yes => {
                events::differences(&result).into_iter().for_each(|event| hub.tell(event));
                return Ok(result);
            }
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

/// The last result of a day.
pub(super) async fn last(txn: &mut Txn, day: Date) -> Result<Option<pb::ReconcileReply>, Failure> {
    match txn.get(&keys::last_run(day)).await? {
        Some(key) => txn.record(&key).await,
        None => Ok(None),
    }
}

/// The results of a month, ascending by day and revision.
pub(super) fn list(hub: &Hub, request: &pb::RunsRequest) -> Result<Runs, Status> {
    let month = Month::parse(&request.month);
    let month = month.ok_or_else(|| Status::invalid_argument("month: a month such as 2025-03"))?;
    let store = hub.node.store.clone();
    let pages = stream::try_unfold(Some(None), move |after: Option<Option<Vec<u8>>>| {
        let store = store.clone();
        async move {
            let Some(after) = after else { return Ok::<_, Failure>(None) };
            let page = store.scan_prefix(&keys::runs_of(month), after.as_deref(), limits::RUNS_PAGE).await?;
            let next = (page.len() == limits::RUNS_PAGE).then(|| page.last().map(|(key, _)| key.to_vec()));
            let runs = stream::iter(page)
                .map(|(key, record)| document::<pb::ReconcileReply>(&key, &record.value).map(summed_up));
            Ok(Some((runs, next)))
        }
    });
    Ok(pages.try_flatten().map_err(Failure::into_status).boxed())
}

fn summed_up(result: pb::ReconcileReply) -> pb::DayRun {
    let pb::ReconcileReply { day, revision, at, hub, found, open, missing, equal, reconciled, .. } = result;
    let records = hub.unwrap_or_default().records;
    pb::DayRun { day, revision, at, records, found, open, missing, equal, reconciled }
}
