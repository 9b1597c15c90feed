//! `zhijie simulate`: seed after seed, a whole cluster under faults. What breaks a promise is told as a story, with the
//! command that shows it again.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::Instant;
use zhijie_simulation::{Options as RunOptions, Rules, Run as Done, run};

/// Lines of a failed seed's story that are shown.
const LAST_LINES: usize = 40;
/// Failed seeds whose stories are told; the others are named.
const TOLD_MAX: usize = 3;
/// Results that may wait to be told.
const RESULTS_WAITING_MAX: usize = 64;

/// Options of `zhijie simulate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    start: u64,
    /// Begin no seed after so many minutes, however many are left
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// Settlements of a seed
    #[arg(long, value_name = "N", default_value_t = 100)]
    settlements: usize,
    /// Let nothing go wrong
    #[arg(long)]
    calm: bool,
    /// Seeds that run side by side, each on a core
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// Print what happened in each seed; the same seed prints the same bytes
    #[arg(long)]
    transcript: bool,
    /// One JSON object instead of text
    #[arg(long, conflicts_with = "transcript")]
    json: bool,
}

/// Runs the seeds.
pub(crate) fn simulate(options: &Options) -> anyhow::Result<ExitCode> {
    let rules = Rules::read()?;
    let began = Instant::now();
    let bar = ProgressBar::new(options.seeds);
    if let Ok(style) = ProgressStyle::with_template("种子 seeds {bar:24} {pos}/{len} {msg} {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    let (mut sums, mut early, mut next) = (Sums::default(), BTreeMap::new(), options.start);
    for done in started(options, &rules, began) {
        early.insert(done.seed, done);
        // Seeds are told in their order, whichever core was faster.
        while let Some(done) = early.remove(&next) {
            next += 1;
            bar.inc(1);
            if options.transcript {
                bar.suspend(|| anstream::println!("种子 seed {}\n{}", done.seed, done.transcript));
            }
            sums.take(done);
            bar.set_message(format!("{} ✗", sums.failed.len()));
        }
    }
    bar.finish_and_clear();
    sums.tell(options, began.elapsed());
    Ok(if sums.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Starts the seeds on their cores; gives what comes of them. turmoil has runtimes of its own, which may not run inside
/// another: each core is a plain thread.
fn started(options: &Options, rules: &Rules, began: Instant) -> mpsc::IntoIter<Done> {
    let (sender, results) = mpsc::sync_channel(RESULTS_WAITING_MAX);
    let next = Arc::new(AtomicU64::new(options.start));
    let end = options.start.saturating_add(options.seeds);
    let minutes = options.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let run_options =
        RunOptions { settlements: options.settlements, with_faults: !options.calm, ..RunOptions::default() };
    for _ in 0..options.jobs.max(1) {
        let (sender, next, rules) = (sender.clone(), Arc::clone(&next), rules.clone());
        thread::spawn(move || {
            while minutes.is_none_or(|minutes| began.elapsed() < minutes) {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= end || sender.send(run(seed, &rules, run_options)).is_err() {
                    return;
                }
            }
        });
    }
    results.into_iter()
}

/// What came of all seeds.
#[derive(Default)]
struct Sums {
    seeds: u64,
    simulated: Duration,
    failed: Vec<Done>,
}

impl Sums {
    fn take(&mut self, done: Done) {
        self.seeds += 1;
        self.simulated += done.elapsed;
        if done.broken.is_some() {
            self.failed.push(done);
        }
    }

    fn tell(&self, options: &Options, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let a_minute = self.seeds.saturating_mul(60_000) / took_ms.max(1);
        if options.json {
            let failed = |done: &Done| {
                let broken = done.broken.as_deref().unwrap_or_default();
                json!({ "seed": done.seed, "broken": broken, "replay": replay(options, done.seed) })
            };
            let failed: Vec<_> = self.failed.iter().map(failed).collect();
            let object = json!({
                "seeds": self.seeds,
                "settlements_per_seed": options.settlements,
                "faults": !options.calm,
                "failed": failed,
                "ms": took_ms,
                "seeds_per_minute": a_minute,
                "simulated_s": self.simulated.as_secs(),
            });
            anstream::println!("{object}");
            return;
        }
        self.failed.iter().take(TOLD_MAX).for_each(|done| story(options, done));
        if self.failed.len() > TOLD_MAX {
            let rest: Vec<String> = self.failed.iter().skip(TOLD_MAX).map(|done| done.seed.to_string()).collect();
            anstream::println!("其余未守 also broken: {}", rest.join(" "));
        }
        let kept = if self.failed.is_empty() {
            "✓ 承诺皆守 every promise kept"
        } else {
            "✗ 有违承诺 a promise was broken"
        };
        anstream::println!("{kept}: {} 个种子 seeds, {} 未守 broken", self.seeds, self.failed.len());
        anstream::println!(
            "用时 took {}.{:03} s, 每分钟 {a_minute} 个种子 seeds a minute; 模拟时长 simulated {} s",
            took_ms / 1_000,
            took_ms % 1_000,
            self.simulated.as_secs()
        );
    }
}

/// The command that runs a seed again, and tells all of it.
fn replay(options: &Options, seed: u64) -> String {
    let mut command = format!("zhijie simulate --seeds 1 --start {seed} --transcript");
    if options.settlements != RunOptions::default().settlements {
        command.push_str(&format!(" --settlements {}", options.settlements));
    }
    if options.calm {
        command.push_str(" --calm");
    }
    command
}

/// What was broken, what came before, and how to see it again.
fn story(options: &Options, done: &Done) {
    anstream::println!("✗ 种子 seed {}: {}", done.seed, done.broken.as_deref().unwrap_or_default());
    let lines: Vec<&str> = done.transcript.lines().collect();
    let hidden = lines.len().saturating_sub(LAST_LINES);
    anstream::println!("  最后的事件 the last events ({hidden} 行略 lines before them):");
    lines.iter().skip(hidden).for_each(|line| anstream::println!("  {line}"));
    anstream::println!("  重放 again: {}\n", replay(options, done.seed));
}
