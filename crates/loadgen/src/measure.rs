//! What a run shows (测量): histograms of latency from when a message was due, counts by second, stage, act and outcome.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::report::{ActReport, Latency, Outcome, Second};

/// Longest latency that is told apart, µs; what takes longer counts as this.
const LONGEST: u64 = 600_000_000;
/// Significant digits.
const DIGITS: u8 = 3;
/// Shares of the curve of percentiles, millionths.
const CURVE: &[u32] = &[
    0, 100_000, 250_000, 500_000, 750_000, 900_000, 950_000, 975_000, 990_000, 995_000, 997_500, 999_000, 999_500,
    999_900, 999_950, 999_990, 999_999, 1_000_000,
];

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// All in one message.
    AtOnce,
    /// Registration.
    Register,
    /// Fee lines.
    Upload,
    /// Pre-settlement.
    PreSettle,
    /// Discharge.
    Discharge,
    /// Settlement.
    Settle,
    /// A settle sent again.
    Again,
    /// Cancellation.
    Cancel,
    /// Reversal.
    Reverse,
    /// Filing.
    File,
}

impl Act {
    /// The names in English and Chinese.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Act::AtOnce => ("settle at once", "一次办结"),
            Act::Register => ("register", "就诊登记"),
            Act::Upload => ("upload lines", "明细上传"),
            Act::PreSettle => ("pre-settle", "预结算"),
            Act::Discharge => ("discharge", "出院"),
            Act::Settle => ("settle", "结算"),
            Act::Again => ("the same again", "重复报文"),
            Act::Cancel => ("cancel", "撤销"),
            Act::Reverse => ("reverse", "冲正"),
            Act::File => ("file", "备案"),
        }
    }
}

/// What became of a message, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Answered with what it asked for.
    Good,
    /// Refused.
    Refused,
    /// Told to come again.
    Busy,
    /// Unknown, or no answer.
    Unknown,
    /// Never sent.
    Held,
}

/// A message that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// What it was.
    pub act: Act,
    /// The stage in which its visit came.
    pub stage: usize,
    /// When it was due.
    pub due: Duration,
    /// When it ended.
    pub at: Duration,
    /// What became of it.
    pub class: Class,
    /// The same by name.
    pub code: &'static str,
    /// Whether that may be.
    pub permitted: bool,
    /// It settled something that was not settled before.
    pub settles: bool,
}

/// Counts and latency of one stage.
#[derive(Debug, Clone)]
pub struct StageCount {
    /// Messages due.
    pub offered: u64,
    /// Answered well.
    pub good: u64,
    /// Settlements.
    pub settled: u64,
    latency: Histogram<u64>,
}

impl StageCount {
    /// Latency of the good ones.
    #[must_use]
    pub fn latency(&self) -> Latency {
        latency(&self.latency)
    }
}

#[derive(Debug)]
struct ActCount {
    sent: u64,
    latency: Histogram<u64>,
    outcomes: BTreeMap<(&'static str, bool), u64>,
}

impl Default for ActCount {
    fn default() -> ActCount {
        ActCount { sent: 0, latency: histogram(), outcomes: BTreeMap::new() }
    }
}

/// Everything measured.
#[derive(Debug)]
pub struct Measure {
    acts: BTreeMap<Act, ActCount>,
    stages: Vec<StageCount>,
    seconds: Vec<Second>,
    /// The second that runs, with its histograms.
    running: usize,
    latency: Histogram<u64>,
    lag: Histogram<u64>,
    lag_all: Histogram<u64>,
}

impl Measure {
    /// Nothing yet, of so many stages.
    #[must_use]
    pub fn new(stages: usize) -> Measure {
        let stage = StageCount { offered: 0, good: 0, settled: 0, latency: histogram() };
        Measure {
            acts: BTreeMap::new(),
            stages: vec![stage; stages],
            seconds: vec![Second::default()],
            running: 0,
            latency: histogram(),
            lag: histogram(),
            lag_all: histogram(),
        }
    }

    /// A message is due.
    pub fn due(&mut self, at: Duration, stage: usize) {
        self.in_second(at, |second| second.offered += 1);
        if let Some(stage) = self.stages.get_mut(stage) {
            stage.offered += 1;
        }
    }

    /// A message was held back, as too many were open.
    pub fn held(&mut self, at: Duration) {
        self.in_second(at, |second| second.held += 1);
    }

    /// A message is sent; unless it was held back, by how much later than due is the generator's own lag.
    pub fn sent(&mut self, act: Act, lag: Option<Duration>) {
        self.acts.entry(act).or_default().sent += 1;
        let Some(lag) = lag.map(micros) else { return };
        self.lag.saturating_record(lag);
        self.lag_all.saturating_record(lag);
    }

    /// A message has ended.
    pub fn ended(&mut self, ended: Ended) {
        let act = self.acts.entry(ended.act).or_default();
        *act.outcomes.entry((ended.code, ended.permitted)).or_default() += 1;
        let took = micros(ended.at.saturating_sub(ended.due));
        let good = ended.class == Class::Good && ended.permitted;
        if good {
            act.latency.saturating_record(took);
            self.latency.saturating_record(took);
        }
        if let Some(stage) = self.stages.get_mut(ended.stage).filter(|_| good) {
            stage.good += 1;
            stage.settled += u64::from(ended.settles);
            stage.latency.saturating_record(took);
        }
        self.in_second(ended.at, |second| match ended.class {
            Class::Good if good => second.good += 1,
            Class::Good | Class::Refused => second.refused += 1,
            Class::Busy => second.busy += 1,
            Class::Unknown => second.unknown += 1,
            Class::Held => {}
        });
    }

