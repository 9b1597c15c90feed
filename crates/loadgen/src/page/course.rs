//! The course of the run (过程): the plots over time, each of the steps that the run is cut into.

use super::{
    axis::Axis,
    plot::{Band, Block, Hint, Layer, Plot, Shape},
    series::{self, Clock, Kind, OUTCOMES, Step},
    units,
};
use crate::report::{Report, Stage};

/// What stands below each plot over time.
pub(super) const TIME: &str = "time 时间";
/// What a step of several seconds shows of them.
const MEAN: &str = "the mean of its seconds";
const WORST: &str = "the worst second in it";
const MOST: &str = "the most in it";

/// A run over its time.
pub(super) struct Course<'a> {
    pub(super) report: &'a Report,
    pub(super) clock: Clock,
    pub(super) steps: Vec<Step>,
}

/// What a plot over time is called, and how it is read.
struct Caption {
    en: &'static str,
    zh: &'static str,
    note: &'static str,
    /// What a step of several seconds shows of them.
    step: &'static str,
}

impl<'a> Course<'a> {
    /// The course of a run.
    pub(super) fn of(report: &'a Report) -> Course<'a> {
        let clock = Clock::of(report);
        Course { report, clock, steps: series::steps(clock, &report.seconds) }
    }

    /// Percentiles of the latency.
    pub(super) fn latency(&self) -> Plot {
        let known = || self.steps.iter().filter(|step| step.latency.count > 0);
        let values = known().flat_map(|step| [step.latency.p50, step.latency.p999]).map(|micros| micros as f64);
        let line = |en, colour, of: fn(&Step) -> u64| {
            let worst = known().map(of).max().unwrap_or(0);
            let shape = self.line(|step| (step.latency.count > 0).then(|| of(step) as f64));
            layer(en, "", format!("≤ {}", units::micros(worst as f64)), colour, shape)
        };
        let layers = vec![
            line("p99.9", "p999", |step| step.latency.p999),
            line("p99", "p99", |step| step.latency.p99),
            line("p50", "p50", |step| step.latency.p50),
        ];
        let words = |step: &Step| {
            let latency = &step.latency;
            let [p50, p99, p999] = [latency.p50, latency.p99, latency.p999].map(|micros| units::micros(micros as f64));
            match latency.count {
                0 => "none good".to_owned(),
                count => format!("p99.9 {p999}\np99 {p99}\np50 {p50}\n{} good", units::count(count)),
            }
        };
        let caption = Caption {
            en: "Latency over time",
            zh: "延迟随时间",
            note: "Of the good messages, from the moment each was due; shades tell stages apart.",
            step: WORST,
        };
        let y = Axis::latency("latency 延迟, log 对数", values);
        let measured = known().next().is_some();
        Plot { wide: true, ..self.plot(caption, y, if measured { layers } else { Vec::new() }, words) }
    }

    /// What became of the messages, stacked, under the line of those that were due.
    pub(super) fn outcomes(&self) -> Plot {
        let report = self.report;
        let top = self.steps.iter().map(|step| step.outcomes.iter().sum::<f64>().max(step.offered)).fold(0.0, f64::max);
        let stacked = |(index, kind): (usize, &Kind)| {
            let total = units::count(report.seconds.iter().map(kind.of).sum());
            layer(kind.en, kind.zh, total, kind.colour, self.stacked(index))
        };
        let edges = |(index, step): (usize, &Step)| {
            let (from, to) = self.clock.bounds(index);
            [from, to].map(|ms| Some((ms as f64, step.offered)))
        };
        let due = Shape::Line(self.steps.iter().enumerate().flat_map(edges).collect());
        let total = units::count(report.seconds.iter().map(|second| second.offered).sum());
        let layers = OUTCOMES.iter().enumerate().map(stacked).chain([layer("due", "应发", total, "ink", due)]);
        let words = |step: &Step| {
            let line = |(kind, rate): (&Kind, f64)| format!("\n{} {}", kind.en, units::rate(rate));
            let lines: String = OUTCOMES.iter().zip(step.outcomes).map(line).collect();
            format!("due {}{lines}", units::rate(step.offered))
        };
        let caption = Caption {
            en: "Outcomes over time",
            zh: "结果随时间",
            note: "Messages in a second by what became of them; the line is how many were due.",
            step: MEAN,
        };
        let y = Axis::amount("messages/s 条/秒", top, units::amount);
        Plot { wide: true, ..self.plot(caption, y, layers.collect(), words) }
    }

    /// What was offered, and what was answered of it.
    pub(super) fn throughput(&self) -> Plot {
        let top = self.steps.iter().flat_map(|step| [step.offered, step.good]).fold(0.0, f64::max);
        let line = |en, zh, colour, of: fn(&Step) -> f64| {
            let mean = units::rate(series::mean(self.steps.iter().map(of)));
            layer(en, zh, mean, colour, self.line(|step| Some(of(step))))
        };
        let layers =
            vec![line("offered", "到达", "faint", |step| step.offered), line("good", "成功", "good", |step| step.good)];
        let words = |step: &Step| format!("offered {}\ngood {}", units::rate(step.offered), units::rate(step.good));
        let caption = Caption {
            en: "Offered and answered",
            zh: "到达与应答",
            note: "Messages that were due in a second, and good answers in it.",
            step: MEAN,
        };
        self.plot(caption, Axis::amount("messages/s 条/秒", top, units::amount), layers, words)
    }

    /// Messages that were sent and not answered yet.
    pub(super) fn open(&self) -> Plot {
        let top = self.steps.iter().map(|step| step.open).max().unwrap_or(0);
        let figure = format!("≤ {}", units::count(top));
        let layers = vec![layer("open", "在途", figure, "p99", self.line(|step| Some(step.open as f64)))];
        let caption =
            Caption { en: "Messages under way", zh: "在途消息", note: "Sent and not yet answered.", step: MOST };
        let y = Axis::amount("messages 条", top as f64, units::amount);
        self.plot(caption, y, layers, |step| format!("{} open", units::count(step.open)))
    }

    /// How late the generator itself was.
    pub(super) fn lag(&self) -> Plot {
        let worst = self.steps.iter().map(|step| step.lag).max().unwrap_or(0);
        let figure = format!("≤ {}", units::micros(worst as f64));
        let layers = vec![layer("late, p99", "迟滞", figure, "p99", self.line(|step| Some(step.lag as f64)))];
        let caption = Caption {
            en: "How late the generator sent",
            zh: "发压端迟滞",
            note: "It is a part of the latencies above, and not hidden.",
            step: WORST,
        };
        let y = Axis::latency("late 迟滞, log 对数", self.steps.iter().map(|step| step.lag as f64));
        self.plot(caption, y, layers, |step| format!("late {}", units::micros(step.lag as f64)))
    }

    fn plot(&self, caption: Caption, y: Axis, layers: Vec<Layer>, words: impl Fn(&Step) -> String) -> Plot {
        let stages = &self.report.stages;
        let band =
            |stage: &Stage| Band { from: stage.from_ms as f64, to: stage.to_ms as f64, name: stage.name.clone() };
        Plot {
            en: caption.en,
            zh: caption.zh,
            note: format!("{}{}", caption.note, of_steps(self.clock, caption.step)),
            wide: false,
            x: Axis::time(TIME, self.clock.end),
            y,
            bands: if stages.len() > 1 { stages.iter().map(band).collect() } else { Vec::new() },
            layers: if self.steps.is_empty() { Vec::new() } else { layers },
            rules: Vec::new(),
            hints: hints(self.clock, self.steps.iter().map(words)),
        }
    }

    /// A line through the middles of the steps.
    fn line(&self, of: impl Fn(&Step) -> Option<f64>) -> Shape {
        let point = |(index, step)| Some((self.clock.middle(index), of(step)?));
        Shape::Line(self.steps.iter().enumerate().map(point).collect())
    }

    /// An outcome upon those before it.
    fn stacked(&self, outcome: usize) -> Shape {
        let block = |(index, step): (usize, &Step)| {
            let (from, to) = self.clock.bounds(index);
            let below = |outcomes| step.outcomes.iter().take(outcomes).sum();
            Block { from: from as f64, to: to as f64, low: below(outcome), high: below(outcome + 1) }
        };
        Shape::Area(self.steps.iter().enumerate().map(block).collect())
    }
}

/// A layer of a plot.
pub(super) fn layer(en: &str, zh: &str, figure: String, colour: &'static str, shape: Shape) -> Layer {
    Layer { en: en.to_owned(), zh: zh.to_owned(), figure, colour, shape }
}

/// A sentence about what a step shows, when it is more than a second.
pub(super) fn of_steps(clock: Clock, what: &str) -> String {
    match clock.seconds() {
        1 => String::new(),
        seconds => format!(" Each step is {seconds} s: {what}."),
    }
}

/// Words about each step.
pub(super) fn hints(clock: Clock, words: impl Iterator<Item = String>) -> Vec<Hint> {
    let hint = |(index, words): (usize, String)| {
        let (from, to) = clock.bounds(index);
        Hint { from: from as f64, to: to as f64, words: format!("{}\n{words}", units::clock(from)) }
    };
    words.enumerate().map(hint).collect()
}
