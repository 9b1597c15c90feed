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
    anstream::print!("{}", sums.told(options, began.elapsed()));
    Ok(sums.code())
}

/// Starts the seeds on their cores; gives what comes of them. turmoil has runtimes of its own, which may not run inside
/// another: each core is a plain thread.
fn started(options: &Options, rules: &Rules, began: Instant) -> mpsc::IntoIter<Done> {
    let (sender, results) = mpsc::sync_channel(RESULTS_WAITING_MAX);
    let next = Arc::new(AtomicU64::new(options.start));
    let end = options.start.saturating_add(options.seeds);
    let minutes = options.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let run_options = run_options(options);
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

fn run_options(options: &Options) -> RunOptions {
    RunOptions { settlements: options.settlements, with_faults: !options.calm, ..RunOptions::default() }
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

    fn code(&self) -> ExitCode {
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }

    fn told(&self, options: &Options, took: Duration) -> String {
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
            return format!("{object}\n");
        }
        let mut told: String = self.failed.iter().take(TOLD_MAX).map(|done| story(options, done)).collect();
        if self.failed.len() > TOLD_MAX {
            let rest: Vec<String> = self.failed.iter().skip(TOLD_MAX).map(|done| done.seed.to_string()).collect();
            told.push_str(&format!("其余未守 also broken: {}\n", rest.join(" ")));
        }
        let kept = if self.failed.is_empty() {
            "✓ 承诺皆守 every promise kept"
        } else {
            "✗ 有违承诺 a promise was broken"
        };
        told.push_str(&format!("{kept}: {} 个种子 seeds, {} 未守 broken\n", self.seeds, self.failed.len()));
        told.push_str(&format!(
            "用时 took {}.{:03} s, 每分钟 {a_minute} 个种子 seeds a minute; 模拟时长 simulated {} s\n",
            took_ms / 1_000,
            took_ms % 1_000,
            self.simulated.as_secs()
        ));
        told
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
fn story(options: &Options, done: &Done) -> String {
    let lines: Vec<&str> = done.transcript.lines().collect();
    let hidden = lines.len().saturating_sub(LAST_LINES);
    let mut told = format!("✗ 种子 seed {}: {}\n", done.seed, done.broken.as_deref().unwrap_or_default());
    told.push_str(&format!("  最后的事件 the last events ({hidden} 行略 lines before them):\n"));
    lines.iter().skip(hidden).for_each(|line| told.push_str(&format!("  {line}\n")));
    told.push_str(&format!("  重放 again: {}\n\n", replay(options, done.seed)));
    told
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use zhijie_simulation::Lie;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    /// The options of a command such as `zhijie simulate --seeds 1`.
    fn read(command: &str) -> Options {
        Program::parse_from(command.strip_prefix("zhijie ").unwrap().split(' ')).options
    }

    /// The first seed that a disk which checks no versions lets fail.
    fn failed(options: &Options, rules: &Rules) -> Done {
        let lying = |seed| run(seed, rules, lie(options));
        (options.start..).map(lying).find(|done| done.broken.is_some()).unwrap()
    }

    fn lie(options: &Options) -> RunOptions {
        RunOptions { lie: Some(Lie::NoVersions), ..run_options(options) }
    }

    #[test]
    fn a_failing_seed_is_told_with_its_last_events_and_the_command_that_shows_them_again() {
        let (options, rules) = (read("zhijie simulate --settlements 40"), Rules::read().unwrap());
        let done = failed(&options, &rules);
        let mut sums = Sums::default();
        sums.take(run(done.seed, &rules, run_options(&options)));
        assert_eq!((sums.failed.len(), sums.code()), (0, ExitCode::SUCCESS), "without the lie it keeps its promises");
        sums.take(done.clone());
        assert_eq!(sums.code(), ExitCode::from(1));

        let told = sums.told(&options, Duration::from_secs(2));
        let mut lines = told.lines();
        let broken = done.broken.clone().unwrap();
        let first = format!("✗ 种子 seed {}: {broken}", done.seed);
        assert!(told.starts_with(&first), "{told}");
        let events: Vec<&str> = done.transcript.lines().collect();
        let mut last = events.iter().skip(events.len() - LAST_LINES);
        lines.find(|line| line.contains("the last events")).unwrap();
        assert!(lines.by_ref().take(LAST_LINES).all(|line| line.trim_start() == last.next().unwrap().trim_start()));
        let again = lines.next().unwrap().trim_start().strip_prefix("重放 again: ").unwrap();
        assert!(told.contains("✗ 有违承诺 a promise was broken: 2 个种子 seeds, 1 未守 broken"), "{told}");

        // What the command runs is this seed, byte for byte.
        let replayed = read(again);
        assert_eq!((replayed.seeds, replayed.start, replayed.transcript), (1, done.seed, true));
        assert_eq!(run(replayed.start, &rules, lie(&replayed)), done);

        let object: serde_json::Value =
            serde_json::from_str(&sums.told(&Options { json: true, ..options }, Duration::from_secs(2))).unwrap();
        let failed = &object["failed"][0];
        assert_eq!((failed["seed"].as_u64(), failed["broken"].as_str()), (Some(done.seed), Some(broken.as_str())));
        assert_eq!(failed["replay"].as_str(), Some(again));
    }

    #[test]
    fn of_many_failing_seeds_a_few_are_told_and_the_others_named() {
        let failed = |seed| Done {
            seed,
            transcript: "   0.015  it began\n".into(),
            broken: Some("a visit is settled twice".into()),
            elapsed: Duration::ZERO,
        };
        let mut sums = Sums::default();
        (1..=5).for_each(|seed| sums.take(failed(seed)));
        let told = sums.told(&read("zhijie simulate --calm"), Duration::from_millis(1));
        assert_eq!(told.matches("the last events (0 行略 lines before them):\n     0.015  it began").count(), TOLD_MAX);
        assert!(told.contains("其余未守 also broken: 4 5\n"), "{told}");
        assert!(told.contains("again: zhijie simulate --seeds 1 --start 3 --transcript --calm\n"), "{told}");
    }
}
