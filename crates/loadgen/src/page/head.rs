//! The head of the page: whether the run counts (有效与否) before any figure, then its headline figures and what was run.

use maud::{Markup, html};

use super::{UNFIT, plots::COLOURS, processes, units, words};
use crate::report::{Check, Latency, Report, Stage};

/// Whether the run has a result: the gate says so, and no check of it says otherwise.
pub(super) fn valid(report: &Report) -> bool {
    report.gate.passed && report.gate.checks.iter().all(|check| check.passed)
}

pub(super) fn title(report: &Report) -> Markup {
    let run = &report.run;
    let mut parts = vec![units::moment(run.started_ms) + " UTC+8", units::span(run.lasted_ms)];
    parts.extend([&run.cluster, &run.host].into_iter().filter(|words| !words.is_empty()).cloned());
    html! {
        header {
            p.brand { (words("Zhijie", "直结")) }
            h1 { (words("Load test", "压力测试")) @if !run.profile.is_empty() { span.profile { (run.profile) } } }
            p.under { (parts.join(" · ")) }
        }
    }
}

/// The word of the gate.
pub(super) fn verdict(report: &Report) -> Markup {
    let checks = &report.gate.checks;
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.passed).collect();
    html! {
        @if valid(report) {
            div.verdict.valid role="status" {
                span.sign aria-hidden="true" { "✓" }
                strong { (words("Valid", "有效")) }
                span.why { (format!("{} of {} checks held", checks.len(), checks.len())) }
            }
        } @else {
            div.verdict.invalid role="alert" {
                span.sign aria-hidden="true" { "✗" }
                strong { (words("No result", "无结果")) }
                @if checks.is_empty() {
                    span.why { "the run was not checked" }
                } @else {
                    span.why { (format!("{} of {} checks failed", failed.len(), checks.len())) }
                }
                @if !failed.is_empty() { ul { @for check in failed {
                    li { b { (words(&check.en, &check.zh)) } @if !check.detail.is_empty() { p { (check.detail) } } }
                } } }
            }
        }
    }
}

/// What a reader should know before reading the figures.
pub(super) fn notices(report: &Report) -> Markup {
    let foreign = report.machine.foreign;
    html! {
        @if report.run.interrupted {
            p.notice { b { (words("Interrupted", "中断")) } " The report is of what was until then." }
        }
        @if foreign > UNFIT {
            p.notice {
                b { (words("Unfit to compare", "不宜比较")) } " Other programs took " (units::share(f64::from(foreign)))
                " of the machine; above " (units::share(f64::from(UNFIT))) " the figures say little about the services."
            }
        }
    }
}

/// The figures one asks for first: at the knee if there is one, else over the run.
pub(super) fn headlines(report: &Report) -> Markup {
    let all = report.acts.iter().find(|act| act.en == "all").map(|act| act.latency.clone()).unwrap_or_default();
    let (latency, place, settled, rate) = match &report.knee {
        Some(knee) => (&knee.latency, words("at the knee", "拐点处"), knee.settled, knee.rate),
        None => (
            &all,
            words("over the run", "全程"),
            over_stages(report, |stage| stage.settled),
            over_stages(report, |stage| stage.offered),
        ),
    };
    let percentile = |of: fn(&Latency) -> u64| match latency.count {
        0 => units::UNKNOWN.to_owned(),
        _ => units::micros(of(latency) as f64),
    };
    let largest = report.processes.iter().max_by_key(|process| process.memory_max);
    let (memory, whose) = match largest {
        Some(process) => (units::bytes(process.memory_max as f64), html! { "at most: " (process.name) }),
        None => (units::UNKNOWN.to_owned(), words("not measured", "未测")),
    };
    let (first, of) = match report.knee {
        Some(_) => (words("Knee", "拐点"), words("messages offered", "到达率")),
        None => (words("Offered", "到达率"), words("messages, no knee", "未见拐点")),
    };
    let (cpu, disk) = (processes::cpu_per_settlement(report), processes::disk_per_settlement(report));
    html! {
        section.tiles aria-label="Headline figures" {
            (tile(words("Settlements", "结算"), &units::rate(settled), place.clone(), true))
            (tile(first, &units::rate(rate), of, true))
            (tile(words("Latency p50", "延迟"), &percentile(|latency| latency.p50), place.clone(), false))
            (tile(words("Latency p99", "延迟"), &percentile(|latency| latency.p99), place.clone(), false))
            (tile(words("Latency p99.9", "延迟"), &percentile(|latency| latency.p999), place, false))
            (tile(words("CPU per settlement", "每笔处理器"), &cpu, words("all processes", "全部进程"), false))
            (tile(words("Disk per settlement", "每笔磁盘"), &disk, words("all stores", "全部存储"), false))
            (tile(words("Memory", "内存"), &memory, whose, false))
        }
    }
}

