//! The page of a run (压测报告): one file of HTML with its style and its plots inside, made to be read from a disk, shown to
//! people and printed. It loads nothing and runs nothing.

mod axis;
mod course;
mod head;
mod plot;
mod plots;
mod processes;
#[cfg(test)]
mod samples;
mod series;
mod tables;
#[cfg(test)]
mod tests;
mod units;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::Report;

/// Share of the machine, basis points, above which what other programs took makes figures unfit to be compared.
const UNFIT: u32 = 1_000;

const STYLE: &str = include_str!("page.css");

/// What the page calls things, for readers who did not start the run.
const WORDS: [(&str, &str, &str); 7] = [
    (
        "due",
        "应发",
        "The moment a message should have been sent at the stated rate. Latency is counted from it, so that a service \
         that is slow now is not spared the messages that wait.",
    ),
    ("good", "成功", "Answered with what it asked for."),
    ("refused", "拒绝", "Refused by a rule, as it may be; the codes are in the table."),
    ("busy", "繁忙", "Turned away at once with the word to come again."),
    ("unknown", "未知", "No answer in time: the message may have been booked or not, and the services find out later."),
    ("held", "未发", "Due, and not sent, as too many were under way."),
    ("knee", "拐点", "The highest offered rate that was carried: nearly all of it good, and its tail bounded."),
];

/// The page of a report.
pub fn html(report: &Report) -> String {
    let valid = head::valid(report);
    // A run that failed its gate has no result, and so no knee.
    let knee = report.knee.as_ref().filter(|_| valid);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title {
                    "Zhijie load test · 直结压力测试 · " (report.run.profile) " · " (units::moment(report.run.started_ms))
                }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                (head::title(report))
                (head::verdict(report))
                (head::notices(report))
                @if valid { (head::headlines(report)) }
                (head::run(report))
                @if !valid {
                    p.aside {
                        "What follows helps to find the cause. It is not a result. "
                        span lang="zh-CN" { "以下仅供排查，不作为结果。" }
                    }
                }
                section.plots { (plots::all(report, knee)) }
                (tables::all(report, knee))
                (section("Words", "用语", html! {
                    dl.words { @for (en, zh, meaning) in WORDS { dt { (words(en, zh)) } dd { (meaning) } } }
                }))
            } }
        }
    };
    page.into_string()
}

/// A part of the page under its title.
fn section(en: &str, zh: &str, content: Markup) -> Markup {
    html! { section { h2 { (words(en, zh)) } (content) } }
}

/// English, and the Chinese beside it.
fn words(en: &str, zh: &str) -> Markup {
    html! { span { (en) } @if !zh.is_empty() { " " span.zh lang="zh-CN" { (zh) } } }
}

/// A figure in a table.
fn number(figure: &str) -> Markup {
    other_number(figure, false)
}

/// A figure in a table, marked when it is not as it should be.
fn other_number(figure: &str, marked: bool) -> Markup {
    html! { td.n .marked[marked] { (figure) } }
}
