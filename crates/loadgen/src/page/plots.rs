//! The plots of a run (图), in the order of the page; here those that are not over time.

use maud::{Markup, html};

use super::{
    axis::{Axis, nines},
    course::{Course, layer},
    plot::{Hint, Layer, Plot, Rule, Shape},
    processes, units,
};
use crate::report::{ActReport, Knee, Report, Stage};

/// Colours for things that have no order. A second round of them is drawn in dashes.
pub(super) const COLOURS: [&str; 7] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7"];

/// All plots. The knee is marked when the run has a result.
pub(super) fn all(report: &Report, knee: Option<&Knee>) -> Markup {
    let course = Course::of(report);
    let throughput = if by_rate(report) { throughput(report, knee) } else { course.throughput() };
    let (cpu, memory) = processes::plots(report, course.clock);
    let plots =
        [course.latency(), course.outcomes(), throughput, curve(report), cpu, memory, course.open(), course.lag()];
    html! { @for plot in plots { (plot.draw()) } }
}

/// Whether the stages say something about the rate: at least two offered ones differ.
fn by_rate(report: &Report) -> bool {
    report.stages.first().is_some_and(|first| report.stages.iter().any(|stage| stage.offered != first.offered))
}

/// What was answered at each rate.
fn throughput(report: &Report, knee: Option<&Knee>) -> Plot {
    let stages = &report.stages;
    let top =
        stages.iter().flat_map(|stage| [stage.offered, stage.good]).filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    let mut ordered: Vec<_> = stages.iter().collect();
    ordered.sort_by(|one, other| one.offered.total_cmp(&other.offered));
    let line = |en, zh, colour, of: fn(&Stage) -> f64| {
        let most = stages.iter().map(of).filter(|rate| rate.is_finite()).fold(0.0, f64::max);
        let points = ordered.iter().map(|stage| Some((stage.offered, of(stage))));
        layer(en, zh, format!("≤ {}", units::rate(most)), colour, Shape::Dots(points.collect()))
    };
    let all_good = Shape::Dashes(vec![Some((0.0, 0.0)), Some((top, top))]);
    let hint = |stage: &Stage| Hint {
        from: stage.offered - top / 100.0,
        to: stage.offered + top / 100.0,
        words: format!(
            "{}\noffered {}\ngood {}\nsettled {}\np99 {}",
            stage.name,
            units::rate(stage.offered),
            units::rate(stage.good),
            units::rate(stage.settled),
            units::micros(stage.latency.p99 as f64)
        ),
    };
    let rule = |knee: &Knee| Rule::Upright(knee.rate, format!("knee 拐点 {}", units::rate(knee.rate)));
    Plot {
        en: "Throughput against offered rate",
        zh: "吞吐与到达率",
        note: "One dot for each stage. Up to the knee all that is offered is answered; beyond it, what remains good \
               shows how the services shed load."
            .to_owned(),
        wide: false,
        x: Axis::amount("offered/s 到达率", top, units::amount),
        y: Axis::amount("answered/s 应答率", top, units::amount),
        bands: Vec::new(),
        layers: vec![
            layer("all of it good", "全部成功", String::new(), "faint", all_good),
            line("good", "成功", "good", |stage| stage.good),
            line("settlements", "结算", "settled", |stage| stage.settled),
        ],
        rules: knee.map(rule).into_iter().collect(),
        hints: ordered.into_iter().map(hint).collect(),
    }
}

/// How long shares of the messages took, by act.
fn curve(report: &Report) -> Plot {
    let acts: Vec<&ActReport> =
        report.acts.iter().filter(|act| act.latency.count > 0 && !act.curve.is_empty()).collect();
    let points = |act: &ActReport| -> Vec<(f64, f64)> {
        act.curve.iter().map(|(share, micros)| (nines(*share, act.latency.count), *micros as f64)).collect()
    };
    let values: Vec<(f64, f64)> = acts.iter().flat_map(|act| points(act)).collect();
    let deepest = values.iter().map(|(nines, _)| *nines).fold(0.0, f64::max);
    let (all, each): (Vec<&ActReport>, Vec<&ActReport>) = acts.iter().partition(|act| act.en == "all");
    let line = |act: &ActReport, colour, dashed: bool| {
        let points = points(act).into_iter().map(Some).collect();
        let shape = if dashed { Shape::Dashes(points) } else { Shape::Line(points) };
        layer(&act.en, &act.zh, format!("p99 {}", units::micros(act.latency.p99 as f64)), colour, shape)
    };
    let rounds = [false, true].into_iter().flat_map(|dashed| COLOURS.map(|colour| (colour, dashed)));
    let left = each.len().saturating_sub(2 * COLOURS.len());
    let mut layers: Vec<Layer> =
        each.into_iter().zip(rounds).map(|(act, (colour, dashed))| line(act, colour, dashed)).collect();
    layers.splice(0..0, all.into_iter().map(|act| line(act, "ink bold", false)));
    Plot {
        en: "Percentiles by act",
        zh: "各业务延迟分位",
        note: format!(
            "The share of good messages that took no longer; each mark to the right leaves a tenth of the tail.{}",
            if left > 0 { format!(" {left} more acts are in the table.") } else { String::new() }
        ),
        wide: false,
        x: Axis::percentiles("share of messages, % 分位", deepest),
        y: Axis::latency("latency 延迟, log 对数", values.iter().map(|(_, micros)| *micros)),
        bands: Vec::new(),
        layers,
        rules: Vec::new(),
        hints: Vec::new(),
    }
}
