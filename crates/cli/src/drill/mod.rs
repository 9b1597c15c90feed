//! `zhijie drill` (故障演练): the services of a cluster of own processes are killed, stopped or run out of disk under load,
//! round after round. After each round the three books are held against every answer that was given.

mod faults;
mod round;
mod shown;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;
use zhijie_loadgen::{
    Arrival, Down, Setup,
    plan::{mix::Mix, profile::Profile},
};
use zhijie_simulation::Dice;

use self::{
    faults::{Fault, Struck},
    round::Round,
};
use crate::{
    check,
    load::busiest,
    spawn::{Layout, Spawned},
};

/// A round is over long before; one that takes longer has failed.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// Options of `zhijie drill`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds with each engine; the faults take turns
    #[arg(long, default_value_t = 10, value_name = "N")]
    rounds: usize,
    /// What happens; full-disk fills the file system of --folder, which should be a small one
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Fault::USUAL, value_name = "NAMES")]
    faults: Vec<Fault>,
    /// Store engines
    #[arg(long, value_delimiter = ',', default_value = "sled,fjall", value_name = "NAMES")]
    engines: Vec<String>,
    /// Home regions
    #[arg(long, default_value_t = 2, value_name = "N")]
    homes: usize,
    /// Care regions
    #[arg(long, default_value_t = 2, value_name = "N")]
    cares: usize,
    /// Visits a second
    #[arg(long, default_value_t = 50.0, value_name = "N")]
    rate: f64,
    /// Insured people
    #[arg(long, default_value_t = 200, value_name = "N")]
    people: u32,
    /// People, bills, who is struck and when follow from it; what comes of it is up to the machine
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Folder for the stores while it runs
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// One JSON object instead of tables
    #[arg(long)]
    json: bool,
}

/// Makes the rounds, and shows what came of them.
pub(crate) async fn drill(options: &Options) -> anyhow::Result<ExitCode> {
    if options.faults.is_empty() || options.engines.is_empty() {
        bail!("--faults and --engines: at least one of each");
    }
    let bar = ProgressBar::new((options.rounds * options.engines.len()) as u64);
    if let Ok(style) = ProgressStyle::with_template("轮次 rounds {bar:24} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let (mut rounds, mut wrong) = (Vec::new(), None);
    for engine in &options.engines {
        wrong = with_engine(options, engine, &bar, &mut rounds).await?;
        if wrong.is_some() {
            break;
        }
    }
    bar.finish_and_clear();
    match options.json {
        true => anstream::println!("{}", shown::machine(&rounds, wrong.as_deref())),
        false => anstream::println!("{}", shown::people(&rounds, wrong.as_deref())),
    }
    Ok(if wrong.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Makes the rounds of an engine over one cluster; gives what is wrong, after which there are no more rounds.
async fn with_engine(
    options: &Options,
    engine: &str,
    bar: &ProgressBar,
    rounds: &mut Vec<Round>,
) -> anyhow::Result<Option<String>> {
    let stores = TempDir::with_prefix_in("zhijie-drill-", &options.folder)
        .with_context(|| format!("{}", options.folder.display()))?;
    // Logs lie elsewhere, as the disk of the stores may be full.
    let mut folders = [TempDir::with_prefix("zhijie-drill-")?, stores];
    let [folder, stores] = &folders;
    let busiest = busiest(options.homes, options.cares, engine, folder.path())?;
    let layout = Layout { stores: stores.path().to_owned(), ..busiest };
    let mut spawned = Spawned::start(&layout).await?;
    let mut dice = Dice::new(options.seed);
    let mut wrong = None;
    for fault in options.faults.iter().cycle().take(options.rounds) {
        bar.set_message(format!("{engine} {fault}"));
        let setup = setup(options, &spawned, engine)?;
        let round = round::round(&mut spawned, setup, *fault, &layout.stores, &mut dice).await;
        let round = round.with_context(|| format!("{engine}, {fault}")).inspect_err(|_| keep(&mut folders))?;
        bar.inc(1);
        wrong = round.wrong.as_ref().map(|wrong| format!("{engine}, {fault}: {wrong}"));
        rounds.push(round);
        if wrong.is_some() {
            break;
        }
    }
    spawned.stop().await.inspect_err(|_| keep(&mut folders))?;
    if wrong.is_none() && !check::report_on(&[layout.stores]).await?.is_equal() {
        wrong = Some(format!("{engine}: `zhijie check` does not find the stores sound"));
    }
    if wrong.is_some() {
        keep(&mut folders);
    }
    Ok(wrong)
}

/// What went wrong is to be looked at.
fn keep(folders: &mut [TempDir]) {
    for folder in folders {
        folder.disable_cleanup(true);
        anstream::eprintln!("留存 kept: {}", folder.path().display());
    }
}

fn setup(options: &Options, spawned: &Spawned, engine: &str) -> anyhow::Result<Setup> {
    Ok(Setup {
        targets: spawned.targets(),
        profile: Profile::shipped("constant", options.rate, Some(ROUND_MAX))?,
        mix: Mix::shipped("trouble")?,
        seed: options.seed,
        people: options.people,
        arrival: Arrival::Open,
        open_max: 4_096,
        one_by_one: false,
        down: Down::Any,
        watched: Vec::new(),
        cluster: engine.to_owned(),
        host: String::new(),
    })
}
