//! What a benchmark showed, for people and for machines.

use std::io::IsTerminal;

use serde_json::{Value, json};

use super::{
    figures::{Medians, key, medians, of},
    million::{EARLY, Run},
    rounds::{All, At, CEILING, GROUP, Part},
};
use crate::table::{Cell, Table};

/// Shares are of so many.
const WHOLE: f64 = 10_000.0;
const DISK: &str = "磁盘 disk";
const UNKNOWN: &str = "未知 unknown";

/// Tells on a terminal what is being done.
pub(super) struct Progress {
    on: bool,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { on: std::io::stderr().is_terminal() }
    }

    /// Says it in the place of what was said before.
    pub(super) fn say(&self, what: &str) {
        if self.on {
            eprint!("\r\x1b[2K{what}");
        }
    }

    pub(super) fn end(&self) {
        self.say("");
    }
}

/// Medians of everything.
struct Results {
    rows: Vec<(String, At, Medians)>,
    disk: Medians,
}

impl Results {
    fn of(all: &All) -> Results {
        let row = |part: &Part| (part.name.clone(), part.at, medians(&part.rounds));
        Results { rows: all.parts.iter().map(row).collect(), disk: medians(&all.disk) }
    }

    /// The settlements of a row as a share of what another carries at its knee.
    fn of_knee(&self, row: &Medians, other: &str) -> Option<f64> {
        let knee = self.rows.iter().find(|(name, at, _)| name == other && *at == At::Knee);
        ratio(row.figures.get(key::SETTLED), knee.and_then(|(_, _, medians)| medians.figures.get(key::SETTLED)))
    }

    /// The settlements of a row for each sync that the disk could have made meanwhile.
    fn of_disk(&self, row: &Medians) -> Option<f64> {
        ratio(row.figures.get(key::SETTLED), self.disk.figures.get(key::SYNCS))
    }
}

fn ratio(part: Option<&f64>, whole: Option<&f64>) -> Option<f64> {
    let (part, whole) = (part?, whole?);
    (*whole > 0.0).then(|| part / whole)
}

/// Tables of medians, and the rounds behind them.
pub(super) fn tables(all: &All) -> String {
    let results = Results::of(all);
    let tables = [
        ("每秒吞吐与时延", "rates a second, and latency", speed(&results)),
        ("每笔结算的处理器时间，微秒", "CPU of a settlement, µs", cpu(&results)),
        ("每笔结算的磁盘字节与内存峰值", "bytes on disk of a settlement, and memory", room(&results)),
        ("各轮", "rounds", rounds(all)),
    ];
    let shown = tables.map(|(zh, en, table)| format!("{zh} · {en}\n{}\n\n", table.shown()));
    format!("{}{}", shown.concat(), disk(&results.disk))
}

/// The medians and all rounds, for machines.
pub(super) fn json(all: &All) -> Value {
    let results = Results::of(all);
    let row = |(name, at, medians): &(String, At, Medians)| {
        json!({
            "name": name, "at": at, "medians": medians,
            "of_knee": results.of_knee(medians, name), "of_ceiling": results.of_knee(medians, CEILING),
            "settled_per_sync": results.of_disk(medians),
        })
    };
    let rows: Vec<Value> = results.rows.iter().map(row).collect();
    json!({ "results": rows, "disk": results.disk, "group_bytes": GROUP, "rounds": all })
}

fn speed(results: &Results) -> Table {
    let columns = [
        // Two columns more would leave no room for words.
        ("what", "对象 工况", "what and at"),
        ("offered", "到达", "came"),
        ("settled", "结算", "settled"),
        ("p50", "p50", "p50"),
        ("p99", "p99", "p99"),
        ("p999", "p99.9", "p99.9"),
        ("of_knee", "占拐点", "÷ knee"),
        ("of_ceiling", "占上限", "÷ top"),
        ("per_sync", "每同步", "a sync"),
        ("fit", "有效", "fit"),
    ];
    let mut table = Table::new("speed", &columns);
    for (name, at, medians) in &results.rows {
        let figure = |key: &str| medians.figures.get(key).copied();
        table.row([
            Cell::text(format!("{name} {}", place(*at))),
            number(figure(key::OFFERED), whole),
            number(figure(key::SETTLED), whole),
            number(figure(key::P50), duration),
            number(figure(key::P99), duration),
            number(figure(key::P999), duration),
            number(results.of_knee(medians, name), percent),
            number(results.of_knee(medians, CEILING), percent),
            number(results.of_disk(medians), |ratio| format!("{ratio:.2}")),
            Cell::text(fitness(medians)),
        ]);
    }
    table
}