fn tile(name: Markup, figure: &str, under: Markup, first: bool) -> Markup {
    html! { div.tile .first[first] { p.name { (name) } p.figure { (figure) } p.under { (under) } } }
}

/// Mean of a rate over the stages by their length.
fn over_stages(report: &Report, of: fn(&Stage) -> f64) -> f64 {
    let length = |stage: &Stage| stage.to_ms.saturating_sub(stage.from_ms) as f64;
    let whole: f64 = report.stages.iter().map(length).sum();
    // Of no stage nothing is known.
    report.stages.iter().map(|stage| of(stage) * length(stage)).sum::<f64>() / whole
}

/// What was asked for, in full.
pub(super) fn run(report: &Report) -> Markup {
    let run = &report.run;
    let arrival = match run.arrival.as_str() {
        "open" => words("open: sent when due", "开环"),
        "closed" => words("closed: sent when one is answered", "闭环"),
        other => words(known(other), ""),
    };
    let offered = report.stages.iter().map(|stage| stage.offered).filter(|rate| rate.is_finite());
    let (low, high) = offered.fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(rate), high.max(rate)));
    let rate = if low < high { format!("{} to {}", units::rate(low), units::rate(high)) } else { units::rate(low) };
    let facts = [
        ("Profile", "场景", words(known(&run.profile), "")),
        ("Arrival", "到达方式", arrival),
        ("Offered rate", "到达率", html! { (rate) }),
        ("Length", "时长", html! { (units::span(run.lasted_ms)) }),
        ("People", "参保人", html! { (units::count(run.people)) }),
        ("Hospitals and pharmacies", "医药机构", html! { (units::count(run.institutions)) }),
        ("Fee lines of a bill, mean", "平均费用明细", html! { (units::count(u64::from(run.lines))) }),
        ("Seed", "随机种子", html! { (run.seed) }),
        ("Cluster", "集群", words(known(&run.cluster), "")),
        ("Machine", "主机", words(known(&run.host), "")),
        ("Generator late, worst p99", "最大迟滞", html! { (units::micros(worst_lag(report))) }),
        ("Other programs", "其他程序", html! { (units::share(f64::from(report.machine.foreign))) " of the machine" }),
    ];
    html! {
        section {
            h2 { (words("What was run", "压测内容")) }
            dl.facts { @for (en, zh, value) in facts { div { dt { (words(en, zh)) } dd { (value) } } } }
            @if !run.mix.is_empty() { (mix(report)) }
        }
    }
}

fn known(words: &str) -> &str {
    if words.is_empty() { units::UNKNOWN } else { words }
}

fn worst_lag(report: &Report) -> f64 {
    report.seconds.iter().map(|second| second.lag_p99).max().map_or(f64::NAN, |micros| micros as f64)
}

/// The mix as a bar, and its shares in words.
fn mix(report: &Report) -> Markup {
    let shares = &report.run.mix;
    let width = |share: u32, whole: f64| format!("width:{:.2}%", f64::from(share) / whole * 100.0);
    let whole = shares.iter().map(|(_, share)| f64::from(*share)).sum::<f64>().max(1.0);
    let colours = COLOURS.iter().cycle();
    html! {
        div.mix {
            p.name { (words("Mix of visits", "业务构成")) }
            div.bar aria-hidden="true" {
                @for ((_, share), colour) in shares.iter().zip(colours.clone()) {
                    @if *share > 0 { span class=(colour) style=(width(*share, whole)) {} }
                }
            }
            ul.legend { @for ((name, share), colour) in shares.iter().zip(colours) {
                li { span class={ "key square " (colour) } {} span { (name) } b { (units::share(f64::from(*share))) } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Gate;

    #[test]
    fn a_run_counts_only_when_all_of_its_gate_held() {
        let check = |passed| Check { passed, ..Check::default() };
        let rows = [
            (true, vec![check(true)], true),
            (true, vec![check(true), check(false)], false),
            (false, vec![check(true)], false),
            (false, vec![], false),
        ];
        for (passed, checks, expected) in rows {
            let report = Report { gate: Gate { passed, checks }, ..Report::default() };
            assert_eq!(valid(&report), expected, "{:?}", report.gate);
        }
    }
}
