//! A whole run (一次压测): people are enrolled, the books are read, messages are sent, the books are read again, and the
//! gate says whether the run counts.

use std::{pin::pin, time::Duration};

use tokio::sync::mpsc;
use zhijie_identity::IdentityError;

use crate::{
    Targets,
    drive::{
        Arrival, Drive, Driven, Look, Told,
        clients::Clients,
        clock::{date, day_of, wall_ms},
        visit::Setting,
    },
    gate::{self, ledger, lookup},
    plan::{
        PlanError,
        mix::Mix,
        profile::Profile,
        visits::{DAYS_MAX, Plan},
        world::{Places, World},
    },
    prepare,
    report::{Gate, Knee, Machine, Process, Report, Run, Stage},
    watch::{Watched, Watcher},
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The cluster.
    pub targets: Targets,
    /// How the rate goes.
    pub profile: Profile,
    /// What comes.
    pub mix: Mix,
    /// Of people, bills and arrivals.
    pub seed: u64,
    /// How many people.
    pub people: u32,
    /// When visits come.
    pub arrival: Arrival,
    /// Messages that may be open.
    pub open_max: usize,
    /// Hospitals send each message in a call of its own, instead of over one stream.
    pub one_by_one: bool,
    /// What may be down meanwhile.
    pub down: Down,
    /// Processes to watch.
    pub watched: Vec<Watched>,
    /// The cluster, in words.
    pub cluster: String,
    /// Program and machine, in words.
    pub host: String,
}

/// What may be down while messages are sent (停机范围).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Down {
    /// Nothing.
    #[default]
    Nothing,
    /// The home service of this province: only its people may be busy or unknown.
    Home(String),
    /// Every service, and it may fail at any moment.
    Any,
}

/// How far a run is.
#[derive(Debug, Clone)]
pub enum Progress {
    /// So many people of so many are enrolled.
    Enrolled(usize, usize),
    /// Sending begins.
    Started,
    /// Messages are sent.
    Sending(Look),
    /// A settlement was answered.
    Settled(Settled),
    /// So many visits are looked up.
    Pending(usize),
    /// The books are read.
    Reading,
}

/// A settlement that was answered just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The province of its home.
    pub home: String,
    /// The province of its care.
    pub care: String,
    /// Since its message was sent.
    pub took: Duration,
}

