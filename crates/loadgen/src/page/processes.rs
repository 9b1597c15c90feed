//! The processes of the run (进程): CPU stacked to what the machine has, memory of each by itself, and their table.

use maud::{Markup, html};

use super::{
    UNFIT,
    axis::Axis,
    course::{TIME, hints, layer, of_steps},
    number,
    plot::{Block, Plot, Rule, Shape},
    plots::COLOURS,
    series::{self, Clock},
    units, words,
};
use crate::report::{Process, Report};

/// Cores that a process takes in a step, and its memory in bytes; nothing when it was not looked at.
type Step = Option<(f64, u64)>;

/// A process that is shown by itself, or the rest of them together.
struct Shown {
    name: String,
    zh: &'static str,
    colour: &'static str,
    steps: Vec<Step>,
}

/// As many processes as there are colours, each with its own; when there are more, those that take most CPU, and the others
/// together: the sum of their CPU, the largest of their memory.
fn shown(report: &Report, clock: Clock) -> Vec<Shown> {
    let mut by_cpu: Vec<usize> = (0..report.processes.len()).collect();
    let cpu = |index: &usize| report.processes.get(*index).map_or(0.0, mean_cpu);
    by_cpu.sort_by(|one, other| cpu(other).total_cmp(&cpu(one)));
    let alone = if by_cpu.len() > COLOURS.len() { COLOURS.len() - 1 } else { by_cpu.len() };
    let (alone, others): (Vec<_>, Vec<_>) =
        report.processes.iter().enumerate().partition(|(index, _)| by_cpu.iter().take(alone).any(|one| one == index));
    let show = |((_, process), colour): ((usize, &Process), &&'static str)| Shown {
        name: process.name.clone(),
        zh: "",
        colour,
        steps: series::process(clock, process),
    };
    let mut shown: Vec<Shown> = alone.into_iter().zip(&COLOURS).map(show).collect();
    if !others.is_empty() {
        let mut steps = vec![None; clock.count()];
        for (_, process) in &others {
            for (sum, step) in steps.iter_mut().zip(series::process(clock, process)) {
                *sum = match (*sum, step) {
                    (Some((cpu, memory)), Some((more, other))) => Some((cpu + more, other.max(memory))),
                    (one, other) => one.or(other),
                };
            }
        }
        shown.push(Shown { name: format!("{} others", others.len()), zh: "其余", colour: "k7", steps });
    }
    shown
}

/// CPU of a process in cores, mean over its samples.
fn mean_cpu(process: &Process) -> f64 {
    series::mean(process.samples.iter().map(|sample| f64::from(sample.cpu) / 1e4))
}

/// The plots of CPU and of memory.
pub(super) fn plots(report: &Report, clock: Clock) -> (Plot, Plot) {
    let shown = shown(report, clock);
    (cpu(report, clock, &shown), memory(clock, &shown))
}

fn cpu(report: &Report, clock: Clock, shown: &[Shown]) -> Plot {
    let mut base = vec![0.0; clock.count()];
    let mut layers = Vec::new();
    let foreign = series::foreign(clock, report).into_iter().map(Some).collect();
    let cores = |one: &Shown| one.steps.iter().map(|step| step.map(|(cpu, _)| cpu)).collect::<Vec<_>>();
    let own = shown.iter().map(|one| (one.name.clone(), one.zh, one.colour, cores(one)));
    let others = ("other programs".to_owned(), "其他程序", "foreign", foreign);
    for (en, zh, colour, cores) in own.chain([others]) {
        let known: Vec<f64> = cores.iter().copied().flatten().collect();
        if known.is_empty() {
            continue;
        }
        let blocks = cores.iter().zip(&mut base).enumerate().map(|(index, (cores, base))| {
            let (from, to) = clock.bounds(index);
            let low = *base;
            *base += cores.unwrap_or(0.0);
            Block { from: from as f64, to: to as f64, low, high: *base }
        });
        let shape = Shape::Area(blocks.collect());
        layers.push(layer(&en, zh, units::amount(series::mean(known.into_iter())), colour, shape));
    }
    let top = base.iter().copied().fold(f64::from(report.machine.cores), f64::max);
    let ceiling = |cores| Rule::Level(f64::from(cores), format!("{cores} cores 核"));
    Plot {
        en: "CPU by process",
        zh: "各进程处理器",
        note: format!("Cores in use, stacked; the figures are means.{}", of_steps(clock, "the mean of its seconds")),
        wide: false,
        x: Axis::time(TIME, clock.end),
        y: Axis::amount("cores 核", top, units::amount),
        bands: Vec::new(),
        layers,
        rules: Some(report.machine.cores).filter(|cores| *cores > 0).map(ceiling).into_iter().collect(),
        hints: hints(clock, lines(clock, shown, |(cpu, _)| units::amount(cpu))),
    }
}