    /// Closes the second before `at`, if it is over; gives it then.
    pub fn tick(&mut self, at: Duration, open: usize) -> Option<&Second> {
        let now = usize::try_from(at.as_secs()).unwrap_or(usize::MAX);
        if now <= self.running {
            return None;
        }
        let running = std::mem::replace(&mut self.running, now);
        let (shown, lag) = (latency(&self.latency), latency(&self.lag).p99);
        self.latency.reset();
        self.lag.reset();
        self.in_second(at, |_| ());
        let second = self.seconds.get_mut(running)?;
        (second.latency, second.lag_p99, second.open) = (shown, lag, open as u64);
        self.seconds.get(running)
    }

    /// A stage so far.
    #[must_use]
    pub fn stage(&self, index: usize) -> Option<&StageCount> {
        self.stages.get(index)
    }

    /// Settlements so far.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.stages.iter().map(|stage| stage.settled).sum()
    }

    /// How late the generator sent.
    #[must_use]
    pub fn lag(&self) -> Latency {
        latency(&self.lag_all)
    }

    /// The seconds.
    #[must_use]
    pub fn seconds(&self) -> Vec<Second> {
        self.seconds.clone()
    }

    /// All acts together, then each by itself.
    #[must_use]
    pub fn acts(&self) -> Vec<ActReport> {
        let mut all = ActCount::default();
        for act in self.acts.values() {
            all.sent += act.sent;
            // Histograms of one shape always add.
            let _ = all.latency.add(&act.latency);
            for (outcome, count) in &act.outcomes {
                *all.outcomes.entry(*outcome).or_default() += count;
            }
        }
        let each = self.acts.iter().map(|(act, count)| report(act.names(), count));
        std::iter::once(report(("all", "合计"), &all)).chain(each).collect()
    }

    fn in_second(&mut self, at: Duration, change: impl FnOnce(&mut Second)) {
        let index = usize::try_from(at.as_secs()).unwrap_or(0);
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        if let Some(second) = self.seconds.get_mut(index) {
            change(second);
        }
    }
}

fn report((en, zh): (&str, &str), count: &ActCount) -> ActReport {
    let at = |share: u32| (share, count.latency.value_at_quantile(f64::from(share) / 1_000_000.0));
    let outcome = |((code, permitted), count): (&(&'static str, bool), &u64)| Outcome {
        code: (*code).to_owned(),
        count: *count,
        permitted: *permitted,
    };
    ActReport {
        en: en.to_owned(),
        zh: zh.to_owned(),
        sent: count.sent,
        latency: latency(&count.latency),
        curve: if count.latency.is_empty() { Vec::new() } else { CURVE.iter().copied().map(at).collect() },
        outcomes: count.outcomes.iter().map(outcome).collect(),
    }
}

fn histogram() -> Histogram<u64> {
    // The bounds are constants that a test proves to fit.
    Histogram::new_with_bounds(1, LONGEST, DIGITS).unwrap_or_else(|_| unreachable!("bounds of a histogram"))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST).clamp(1, LONGEST)
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile);
    Latency {
        count: histogram.len(),
        mean: histogram.mean() as u64,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(due_ms: u64, at_ms: u64, class: Class) -> Ended {
        Ended {
            act: Act::Settle,
            stage: 0,
            due: Duration::from_millis(due_ms),
            at: Duration::from_millis(at_ms),
            class,
            code: "settled",
            permitted: true,
            settles: class == Class::Good,
        }
    }

    #[test]
    fn latency_counts_from_when_a_message_was_due_and_each_second_has_its_own() {
        let mut measure = Measure::new(1);
        for (due, sent, at, class) in
            [(100, 100, 150, Class::Good), (900, 1_400, 1_500, Class::Good), (950, 1_400, 1_600, Class::Unknown)]
        {
            measure.due(Duration::from_millis(due), 0);
            // A message of the next second may come before the one that ran is closed.
            if at > 1_000 {
                measure.due(Duration::from_millis(at), 0);
                if let Some(second) = measure.tick(Duration::from_millis(1_000), 7) {
                    assert_eq!((second.open, second.latency.count, second.latency.max / 1_000), (7, 1, 50));
                }
            }
            measure.sent(Act::Settle, Some(Duration::from_millis(sent - due)));
            measure.ended(ended(due, at, class));
        }
        assert!(measure.tick(Duration::from_millis(1_999), 0).is_none());
        let second = measure.tick(Duration::from_secs(2), 0).unwrap();
        assert_eq!((second.latency.count, second.latency.max / 1_000, second.lag_p99 / 1_000), (1, 600, 500));
        assert_eq!((second.good, second.unknown), (1, 1));
        let offered: Vec<u64> = measure.seconds().iter().map(|second| second.offered).collect();
        assert_eq!(offered, [3, 2, 0]);
        let stage = measure.stage(0).unwrap();
        assert_eq!((stage.offered, stage.good, stage.settled, stage.latency().max / 1_000), (5, 2, 2, 600));
        let all = measure.acts().swap_remove(0);
        assert_eq!((all.sent, all.latency.count, all.outcomes.len()), (3, 2, 1));
    }

    #[test]
    fn what_is_not_permitted_is_never_good() {
        let mut measure = Measure::new(1);
        measure.ended(Ended { permitted: false, code: "wrong", ..ended(0, 10, Class::Good) });
        assert_eq!((measure.seconds()[0].good, measure.settled(), measure.acts()[0].latency.count), (0, 0, 0));
    }
}
