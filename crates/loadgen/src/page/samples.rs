//! Reports for the tests: a ramp with a knee, a spike with one home stopped, a run that failed its gate, and none at all.

use crate::report::{
    ActReport, Check, Gate, Knee, Latency, Machine, Outcome, Process, Report, Run, Sample, Second, Stage,
};

/// A small repeatable noise around a figure, in hundredths.
fn noisy(figure: f64, at: u64) -> f64 {
    let noise = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    figure * (0.95 + noise as f64 / 1.6e8)
}

fn latency(count: u64, p50: f64) -> Latency {
    let [mean, p50, p90, p99, p999, max] = [1.3, 1.0, 2.1, 4.6, 9.7, 21.0].map(|factor| (p50 * factor) as u64);
    Latency { count, mean, p50, p90, p99, p999, max }
}

/// Half of the latency at a load, µs: it rises to the knee and stays bounded beyond.
fn half(load: f64) -> f64 {
    1_400.0 / (1.0 - load.min(0.93))
}

fn run(profile: &str, seconds: u64) -> Run {
    let mix =
        [("outpatient visits", 6_200), ("pharmacy", 1_900), ("stays", 900), ("chronic visits", 700), ("filings", 300)];
    Run {
        profile: profile.to_owned(),
        arrival: "open".to_owned(),
        seed: 20_260_301,
        started_ms: 1_772_328_600_000,
        lasted_ms: seconds * 1000,
        interrupted: false,
        mix: mix.map(|(name, share)| (name.to_owned(), share)).to_vec(),
        people: 2_000_000,
        institutions: 1_280,
        lines: 20,
        cluster: "hub, 3 home and 2 care services, sled".to_owned(),
        host: "zhijie 0.1.0, 2 cores, Linux 6.1".to_owned(),
    }
}

fn acts(count: u64, refusal: &str) -> Vec<ActReport> {
    const SHARES: [u32; 9] = [0, 250_000, 500_000, 750_000, 900_000, 990_000, 999_000, 999_900, 1_000_000];
    let factors = [0.4, 0.75, 1.0, 1.4, 2.1, 4.6, 9.7, 15.0, 21.0];
    let names = [
        ("all", "全部", 1.0, 3_100.0),
        ("pre-settle", "预结算", 0.44, 2_300.0),
        ("settle at once", "直接结算", 0.42, 3_900.0),
        ("settle a stay", "住院结算", 0.05, 5_200.0),
        ("file", "备案", 0.03, 1_800.0),
        ("cancel", "撤销", 0.04, 4_400.0),
        ("reverse", "冲正", 0.02, 6_100.0),
    ];
    let act = |(en, zh, share, p50): (&str, &str, f64, f64)| {
        let sent = (count as f64 * share) as u64;
        let part = |share: f64| (sent as f64 * share) as u64;
        let outcome = |code: &str, count| Outcome { code: code.to_owned(), count, permitted: true };
        let refused = part(0.011);
        let mut outcomes =
            vec![outcome("good", sent - refused - part(0.02)), outcome(refusal, refused), outcome("busy", part(0.02))];
        if en == "reverse" {
            outcomes.push(outcome("unknown", 41));
        }
        ActReport {
            en: en.to_owned(),
            zh: zh.to_owned(),
            sent,
            latency: latency(sent - refused, p50),
            curve: SHARES.into_iter().zip(factors).map(|(share, factor)| (share, (p50 * factor) as u64)).collect(),
            outcomes,
        }
    };
    names.map(act).to_vec()
}

/// Processes that take what `load` says of each second, from 0 to 1.
fn processes(seconds: u64, load: impl Fn(u64) -> f64) -> Vec<Process> {
    let names = [
        ("hub", 31.4, Some(902.0), 0.42, 150),
        ("home 340000", 24.1, Some(611.0), 0.24, 120),
        ("home 320000", 23.7, Some(598.0), 0.22, 110),
        ("home 330000", 23.9, Some(604.0), 0.22, 112),
        ("care 310000", 29.2, Some(733.0), 0.3, 180),
        ("care 110000", 28.8, Some(729.0), 0.27, 172),
        ("generator", 14.6, None, 0.2, 90),
    ];
    let process = |(name, cpu, disk, cores, memory): (&str, f64, Option<f64>, f64, u64)| {
        let sample = |second: u64| Sample {
            at_ms: (second + 1) * 1000 - second % 7,
            cpu: noisy(cores * load(second) * 1e4, second + memory) as u32,
            memory: (memory + memory * second / seconds) * 1_000_000,
        };
        let samples: Vec<Sample> = (0..seconds).map(sample).collect();
        Process {
            name: name.to_owned(),
            cpu_per_settlement: cpu,
            disk_per_settlement: disk,
            memory_max: samples.iter().map(|sample| sample.memory).max().unwrap_or(0),
            samples,
        }
    };
    names.map(process).to_vec()
}

fn machine(seconds: u64) -> Machine {
    Machine {
        cores: 2,
        foreign: 240,
        foreign_by_second: (0..seconds).map(|second| noisy(240.0, second * 3) as u32).collect(),
    }
}

fn gate() -> Gate {
    let check = |en: &str, zh: &str, detail: &str| Check {
        en: en.to_owned(),
        zh: zh.to_owned(),
        passed: true,
        detail: detail.to_owned(),
    };
    Gate {
        passed: true,
        checks: vec![
            check("Each outcome is one that the visit permits", "结果均为许可", "1,046,112 messages"),
            check("The three books agree", "三方账一致", "care, hub and home: 402,118 settlements each"),
            check("Money is conserved", "资金守恒", "total = funds + personal + hospital, on each record"),
            check("Nothing is left unknown", "无未决", "41 unknown ones came to an end"),
        ],
    }
}

