//! The tables of the page: outcomes by act and code (业务与结果码), acts, stages, processes, and the checks of the gate.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{UNFIT, number, other_number, processes, section, units, words};
use crate::report::{Knee, Latency, Outcome, Report};

/// All tables.
pub(super) fn all(report: &Report, knee: Option<&Knee>) -> Markup {
    html! {
        (section("Outcomes by act and code", "各业务结果", outcomes(report)))
        (section("Latency by act", "各业务延迟", acts(report)))
        (section("Stages", "阶段", stages(report, knee)))
        (section("Processes", "进程", processes::table(report)))
        (section("Checks of the gate", "有效性检查", checks(report)))
    }
}

/// Codes down, acts across: acts are few, codes may be many. What should not have come is marked.
fn outcomes(report: &Report) -> Markup {
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in report.acts.iter().flat_map(|act| &act.outcomes) {
        let most = codes.entry(&outcome.code).or_default();
        *most = outcome.count.max(*most);
    }
    let mut codes: Vec<(&str, u64)> = codes.into_iter().collect();
    codes.sort_by(|(one, most), (other, more)| more.cmp(most).then(one.cmp(other)));
    if codes.is_empty() {
        return nothing();
    }
    let forbidden =
        report.acts.iter().flat_map(|act| &act.outcomes).any(|outcome| !outcome.permitted && outcome.count > 0);
    html! {
        div.scroll { table {
            thead { tr {
                th { (words("Code", "结果码")) }
                @for act in &report.acts { th.n { (words(&act.en, &act.zh)) } }
            } }
            tbody { @for (code, _) in codes { tr {
                th { (code) }
                @for act in &report.acts { (outcome(act.outcomes.iter().filter(|outcome| outcome.code == code))) }
            } } }
            tfoot { tr {
                th { (words("Sent", "已发")) }
                @for act in &report.acts { (number(&units::count(act.sent))) }
            } }
        } }
        @if forbidden {
            p.note { span.marked { "✗" } " " (words("an outcome that the visit does not permit", "不应有的结果")) }
        }
    }
}

fn outcome<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Markup {
    let (count, permitted) = outcomes.fold((0_u64, true), |(count, permitted), outcome| {
        (count.saturating_add(outcome.count), permitted && (outcome.permitted || outcome.count == 0))
    });
    match (count, permitted) {
        (0, _) => html! { td.n.none { "·" } },
        (count, true) => number(&units::count(count)),
        (count, false) => other_number(&format!("✗ {}", units::count(count)), true),
    }
}

fn acts(report: &Report) -> Markup {
    if report.acts.is_empty() {
        return nothing();
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { (words("Act", "业务")) }
                th.n { (words("Sent", "已发")) }
                th.n { (words("Good", "成功")) }
                th.n { (words("Mean", "平均")) }
                (percentile_heads())
            } }
            tbody { @for act in &report.acts { tr {
                th { (words(&act.en, &act.zh)) }
                (number(&units::count(act.sent)))
                (number(&units::count(act.latency.count)))
                (micros(&act.latency, |latency| latency.mean))
                (percentiles(&act.latency))
            } } }
        } }
    }
}

fn stages(report: &Report, knee: Option<&Knee>) -> Markup {
    if report.stages.is_empty() {
        return nothing();
    }
    html! {
        div.scroll { table {
            thead { tr {
                th { (words("Stage", "阶段")) }
                th.n { (words("From", "起")) }
                th.n { (words("To", "止")) }
                th.n { (words("Offered", "到达率")) }
                th.n { (words("Good", "成功")) }
                th.n { (words("Settled", "结算")) }
                (percentile_heads())
                th.n { (words("Others' CPU", "其他程序")) }
            } }
            tbody { @for stage in &report.stages {
                @let at_knee = knee.is_some_and(|knee| knee.rate == stage.offered);
                tr.chosen[at_knee] {
                    th { (stage.name) @if at_knee { " " span.tag { "knee 拐点" } } }
                    (number(&units::clock(stage.from_ms)))
                    (number(&units::clock(stage.to_ms)))
                    (number(&units::rate(stage.offered)))
                    (number(&units::rate(stage.good)))
                    (number(&units::rate(stage.settled)))
                    (percentiles(&stage.latency))
                    (other_number(&units::share(f64::from(stage.foreign)), stage.foreign > UNFIT))
                }
            } }
        } }
    }
}

fn percentile_heads() -> Markup {
    let heads = [("p50", ""), ("p90", ""), ("p99", ""), ("p99.9", ""), ("Longest", "最长")];
    html! { @for (en, zh) in heads { th.n { (words(en, zh)) } } }
}

fn percentiles(latency: &Latency) -> Markup {
    let parts: [fn(&Latency) -> u64; 5] = [
        |latency| latency.p50,
        |latency| latency.p90,
        |latency| latency.p99,
        |latency| latency.p999,
        |latency| latency.max,
    ];
    html! { @for part in parts { (micros(latency, part)) } }
}

fn micros(latency: &Latency, of: fn(&Latency) -> u64) -> Markup {
    number(&if latency.count == 0 { units::UNKNOWN.to_owned() } else { units::micros(of(latency) as f64) })
}

fn checks(report: &Report) -> Markup {
    if report.gate.checks.is_empty() {
        return nothing();
    }
    html! {
        ul.checks { @for check in &report.gate.checks {
            @let (sign, word) = if check.passed { ("✓", "held") } else { ("✗", "failed") };
            li .failed[!check.passed] {
                span.sign role="img" aria-label=(word) { (sign) }
                div { (words(&check.en, &check.zh)) @if !check.detail.is_empty() { p.note { (check.detail) } } }
            }
        } }
    }
}

fn nothing() -> Markup {
    html! { p.nothing { (words("Nothing was measured", "无数据")) } }
}
