//! What the calendar asks of the hub (到期事项): tables on their day, notices at the end of the month, deadlines of cases
//! and payments. What is due follows from what is stored and from the business day, so that a restart forgets nothing.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};
use zhijie_domain::calendar::{Date, add_days};

use super::{Hub, audit, books, clearing, prepayment, tickets};
use crate::{
    node::{Committed, Failure, Records, Stop, commit, document, keys, limits, stored},
    wire::{date, pb},
};

/// Turns every business day until the hub stops.
pub(super) async fn run(hub: Arc<Hub>, mut stopping: watch::Receiver<bool>) {
    loop {
        let began = Instant::now();
        if let Err(failure) = turn_once_a_day(&hub).await {
            // Told by the failure; the next round does what is left.
            let _ = failure.into_status();
        }
        // What is put off may take long to look at again, and the road goes before it.
        let pause = Duration::from_millis(limits::DUTY_MS).max(began.elapsed() * limits::DUTY_PAUSE);
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn turn_once_a_day(hub: &Hub) -> Result<(), Failure> {
    let today = hub.node.today().to_string();
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
    let today = hub.node.today();
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
    // One that cannot be done now must not hold up the others.
    let reconciled = reconcile(hub, today, duties).await;
    let made = make_tables(hub, today, duties).await;
    let set = set_quotas(hub, today, duties).await;
    let noticed = notice(hub, today, duties).await;
    let expired = expire(hub, today, duties).await;
    let tickets = tickets::turn::turn(hub, today, duties).await;
    reconciled.and(made).and(set).and(noticed).and(expired).and(tickets)
}

/// Reconciles yesterday, what came since the last turn, and what did not agree then, as long as its month is open. The
/// hub's first day has none before it.
async fn reconcile(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    let Some(turned) = hub.node.store.begin().record::<pb::TurnRecord>(keys::TURN).await? else { return Ok(()) };
    let turned = stored(date(&turned.day, "turned"), keys::TURN)?;
    let yesterday = add_days(today, -1);
    for back in (0..limits::DAYS_RECONCILED_BACK).rev() {
        let day = add_days(yesterday, -back);
        let before = books::last_result(hub, day).await?;
        let due = match before {
            Some(before) => !before.reconciled,
            None if day == yesterday => turned < today,
            None => day >= turned && hub.book.holds_any(day).await?,
        };
        if due {
            books::reconcile_day(hub, day).await?;
            duties.push(duty(day, "reconcile", day.to_string()));
        }
    }
    Ok(())
}

async fn make_tables(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    while let Some(period) = clearing::make::next(hub).await?.filter(|period| hub.schedule(*period).tables_on <= today)
    {
        clearing::make::make(hub, period).await?;
        duties.push(duty(hub.schedule(period).tables_on, "make_tables", period.to_string()));
    }
    Ok(())
}

/// The year's quotas follow from the fourth quarter, which is known when the tables of December are made.
async fn set_quotas(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    if prepayment::quarter_is_known(hub, today).await? == prepayment::Quarter::Made {
        for quota in prepayment::reset_all(hub, today).await? {
            duties.push(duty(today, "reset_quota", format!("{}/{}", quota.home, quota.care)));
        }
    }
    Ok(())
}

async fn notice(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    for table in clearing::steps::notice_all(hub, today).await? {
        duties.push(duty(today, "notice", format!("{}/{}/{}", table.period, table.home, table.care)));
    }
    Ok(())
}

async fn expire(hub: &Hub, today: Date, duties: &mut Vec<pb::Duty>) -> Result<(), Stop> {
    for case in audit::expire_all(hub, today).await? {
        duties.push(duty(today, "verification_overdue", case));
    }
    Ok(())
}

/// A duty that was done.
pub(super) fn duty(day: Date, what: &str, reference: String) -> pb::Duty {
    pb::Duty { day: day.to_string(), what: what.into(), reference }
}