/// Twelve steps of a ramp of 20 s each, carried up to 8,000 a second.
pub(super) fn ramp() -> Report {
    let seconds = 240;
    let offered = |second: u64| (second / 20 + 1) as f64 * 1_000.0;
    let good = |offered: f64| if offered <= 8_000.0 { offered * 0.988 } else { 8_000.0 - (offered - 8_000.0) * 0.18 };
    let load = |second| offered(second) / 8_600.0;
    let second = |at: u64| {
        let due = noisy(offered(at), at);
        let good = good(due);
        let refused = due * 0.012;
        let busy = (due - good - refused).max(0.0);
        Second {
            offered: due as u64,
            good: good as u64,
            refused: refused as u64,
            busy: (busy * 0.8) as u64,
            unknown: 0,
            held: (busy * 0.2) as u64,
            open: (due * half(load(at)) / 1e6) as u64,
            latency: latency(good as u64, noisy(half(load(at)), at * 5)),
            lag_p99: noisy(180.0 + 900.0 * load(at).powi(4), at * 7) as u64,
        }
    };
    let stage = |step: u64| {
        let rate = offered(step * 20);
        Stage {
            name: format!("{},000/s", step + 1),
            from_ms: step * 20_000,
            to_ms: (step + 1) * 20_000,
            offered: rate,
            good: good(rate),
            settled: good(rate) * 0.47,
            latency: latency((good(rate) * 20.0) as u64, half(rate / 8_600.0)),
            foreign: if step == 9 { 1_240 } else { 200 },
        }
    };
    Report {
        run: run("ramp", seconds),
        stages: (0..12).map(stage).collect(),
        knee: Some(Knee { rate: 8_000.0, settled: 3_714.9, latency: latency(158_080, half(8_000.0 / 8_600.0)) }),
        seconds: (0..seconds).map(second).collect(),
        acts: acts(1_046_112, "E503"),
        processes: processes(seconds, |second| load(second).min(1.02)),
        machine: machine(seconds),
        gate: gate(),
    }
}

/// A spike to three times the rate, in which one home is stopped and comes back.
pub(super) fn spike() -> Report {
    let seconds = 180;
    let offered = |second: u64| if (60..90).contains(&second) { 6_000.0 } else { 2_000.0 };
    let stopped = |second: u64| (50..110).contains(&second);
    let second = |at: u64| {
        let due = noisy(offered(at), at);
        let lost = if stopped(at) { due * 0.14 } else { 0.0 };
        Second {
            offered: due as u64,
            good: (due * 0.987 - lost) as u64,
            refused: (due * 0.013 + lost * 0.7) as u64,
            unknown: (lost * 0.3) as u64,
            open: (due * 0.004 + lost) as u64,
            latency: latency((due - lost) as u64, noisy(half(due / 8_600.0), at * 5)),
            lag_p99: noisy(220.0, at) as u64,
            ..Second::default()
        }
    };
    let names = [("before", 0, 60), ("spike", 60, 90), ("after", 90, 180)];
    let stage = |(name, from, to): (&str, u64, u64)| {
        let rate = offered(from);
        let (good, settled) = (rate * 0.94, rate * 0.44);
        let latency = latency((rate * (to - from) as f64) as u64, half(rate / 8_600.0));
        Stage {
            name: name.to_owned(),
            from_ms: from * 1000,
            to_ms: to * 1000,
            offered: rate,
            good,
            settled,
            latency,
            foreign: 310,
        }
    };
    let mut processes = processes(seconds, |second| offered(second) / 8_600.0);
    if let Some(home) = processes.iter_mut().find(|process| process.name == "home 320000") {
        home.samples.retain(|sample| !stopped(sample.at_ms / 1000));
    }
    Report {
        run: run("spike, home 320000 stopped", seconds),
        stages: names.map(stage).to_vec(),
        knee: None,
        seconds: (0..seconds).map(second).collect(),
        acts: acts(480_311, "E605"),
        processes,
        machine: machine(seconds),
        gate: gate(),
    }
}

/// A constant rate whose books disagree afterwards, interrupted, beside a compiler.
pub(super) fn failed() -> Report {
    let seconds = 45;
    let mut report = Report { run: run("constant", seconds), ..ramp() };
    report.run.interrupted = true;
    report.stages.truncate(1);
    report.seconds.truncate(45);
    report.machine.foreign = 3_410;
    report.machine.foreign_by_second.truncate(45);
    for process in &mut report.processes {
        process.samples.truncate(45);
    }
    for outcome in report.acts.iter_mut().flat_map(|act| &mut act.outcomes).filter(|outcome| outcome.code == "unknown")
    {
        outcome.permitted = false;
    }
    report.gate.passed = false;
    let details = [
        (
            0,
            "reverse: 41 × unknown where only reversed, E703 or busy may be; first: message 018f-22c1, visit 310000-4-771",
        ),
        (1, "hub 402,118, home 402,117: settlement 018f-22c1-9d02 is at the hub and not at home 340000"),
    ];
    for (index, detail) in details {
        if let Some(check) = report.gate.checks.get_mut(index) {
            check.passed = false;
            check.detail = detail.to_owned();
        }
    }
    report
}
