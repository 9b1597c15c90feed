//! The run in as many steps as a plot can show. A step of several seconds keeps the worst latency, lag and memory in it, and
//! the mean of what is counted, so that nothing bad is smoothed away and areas stay true.

use crate::report::{Latency, Process, Report, Second};

/// Steps a plot has at most.
pub(super) const STEPS: usize = 400;

/// The time of a run, cut into equal steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clock {
    /// The end of the run, ms.
    pub(super) end: u64,
    /// A step, ms; whole seconds.
    pub(super) step: u64,
}

impl Clock {
    /// The clock of a run: until everything that was measured has been.
    pub(super) fn of(report: &Report) -> Clock {
        let seconds = report.seconds.len().max(report.machine.foreign_by_second.len()) as u64 * 1000;
        let stages = report.stages.iter().map(|stage| stage.to_ms).max().unwrap_or(0);
        let end = report.run.lasted_ms.max(seconds).max(stages);
        Clock { end, step: end.div_ceil(1000).div_ceil(STEPS as u64).max(1) * 1000 }
    }

    /// Seconds of a step.
    pub(super) fn seconds(&self) -> usize {
        (self.step / 1000) as usize
    }

    /// From and to of a step, ms.
    pub(super) fn bounds(&self, step: usize) -> (u64, u64) {
        let from = (step as u64 * self.step).min(self.end);
        (from, (from + self.step).min(self.end))
    }

    /// The middle of a step, ms.
    pub(super) fn middle(&self, step: usize) -> f64 {
        let (from, to) = self.bounds(step);
        (from + to) as f64 / 2.0
    }

    /// Steps of the run.
    pub(super) fn count(&self) -> usize {
        self.end.div_ceil(self.step) as usize
    }
}

/// What may become of a message in a second.
pub(super) struct Kind {
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    /// The class that gives it its colour.
    pub(super) colour: &'static str,
    pub(super) of: fn(&Second) -> u64,
}

/// What may become of messages, in the order in which it is stacked.
pub(super) const OUTCOMES: [Kind; 5] = [
    Kind { en: "good", zh: "成功", colour: "good", of: |second| second.good },
    Kind { en: "refused", zh: "拒绝", colour: "refused", of: |second| second.refused },
    Kind { en: "busy", zh: "繁忙", colour: "busy", of: |second| second.busy },
    Kind { en: "unknown", zh: "未知", colour: "unknown", of: |second| second.unknown },
    Kind { en: "held", zh: "未发", colour: "held", of: |second| second.held },
];

/// A step of the run: its seconds put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Step {
    /// Messages that were due in a second, mean.
    pub(super) offered: f64,
    /// Good ones in a second, mean.
    pub(super) good: f64,
    /// Messages of each of the [`OUTCOMES`] in a second, mean.
    pub(super) outcomes: [f64; 5],
    /// The worst of each percentile; a count of nothing when none was good.
    pub(super) latency: Latency,
    /// The most that were open.
    pub(super) open: u64,
    /// The latest the generator was, µs.
    pub(super) lag: u64,
}

/// The seconds of a run as steps.
pub(super) fn steps(clock: Clock, seconds: &[Second]) -> Vec<Step> {
    seconds.chunks(clock.seconds()).map(step).collect()
}

fn step(seconds: &[Second]) -> Step {
    let mean = |of: fn(&Second) -> u64| mean(seconds.iter().map(|second| of(second) as f64));
    let worst = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or(0);
    Step {
        offered: mean(|second| second.offered),
        good: mean(|second| second.good),
        outcomes: OUTCOMES.map(|kind| mean(kind.of)),
        latency: Latency {
            count: seconds.iter().map(|second| second.latency.count).sum(),
            mean: worst(|second| second.latency.mean),
            p50: worst(|second| second.latency.p50),
            p90: worst(|second| second.latency.p90),
            p99: worst(|second| second.latency.p99),
            p999: worst(|second| second.latency.p999),
            max: worst(|second| second.latency.max),
        },
        open: worst(|second| second.open),
        lag: worst(|second| second.lag_p99),
    }
}

