//! Indicators (指标) of a month from the hub's own facts: one line each. What the hub cannot know it says, and why; it
//! never shows a zero instead.

pub(in crate::hub) mod calls;
mod facts;
mod rates;

use facts::Facts;
use zhijie_domain::calendar::Month;

use super::Hub;
use crate::{
    node::Stop,
    wire::{
        self,
        pb::{self, IndicatorUnit as Unit},
    },
};

/// What was found of an indicator.
enum Found {
    /// A part of a whole, shown in basis points; nothing where the whole is nothing.
    Share(i64, i64),
    /// A figure, and where it has one the whole it is seen against.
    Figure(i64, Option<i64>),
    /// Why it cannot be known.
    Unknown(&'static str),
}

type Line = (&'static str, &'static str, &'static str, Unit, fn(&Facts) -> Found);

#[rustfmt::skip]
const LINES: &[Line] = &[
    ("direct_rate", "住院直接结算率", "stays settled directly", Unit::BasisPoints, rates::direct),
    ("success_rate", "业务成功率", "calls that were not refused", Unit::BasisPoints, rates::success),
    ("first_attempt_rate", "首次结算成功率", "visits that the first settle settled", Unit::BasisPoints, rates::first_attempt),
    ("response_mean", "平均响应时间", "mean time of a settle at the hub since it started", Unit::Milliseconds, rates::response_mean),
    ("response_p95", "95分位响应时间", "bound that 95 of 100 settles do not exceed", Unit::Milliseconds, rates::response_p95),
    ("reconciled_in_time_rate", "日对账及时率", "days reconciled by the end of the next day", Unit::BasisPoints, rates::reconciled),
    ("single_sided_open", "单边账笔数", "records in one book only, not cured", Unit::Count, rates::single_sided),
    ("single_sided_age", "单边账最长天数", "age of the oldest of them", Unit::Days, rates::single_sided_age),
    ("agreed_in_time_rate", "费用按期申报率", "bills agreed by the day of the calendar; those under review or disputed left out", Unit::BasisPoints, rates::agreed),
    ("delay_months", "平均延迟月数", "months by which bills of the month's tables came late, per bill", Unit::BasisPoints, rates::delay),
    ("paid_in_time_rate", "清算按期拨付率", "tables paid by the day of the calendar", Unit::BasisPoints, rates::paid),
    ("prepayment_use", "预付金使用率", "payables of pairs with a quota, of their quotas", Unit::BasisPoints, rates::prepayment),
    ("verified_in_time_rate", "费用协查按期办结率", "cases of the month closed by the day of the next", Unit::BasisPoints, rates::verified),
    ("deducted_amount", "审核扣款金额", "deductions in the month's tables", Unit::Fen, rates::deducted),
    ("deduction_rate", "审核扣款率", "deductions, of what the tables clear before them", Unit::BasisPoints, rates::deduction_rate),
    ("tickets_in_time_rate", "问题按期答复率", "tickets opened in the month and answered in time; those not due left out", Unit::BasisPoints, rates::tickets),
    ("filings_at_once_rate", "备案即时办结率", "filings that took effect at once", Unit::BasisPoints, rates::filings),
];

/// The indicators of a month.
pub(super) async fn answer(hub: &Hub, request: &pb::IndicatorsRequest) -> Result<pb::IndicatorsReply, Stop> {
    let month: Month = wire::month(&request.month, "month")?;
    let facts = Facts::of(hub, month).await?;
    let mut indicators: Vec<_> =
        LINES.iter().map(|(name, zh, en, unit, find)| print(name, zh, en, *unit, "", &find(&facts))).collect();
    let calls = facts.calls.all();
    indicators.extend(facts.calls.codes.iter().map(|(code, refusals)| {
        let found = Found::Share(refusals.refused, calls.done + calls.refused);
        print("error_rate", code.zh(), code.en(), Unit::BasisPoints, code.as_str(), &found)
    }));
    Ok(pb::IndicatorsReply { month: month.to_string(), indicators, refused: None })
}

fn print(name: &str, zh: &str, en: &str, unit: Unit, cause: &str, found: &Found) -> pb::Indicator {
    let (value, numerator, denominator, unknown) = match *found {
        Found::Share(_, 0) => (None, None, None, "nothing to measure in the month"),
        Found::Share(part, whole) => (share(part, whole), Some(part), Some(whole), ""),
        Found::Figure(value, whole) => (Some(value), Some(value), whole, ""),
        Found::Unknown(why) => (None, None, None, why),
    };
    pb::Indicator {
        name: name.into(),
        zh: zh.into(),
        en: en.into(),
        unit: unit.into(),
        value,
        numerator,
        denominator,
        cause: cause.into(),
        unknown: unknown.into(),
    }
}

/// A part of a whole in basis points, half up; none of nothing.
pub(super) fn share(part: i64, whole: i64) -> Option<i64> {
    let (part, whole) = (i128::from(part), i128::from(whole));
    let points = (whole > 0).then(|| (part * 10_000 + whole / 2).div_euclid(whole))?;
    i64::try_from(points).ok()
}
