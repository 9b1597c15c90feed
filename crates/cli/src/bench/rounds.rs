//! The rounds: each engine, in plaintext and with TLS, the ceiling and the disk in turn, and then all again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::Serialize;
use zhijie_loadgen::{
    Look, fsync,
    report::Report,
    watch::{Watched, Watcher},
};

use super::{
    drive::{Bench, layout},
    figures::Measured,
    shown::Progress,
};
use crate::spawn::Spawned;

/// The services without deciding and storing.
pub(super) const CEILING: &str = "ceiling";
/// What is appended before each sync of the disk, bytes: a group of about 64 settlements.
pub(super) const GROUP: usize = 64 << 10;
/// The first rate offered, a second.
const RATE_FIRST: f64 = 1_000.0;
/// A rate below which a machine carries nothing.
const RATE_MIN: f64 = 4.0;
/// By how much the search goes down where the first rate is too much; later rounds begin so far below the former knee.
const BACK: f64 = 2.0;
/// By how much it goes up, percent: first in long steps; then, from a little before where they broke, in short ones.
const LONG: u32 = 150;
const BEFORE: f64 = 0.85;
const SHORT: u32 = 108;
/// Part of a measurement that one step lasts.
const STEP_PART: u32 = 3;

/// What is measured, how often and for how long.
pub(super) struct Plan {
    pub(super) engines: Vec<String>,
    pub(super) rounds: usize,
    /// How long a measurement lasts.
    pub(super) stage: Duration,
    /// Insured people.
    pub(super) people: u32,
    /// Taken for the knee, where it is not looked for.
    pub(super) rate: Option<f64>,
    /// Where stores go.
    pub(super) folder: PathBuf,
}

/// Where on its curve a cluster is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum At {
    /// The highest rate that it carries.
    Knee,
    /// Half of it.
    Half,
    /// Three times as much: what is settled while most is sent away.
    Triple,
}

impl At {
    /// Where a cluster is measured. At three times what the ceiling carries, the generator would be measured.
    fn of(ceiling: bool) -> &'static [At] {
        if ceiling { &[At::Knee, At::Half] } else { &[At::Knee, At::Half, At::Triple] }
    }

    /// As a multiple of the knee.
    fn times(self) -> f64 {
        match self {
            At::Knee => 1.0,
            At::Half => 0.5,
            At::Triple => 3.0,
        }
    }
}

/// Everything that was measured, by round: what each engine and the ceiling carried, and what the disk gave.
#[derive(Debug, Default, Serialize)]
pub(super) struct All {
    pub(super) parts: Vec<Part>,
    pub(super) disk: Vec<Measured>,
}

impl All {
    fn add(&mut self, name: &str, at: At, measured: Measured) {
        let part = self.parts.iter_mut().find(|part| part.name == name && part.at == at);
        part.into_iter().for_each(|part| part.rounds.push(measured.clone()));
    }
}

/// One engine or the ceiling, at one point.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) rounds: Vec<Measured>,
}

/// Measures round after round.
pub(super) async fn run(plan: &Plan, progress: &Progress) -> anyhow::Result<All> {
    let names: Vec<&str> = plan.engines.iter().map(String::as_str).chain([CEILING]).collect();
    let part = |name: &str, at| Part { name: name.to_owned(), at, rounds: Vec::new() };
    let parts = names.iter().flat_map(|name| {
        let secured = (*name != CEILING).then(|| part(&with_tls(name), At::Half));
        At::of(*name == CEILING).iter().map(|at| part(name, *at)).chain(secured)
    });
    let mut all = All { parts: parts.collect(), disk: Vec::new() };
    let mut knees: BTreeMap<&str, f64> = BTreeMap::new();
    for round in 1..=plan.rounds {
        for &name in &names {
            let say = |what: &str| progress.say(&format!("round {round} of {} · {name} · {what}", plan.rounds));
            let first = knees.get(name).map_or(RATE_FIRST, |knee| knee / BACK);
            let folder = plan.folder.join(format!("{name}-{round}"));
            let measured = carried(plan, name, first, folder, &say).await;
            let (knee, points) = measured.with_context(|| format!("{name}, round {round}"))?;
            knees.insert(name, knee);
            for (at, measured) in points {
                all.add(name, at, measured);
            }
            if name != CEILING {
                say("with TLS");
                let folder = plan.folder.join(format!("{name}-tls-{round}"));
                let measured = secured(plan, name, knee / 2.0, folder).await;
                let name = with_tls(name);
                all.add(&name, At::Half, measured.with_context(|| format!("{name}, round {round}"))?);
            }
        }
        progress.say(&format!("round {round} of {} · disk", plan.rounds));
        all.disk.push(disk(&plan.folder, plan.stage / STEP_PART).await?);
    }
    progress.end();
    Ok(all)
}

