//! The page holds what the report says, and nothing that would not work from a disk.

use super::{
    html,
    samples::{failed, ramp, spike},
    units::{bytes, clock, count, micros, rate, share},
};
use crate::report::{ActReport, Latency, Machine, Outcome, Process, Report, Run, Second, Stage};

/// What the page shows of a report: taken apart field by field, so that a new one is not forgotten.
fn figures(report: &Report) -> Vec<String> {
    let Report { run, stages, knee: _, seconds, acts, processes, machine, gate } = report;
    let totals = [
        seconds.iter().map(|second| second.offered).sum(),
        seconds.iter().map(|second| second.good).sum(),
        seconds.iter().map(|second| second.refused).sum(),
        seconds.iter().map(|second| second.busy).sum(),
        seconds.iter().map(|second| second.unknown).sum(),
        seconds.iter().map(|second| second.held).sum(),
    ];
    let most = |of: fn(&Second) -> u64| seconds.iter().map(of).max().unwrap_or(0);
    let mut all = totals.map(count).to_vec();
    all.extend([
        format!("≤ {}", count(most(|second| second.open))),
        format!("≤ {}", micros(most(|second| second.lag_p99) as f64)),
        format!("≤ {}", micros(most(|second| second.latency.p50) as f64)),
        format!("≤ {}", micros(most(|second| second.latency.p99) as f64)),
        format!("≤ {}", micros(most(|second| second.latency.p999) as f64)),
        share(f64::from(machine.foreign)),
        format!("{} cores", machine.cores),
    ]);
    all.extend(of_run(run));
    all.extend(stages.iter().flat_map(of_stage));
    all.extend(acts.iter().flat_map(of_act));
    all.extend(processes.iter().flat_map(of_process));
    all.extend(
        gate.checks
            .iter()
            .flat_map(|check| [&check.en, &check.zh, &check.detail])
            .filter(|part| !part.is_empty())
            .cloned(),
    );
    all
}

fn of_run(run: &Run) -> Vec<String> {
    let Run {
        profile,
        arrival,
        seed,
        started_ms: _,
        lasted_ms: _,
        interrupted,
        mix,
        people,
        institutions,
        lines,
        cluster,
        host,
    } = run;
    let mut all = vec![profile.clone(), arrival.clone(), seed.to_string(), count(*people), count(*institutions)];
    all.extend([count(u64::from(*lines)), cluster.clone(), host.clone(), "2026-03-01 09:30".to_owned()]);
    all.extend(mix.iter().flat_map(|(name, part)| [name.clone(), share(f64::from(*part))]));
    all.extend(interrupted.then(|| "Interrupted".to_owned()));
    all
}

fn of_latency(latency: &Latency) -> Vec<String> {
    let Latency { count: _, mean: _, p50, p90, p99, p999, max } = latency;
    [p50, p90, p99, p999, max].map(|part| micros(*part as f64)).to_vec()
}

fn of_stage(stage: &Stage) -> Vec<String> {
    let Stage { name, from_ms, to_ms, offered, good, settled, latency, foreign } = stage;
    let mut all = vec![name.clone(), clock(*from_ms), clock(*to_ms), rate(*offered), rate(*good), rate(*settled)];
    all.push(share(f64::from(*foreign)));
    all.extend(of_latency(latency));
    all
}

fn of_act(act: &ActReport) -> Vec<String> {
    let ActReport { en, zh, sent, latency, curve: _, outcomes } = act;
    let mut all = vec![en.clone(), zh.clone(), count(*sent), count(latency.count), micros(latency.mean as f64)];
    all.extend(of_latency(latency));
    for Outcome { code, count: times, permitted } in outcomes {
        all.push(code.clone());
        all.push(if *permitted || *times == 0 { count(*times) } else { format!("✗ {}", count(*times)) });
    }
    all
}

fn of_process(process: &Process) -> Vec<String> {
    let Process { name, cpu_per_settlement, disk_per_settlement, memory_max, samples: _ } = process;
    let mut all = vec![name.clone(), micros(*cpu_per_settlement), bytes(*memory_max as f64)];
    all.extend(disk_per_settlement.map(bytes));
    all
}

/// The page holds its figures, and is sound.
fn check(name: &str, report: &Report, also: &[&str], never: &[&str]) {
    let page = sound(name, report, also, never);
    for figure in figures(report) {
        assert!(page.contains(&figure), "{name}: `{figure}` is not on the page");
    }
}

/// Nothing on the page is not a number or reaches outside.
fn sound(name: &str, report: &Report, also: &[&str], never: &[&str]) -> String {
    let page = html(report);
    for word in also {
        assert!(page.contains(word), "{name}: `{word}` is not on the page");
    }
    for word in ["NaN", "inf%", "Infinity", "http", "src=", "href", "url(", "@import", "<script"].iter().chain(never) {
        assert!(!page.contains(word), "{name}: `{word}` is on the page");
    }
    places_are_on_the_field(name, &page);
    page
}

/// Each coordinate of each drawing is a number within it.
fn places_are_on_the_field(name: &str, page: &str) {
    for attribute in [" d=\"", " x=\"", " width=\""] {
        for value in page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
            for number in
                value.split(|char: char| char.is_ascii_alphabetic() || char == ' ').filter(|part| !part.is_empty())
            {
                let place: f64 = number.parse().unwrap_or(f64::NAN);
                assert!((0.0..=1000.0).contains(&place), "{name}: {attribute}{value}");
            }
        }
    }
    for part in ["left:", "bottom:", "width:"] {
        for value in page.split("style=\"").skip(1).filter_map(|rest| rest.split('"').next()?.split(part).nth(1)) {
            let place: f64 = value.split('%').next().unwrap_or_default().parse().unwrap_or(f64::NAN);
            assert!((0.0..=100.0).contains(&place), "{name}: {part}{value}");
        }
    }
}