fn memory(clock: Clock, shown: &[Shown]) -> Plot {
    let line = |one: &Shown| {
        let point = |(index, step): (usize, &Step)| step.map(|(_, memory)| (clock.middle(index), memory as f64));
        let most = one.steps.iter().flatten().map(|(_, memory)| *memory).max()?;
        let shape = Shape::Line(one.steps.iter().enumerate().map(point).collect());
        Some(layer(&one.name, one.zh, format!("≤ {}", units::bytes(most as f64)), one.colour, shape))
    };
    let top = shown.iter().flat_map(|one| one.steps.iter().flatten()).map(|(_, memory)| *memory).max().unwrap_or(0);
    Plot {
        en: "Memory by process",
        zh: "各进程内存",
        note: format!("Resident memory.{}", of_steps(clock, "the most in it")),
        wide: false,
        x: Axis::time(TIME, clock.end),
        y: Axis::amount("memory 内存", top as f64, units::bytes),
        bands: Vec::new(),
        layers: shown.iter().filter_map(line).collect(),
        rules: Vec::new(),
        hints: hints(clock, lines(clock, shown, |(_, memory)| units::bytes(memory as f64))),
    }
}

/// For each step, a line for each process.
fn lines(clock: Clock, shown: &[Shown], words: impl Fn((f64, u64)) -> String) -> impl Iterator<Item = String> {
    (0..clock.count()).map(move |index| {
        let figure = |one: &Shown| one.steps.get(index).copied().flatten().map_or(units::UNKNOWN.to_owned(), &words);
        shown.iter().map(|one| format!("{} {}", one.name, figure(one))).collect::<Vec<_>>().join("\n")
    })
}

/// What a settlement costs, by process and together.
pub(super) fn table(report: &Report) -> Markup {
    let foreign = report.machine.foreign;
    html! {
        div.scroll { table {
            thead { tr {
                th { (words("Process", "进程")) }
                th.n { (words("CPU per settlement", "每笔处理器") ) }
                th.n { (words("Disk per settlement", "每笔磁盘")) }
                th.n { (words("Cores, mean", "平均核数")) }
                th.n { (words("Cores, most", "最高核数")) }
                th.n { (words("Memory, most", "最大内存")) }
            } }
            tbody { @for process in &report.processes {
                tr {
                    th { (process.name) }
                    (number(&units::micros(process.cpu_per_settlement)))
                    (number(&process.disk_per_settlement.map_or(units::UNKNOWN.to_owned(), units::bytes)))
                    @if let Some(most) = process.samples.iter().map(|sample| sample.cpu).max() {
                        (number(&units::amount(mean_cpu(process))))
                        (number(&units::amount(f64::from(most) / 1e4)))
                    } @else {
                        (number(units::UNKNOWN)) (number(units::UNKNOWN))
                    }
                    (number(&units::bytes(process.memory_max as f64)))
                }
            } }
            tfoot {
                @if !report.processes.is_empty() { tr {
                    th { (words("Together", "合计")) }
                    (number(&cpu_per_settlement(report)))
                    (number(&disk_per_settlement(report)))
                    (number(&units::amount(report.processes.iter().map(mean_cpu).sum())))
                    (number(""))
                    (number(&units::bytes(report.processes.iter().map(|process| process.memory_max as f64).sum())))
                } }
                tr {
                    th {
                        (words("Other programs", "其他程序"))
                        " " span.marked[foreign > UNFIT] { (units::share(f64::from(foreign))) " of the machine" }
                    }
                    (number("")) (number(""))
                    (number(&units::amount(f64::from(foreign) / 1e4 * f64::from(report.machine.cores))))
                    (number(&most_foreign(report)))
                    (number(""))
                }
            }
        } }
    }
}

fn most_foreign(report: &Report) -> String {
    let most = report.machine.foreign_by_second.iter().max();
    most.map_or(units::UNKNOWN.to_owned(), |most| {
        units::amount(f64::from(*most) / 1e4 * f64::from(report.machine.cores))
    })
}

/// CPU of all processes for a settlement, in words.
pub(super) fn cpu_per_settlement(report: &Report) -> String {
    match report.processes.as_slice() {
        [] => units::UNKNOWN.to_owned(),
        processes => units::micros(processes.iter().map(|process| process.cpu_per_settlement).sum()),
    }
}

/// Bytes of all stores for a settlement, in words.
pub(super) fn disk_per_settlement(report: &Report) -> String {
    let known: Vec<f64> = report.processes.iter().filter_map(|process| process.disk_per_settlement).collect();
    if known.is_empty() { units::UNKNOWN.to_owned() } else { units::bytes(known.into_iter().sum()) }
}
