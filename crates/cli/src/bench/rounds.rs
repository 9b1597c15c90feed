//! The rounds: each engine, the ceiling and the disk in turn, and then all again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::Serialize;
use zhijie_loadgen::{
    fsync,
    report::Stage,
    watch::{Watched, Watcher},
};

use super::{
    figures::{Measured, foreign},
    road::{Arrival, CARE, HOME, Road, agreed},
    shown::Progress,
};
use crate::spawn::{Layout, Spawned};

/// The services without deciding and storing.
pub(super) const CEILING: &str = "ceiling";
/// What is appended before each sync of the disk, bytes: a group of about 64 settlements.
pub(super) const GROUP: usize = 64 << 10;
/// A rate is carried when so much of what is offered is answered well in time, …
const CARRIED: f64 = 0.95;
/// … and the tail stays bounded: 99 of 100 within, µs.
const TAIL_MAX_US: u64 = 100_000;
/// The first rate offered, a second.
const RATE_FIRST: f64 = 250.0;
/// A rate below which a machine carries nothing.
const RATE_MIN: f64 = 4.0;
/// By how much the offered rate grows from step to step; later rounds begin as far below the knee of the former.
const STEP: f64 = 1.5;
/// Halvings of the last step.
const HALVINGS: usize = 3;
/// Part of a measurement that one step lasts.
const STEP_PART: u32 = 3;
/// Pause after a step that was too much, until the services are quiet again.
const QUIET: Duration = Duration::from_secs(2);
/// Seed of arrivals.
pub(super) const SEED: u64 = 2_207;

/// What is measured, how often and for how long.
pub(super) struct Plan {
    pub(super) engines: Vec<String>,
    pub(super) rounds: usize,
    /// How long a measurement lasts.
    pub(super) stage: Duration,
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
}

/// Everything that was measured, by round: what each engine and the ceiling carried, and what the disk gave.
#[derive(Debug, Default, Serialize)]
pub(super) struct All {
    /// Fit for JSON: a list of what stands together.
    pub(super) parts: Vec<Part>,
    pub(super) disk: Vec<Measured>,
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
    let mut all = All::default();
    let mut knees: BTreeMap<String, f64> = BTreeMap::new();
    for round in 1..=plan.rounds {
        for name in plan.engines.iter().map(String::as_str).chain([CEILING]) {
            let say = |what: &str| progress.say(&format!("round {round} of {} · {name} · {what}", plan.rounds));
            let first = knees.get(name).map_or(RATE_FIRST, |knee| knee / STEP / STEP);
            let folder = plan.folder.join(format!("{name}-{round}"));
            let measured = carried(plan, name, &folder, first, &say).await;
            let (knee, points) = measured.with_context(|| format!("{name}, round {round}"))?;
            knees.insert(name.to_owned(), knee);
            for (at, measured) in points {
                all.part(name, at).rounds.push(measured);
            }
        }
        progress.say(&format!("round {round} of {} · disk", plan.rounds));
        all.disk.push(disk(&plan.folder, plan.stage / STEP_PART).await?);
    }
    progress.end();
    Ok(all)
}

impl All {
    fn part(&mut self, name: &str, at: At) -> &mut Part {
        let index = self.parts.iter().position(|part| part.name == name && part.at == at).unwrap_or_else(|| {
            self.parts.push(Part { name: name.to_owned(), at, rounds: Vec::new() });
            self.parts.len() - 1
        });
        &mut self.parts[index]
    }
}

/// Finds the knee of a fresh cluster, and measures there and at half of it.
async fn carried(
    plan: &Plan,
    name: &str,
    folder: &Path,
    first: f64,
    say: &impl Fn(&str),
) -> anyhow::Result<(f64, [(At, Measured); 2])> {
    let engine = if name == CEILING { String::new() } else { name.to_owned() };
    let layout = Layout { homes: vec![HOME.into()], cares: vec![CARE.into()], engine, folder: folder.to_owned() };
    let real = name != CEILING;
    say("starting");
    let cluster = if real { Spawned::start(&layout).await? } else { Spawned::ceiling(&layout).await? };
    let targets = cluster.targets();
    let mut road = Road::new(&targets, SEED)?;
    if real {
        road.enrol(&targets).await?;
    }
    let watcher = Watcher::begin(cluster.watched());
    let knee = knee(&mut road, first, plan.stage / STEP_PART, say).await?;
    let (_, machine) = watcher.finish(0);
    let before = foreign(&machine);
    let measured = |at: At, mut one: Measured| {
        // A disturbed search finds too low a knee.
        one.foreign = one.foreign.zip(before).map(|(during, before)| during.max(before));
        (at, one)
    };
    say(&format!("at the knee, {knee:.0}/s"));
    let at_knee = measured(At::Knee, at(&mut road, &cluster, knee, plan.stage).await?);
    say(&format!("at half of the knee, {:.0}/s", knee / 2.0));
    let at_half = measured(At::Half, at(&mut road, &cluster, knee / 2.0, plan.stage).await?);
    if real {
        say("comparing the books");
        agreed(&targets).await?;
    }
    cluster.stop().await?;
    std::fs::remove_dir_all(folder)?;
    Ok((knee, [at_knee, at_half]))
}

/// The highest rate that is carried, found by steps and then by halving the last one.
async fn knee(road: &mut Road, first: f64, lasting: Duration, say: &impl Fn(&str)) -> anyhow::Result<f64> {
    let (mut carried, mut over, mut rate, mut halvings) = (None, None, first, 0);
    while halvings < HALVINGS {
        say(&format!("looking for the knee, {rate:.0}/s"));
        // A rate is too much when it is too much twice: a moment's disturbance is none.
        let mut shown = road.offer(Arrival::Open(rate), lasting).await?;
        if !is_carried(&shown.stage) {
            tokio::time::sleep(QUIET).await;
            shown = road.offer(Arrival::Open(rate), lasting).await?;
        }
        if is_carried(&shown.stage) {
            carried = Some(rate);
        } else {
            over = Some(rate);
            tokio::time::sleep(QUIET).await;
        }
        rate = match (carried, over) {
            (Some(carried), Some(over)) => {
                halvings += 1;
                f64::sqrt(carried * over)
            }
            (Some(carried), None) => carried * STEP,
            (None, _) if rate < RATE_MIN => {
                bail!("not even {rate:.0} messages a second are carried; {:?}", shown.others)
            }
            (None, _) => rate / 2.0,
        };
    }
    carried.context("a rate that is carried")
}

fn is_carried(stage: &Stage) -> bool {
    stage.good >= CARRIED * stage.offered && stage.latency.p99 <= TAIL_MAX_US
}

/// Measures at a rate.
async fn at(road: &mut Road, cluster: &Spawned, rate: f64, lasting: Duration) -> anyhow::Result<Measured> {
    let watcher = Watcher::begin(cluster.watched());
    let shown = road.offer(Arrival::Open(rate), lasting).await?;
    let (processes, machine) = watcher.finish(shown.settled);
    if let Some((what, count)) = shown.others.first_key_value() {
        tracing::debug!(what, count, "not every bill was settled");
    }
    Ok(Measured::stage(&shown.stage, &processes, &machine))
}

/// Measures the disk alone.
async fn disk(folder: &Path, lasting: Duration) -> anyhow::Result<Measured> {
    let watcher = Watcher::begin(vec![Watched::generator()]);
    let folder = folder.to_owned();
    let syncs = tokio::task::spawn_blocking(move || fsync::syncs(&folder, GROUP, lasting)).await??;
    let (_, machine) = watcher.finish(0);
    Ok(Measured::disk(&syncs, &machine))
}
