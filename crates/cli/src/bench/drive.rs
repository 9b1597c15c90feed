//! Runs of the load generator for the benchmark: doctor's visits with twenty fee lines each, settled in one message.

use std::{cell::Cell, fmt, future::Future, time::Duration};

use anyhow::Context;
use zhijie_loadgen::{
    Arrival, Down, Look, Progress, Setup,
    plan::{
        mix::Mix,
        profile::{Climb, Profile, Stage, per_second},
    },
    report::{Check, Report},
    run,
    watch::allocated,
};

use crate::spawn::{Layout, Spawned};

/// The province that insures, and the one that treats.
const HOME: &str = "510000";
const CARE: &str = "500000";
/// Seed of people, bills and arrivals.
const SEED: u64 = 2_207;
/// Messages that may be open; what is due beyond waits, and its waiting counts.
const OPEN_MAX: usize = 4_096;
/// Steps of a climb at most.
const STEPS_MAX: i32 = 60;
/// Share of what a climb offers that must be answered well, percent, and what 99 of 100 may take, ms.
const GOOD: u32 = 95;
const TAIL_MAX_MS: u64 = 100;

/// A cluster of three services, and how it is used.
pub(super) struct Bench {
    pub(super) cluster: Spawned,
    /// What it is, in words.
    name: String,
    /// Insured people.
    people: u32,
    /// Its services decide and store nothing: there are no books to compare.
    ceiling: bool,
    /// How many were settled in all runs.
    settled: Cell<u64>,
}

impl Bench {
    pub(super) fn new(cluster: Spawned, name: &str, people: u32, ceiling: bool) -> Bench {
        Bench { cluster, name: name.to_owned(), people, ceiling, settled: Cell::new(0) }
    }

    /// Visits at a rate for so long.
    pub(super) async fn constant(&self, rate: f64, lasting: Duration) -> anyhow::Result<Report> {
        let profile = Profile::shipped("constant", rate, Some(lasting))?;
        self.run(profile, Arrival::Open, std::future::pending(), |_| {}).await
    }

    /// Visits at a rate that goes up by a factor, percent, each step, until the cluster does not keep up.
    pub(super) async fn climb(
        &self,
        first: f64,
        factor: u32,
        step: Duration,
        tell: impl FnMut(&Look),
    ) -> anyhow::Result<Report> {
        let seconds = u32::try_from(step.as_secs()).unwrap_or(u32::MAX);
        let climb = Climb { from: 100, factor, seconds, good: GOOD, p99_ms: TAIL_MAX_MS };
        let stage = |nth| {
            let rate = first * (f64::from(factor) / 100.0).powi(nth);
            Stage { name: per_second(rate), lasts: step, rate }
        };
        let mut profile = Profile::shipped("ramp", first, None)?;
        (profile.stages, profile.climb) = ((0..STEPS_MAX).map(stage).collect(), Some(climb));
        self.run(profile, Arrival::Open, std::future::pending(), tell).await
    }

    /// A run, whose gate must pass.
    pub(super) async fn run(
        &self,
        profile: Profile,
        arrival: Arrival,
        stop: impl Future<Output = ()>,
        mut tell: impl FnMut(&Look),
    ) -> anyhow::Result<Report> {
        let setup = Setup {
            targets: self.cluster.targets(),
            profile,
            mix: Mix::shipped("outpatient")?,
            seed: SEED,
            people: self.people,
            arrival,
            open_max: OPEN_MAX,
            one_by_one: false,
            down: Down::Nothing,
            watched: self.cluster.watched(),
            cluster: self.name.clone(),
            host: String::new(),
        };
        // Nothing is started again under way.
        let (_moves, moved) = tokio::sync::mpsc::channel(1);
        let report = run(setup, moved, stop, |progress| {
            if let Progress::Sending(look) = progress {
                tell(&look);
            }
        });
        let mut report = report.await.with_context(|| self.name.clone())?;
        self.settled.set(self.settled.get() + report.seconds.iter().map(|second| second.good).sum::<u64>());
        // By how much stores grew in one run among several says little: journals and tables come and go in large pieces.
        let watched = self.cluster.watched();
        for process in &mut report.processes {
            let own = watched.iter().find(|watched| watched.name == process.name);
            let held = own.and_then(|own| own.store.as_deref()).and_then(allocated);
            process.disk_per_settlement = held.map(|bytes| bytes as f64 / self.settled.get().max(1) as f64);
        }
        if self.ceiling || report.gate.passed {
            return Ok(report);
        }
        Err(NoResult(report.gate.checks).into())
    }
}

/// The cluster that is measured: one service of each kind.
pub(super) fn layout(engine: &str, tls: bool, folder: std::path::PathBuf) -> Layout {
    let (homes, cares) = (vec![HOME.into()], vec![CARE.into()]);
    Layout { homes, cares, engine: engine.into(), tls, stores: folder.clone(), folder }
}

/// A run that does not count: an answer, or the books, are not as they may be.
#[derive(Debug)]
pub(super) struct NoResult(Vec<Check>);

impl std::error::Error for NoResult {}

impl fmt::Display for NoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "本次无结果 · the run has no result")?;
        for check in self.0.iter().filter(|check| !check.passed) {
            write!(f, "\n  {} · {}: {}", check.zh, check.en, check.detail)?;
        }
        Ok(())
    }
}
