//! What a run was and what it showed, as plain values: the terminal's table, `--json` and the page are made of it.

use serde::{Deserialize, Serialize};

/// A run and all that it showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked for.
    pub run: Run,
    /// Stages of the profile, such as the steps of a ramp, in order.
    pub stages: Vec<Stage>,
    /// Where the offered rate left the answered one behind, if the profile looks for it.
    pub knee: Option<Knee>,
    /// One for each second.
    pub seconds: Vec<Second>,
    /// All messages of the run, then each act by itself.
    pub acts: Vec<ActReport>,
    /// The processes of the cluster and the generator.
    pub processes: Vec<Process>,
    /// What other programs took of the machine.
    pub machine: Machine,
    /// Whether the run counts.
    pub gate: Gate,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Name of the profile.
    pub profile: String,
    /// `open` (messages are sent when they are due) or `closed` (when one is answered).
    pub arrival: String,
    /// Seed of people, bills and arrivals.
    pub seed: u64,
    /// Start, ms since 1970 UTC.
    pub started_ms: i64,
    /// How long messages were sent, ms.
    pub lasted_ms: u64,
    /// True when it was interrupted: the report is of what was until then.
    pub interrupted: bool,
    /// Shares of the visits in the mix, by name, basis points.
    pub mix: Vec<(String, u32)>,
    /// Insured people.
    pub people: u64,
    /// Hospitals and pharmacies.
    pub institutions: u64,
    /// Fee lines of a bill, mean.
    pub lines: u32,
    /// The cluster, in words, such as "3 home and 2 care services, fjall".
    pub cluster: String,
    /// Program version and machine, in words.
    pub host: String,
}

/// A part of the run with one offered rate, or one meaning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Such as `2,000/s` or `after the holiday`.
    pub name: String,
    /// From the start of the run, ms.
    pub from_ms: u64,
    /// From the start of the run, ms.
    pub to_ms: u64,
    /// Messages offered in a second.
    pub offered: f64,
    /// Messages answered with what they asked for, in a second.
    pub good: f64,
    /// Settlements in a second.
    pub settled: f64,
    /// Latency of the good ones.
    pub latency: Latency,
    /// Share of the machine that other programs took, basis points.
    pub foreign: u32,
}

/// The highest offered rate that was carried: nearly all of it good, and its tail bounded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Messages a second.
    pub rate: f64,
    /// Settlements a second there.
    pub settled: f64,
    /// Latency there.
    pub latency: Latency,
}

/// Percentiles of a latency, µs, counted from when the message was due.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Messages.
    pub count: u64,
    /// Mean.
    pub mean: u64,
    /// Half.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// A second of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Messages that were due.
    pub offered: u64,
    /// Answered with what they asked for.
    pub good: u64,
    /// Refused, as they may be.
    pub refused: u64,
    /// Told to come again (`busy`).
    pub busy: u64,
    /// Unknown, or no answer.
    pub unknown: u64,
    /// Not sent, as too many were open.
    pub held: u64,
    /// Open at the end of the second.
    pub open: u64,
    /// Latency of the good ones that were answered in it.
    pub latency: Latency,
    /// How late the generator itself sent, 99 of 100, µs.
    pub lag_p99: u64,
}

/// One act, such as `settle at once`, or all together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ActReport {
    /// The act in English, `all` for all together.
    pub en: String,
    /// The act in Chinese.
    pub zh: String,
    /// Messages sent.
    pub sent: u64,
    /// Latency of the good ones.
    pub latency: Latency,
    /// The curve of percentiles: share in millionths, and µs at it, ascending.
    pub curve: Vec<(u32, u64)>,
    /// Outcomes by code, such as `settled`, `E503`, `unknown`, `busy`.
    pub outcomes: Vec<Outcome>,
}

/// How often an outcome came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its code.
    pub code: String,
    /// How often.
    pub count: u64,
    /// Whether the generator's own knowledge of the visit permits it.
    pub permitted: bool,
}

/// A process over the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Such as `hub`, `home 340000`, `generator`.
    pub name: String,
    /// CPU it took while messages were sent, µs for each settlement.
    pub cpu_per_settlement: f64,
    /// Bytes its store grew, for each settlement; nothing for the generator.
    pub disk_per_settlement: Option<f64>,
    /// Largest resident memory, bytes.
    pub memory_max: u64,
    /// About each second.
    pub samples: Vec<Sample>,
}

/// A look at a process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// From the start of the run, ms.
    pub at_ms: u64,
    /// Share of one core since the last look, basis points.
    pub cpu: u32,
    /// Resident memory, bytes.
    pub memory: u64,
}

/// What the machine did besides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores.
    pub cores: u32,
    /// Share of all cores that other programs took, basis points, over the run.
    pub foreign: u32,
    /// The same by second.
    pub foreign_by_second: Vec<u32>,
}

/// Whether the run counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Each check held.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check of the gate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What is checked.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
    /// It held.
    pub passed: bool,
    /// Figures, or the first thing that is not as it may be.
    pub detail: String,
}
