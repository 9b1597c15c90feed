//! A round of a drill: load, a fault in the middle of it, the first settlement through each service that was struck, and
//! the gate of the load generator over all that was answered.

use std::{cell::Cell, path::Path, time::Duration};

use anyhow::bail;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use zhijie_loadgen::{Progress, Settled, Setup, report::Report, run};
use zhijie_simulation::Dice;

use super::{Fault, Struck};
use crate::spawn::Spawned;

/// Load before the fault, from the first settlement on, ms.
const BEFORE_MS: (u64, u64) = (200, 800);
/// Load after the recovery.
const AFTER: Duration = Duration::from_millis(300);
/// Outcomes of messages that are not known when they come.
const UNKNOWN: [&str; 3] = ["unknown", "no answer", "failed"];

/// What came of a round.
#[derive(Debug)]
pub(super) struct Round {
    /// The store engine.
    pub(super) engine: String,
    pub(super) fault: Fault,
    /// The services that were struck.
    pub(super) struck: Vec<String>,
    /// From the start of the new processes until all of them served.
    pub(super) serving: Duration,
    /// Until a settlement that was sent afterwards had gone through each of them.
    pub(super) settles: Duration,
    /// Until nothing that was sent in the whole round was unknown any more.
    pub(super) known: Duration,
    /// Settlements that were acknowledged.
    pub(super) settlements: u64,
    /// Messages whose outcome was not known at first.
    pub(super) unknown: u64,
    /// The first check of the gate that failed.
    pub(super) wrong: Option<String>,
}

/// Makes a round.
pub(super) async fn round(
    spawned: &mut Spawned,
    setup: Setup,
    fault: Fault,
    stores: &Path,
    dice: &mut Dice,
) -> anyhow::Result<Round> {
    let engine = setup.cluster.clone();
    let (settlements, known) = (Cell::new(0), Cell::new(None));
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    // Nothing is watched.
    let (_moves, moved) = mpsc::channel(1);
    let ended = async {
        let _ = stopped.await;
    };
    let running = run(setup, moved, ended, |progress| match progress {
        Progress::Settled(settled) => {
            settlements.set(settlements.get() + 1);
            // Nobody listens any more once all have recovered.
            let _ = heard.send((Instant::now(), settled));
        }
        // The books are read when all is known.
        Progress::Reading => known.set(Some(Instant::now())),
        _ => {}
    });
    let disturbing = async {
        if hearing.recv().await.is_none() {
            bail!("nothing was settled");
        }
        sleep(Duration::from_millis(dice.between(BEFORE_MS.0, BEFORE_MS.1))).await;
        let struck = fault.strike(spawned, stores, dice).await?;
        let settles = through(&struck, &mut hearing).await?;
        sleep(AFTER).await;
        let _ = stop.send(());
        Ok((struck, settles))
    };
    let (report, (struck, settles)) =
        tokio::try_join!(async { running.await.map_err(anyhow::Error::from) }, disturbing)?;
    let since = |moment: Option<Instant>| moment.map_or(Duration::ZERO, |moment| moment - struck.again);
    Ok(Round {
        engine,
        fault,
        serving: struck.serving,
        settles,
        known: since(known.get()),
        settlements: settlements.get(),
        unknown: unknown(&report),
        wrong: wrong(&report),
        struck: struck.names,
    })
}

/// How long it took until a settlement sent since then had gone through each service that was struck.
async fn through(
    struck: &Struck,
    hearing: &mut mpsc::UnboundedReceiver<(Instant, Settled)>,
) -> anyhow::Result<Duration> {
    let mut waiting = struck.names.clone();
    while let Some((at, Settled { home, care, took })) = hearing.recv().await {
        if at - took < struck.again {
            continue;
        }
        let passed = ["hub".to_owned(), format!("home {home}"), format!("care {care}")];
        waiting.retain(|name| !passed.contains(name));
        if waiting.is_empty() {
            return Ok(at - struck.again);
        }
    }
    bail!("no settlement went through {} again", waiting.join(", "))
}

fn unknown(report: &Report) -> u64 {
    let all = report.acts.first().map(|all| all.outcomes.as_slice()).unwrap_or_default();
    all.iter().filter(|outcome| UNKNOWN.contains(&outcome.code.as_str())).map(|outcome| outcome.count).sum()
}

fn wrong(report: &Report) -> Option<String> {
    let failed = report.gate.checks.iter().find(|check| !check.passed)?;
    Some(format!("{} {}: {}", failed.zh, failed.en, failed.detail))
}