/// Finds the knee of a fresh cluster, and measures there and around it.
async fn carried(
    plan: &Plan,
    name: &str,
    first: f64,
    folder: PathBuf,
    say: &impl Fn(&str),
) -> anyhow::Result<(f64, Vec<(At, Measured)>)> {
    let (ceiling, layout) = (name == CEILING, layout(name, false, folder));
    say("starting");
    let cluster = if ceiling { Spawned::ceiling(&layout).await? } else { Spawned::start(&layout).await? };
    let bench = Bench::new(cluster, name, plan.people, ceiling);
    let (knee, searched) = match plan.rate {
        Some(rate) => (rate, Some(0)),
        None => knee(&bench, first, plan.stage / STEP_PART, say).await?,
    };
    let mut points = Vec::new();
    for at in At::of(ceiling).iter().copied() {
        let rate = knee * at.times();
        say(&format!("measuring at {rate:.0}/s"));
        let report = bench.constant(rate, plan.stage).await?;
        let mut measured = Measured::run(&report);
        // A disturbed search finds too low a knee.
        measured.foreign = measured.foreign.zip(searched).map(|(during, before)| during.max(before));
        points.push((at, measured));
    }
    bench.cluster.stop().await?;
    std::fs::remove_dir_all(&layout.folder)?;
    Ok((knee, points))
}

/// The name of an engine with certificates, at half of what it carries without.
fn with_tls(engine: &str) -> String {
    format!("{engine} + TLS")
}

/// Measures a fresh cluster with certificates at a rate.
async fn secured(plan: &Plan, engine: &str, rate: f64, folder: PathBuf) -> anyhow::Result<Measured> {
    let layout = layout(engine, true, folder);
    let cluster = Spawned::start(&layout).await?;
    let bench = Bench::new(cluster, &with_tls(engine), plan.people, false);
    let measured = Measured::run(&bench.constant(rate, plan.stage).await?);
    bench.cluster.stop().await?;
    std::fs::remove_dir_all(&layout.folder)?;
    Ok(measured)
}

/// The highest rate that is carried, found by long steps and then by short ones; and what other programs took meanwhile.
async fn knee(bench: &Bench, first: f64, step: Duration, say: &impl Fn(&str)) -> anyhow::Result<(f64, Option<u32>)> {
    let step = step.max(Duration::from_secs(1));
    let tell = |look: &Look| say(&format!("looking for the knee, {} in a second", look.second.good));
    let mut from = first;
    let coarse = loop {
        let report = bench.climb(from, LONG, step, tell).await?;
        match report.knee {
            Some(knee) => break knee.rate,
            None if from < RATE_MIN => bail!("not even {from:.0} bills a second are carried: {}", outcomes(&report)),
            None => from /= BACK,
        }
    };
    let report = bench.climb(coarse * BEFORE, SHORT, step, tell).await?;
    let searched = report.machine.is_known().then_some(report.machine.foreign);
    Ok((report.knee.map_or(coarse * BEFORE, |knee| knee.rate), searched))
}

/// What a run's messages came to, in words.
fn outcomes(report: &Report) -> String {
    let outcomes = report.acts.first().map(|act| act.outcomes.as_slice()).unwrap_or_default();
    let each = outcomes.iter().map(|outcome| format!("{} {}", outcome.count, outcome.code));
    let tail = report.stages.iter().map(|stage| stage.latency.p99 / 1_000).max().unwrap_or_default();
    format!("{}; 99 of 100 within {tail} ms", each.collect::<Vec<_>>().join(", "))
}

/// Measures the disk alone.
async fn disk(folder: &Path, lasting: Duration) -> anyhow::Result<Measured> {
    let watcher = Watcher::begin(vec![Watched::generator()]);
    let folder = folder.to_owned();
    let syncs = tokio::task::spawn_blocking(move || fsync::syncs(&folder, GROUP, lasting)).await??;
    let (_, machine) = watcher.finish(0);
    Ok(Measured::disk(&syncs, &machine))
}