/// A run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An address is none.
    #[error("{0} is no address")]
    Address(String, #[source] tonic::transport::Error),
    /// An identity is missing or wrong.
    #[error("{0}")]
    Identity(String, #[source] Box<IdentityError>),
    /// An institution of the plan is not opened for what the plan sends it.
    #[error("{0} is not opened for {1} visits on this cluster")]
    Institution(String, &'static str),
    /// A home refuses a person of the plan.
    #[error("a person cannot be enrolled: {0}")]
    Person(String),
    /// It was interrupted before anything was sent.
    #[error("interrupted before anything was sent")]
    Interrupted,
    /// The home to stop is none of the cluster.
    #[error("no people of {0} take part")]
    NoHome(String),
    /// A service does not answer.
    #[error("{0} does not answer: {1}")]
    Service(&'static str, String),
}

impl RunError {
    pub(crate) fn service(service: &'static str, status: &tonic::Status) -> RunError {
        RunError::Service(service, status.message().to_owned())
    }
}

/// Makes a run. `moved` tells of watched processes that were started again, `stop` ends the sending early.
///
/// # Errors
/// [`RunError`] when it cannot be begun, or the books cannot be read.
pub async fn run(
    setup: Setup,
    mut moved: mpsc::Receiver<(String, u32)>,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Progress),
) -> Result<Report, RunError> {
    let places = Places::of(&World::shipped()?, &provinces(&setup.targets.homes), &provinces(&setup.targets.cares))?;
    let plan = Plan::of(&World::shipped()?, places, setup.mix.clone(), setup.seed, setup.people)?;
    let clients = Clients::of(&setup.targets, &plan.places, setup.open_max, setup.one_by_one)?;

    let (homes, cares) = (&plan.places.homes, &plan.places.cares);
    if let Down::Home(code) = &setup.down
        && !homes.iter().any(|home| home.code == *code)
    {
        return Err(RunError::NoHome(code.clone()));
    }

    let started_ms = wall_ms();
    let first_day = day_of(started_ms);
    prepare::institutions(&setup.targets, &plan, first_day).await?;
    let people = plan.people.people().len();
    let mut stop = pin!(stop);
    let enrolling = prepare::people(&clients, &plan, setup.seed, first_day, |done| {
        tell(Progress::Enrolled(done, people));
    });
    let people = tokio::select! {
        biased;
        () = &mut stop => return Err(RunError::Interrupted),
        people = enrolling => people?,
    };

    let setting = Setting {
        places: &plan.places,
        seed: setup.seed,
        run: format!("L{started_ms:x}"),
        days: (0..=DAYS_MAX).map(|back| date(first_day - back as i64)).collect(),
        down: &setup.down,
    };
    tell(Progress::Reading);
    let before = ledger::books(&clients, &setting, &[first_day]).await?;
    let watcher = Watcher::begin(setup.watched.clone());
    tell(Progress::Started);
    let drive = Drive::new(&plan, &setup.profile, &setting, &clients, setup.arrival, setup.open_max, people);
    let driving = drive.run(stop, |told| {
        tell(match told {
            Told::Second(look) => Progress::Sending(look),
            Told::Settled { home, care, took } => {
                let home = homes.get(home).map(|home| home.code.clone()).unwrap_or_default();
                let care = cares.get(care).map(|care| care.code.clone()).unwrap_or_default();
                Progress::Settled(Settled { home, care, took })
            }
        });
    });
    let driven = {
        let mut driving = pin!(driving);
        loop {
            tokio::select! {
                biased;
                driven = &mut driving => break driven,
                Some((name, pid)) = moved.recv() => watcher.moved(&name, pid),
            }
        }
    };
    let (processes, machine) = watcher.finish(driven.measure.settled());

    let found = lookup::resolve(&clients, &setting, &driven.unsure, |left| tell(Progress::Pending(left))).await;
    tell(Progress::Reading);
    let days: Vec<i64> = (first_day..=day_of(wall_ms())).collect();
    let after = ledger::books(&clients, &setting, &days).await?;
    let hub = ledger::hub(&setup.targets, &days).await?;
    let checks = gate::checks(&driven, &found, &before, &after, &hub, &setup.down);
    let gate = Gate { passed: checks.iter().all(|check| check.passed), checks };
    Ok(report(&setup, &plan, started_ms, &driven, processes, machine, gate))
}

fn provinces(targets: &[(String, String)]) -> Vec<String> {
    targets.iter().map(|(code, _)| code.clone()).collect()
}

fn report(
    setup: &Setup,
    plan: &Plan,
    started_ms: i64,
    driven: &Driven,
    processes: Vec<Process>,
    machine: Machine,
    gate: Gate,
) -> Report {
    let stages = stages(setup, driven, &machine);
    let knee = driven.knee.and_then(|knee| stages.get(knee)).map(|stage| Knee {
        rate: stage.offered,
        settled: stage.settled,
        latency: stage.latency.clone(),
    });
    let mix = plan.mix.shares.iter().map(|(kind, share)| (kind.service().to_owned(), *share)).collect();
    let institutions = plan.places.cares.iter().map(|care| care.institutions.len() as u64).sum();
    let run = Run {
        profile: setup.profile.name.clone(),
        arrival: if setup.arrival == Arrival::Open { "open" } else { "closed" }.to_owned(),
        seed: setup.seed,
        started_ms,
        lasted_ms: millis(driven.lasted),
        interrupted: driven.interrupted,
        mix,
        people: setup.people.into(),
        institutions,
        lines: plan.mix.lines(),
        cluster: setup.cluster.clone(),
        host: setup.host.clone(),
    };
    let seconds = driven.measure.seconds();
    Report { run, stages, knee, seconds, acts: driven.measure.acts(), processes, machine, gate }
}

/// The stages that were reached, with what was measured in each.
fn stages(setup: &Setup, driven: &Driven, machine: &Machine) -> Vec<Stage> {
    let mut from = Duration::ZERO;
    let mut stages = Vec::new();
    let last = driven.stages.saturating_sub(1);
    for (index, planned) in setup.profile.stages.iter().enumerate().take(driven.stages) {
        let Some(count) = driven.measure.stage(index) else { break };
        let closed = setup.arrival != Arrival::Open;
        let to = if index == last || closed { driven.lasted } else { from + planned.lasts };
        let seconds = to.saturating_sub(from).as_secs_f64().max(0.001);
        let name = match setup.arrival {
            Arrival::Open => planned.name.clone(),
            Arrival::Closed(visits) => format!("{visits} at a time"),
        };
        stages.push(Stage {
            name,
            from_ms: millis(from),
            to_ms: millis(to),
            offered: count.offered as f64 / seconds,
            good: count.good as f64 / seconds,
            settled: count.settled as f64 / seconds,
            latency: count.latency(),
            foreign: foreign(machine, from, to),
        });
        from = to;
    }
    stages
}

/// The mean of the seconds of a stage.
fn foreign(machine: &Machine, from: Duration, to: Duration) -> u32 {
    let second = |at: Duration| usize::try_from(at.as_secs()).unwrap_or(usize::MAX);
    let seconds = machine.foreign_by_second.iter().skip(second(from)).take(second(to).saturating_sub(second(from)));
    let (count, sum) = seconds.fold((0, 0), |(count, sum), share| (count + 1, sum + share));
    u32::checked_div(sum, count).unwrap_or(machine.foreign)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
