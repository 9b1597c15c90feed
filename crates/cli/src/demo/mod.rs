//! `zhijie demo`: the road from filing to clearing, told with real services, real gRPC and real storage.
//! In one process over temporary stores, or against a cluster that runs elsewhere. It ends by checking its own books.

mod cast;
mod checks;
mod scenes;
mod stage;
mod story;

use std::{io, path::Path, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use zhijie_services::{
    cluster::{Clients, Cluster, ClusterSetup, HUB, Loopback, care_of, home_of, seeded_signers},
    domain::{
        calendar::{Date, Moment, parse_date},
        ids::RegionCode,
    },
    node::{Clock, ManualClock, SystemClock, embedded_parameters, limits, open_store},
};

use stage::Stage;
use story::{Story, Time};

use crate::addresses::Addresses;

/// Options of `zhijie demo`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// One JSON object a scene instead of tables; amounts in fen, ratios in basis points
    #[arg(long)]
    json: bool,
    /// Seconds to pause after each scene, for presenting live
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pace: u64,
    /// Tell the story to services that run elsewhere: a TOML file with their addresses; see deploy/cluster.toml
    #[arg(long, value_name = "FILE")]
    cluster: Option<PathBuf>,
    /// Leave the stores in this new or empty folder, such as for `zhijie check`
    #[arg(long, value_name = "FOLDER", conflicts_with = "cluster")]
    keep: Option<PathBuf>,
}

/// The business day on which the story begins in a cluster of its own.
const FIRST_DAY: &str = "2025-03-10";

/// Tells the story.
pub(crate) async fn demo(options: &Options) -> anyhow::Result<ExitCode> {
    crate::run::log_to_stderr("error");
    let stage = Stage::new(options.json, options.pace);
    let agreed = match &options.cluster {
        Some(file) => elsewhere(file, stage).await?,
        None => match &options.keep {
            Some(folder) => here(stage, empty(folder)?).await?,
            None => {
                let stores = tempfile::tempdir().context("a folder for the stores of the demo")?;
                here(stage, stores.path()).await?
            }
        },
    };
    Ok(if agreed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A folder that is made, or holds nothing.
fn empty(folder: &Path) -> anyhow::Result<&Path> {
    let named = || folder.display().to_string();
    std::fs::create_dir_all(folder).with_context(named)?;
    anyhow::ensure!(std::fs::read_dir(folder).with_context(named)?.next().is_none(), "{} is not empty", named());
    Ok(folder)
}

/// A cluster of four provinces in this process, over stores in a folder.
async fn here(stage: Stage, stores: &Path) -> anyhow::Result<bool> {
    let first = parse_date(FIRST_DAY).context("the first day")?;
    let clock = Arc::new(ManualClock::at(morning(first)));
    let setup = ClusterSetup {
        regions: cast::provinces(),
        parameters: Arc::new(embedded_parameters()?),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        seed: "demo".into(),
        answer_deadline_ms: limits::ANSWER_DEADLINE_MS,
        signers: seeded_signers(&cast::provinces(), "demo"),
    };
    let open = |name: &str| open_store(&stores.join(name)).map_err(io::Error::other);
    let cluster = Cluster::start(setup, open).await?;
    let mut story = Story::new(cluster.clients()?, cluster.net().clone(), Time::Business(clock), stage, morning(first));
    if let Some(store) = RegionCode::parse(cast::CHONGQING).ok().and_then(|code| cluster.store(&care_of(&code))) {
        story = story.with_store(store.clone());
    }
    let agreed = story.tell().await;
    cluster.stop().await;
    agreed
}

/// The same story for services that run elsewhere, on today's date.
async fn elsewhere(file: &Path, stage: Stage) -> anyhow::Result<bool> {
    let addresses = Addresses::read(file)?;
    let net = Loopback::new();
    net.register(HUB, &addresses.hub);
    let regions = cast::provinces();
    for code in &regions {
        let region = addresses.regions.get(code);
        let both = region.and_then(|region| region.care.as_ref().zip(region.home.as_ref()));
        let (care, home) = both
            .with_context(|| format!("{}: the story needs the care and the home service of {code}", file.display()))?;
        net.register(&care_of(code), care);
        net.register(&home_of(code), home);
    }
    let clients = Clients::over(&net, &regions, addresses.identities)?;
    Story::new(clients, net, Time::Machine, stage, SystemClock.now()).tell().await
}

/// Nine in the morning of a day.
fn morning(day: Date) -> Moment {
    Moment::start_of(day).plus_ms(9 * 3_600_000)
}
