//! `zhijie load`: messages at a stated rate against a cluster, or against one of its own processes; what it took, and
//! whether the books still agree. A run whose answers or books are wrong has no result.

// Rates; there is no money here.
#![allow(clippy::float_arithmetic)]

mod shown;

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc, watch};
use zhijie_loadgen::{
    Arrival, Down, Progress, Setup, Targets, page,
    plan::{mix::Mix, profile::Profile, world::World},
    report::Report,
    run,
    watch::Watched,
};

use self::shown::Live;
use crate::{
    addresses::Addresses,
    spawn::{Layout, Spawned},
};

/// Options of `zhijie load`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Send to services that run elsewhere: a TOML file with their addresses; see deploy/cluster.toml
    #[arg(long, value_name = "FILE", conflicts_with = "spawn", required_unless_present = "spawn")]
    cluster: Option<PathBuf>,
    /// Start a cluster of own processes, with stores on disk, and end it afterwards
    #[arg(long)]
    spawn: bool,
    /// With certificates: the own processes prove who they are, hospitals and officers too
    #[arg(long, requires = "spawn")]
    tls: bool,
    /// Store engine of the own processes
    #[arg(long, default_value = "sled", value_name = "NAME")]
    engine: String,
    /// Home regions of the own cluster
    #[arg(long, default_value_t = 2, value_name = "N")]
    homes: usize,
    /// Care regions of the own cluster
    #[arg(long, default_value_t = 2, value_name = "N")]
    cares: usize,
    /// Folder for the stores of the own cluster while it runs
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// How the rate goes: constant, ramp, spike, soak, spring or day
    #[arg(long, default_value = "constant", value_name = "NAME")]
    profile: String,
    /// Visits a second; where the profile changes, its base or its mean
    #[arg(long, default_value_t = 100.0, value_name = "N")]
    rate: f64,
    /// How long visits come, s
    #[arg(long, value_name = "N", conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// How long visits come, min
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// What comes: usual, outpatient, stays or trouble
    #[arg(long, default_value = "usual", value_name = "NAME")]
    mix: String,
    /// People, bills and arrivals follow from it
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Insured people
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    people: u32,
    /// Closed loop: so many visits at a time, each next one when another has ended
    #[arg(long, value_name = "N")]
    closed: Option<usize>,
    /// Messages that may be open; more are held back, and counted
    #[arg(long, default_value_t = 4_096, value_name = "N")]
    open_max: usize,
    /// Hospitals send each message in a call of its own, instead of over one stream
    #[arg(long)]
    one_by_one: bool,
    /// Stop this home region in the middle third of the run: only its people may be refused or unknown
    #[arg(long, value_name = "CODE", requires = "spawn")]
    stop_home: Option<String>,
    /// Write the report as one page of HTML
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Write the report as JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// Makes a run, and shows it.
pub(crate) async fn load(options: &Options) -> anyhow::Result<ExitCode> {
    let report = if let Some(file) = &options.cluster {
        let setup = setup(options, elsewhere(file)?, vec![Watched::generator()], "")?;
        made(options, setup, None).await?
    } else {
        let folder = TempDir::with_prefix_in("zhijie-load-", &options.folder)
            .with_context(|| format!("{}", options.folder.display()))?;
        let busiest = busiest(options.homes, options.cares, &options.engine, folder.path())?;
        let layout = Layout { tls: options.tls, ..busiest };
        let mut spawned = Spawned::start(&layout).await?;
        let setup = setup(options, spawned.targets(), spawned.watched(), &options.engine)?;
        let report = made(options, setup, Some(&mut spawned)).await?;
        spawned.stop().await?;
        report
    };
    if let Some(page) = &options.page {
        std::fs::write(page, page::html(&report)).with_context(|| format!("{}", page.display()))?;
    }
    match options.json {
        true => anstream::println!("{}", serde_json::to_string(&report)?),
        false => anstream::println!("{}", shown::tables(&report)),
    }
    Ok(if report.gate.passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn setup(options: &Options, targets: Targets, watched: Vec<Watched>, engine: &str) -> anyhow::Result<Setup> {
    if !(options.rate.is_finite() && options.rate > 0.0) {
        bail!("--rate: visits a second, more than none");
    }
    let seconds = options.seconds.or(options.minutes.map(|minutes| minutes * 60));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let services = format!("{} home and {} care services", targets.homes.len(), targets.cares.len());
    let secured = if targets.identities.is_some() { "TLS" } else { "" };
    Ok(Setup {
        profile: Profile::shipped(&options.profile, options.rate, seconds.map(Duration::from_secs))?,
        mix: Mix::shipped(&options.mix)?,
        seed: options.seed,
        people: options.people,
        arrival: options.closed.map_or(Arrival::Open, Arrival::Closed),
        open_max: options.open_max.max(1),
        one_by_one: options.one_by_one,
        down: options.stop_home.clone().map_or(Down::Nothing, Down::Home),
        watched,
        cluster: [&services, engine, secured]
            .iter()
            .filter(|word| !word.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(", "),
        host: format!("zhijie {}, {cores} cores", env!("CARGO_PKG_VERSION")),
        targets,
    })
}

/// The services of a cluster that runs elsewhere.
fn elsewhere(file: &Path) -> anyhow::Result<Targets> {
    let Addresses { hub, identities, regions } = Addresses::read(file)?;
    let url = |address: String| format!("{}://{address}", if identities.is_some() { "https" } else { "http" });
    let (mut homes, mut cares) = (Vec::new(), Vec::new());
    for (code, region) in regions {
        homes.extend(region.home.map(|home| (code.to_string(), url(home))));
        cares.extend(region.care.map(|care| (code.to_string(), url(care))));
    }
    Ok(Targets { hub: url(hub), homes, cares, identities })
}

/// A cluster of the provinces from which most go, and of those to which most go; in plaintext.
pub(crate) fn busiest(homes: usize, cares: usize, engine: &str, folder: &Path) -> anyhow::Result<Layout> {
    let mut provinces = World::shipped()?.province;
    let mut first = |count: usize, share: fn(&zhijie_loadgen::plan::world::Province) -> u32| {
        provinces.sort_by_key(|province| std::cmp::Reverse(share(province)));
        provinces.iter().take(count.max(1)).map(|province| province.code.clone()).collect::<Vec<_>>()
    };
    Ok(Layout {
        homes: first(homes, |province| province.outflow),
        cares: first(cares, |province| province.inflow),
        engine: engine.to_owned(),
        tls: false,
        folder: folder.to_owned(),
        stores: folder.to_owned(),
    })
}

/// Makes the run, with what disturbs it.
async fn made(options: &Options, setup: Setup, mut spawned: Option<&mut Spawned>) -> anyhow::Result<Report> {
    let third = setup.profile.lasts() / 3;
    let live = Live::new(&setup);
    let (moving, moved) = mpsc::channel(1);
    let (stop, stopping) = watch::channel(false);
    let started = Notify::new();
    let begun = Cell::new(false);
    let stopped = |mut stopping: watch::Receiver<bool>| async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let running = run(setup, moved, stopped(stopping.clone()), |progress| {
        if matches!(progress, Progress::Started) && !begun.replace(true) {
            started.notify_one();
        }
        live.tell(&progress);
    });
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = stop.send(true);
        }
        // Whoever interrupts again does not want to wait for what is open.
        let _ = tokio::signal::ctrl_c().await;
    };
    let disturbed = async {
        let (Some(code), Some(spawned)) = (&options.stop_home, &mut spawned) else {
            return std::future::pending().await;
        };
        started.notified().await;
        let name = format!("home {code}");
        let pause = || async {
            tokio::select! {
                () = tokio::time::sleep(third) => false,
                () = stopped(stopping.clone()) => true,
            }
        };
        if !pause().await {
            spawned.stop_one(&name).await?;
            pause().await;
            moving.send((name.clone(), spawned.start_one(&name).await?)).await?;
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        biased;
        report = running => Ok(report?),
        failed = disturbed => failed.and_then(|()| bail!("the disturbance ended")),
        () = interrupted => bail!("interrupted twice: no report"),
    }
}
