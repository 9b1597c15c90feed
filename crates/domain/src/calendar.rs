//! Days and months of business (业务日, 业务月). All of China keeps one time, eight hours ahead of UTC.

use std::fmt;

use jiff::{Timestamp, tz::Offset};

pub use jiff::civil::Date;

/// A moment in milliseconds since 1970 UTC, as it came in through the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

const CHINA: Offset = Offset::constant(8);

impl Moment {
    /// The business day (业务日) of the moment in China. A moment outside the calendar is the calendar's first day.
    #[must_use]
    pub fn day(self) -> Date {
        Timestamp::from_millisecond(self.0).map(|at| CHINA.to_datetime(at).date()).unwrap_or(Date::MIN)
    }

    /// The first moment of a day in China.
    #[must_use]
    pub fn start_of(day: Date) -> Moment {
        let midnight = day.to_datetime(jiff::civil::Time::midnight());
        Moment(CHINA.to_timestamp(midnight).map(Timestamp::as_millisecond).unwrap_or_default())
    }

    /// `self` moved by milliseconds, saturating at the ends of the range.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Moment {
        Moment(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Moment {
    /// Local time in China: `2025-03-10 09:30:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(at) => {
                let local = CHINA.to_datetime(at);
                write!(f, "{} {:02}:{:02}:{:02}", local.date(), local.hour(), local.minute(), local.second())
            }
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Reads `2025-03-10`.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// `day` moved by whole days, saturating at the ends of the calendar.
#[must_use]
pub fn add_days(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().try_days(days).unwrap_or_default())
}

/// `day` moved by whole months; a day the month lacks becomes its last. Saturates at the ends of the calendar.
#[must_use]
pub fn add_months(day: Date, months: i64) -> Date {
    day.saturating_add(jiff::Span::new().try_months(months).unwrap_or_default())
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    from.until((jiff::Unit::Day, to)).map(|span| i64::from(span.get_days())).unwrap_or_default()
}

/// Whole years of age on a day; never negative.
#[must_use]
pub fn age_on(birth: Date, day: Date) -> u16 {
    let had_birthday = (day.month(), day.day()) >= (birth.month(), birth.day());
    let years = i32::from(day.year()) - i32::from(birth.year()) - i32::from(!had_birthday);
    u16::try_from(years).unwrap_or(0)
}

/// A service month (业务月).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Month {
    /// The month a day lies in.
    #[must_use]
    pub fn of(day: Date) -> Month {
        Month { year: day.year(), month: day.month() }
    }

    /// Reads `2025-03`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Month> {
        if text.len() != 7 {
            return None;
        }
        parse_date(&format!("{text}-01")).map(Month::of)
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = Date> {
        let length = jiff::civil::Date::new(self.year, self.month, 1).map(|first| first.days_in_month()).unwrap_or(0);
        (1..=length).filter_map(move |day| Date::new(self.year, self.month, day).ok())
    }

    /// The month so many months later, earlier where negative; saturates at the ends of the calendar.
    #[must_use]
    pub fn plus(self, n: i16) -> Month {
        Month::of(add_months(self.day(1), i64::from(n)))
    }

    /// Its day of that number; a number that the month lacks gives its last day. A month outside the calendar has only
    /// the calendar's first day.
    #[must_use]
    pub fn day(self, number: u8) -> Date {
        let number = usize::from(number.max(1));
        self.days().take(number).last().unwrap_or(Date::MIN)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        self.days().last().unwrap_or(Date::MIN)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_day_turns_at_midnight_in_china() {
        let day = parse_date("2025-03-10").unwrap();
        let start = Moment::start_of(day);
        assert_eq!(start.day(), day);
        assert_eq!(start.plus_ms(-1).day(), add_days(day, -1));
        assert_eq!(start.to_string(), "2025-03-10 00:00:00");
    }

    #[test]
    fn ages_months_and_days() {
        let date = |text| parse_date(text).unwrap();
        assert_eq!(age_on(date("1964-02-29"), date("2025-02-28")), 60);
        assert_eq!(age_on(date("1964-02-29"), date("2025-03-01")), 61);
        assert_eq!(add_months(date("2024-08-31"), 6), date("2025-02-28"));
        assert_eq!(days_between(date("2024-12-22"), date("2025-01-09")), 18);
        assert_eq!(Month::parse("2024-02").unwrap().days().count(), 29);
        assert_eq!(Month::parse("2024-13"), None);
    }

    #[test]
    fn months_have_neighbours_and_a_last_day() {
        for (month, n, neighbour, last) in [
            ("2024-06", 1, "2024-07", "2024-07-31"),
            ("2024-12", 1, "2025-01", "2025-01-31"),
            ("2025-01", -1, "2024-12", "2024-12-31"),
            ("2024-01", 13, "2025-02", "2025-02-28"),
            ("2024-02", 0, "2024-02", "2024-02-29"),
        ] {
            let found = Month::parse(month).unwrap().plus(n);
            assert_eq!(
                (found.to_string(), found.last_day().to_string()),
                (neighbour.into(), last.into()),
                "{month}+{n}"
            );
        }
        let february = Month::parse("2025-02").unwrap();
        for (number, day) in [(1, "2025-02-01"), (26, "2025-02-26"), (31, "2025-02-28")] {
            assert_eq!(february.day(number), parse_date(day).unwrap());
        }
    }
}