fn cpu(results: &Results) -> Table {
    let columns = [
        ("what", "对象", "what"),
        ("at", "工况", "at"),
        ("generator", "压测端", "generator"),
        ("care", "就医地", "care"),
        ("hub", "国家平台", "hub"),
        ("home", "参保地", "home"),
        ("all", "合计", "all"),
    ];
    let mut table = Table::new("cpu", &columns);
    for (name, at, medians) in &results.rows {
        let roles = ["generator", "care", "hub", "home", key::ALL];
        let spent = roles.map(|role| number(medians.figures.get(&of(key::CPU, role)).copied(), whole));
        table.row([Cell::text(name), Cell::text(place(*at))].into_iter().chain(spent));
    }
    table
}

fn room(results: &Results) -> Table {
    let columns = [
        ("what", "对象", "what"),
        ("at", "工况", "at"),
        ("disk_care", "就医地", "care"),
        ("disk_hub", "国家平台", "hub"),
        ("disk_home", "参保地", "home"),
        ("disk_all", "合计", "all"),
        ("memory_care", "内存 就医地", "memory care"),
        ("memory_hub", "国家平台", "hub"),
        ("memory_home", "参保地", "home"),
    ];
    let mut table = Table::new("room", &columns);
    for (name, at, medians) in &results.rows {
        let figure = |key: &str, role: &str| medians.figures.get(&of(key, role)).copied();
        let disk = ["care", "hub", "home", key::ALL].map(|role| number(figure(key::DISK, role), whole));
        let memory = ["care", "hub", "home"].map(|role| number(figure(key::MEMORY, role), megabytes));
        table.row([Cell::text(name), Cell::text(place(*at))].into_iter().chain(disk).chain(memory));
    }
    table
}

fn rounds(all: &All) -> Table {
    let columns = [
        ("round", "轮次", "round"),
        ("what", "对象", "what"),
        ("at", "工况", "at"),
        ("settled", "结算/秒", "settled/s"),
        ("syncs", "同步/秒", "syncs/s"),
        ("p99", "p99", "p99"),
        ("foreign", "他程序占用", "other programs"),
        ("fit", "有效", "fit"),
    ];
    let mut table = Table::new("rounds", &columns);
    let parts = all.parts.iter().map(|part| (part.name.as_str(), place(part.at), &part.rounds));
    let parts: Vec<_> = parts.chain([(DISK, "", &all.disk)]).collect();
    for round in 0..all.disk.len() {
        for (name, at, rounds) in &parts {
            let Some(measured) = rounds.get(round) else { continue };
            let figure = |key: &str| measured.figures.get(key).copied();
            table.row([
                Cell::Count(i64::try_from(round + 1).unwrap_or(i64::MAX)),
                Cell::text(name),
                Cell::text(at),
                number(figure(key::SETTLED), whole),
                number(figure(key::SYNCS), whole),
                number(figure(key::P99), duration),
                foreign(measured.foreign),
                Cell::text(if measured.is_fit() { "是 yes" } else { "否 no" }),
            ]);
        }
    }
    table
}