#[test]
fn the_page_shows_the_whole_report() {
    check(
        "ramp",
        &ramp(),
        &["Valid", "at the knee", "knee 拐点 8,000/s", "3,715/s", "176 µs", "4,177 B", "12.4 %"],
        &["No result"],
    );
    check("spike", &spike(), &["Valid", "over the run", "1,173/s", "no knee"], &["No result", "knee 拐点"]);
    check(
        "failed",
        &failed(),
        &["No result", "2 of 4 checks failed", "It is not a result.", "Unfit to compare", "✗ 41"],
        &["Headline figures", "knee 拐点", "Valid"],
    );
}

#[test]
fn what_was_not_measured_leaves_no_holes() {
    const NOTHING: &str = "Nothing was measured";
    let latency = Latency { count: 3, p50: 900, p99: 1_200, p999: 1_200, ..Latency::default() };
    let second = Second { offered: 3, good: 3, latency, ..Second::default() };
    let lost = Second { offered: 7, unknown: 7, ..Second::default() };
    let run = |lasted_ms| Run { lasted_ms, ..Run::default() };
    let unseen = Process { name: "hub".to_owned(), ..Process::default() };
    let rows: [(&str, Report, &[&str]); 6] = [
        ("nothing", Report::default(), &[NOTHING, "the run was not checked", "1970-01-01 08:00"]),
        (
            "a second",
            Report { run: run(1_000), seconds: vec![second], ..Report::default() },
            &["≤ 1.20 ms", "3.00/s", "0:01"],
        ),
        (
            "none good",
            Report { run: run(9_000), seconds: vec![lost; 9], ..Report::default() },
            &[NOTHING, "unknown", "63"],
        ),
        (
            "no processes",
            Report { processes: vec![], machine: Machine::default(), ..ramp() },
            &[NOTHING, "not measured"],
        ),
        ("not looked at", Report { processes: vec![unseen], ..ramp() }, &[NOTHING, "hub"]),
        (
            "no stages, no acts",
            Report { stages: vec![], acts: vec![], knee: None, ..ramp() },
            &[NOTHING, "Offered and answered", "–"],
        ),
    ];
    for (name, report, also) in rows {
        sound(name, &report, also, &[]);
    }
}

#[test]
fn figures_that_are_not_numbers_are_dashes() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, f64::MAX] {
        let mut report = ramp();
        for (index, stage) in report.stages.iter_mut().enumerate() {
            stage.settled = wrong;
            stage.offered = if index % 2 == 0 { wrong } else { stage.offered };
            stage.good = if index % 3 == 0 { wrong } else { stage.good };
        }
        if let Some(knee) = &mut report.knee {
            knee.rate = wrong;
        }
        for process in &mut report.processes {
            process.cpu_per_settlement = wrong;
            process.disk_per_settlement = Some(wrong);
        }
        check(&format!("{wrong}"), &report, &["–"], &[]);
    }
}

#[test]
fn names_are_escaped() {
    let evil = "</style><script>alert(\"1\")</script>&'";
    let mut report = failed();
    let Report { run, stages, knee: _, seconds: _, acts, processes, machine: _, gate } = &mut report;
    let names = [&mut run.profile, &mut run.arrival, &mut run.cluster, &mut run.host].into_iter();
    let names =
        names.chain(run.mix.iter_mut().map(|(name, _)| name)).chain(stages.iter_mut().map(|stage| &mut stage.name));
    let names = names.chain(processes.iter_mut().map(|process| &mut process.name));
    let names = names.chain(gate.checks.iter_mut().flat_map(|check| [&mut check.en, &mut check.zh, &mut check.detail]));
    names.for_each(|name| evil.clone_into(name));
    for act in acts {
        [&mut act.en, &mut act.zh].into_iter().for_each(|name| evil.clone_into(name));
        act.outcomes.iter_mut().for_each(|outcome| evil.clone_into(&mut outcome.code));
    }
    let page = html(&report);
    assert!(!page.contains("<script") && page.matches("</style>").count() == 1);
    assert!(page.matches("&lt;script&gt;").count() > 40);
}

#[test]
fn a_long_run_keeps_its_worst_second_and_stays_small() {
    let mut report = ramp();
    report.seconds = report.seconds.iter().cycle().take(10_000).cloned().collect();
    report.seconds[7_777].latency.p99 = 123_000_000;
    report.seconds[7_777].latency.p999 = 123_000_000;
    check("long", &report, &["p99 123 s", "Each step is 25 s"], &[]);
    assert!(html(&report).len() < 1_000_000);
}

#[test]
fn many_processes_and_acts_share_the_colours_there_are() {
    let mut report = ramp();
    let process = report.processes[0].clone();
    report.processes = (0..32).map(|index| Process { name: format!("home {index}"), ..process.clone() }).collect();
    let act = report.acts[1].clone();
    report.acts = (0..20).map(|index| ActReport { en: format!("act {index}"), ..act.clone() }).collect();
    check("many", &report, &["26 others", "6 more acts are in the table"], &[]);
}
