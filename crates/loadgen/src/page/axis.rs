//! An axis of a plot: where a value stands on it, and which values are written beside it.

use super::units;

/// Marks an axis has at most.
const MARKS: f64 = 6.0;

/// An axis from its low to its high end.
pub(super) struct Axis {
    /// What it measures.
    pub(super) name: &'static str,
    /// Positions from 0 to 1 that are written, with their words.
    pub(super) marks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    /// Equal steps are equal factors.
    logarithmic: bool,
}

impl Axis {
    /// From nothing to at least `top`, in round steps.
    pub(super) fn amount(name: &'static str, top: f64, words: impl Fn(f64) -> String) -> Axis {
        let top = if top.is_finite() && top > 0.0 { top } else { 1.0 };
        let step = round_step(top / (MARKS - 1.0));
        let count = (top / step - 1e-9).ceil();
        let axis = Axis { name, marks: Vec::new(), low: 0.0, high: step * count, logarithmic: false };
        axis.marked((0..=count as u32).map(|mark| f64::from(mark) * step), words)
    }

    /// The time of a run, ms, from its start to its end.
    pub(super) fn time(name: &'static str, end: u64) -> Axis {
        const STEPS: [u64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400];
        let step = STEPS.into_iter().find(|step| end / (step * 1000) <= 8).unwrap_or(end / 8000 / 3600 * 3600 + 3600);
        let axis = Axis { name, marks: Vec::new(), low: 0.0, high: end.max(1) as f64, logarithmic: false };
        axis.marked((0..=end / (step * 1000)).map(|mark| (mark * step * 1000) as f64), |ms| units::clock(ms as u64))
    }

    /// Latencies, µs, by 1, 2 and 5; only by 1 when they are far apart.
    pub(super) fn latency(name: &'static str, values: impl Iterator<Item = f64>) -> Axis {
        let values = values.filter(|value| value.is_finite()).map(|value| value.max(1.0));
        let (low, high) = values.fold((f64::MAX, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let low = low.min(high);
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let values: Vec<f64> =
            (first..=last).flat_map(|decade| [1.0, 2.0, 5.0].map(|part| part * 10_f64.powi(decade))).collect();
        // The nearest marks outside are the ends.
        let low = values.iter().copied().rfind(|mark| *mark <= low).unwrap_or(1.0);
        let high = values.iter().copied().find(|mark| *mark >= high && *mark > low).unwrap_or(low * 10.0);
        let axis = Axis { name, marks: Vec::new(), low, high, logarithmic: true };
        let shown: Vec<f64> = values.into_iter().filter(|mark| (low..=high).contains(mark)).collect();
        let step = if shown.len() > 10 { 3 } else { 1 };
        let decade = shown.iter().position(|mark| mark.log10().fract() == 0.0).unwrap_or(0) % step;
        let shown = shown.into_iter().skip(decade).step_by(step);
        axis.marked(shown, units::micros)
    }

    /// Shares of messages by how few are beyond them; see [`nines`]. It reaches to `deepest`, in nines.
    pub(super) fn percentiles(name: &'static str, deepest: f64) -> Axis {
        const SHARES: [(u32, &str); 7] = [
            (500_000, "50"),
            (900_000, "90"),
            (990_000, "99"),
            (999_000, "99.9"),
            (999_900, "99.99"),
            (999_990, "99.999"),
            (999_999, "99.9999"),
        ];
        let high = if deepest.is_finite() { deepest.max(1.0) } else { 1.0 };
        let mut axis = Axis { name, marks: Vec::new(), low: 0.0, high, logarithmic: false };
        let marks = SHARES.iter().filter(|(share, _)| nines(*share, u64::MAX) <= high + 1e-9);
        axis.marks =
            marks.filter_map(|(share, word)| Some((axis.at(nines(*share, u64::MAX))?, (*word).to_owned()))).collect();
        axis
    }

    /// Where a value stands, from 0 to 1; nothing for what is not a number.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        let part = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        (value.is_finite() && part.is_finite()).then(|| part.clamp(0.0, 1.0))
    }

    fn marked(mut self, values: impl Iterator<Item = f64>, words: impl Fn(f64) -> String) -> Axis {
        self.marks = values.filter_map(|value| Some((self.at(value)?, short(&words(value))))).collect();
        self
    }
}

/// How deep in the tail a share of messages (in millionths) stands: 1 for 90 %, 2 for 99 %, 3 for 99.9 %. A share nearer to
/// all than one message of `count` stands at that one message.
pub(super) fn nines(millionths: u32, count: u64) -> f64 {
    let beyond = f64::from(1_000_000_u32.saturating_sub(millionths)) / 1e6;
    -beyond.max(1.0 / count.max(1) as f64).log10()
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|part| part * power)
        .find(|round| *round >= step - power * 1e-9)
        .unwrap_or(power * 10.0)
}

/// `10.0 ms` as `10 ms`: marks are round.
fn short(words: &str) -> String {
    let (number, unit) = words.split_at(words.find(' ').unwrap_or(words.len()));
    match number.contains('.') {
        true => format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.')),
        false => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<&str> {
        axis.marks.iter().map(|(_, words)| words.as_str()).collect()
    }

    #[test]
    fn marks_are_round_and_hold_what_is_shown() {
        let rows: &[(Axis, &[&str])] = &[
            (Axis::amount("", 9_120.0, units::amount), &["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
            (Axis::amount("", 2.0, units::amount), &["0", "0.5", "1", "1.5", "2"]),
            (Axis::amount("", 0.0, units::amount), &["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (Axis::amount("", f64::NAN, units::amount), &["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (Axis::time("", 60_000), &["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]),
            (Axis::time("", 10_000_000), &["0:00", "30:00", "1:00:00", "1:30:00", "2:00:00", "2:30:00"]),
            (Axis::time("", 0), &["0:00"]),
            (
                Axis::latency("", [700.0, 90_000.0].into_iter()),
                &["500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms"],
            ),
            (Axis::latency("", [700.0, 4_000_000.0].into_iter()), &["1 ms", "10 ms", "100 ms", "1 s"]),
            (Axis::percentiles("", 3.0), &["50", "90", "99", "99.9"]),
        ];
        for (axis, expected) in rows {
            assert_eq!(words(axis), *expected);
        }
    }

    #[test]
    fn a_value_stands_where_its_mark_is() {
        let latency = Axis::latency("", [1_000.0, 100_000.0].into_iter());
        let rows = [
            (latency.at(1_000.0), Some(0.0)),
            (latency.at(10_000.0), Some(0.5)),
            (latency.at(100_000.0), Some(1.0)),
            (latency.at(0.0), Some(0.0)),
            (latency.at(f64::NAN), None),
            (Axis::amount("", 10.0, units::amount).at(f64::INFINITY), None),
            (Axis::latency("", std::iter::empty()).at(1.0), Some(0.0)),
        ];
        for (index, (is, expected)) in rows.into_iter().enumerate() {
            match (is, expected) {
                (Some(is), Some(expected)) => assert!((is - expected).abs() < 1e-9, "row {index}: {is}"),
                (is, expected) => assert_eq!(is, expected, "row {index}"),
            }
        }
        for (share, count, expected) in
            [(0, 9, 0.0), (900_000, 1_000, 1.0), (1_000_000, 1_000, 3.0), (999_999, 10, 1.0), (7, 0, 0.0)]
        {
            assert!((nines(share, count) - expected).abs() < 1e-9, "{share} of {count}");
        }
    }
}
