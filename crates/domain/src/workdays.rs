//! Working days (工作日): weekends, public holidays, and the weekend days worked in exchange (调休).
//! Source: each year's holiday notice of the State Council, in `parameters/national/holidays.toml`.

use std::collections::BTreeSet;

use jiff::civil::Weekday;

use crate::calendar::Date;

/// The calendar of working days. A year for which it holds no notice has weekends only and no public holiday: its
/// working days are then too early, never too late.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workdays {
    /// Days off by a notice (放假), with the weekend days among them.
    pub off: BTreeSet<Date>,
    /// Weekend days worked by a notice (上班).
    pub worked: BTreeSet<Date>,
}

/// True on Saturday and Sunday.
#[must_use]
pub fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl Workdays {
    /// True when agencies and finance work on the day.
    #[must_use]
    pub fn is_working(&self, day: Date) -> bool {
        self.worked.contains(&day) || !(is_weekend(day) || self.off.contains(&day))
    }

    /// The n-th working day after a day, which itself does not count; the day itself for none. Saturates at the end of
    /// the calendar.
    #[must_use]
    pub fn after(&self, day: Date, n: u8) -> Date {
        let Some(before) = n.checked_sub(1) else { return day };
        let following = std::iter::successors(day.tomorrow().ok(), |day| day.tomorrow().ok());
        following.filter(|day| self.is_working(*day)).nth(usize::from(before)).unwrap_or(Date::MAX)
    }
}
