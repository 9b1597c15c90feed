//! The calendar of a month's clearing (清算日程): from the last reconciliation to the feedback on the money.
//! Source: 医保发〔2022〕22号, annex, remembered; the days are in `parameters/national/rules.toml`.

use crate::{
    calendar::{Date, Month},
    parameters::Calendar,
    workdays::Workdays,
};

/// The days of a service month's clearing, in their order. All but [`Schedule::tables_on`] and [`Schedule::notices_on`]
/// are last days. The first five come as they are, on a weekend too; the last three count working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// 对账: home has closed the month's reconciliation.
    pub reconciled_by: Date,
    /// Care agencies and institutions have agreed the bills.
    pub agreed_by: Date,
    /// 清算表: the hub makes the tables.
    pub tables_on: Date,
    /// 签章确认: the provinces have confirmed.
    pub confirmed_by: Date,
    /// 付款、收款通知书: the hub issues the notices.
    pub notices_on: Date,
    /// The home agency has handed notice and plan to finance.
    pub submitted_by: Date,
    /// Home finance has paid.
    pub paid_by: Date,
    /// 反馈: payment and receipt are told to the hub.
    pub fed_back_by: Date,
}

/// The days on which money asked for by a notice moves (提交财政, 拨付): the same for clearing and prepayment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// The notice is handed to finance by this day.
    pub submitted_by: Date,
    /// Finance has paid by this day.
    pub paid_by: Date,
}

/// The schedule of a service month: days of the month after it, and working days from the last of them.
#[must_use]
pub fn schedule(period: Month, calendar: &Calendar, workdays: &Workdays) -> Schedule {
    let next = period.plus(1);
    let notices_on = next.last_day();
    let Payment { submitted_by, paid_by } = payment(notices_on, calendar, workdays);
    Schedule {
        reconciled_by: next.day(calendar.reconciled_by),
        agreed_by: next.day(calendar.agreed_by),
        tables_on: next.day(calendar.tables_on),
        confirmed_by: next.day(calendar.confirmed_by),
        notices_on,
        submitted_by,
        paid_by,
        fed_back_by: workdays.after(paid_by, calendar.feedback_working_days),
    }
}

/// The days of the money that a notice of that day asks for.
#[must_use]
pub fn payment(noticed_on: Date, calendar: &Calendar, workdays: &Workdays) -> Payment {
    let submitted_by = workdays.after(noticed_on, calendar.submit_working_days);
    Payment { submitted_by, paid_by: workdays.after(submitted_by, calendar.pay_working_days) }
}

/// The day by which a request of a day is answered (费用协查): so many days into the next month, or its last day.
#[must_use]
pub fn answer_by(day: Date, answer_day: u8) -> Date {
    Month::of(day).plus(1).day(answer_day)
}
