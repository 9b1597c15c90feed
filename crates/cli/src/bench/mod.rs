//! The benchmark (基准): three services and the generator on one machine, durable, beside the limits of wire and disk of
//! the same minutes. Rounds are interleaved, so that what the machine does meanwhile meets all alike; medians count.

// Rates and times; there is no money here.
#![allow(clippy::float_arithmetic)]

pub(crate) mod ceiling;
mod drive;
mod figures;
mod million;
mod rounds;
mod sample;
mod shown;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;
use zhijie_services::node::EngineKind;

use self::{drive::NoResult, rounds::Plan, shown::Progress};

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
    engine: Vec<EngineKind>,
    /// Folder in which the stores are kept while they are measured, on the disk that is meant
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Write JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Settle N million in one run instead, and see whether throughput, memory and disk hold; Ctrl-C ends it with what was
    /// measured so far
    #[arg(long, value_name = "N", conflicts_with = "quick")]
    million: Option<u64>,
    /// A look whether it works, in seconds: its figures mean nothing
    #[arg(long)]
    quick: bool,
}

/// Insured people, and those of a quick look.
const PEOPLE: u32 = 20_000;
const PEOPLE_QUICK: u32 = 200;
/// Bills a second of a quick look.
const RATE_QUICK: f64 = 40.0;
/// A million.
const MILLION: u64 = 1_000_000;

/// Measures, and shows what was measured.
pub(crate) async fn bench(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = TempDir::with_prefix_in("zhijie-bench-", &options.folder)
        .with_context(|| format!("{}", options.folder.display()))?;
    let (json, tables) = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c(), if options.million.is_none() => bail!("interrupted: a part of the rounds is no result"),
        measured = measured(options, folder.path()) => match measured {
            Err(error) if error.downcast_ref::<NoResult>().is_some() => {
                anstream::eprintln!("zhijie: {error:#}");
                return Ok(ExitCode::FAILURE);
            }
            measured => measured?,
        },
    };
    anstream::println!("{}", if options.json { json.to_string() } else { tables });
    Ok(ExitCode::SUCCESS)
}

/// What was measured, for machines and for people.
async fn measured(options: &Options, folder: &Path) -> anyhow::Result<(Value, String)> {
    let progress = Progress::new();
    let named = if options.engine.is_empty() { EngineKind::ALL.as_slice() } else { options.engine.as_slice() };
    let engines: Vec<String> = named.iter().map(ToString::to_string).collect();
    let people = if options.quick { PEOPLE_QUICK } else { PEOPLE };
    if let Some(millions) = options.million {
        let (mut runs, count) = (Vec::new(), millions * MILLION);
        for engine in &engines {
            let run = million::run(engine, count, people, folder.join(engine), &progress).await?;
            let whole = run.settled() >= count;
            runs.push(run);
            if !whole {
                break;
            }
        }
        return Ok((shown::long_json(&runs), shown::long_tables(&runs)));
    }
    let (rounds, seconds) = if options.quick { (1, 1) } else { (options.rounds.max(1), options.seconds.max(1)) };
    let (rate, stage) = (options.quick.then_some(RATE_QUICK), Duration::from_secs(seconds));
    let plan = Plan { engines, rounds, stage, people, rate, folder: folder.to_owned() };
    let all = rounds::run(&plan, &progress).await?;
    Ok((shown::json(&all), shown::tables(&all)))
}
