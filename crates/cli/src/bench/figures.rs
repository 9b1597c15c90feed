//! What a benchmark measures, and medians of it: a measurement that other programs disturbed is left out, as long as
//! enough others remain.

use std::collections::BTreeMap;

use serde::Serialize;
use zhijie_loadgen::{
    fsync::Syncs,
    report::{Machine, Report},
};

/// Share of the machine that other programs may take beside a measurement, basis points. A compiler beside a run cuts
/// rates that wait for the disk to a fraction.
const FOREIGN_MAX: u32 = 1_000;

/// Names of figures, as machines read them.
pub(super) mod key {
    pub(crate) const OFFERED: &str = "offered_per_s";
    pub(crate) const SETTLED: &str = "settled_per_s";
    pub(crate) const P50: &str = "p50_us";
    pub(crate) const P99: &str = "p99_us";
    pub(crate) const P999: &str = "p999_us";
    pub(crate) const SYNCS: &str = "syncs_per_s";
    /// For each role, as in `cpu_us.hub`; `all` adds them up.
    pub(crate) const CPU: &str = "cpu_us";
    pub(crate) const DISK: &str = "disk_bytes";
    pub(crate) const MEMORY: &str = "memory_bytes";
    pub(crate) const ALL: &str = "all";
}

/// Figures by their names.
pub(super) type Figures = BTreeMap<String, f64>;

/// One measurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Measured {
    pub(super) figures: Figures,
    /// Share of the machine that other programs took, basis points; nothing where the system does not tell.
    pub(super) foreign: Option<u32>,
}

impl Measured {
    /// What a run at one rate showed.
    pub(super) fn run(report: &Report) -> Measured {
        let mut measured = Measured { figures: Figures::new(), foreign: foreign(&report.machine) };
        if let Some(stage) = report.stages.first() {
            measured.put(key::OFFERED, stage.offered);
            measured.put(key::SETTLED, stage.settled);
            measured.put(key::P50, stage.latency.p50 as f64);
            measured.put(key::P99, stage.latency.p99 as f64);
            measured.put(key::P999, stage.latency.p999 as f64);
        }
        for process in report.processes.iter().filter(|process| process.is_known()) {
            let role = role(&process.name);
            measured.put(&of(key::MEMORY, role), process.memory_max as f64);
            measured.add(key::CPU, role, process.cpu_per_settlement);
            if let Some(bytes) = process.disk_per_settlement {
                measured.add(key::DISK, role, bytes);
            }
        }
        measured
    }

    /// What the disk gave.
    pub(super) fn disk(syncs: &Syncs, machine: &Machine) -> Measured {
        let mut measured = Measured { figures: Figures::new(), foreign: foreign(machine) };
        measured.put(key::SYNCS, syncs.per_second);
        measured.put(key::P50, syncs.p50 as f64);
        measured.put(key::P99, syncs.p99 as f64);
        measured
    }

    fn put(&mut self, key: &str, value: f64) {
        self.figures.insert(key.to_owned(), value);
    }

    fn add(&mut self, key: &str, role: &str, value: f64) {
        self.put(&of(key, role), value);
        *self.figures.entry(of(key, key::ALL)).or_default() += value;
    }

    /// Nobody else took much of the machine, as far as is known.
    pub(super) fn is_fit(&self) -> bool {
        self.foreign.is_none_or(|foreign| foreign <= FOREIGN_MAX)
    }
}

/// The name of a figure of a role.
pub(super) fn of(key: &str, role: &str) -> String {
    format!("{key}.{role}")
}

/// The role in the name of a process: there is one of each.
pub(super) fn role(process: &str) -> &str {
    process.split(' ').next().unwrap_or_default()
}

/// What other programs took, where the system tells.
fn foreign(machine: &Machine) -> Option<u32> {
    machine.is_known().then_some(machine.foreign)
}

/// Medians of the rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Medians {
    pub(super) figures: Figures,
    /// Measurements that count, of how many.
    pub(super) fit: usize,
    pub(super) rounds: usize,
    /// Too many were disturbed: the figures are those of all, and no result.
    pub(super) unfit: bool,
}

/// Medians figure by figure: over the measurements that are fit, if at least half of them are, else over all.
pub(super) fn medians(measured: &[Measured]) -> Medians {
    let fit = measured.iter().filter(|one| one.is_fit()).count();
    let unfit = fit * 2 < measured.len();
    let mut values: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for one in measured.iter().filter(|one| unfit || one.is_fit()) {
        for (key, value) in &one.figures {
            values.entry(key).or_default().push(*value);
        }
    }
    let figures = values.into_iter().filter_map(|(key, values)| Some((key.clone(), median(values)?)));
    Medians { figures: figures.collect(), fit, rounds: measured.len(), unfit }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use zhijie_loadgen::report::{Process, Sample};

    use super::*;

    fn measured(settled: f64, foreign: Option<u32>) -> Measured {
        Measured { figures: Figures::from([(key::SETTLED.to_owned(), settled)]), foreign }
    }

    #[test]
    fn medians_leave_out_what_was_disturbed_while_enough_remains() {
        let check = |rounds: &[(f64, Option<u32>)], median: f64, fit: usize, unfit: bool| {
            let rounds: Vec<_> = rounds.iter().map(|(settled, foreign)| measured(*settled, *foreign)).collect();
            let medians = medians(&rounds);
            assert_eq!((medians.fit, medians.unfit), (fit, unfit), "{rounds:?}");
            assert_eq!(medians.figures[key::SETTLED], median, "{rounds:?}");
        };
        check(&[(3.0, Some(0)), (1.0, Some(900)), (2.0, Some(1_000))], 2.0, 3, false);
        check(&[(3.0, Some(0)), (1.0, Some(1_001)), (2.0, Some(0))], 2.5, 2, false);
        check(&[(3.0, Some(0)), (1.0, Some(5_000)), (1.5, Some(9_000))], 1.5, 1, true);
        check(&[(3.0, None)], 3.0, 1, false);
        check(&[(3.0, Some(2_000))], 3.0, 0, true);
    }

    #[test]
    fn roles_add_up_and_what_is_unknown_is_missing() {
        let process = |name: &str, samples: usize| Process {
            name: name.into(),
            cpu_per_settlement: 10.0,
            disk_per_settlement: (name != "generator").then_some(100.0),
            memory_max: 7,
            samples: vec![Sample::default(); samples],
        };
        let processes = [process("hub", 1), process("home 510000", 1), process("generator", 1), process("care 1", 0)];
        let measured = Measured::run(&Report { processes: processes.into(), ..Report::default() });
        assert_eq!(measured.foreign, None);
        let get = |key, role| measured.figures.get(&of(key, role)).copied();
        assert_eq!((get(key::CPU, key::ALL), get(key::DISK, key::ALL)), (Some(30.0), Some(200.0)));
        assert_eq!((get(key::CPU, "home"), get(key::DISK, "generator")), (Some(10.0), None));
        assert_eq!((get(key::CPU, "care"), get(key::MEMORY, "care")), (None, None));
    }
}
