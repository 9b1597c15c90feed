//! What the calendar asks of the hub (到期事项): tables on their day, notices at the end of the month, deadlines of cases
//! and payments. What is due follows from what is stored and from the business day, so that a restart forgets nothing.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use zhijie_domain::calendar::{Date, Month};

use super::{Hub, audit, clearing, prepayment, tickets};
use crate::{
    node::{Committed, Failure, Records, Stop, commit, document, keys, limits, stored},
    wire::{clearing as wire_clearing, pb},
};

/// Turns every business day until the hub stops.
pub(super) async fn run(hub: Arc<Hub>, mut stopping: watch::Receiver<bool>) {
    let pause = Duration::from_millis(limits::DUTY_MS);
    loop {
        if let Err(failure) = turn_once_a_day(&hub).await {
            // Told by the failure; the next round does what is left.
            let _ = failure.into_status();
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn turn_once_a_day(hub: &Hub) -> Result<(), Failure> {
    let today = hub.node.now().day().to_string();
    let known = hub.node.store.get(keys::TURN).await?;
    let known: Option<pb::TurnRecord> = known.map(|record| document(keys::TURN, &record.value)).transpose()?;
    if known.is_some_and(|turned| turned.day >= today) {
        return Ok(());
    }
    turn(hub).await.map(|_| ())
}

/// Does what is due by now.
pub(super) async fn turn(hub: &Hub) -> Result<pb::TurnReply, Failure> {
    let _alone = hub.turning.lock().await;
    let today = hub.node.now().day();
    let mut duties = Vec::new();
    match due(hub, today, &mut duties).await {
        Ok(()) => {}
        // Another wrote at the same moment; what is left stays due.
        Err(Stop::Refused(refusal)) => {
            tracing::info!(%refusal, "a duty is put off");
            return Ok(pb::TurnReply { today: today.to_string(), duties });
        }
        Err(Stop::Failed(failure)) => return Err(failure),
    }
    let mut txn = hub.node.store.begin();
    let known = txn.record::<pb::TurnRecord>(keys::TURN).await?;
    if known.is_none_or(|turned| turned.day < today.to_string()) {
        txn.keep(keys::TURN.to_vec(), &pb::TurnRecord { day: today.to_string() });
        // A conflict means that another turn kept the day.
        let _: Committed = commit(txn).await?;
    }
    Ok(pb::TurnReply { today: today.to_string(), duties })
}

async fn due(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    while let Some(period) = next_period(hub).await?.filter(|period| hub.schedule(*period).tables_on <= today) {
        clearing::make::make(hub, period).await?;
        duties.push(duty(hub.schedule(period).tables_on, "make_tables", period.to_string()));
        if period.month == 12 {
            for quota in prepayment::reset_all(hub, today.year(), today).await? {
                duties.push(duty(today, "reset_quota", format!("{}/{}", quota.home, quota.care)));
            }
        }
    }
    if let Some((last, _)) = clearing::make::last(hub).await? {
        // What was confirmed late is noticed late; a year back nothing is left to notice.
        for back in (0..12).rev() {
            let period = last.plus(-back);
            let notices_on = hub.schedule(period).notices_on;
            if notices_on > today {
                continue;
            }
            for table in clearing::steps::notice_all(hub, period, today).await? {
                duties.push(duty(notices_on, "notice", format!("{period}/{}/{}", table.home, table.care)));
            }
        }
    }
    for case in audit::expire_all(hub, today).await? {
        duties.push(duty(today, "verification_overdue", case));
    }
    tickets::turn::turn(hub, today, duties).await
}

fn duty(day: Date, what: &str, reference: String) -> pb::Duty {
    pb::Duty { day: day.to_string(), what: what.into(), reference }
}

/// The period whose tables are to be made next: the one behind the last, or that of the oldest item.
async fn next_period(hub: &Hub) -> Result<Option<Month>, Failure> {
    if let Some((last, record)) = clearing::make::last(hub).await? {
        return Ok(Some(if record.made { last.plus(1) } else { last }));
    }
    let mut oldest: Option<Month> = None;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = hub.node.store.scan_prefix(keys::WAITING, after.as_deref(), limits::PAGE).await?;
        for (key, record) in &page {
            let item = stored(wire_clearing::parse_waiting(&document(key, &record.value)?), key)?;
            let month = Month::of(item.day);
            oldest = Some(oldest.map_or(month, |oldest| oldest.min(month)));
        }
        if page.len() < limits::PAGE {
            return Ok(oldest);
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}