/// Long runs: a table of each, and how the end compares with the beginning.
pub(super) fn long_tables(runs: &[Run]) -> String {
    let columns = [
        ("settled", "累计结算", "settled"),
        ("rate", "结算/秒", "settled/s"),
        ("p99", "p99", "p99"),
        ("disk", "磁盘字节/笔", "bytes each"),
        ("memory_care", "内存 就医地", "memory care"),
        ("memory_hub", "国家平台", "hub"),
        ("memory_home", "参保地", "home"),
    ];
    let shown = runs.iter().map(|run| {
        let mut table = Table::new("long", &columns);
        for row in &run.rows {
            let figure = |key: &str| row.figures.get(key).copied();
            let memory = ["care", "hub", "home"].map(|role| number(figure(&of(key::MEMORY, role)), megabytes));
            let cells = [
                number(Some(row.settled as f64), whole),
                number(Some(row.count as f64 / row.seconds), whole),
                number(figure(key::P99), duration),
                number(figure(&of(key::DISK, key::ALL)), whole),
            ];
            table.row(cells.into_iter().chain(memory));
        }
        let around = whole(EARLY as f64);
        let held = match (run.early, run.late) {
            (Some(early), Some(late)) => {
                let held = percent(late / early);
                format!("{}/s around {around}, {}/s at the end: {held}", whole(early), whole(late))
            }
            _ => format!("fewer than {around}: too few to see whether it tires"),
        };
        let others = run.measured.foreign;
        let others = others.map_or_else(|| UNKNOWN.to_owned(), |points| percent(f64::from(points) / WHOLE));
        let spent = run.measured.figures.get(&of(key::CPU, key::ALL)).copied().map(whole).unwrap_or_default();
        format!("{}\n{}\n{held}; {spent} µs of CPU each; other programs took {others}\n", run.engine, table.shown())
    });
    shown.collect()
}

/// Long runs, for machines.
pub(super) fn long_json(runs: &[Run]) -> Value {
    json!({ "long": runs })
}

/// What the disk gave, in a sentence.
fn disk(disk: &Medians) -> String {
    let figure = |key: &str| disk.figures.get(key).copied().unwrap_or_default();
    format!(
        "{DISK}: {} syncs/s of {} KiB, p50 {}, p99 {} ({})",
        whole(figure(key::SYNCS)),
        GROUP >> 10,
        duration(figure(key::P50)),
        duration(figure(key::P99)),
        fitness(disk),
    )
}

fn place(at: At) -> &'static str {
    match at {
        At::Knee => "拐点 knee",
        At::Half => "半程 half",
        At::Triple => "三倍 triple",
    }
}

fn fitness(medians: &Medians) -> String {
    let Medians { fit, rounds, unfit, .. } = medians;
    let verdict = if *unfit { ", 无效 unfit" } else { "" };
    format!("{fit}/{rounds}{verdict}")
}

fn foreign(share: Option<u32>) -> Cell {
    share.map_or_else(|| Cell::text(UNKNOWN), |points| number(Some(f64::from(points) / WHOLE), percent))
}

fn number(value: Option<f64>, shown: impl Fn(f64) -> String) -> Cell {
    value.map_or_else(|| Cell::text(""), |value| Cell::Number(shown(value), json!(value)))
}

fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Microseconds in a unit that reads well.
fn duration(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.0} µs"),
        us if us < 100_000.0 => format!("{:.1} ms", us / 1_000.0),
        us => format!("{:.0} ms", us / 1_000.0),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn megabytes(bytes: f64) -> String {
    format!("{} MB", whole(bytes / 1_000_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::{Figures, Measured};

    #[test]
    fn the_tables_show_medians_ratios_and_which_rounds_count() {
        let measured = |settled: f64, foreign| {
            let figures = [(key::SETTLED.to_owned(), settled), (of(key::CPU, "hub"), 37.0)];
            Measured { figures: Figures::from(figures), foreign: Some(foreign) }
        };
        let part = |name: &str, settled, foreign| Part {
            name: name.into(),
            at: At::Knee,
            rounds: vec![measured(settled, 0), measured(settled, foreign)],
        };
        let syncs = Measured { figures: Figures::from([(key::SYNCS.to_owned(), 5_000.0)]), foreign: None };
        let parts = vec![part("sled", 2_500.0, 1_500), part(CEILING, 10_000.0, 100)];
        let all = All { parts, disk: vec![syncs.clone(), syncs] };
        let shown = tables(&all);
        for needed in
            ["sled 拐点 knee", "2,500", "25 %", "0.50", "37", "1/2", "2/2", "15 %", UNKNOWN, "5,000 syncs/s of 64 KiB"]
        {
            assert!(shown.contains(needed), "`{needed}` is missing in\n{shown}");
        }
        let json = json(&all);
        assert_eq!(json["results"][0]["of_ceiling"], 0.25);
        assert_eq!(json["results"][1]["medians"]["fit"], 2);
    }

    #[test]
    fn figures_read_well() {
        assert_eq!([0.4, 999.0, 1_000.0, 1_234_567.0].map(whole), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([950.0, 1_500.0, 123_400.0].map(duration), ["950 µs", "1.5 ms", "123 ms"]);
    }
}
