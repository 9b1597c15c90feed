//! The benchmark (基准): three services and the generator on one machine, durable, beside the limits of wire and disk of
//! the same minutes. Rounds are interleaved, so that what the machine does meanwhile meets all alike; medians count.

// Rates and times; there is no money here.
#![allow(clippy::float_arithmetic)]

pub(crate) mod ceiling;
mod figures;
mod road;
mod rounds;
mod sample;
mod shown;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use tempfile::TempDir;

use self::{rounds::Plan, shown::Progress};

/// Options of `zhijie bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds; medians are taken over them
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each measurement lasts, s
    #[arg(long, default_value_t = 10, value_name = "N")]
    seconds: u64,
    /// Store engine, repeated for several; without it all
    #[arg(long, value_name = "NAME")]
    engine: Vec<String>,
    /// Folder in which the stores are kept while they are measured, on the disk that is meant
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Write JSON instead of tables
    #[arg(long)]
    json: bool,
    /// A look whether it works, in seconds: its figures mean nothing
    #[arg(long)]
    quick: bool,
}

/// Engines that are measured where none is named.
const ENGINES: [&str; 1] = ["sled"];

/// Measures, and shows what was measured.
pub(crate) async fn bench(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = TempDir::with_prefix_in("zhijie-bench-", &options.folder)
        .with_context(|| format!("{}", options.folder.display()))?;
    let engines = match options.engine.as_slice() {
        [] => ENGINES.map(str::to_owned).to_vec(),
        named => named.to_vec(),
    };
    let (rounds, seconds) = if options.quick { (1, 1) } else { (options.rounds.max(1), options.seconds.max(1)) };
    let plan = Plan { engines, rounds, stage: Duration::from_secs(seconds), folder: folder.path().to_owned() };
    let progress = Progress::new();
    let measured = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted: nothing is told by a part of the rounds"),
        measured = rounds::run(&plan, &progress) => measured?,
    };
    if options.json {
        anstream::println!("{}", shown::json(&measured));
    } else {
        anstream::println!("{}", shown::tables(&measured));
    }
    Ok(ExitCode::SUCCESS)
}