/// A process in each step: its mean share of a core, and its largest memory in bytes; nothing where it was not looked at.
pub(super) fn process(clock: Clock, process: &Process) -> Vec<Option<(f64, u64)>> {
    let looks = process.samples.len().max(1) as u64;
    // A sample stands for the time since the last look, but not for a time without any.
    let longest = process.samples.last().map_or(0, |sample| 3 * sample.at_ms / looks).max(1000);
    let mut steps = vec![(0.0, 0, 0); clock.count()];
    let mut before = None;
    for sample in &process.samples {
        let from = before.unwrap_or(0).max(sample.at_ms.saturating_sub(longest));
        before = Some(sample.at_ms);
        let first = (from / clock.step) as usize;
        for (index, (cpu, memory, covered)) in steps.iter_mut().enumerate().skip(first) {
            let (begin, end) = clock.bounds(index);
            if begin >= sample.at_ms {
                break;
            }
            let part = end.min(sample.at_ms).saturating_sub(begin.max(from));
            *cpu += part as f64 * f64::from(sample.cpu) / 1e4;
            *covered += part;
            *memory = sample.memory.max(*memory);
        }
    }
    steps.into_iter().map(|(cpu, memory, covered)| (covered > 0).then(|| (cpu / covered as f64, memory))).collect()
}

/// What other programs took in each step, in cores, mean.
pub(super) fn foreign(clock: Clock, report: &Report) -> Vec<f64> {
    let cores = f64::from(report.machine.cores);
    let chunks = report.machine.foreign_by_second.chunks(clock.seconds());
    chunks.map(|chunk| mean(chunk.iter().map(|points| f64::from(*points) / 1e4 * cores))).collect()
}

/// Mean of some figures, nothing of none.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Run, Sample};

    fn clock(lasted_ms: u64) -> Clock {
        Clock::of(&Report { run: Run { lasted_ms, ..Run::default() }, ..Report::default() })
    }

    #[test]
    fn a_long_run_fits_and_keeps_its_worst_second() {
        let clock = clock(10_000_000);
        assert_eq!((clock.step, clock.count()), (25_000, 400));
        let mut seconds = vec![Second { good: 100, ..Second::default() }; 10_000];
        seconds[4_321] =
            Second { good: 0, latency: Latency { count: 1, p99: 7_000, ..Latency::default() }, ..Second::default() };
        let steps = steps(clock, &seconds);
        assert_eq!(steps.len(), 400);
        assert_eq!(steps.iter().map(|step| step.latency.p99).max(), Some(7_000));
        let total: f64 = steps.iter().map(|step| step.good * 25.0).sum();
        assert!((total - 999_900.0).abs() < 1e-6, "{total}");
    }

    #[test]
    fn a_sample_stands_for_the_time_since_the_last_look() {
        let sample = |at_ms, cpu| Sample { at_ms, cpu, memory: u64::from(cpu) };
        let rows: &[(&[Sample], &[Option<f64>])] = &[
            (&[], &[None, None, None, None]),
            (&[sample(1_000, 5_000), sample(2_000, 10_000)], &[Some(0.5), Some(1.0), None, None]),
            (&[sample(500, 0), sample(1_500, 10_000)], &[Some(0.5), Some(1.0), None, None]),
            // A look that is late by a little leaves no hole; a long time without one does.
            (&[sample(1_001, 5_000), sample(1_999, 5_000)], &[Some(0.5), Some(0.5), None, None]),
            (
                &[sample(100, 5_000), sample(200, 5_000), sample(4_000, 5_000)],
                &[Some(0.5), Some(0.5), Some(0.5), Some(0.5)],
            ),
        ];
        for (samples, expected) in rows {
            let is = process(clock(4_000), &Process { samples: samples.to_vec(), ..Process::default() });
            let is: Vec<_> = is.into_iter().map(|step| step.map(|(cpu, _)| cpu)).collect();
            assert_eq!(is, *expected, "{samples:?}");
        }
    }
}
