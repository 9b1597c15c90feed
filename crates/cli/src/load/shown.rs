//! A load run on the terminal: a bar and a line while it goes on, tables at the end.

use indicatif::{ProgressBar, ProgressStyle};
use zhijie_loadgen::{
    Progress, Setup,
    report::{Latency, Report},
};

use crate::table::{Cell, Table};

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Live {
    bar: ProgressBar,
    seconds: u64,
    stages: Vec<String>,
}

impl Live {
    pub(super) fn new(setup: &Setup) -> Live {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        let stages = setup.profile.stages.iter().map(|stage| stage.name.clone()).collect();
        Live { bar, seconds: setup.profile.lasts().as_secs(), stages }
    }

    /// Shows how far it is.
    pub(super) fn tell(&self, progress: &Progress) {
        let set = |prefix: &'static str, of: u64, at: u64| {
            self.bar.set_prefix(prefix);
            self.bar.set_length(of);
            self.bar.set_position(at);
        };
        match progress {
            Progress::Enrolled(done, of) => set("参保登记 enrolling", *of as u64, *done as u64),
            Progress::Started => {
                set("发压 sending, s", self.seconds, 0);
                self.bar.set_message("");
            }
            Progress::Sending(look) => {
                let second = &look.second;
                set("发压 sending, s", self.seconds, look.at.as_secs().min(self.seconds));
                self.bar.set_message(format!(
                    "{} · {}/s good · p50 {} p99 {} · {} open · {} unknown",
                    self.stages.get(look.stage).map_or("", String::as_str),
                    second.good,
                    time(second.latency.p50),
                    time(second.latency.p99),
                    second.open,
                    second.unknown + second.busy,
                ));
            }
            Progress::Settled(_) => {}
            Progress::Pending(left) => {
                set("查询 looking up", 0, 0);
                self.bar.set_message(format!("{left} visits"));
            }
            Progress::Reading => {
                set("对账 reading the books", 0, 0);
                self.bar.set_message("");
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The report as tables; whether it counts stands first.
pub(super) fn tables(report: &Report) -> String {
    let mut shown = vec![verdict(report), gate(report).shown()];
    // What a run that does not count measured is no result.
    if report.gate.passed {
        shown.extend([stages(report).shown(), acts(report).shown()]);
    }
    shown.push(outcomes(report).shown());
    if report.gate.passed {
        shown.push(processes(report).shown());
    }
    shown.join("\n")
}

fn verdict(report: &Report) -> String {
    let run = &report.run;
    let mut lines = vec![match report.gate.passed {
        true => "压测有效 · The run counts.".to_owned(),
        false => "压测无效 · THE RUN HAS NO RESULT: a check failed.".to_owned(),
    }];
    lines.push(format!(
        "{} ({} loop), {:.1} s, seed {}, {} people · {} · {}",
        run.profile,
        run.arrival,
        run.lasted_ms as f64 / 1_000.0,
        run.seed,
        run.people,
        run.cluster,
        run.host
    ));
    if run.interrupted {
        lines.push("中途停止 · It was interrupted; this is what was until then.".to_owned());
    }
    // Where only the generator is watched, the services count among the others.
    if report.machine.is_known() && report.processes.len() > 1 {
        lines.push(format!("其他程序占用 · Other programs took {} of the machine.", percent(report.machine.foreign)));
    }
    let lag = report.seconds.iter().map(|second| second.lag_p99).max().unwrap_or(0);
    lines.push(format!("发压迟延 · In its worst second the generator itself sent {} late (p99).", time(lag)));
    if let Some(knee) = &report.knee {
        let (rate, settled) = (knee.rate, knee.settled);
        lines.push(format!(
            "拐点 · Knee: {rate:.0} messages/s, {settled:.0} settlements/s, p99 {}.",
            time(knee.latency.p99)
        ));
    }
    lines.join("\n")
}

fn gate(report: &Report) -> Table {
    let mut table =
        Table::new("gate", &[("check", "核验", "check"), ("passed", "结果", ""), ("detail", "说明", "detail")]);
    for check in &report.gate.checks {
        let passed = if check.passed { "✓" } else { "✗" };
        table.row([Cell::text(format!("{}\n{}", check.zh, check.en)), Cell::text(passed), Cell::text(&check.detail)]);
    }
    table
}

const LATENCY: [(&str, &str, &str); 4] =
    [("p50", "p50", ""), ("p99", "p99", ""), ("p999", "p99.9", ""), ("max", "最长", "max")];

fn latency(latency: &Latency) -> [Cell; 4] {
    [latency.p50, latency.p99, latency.p999, latency.max].map(|micros| Cell::text(time(micros)))
}

fn stages(report: &Report) -> Table {
    let mut columns = vec![
        ("stage", "阶段", "stage"),
        ("offered", "应发/s", "offered/s"),
        ("good", "成功/s", "good/s"),
        ("settled", "结算/s", "settled/s"),
    ];
    columns.extend(LATENCY);
    let mut table = Table::new("stages", &columns);
    for stage in &report.stages {
        let rates = [stage.offered, stage.good, stage.settled].map(|rate| Cell::text(format!("{rate:.1}")));
        let name = [Cell::text(&stage.name)];
        table.row(name.into_iter().chain(rates).chain(latency(&stage.latency)));
    }
    table
}

fn acts(report: &Report) -> Table {
    let mut columns = vec![("act", "业务", "act"), ("sent", "发出", "sent"), ("good", "成功", "good")];
    columns.extend(LATENCY);
    let mut table = Table::new("acts", &columns);
    for act in &report.acts {
        let name = [Cell::text(format!("{} {}", act.zh, act.en)), count(act.sent), count(act.latency.count)];
        table.row(name.into_iter().chain(latency(&act.latency)));
    }
    table
}

fn outcomes(report: &Report) -> Table {
    let columns = [
        ("act", "业务", "act"),
        ("code", "结果", "outcome"),
        ("count", "次数", "count"),
        ("permitted", "许可", "may be"),
    ];
    let mut table = Table::new("outcomes", &columns);
    for act in report.acts.iter().skip(1) {
        for outcome in &act.outcomes {
            let permitted = if outcome.permitted { "✓" } else { "✗" };
            let name = Cell::text(format!("{} {}", act.zh, act.en));
            table.row([name, Cell::text(&outcome.code), count(outcome.count), Cell::text(permitted)]);
        }
    }
    table
}

fn processes(report: &Report) -> Table {
    let columns = [
        ("process", "进程", "process"),
        ("cpu", "CPU µs/结算", "a settlement"),
        ("disk", "磁盘 B/结算", "a settlement"),
        ("memory", "内存峰值 MB", "memory, most"),
    ];
    let mut table = Table::new("processes", &columns);
    for process in report.processes.iter().filter(|process| process.is_known()) {
        let disk = process.disk_per_settlement.map_or_else(String::new, |bytes| format!("{bytes:.0}"));
        table.row([
            Cell::text(&process.name),
            Cell::text(format!("{:.0}", process.cpu_per_settlement)),
            Cell::text(disk),
            count(process.memory_max >> 20),
        ]);
    }
    table
}

fn count(count: u64) -> Cell {
    Cell::Count(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Microseconds for people.
fn time(micros: u64) -> String {
    match micros {
        ..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{:.1} ms", micros as f64 / 1e3),
        100_000..10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

fn percent(basis_points: u32) -> String {
    format!("{:.1} %", f64::from(basis_points) / 100.0)
}
