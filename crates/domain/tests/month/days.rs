//! Working days and the schedule, over holidays and over the turn of the year.

use zhijie_domain::{
    calendar::{Date, Month},
    clearing::schedule::{answer_by, schedule},
};

use crate::{day, parameters};

#[test]
fn weekends_holidays_and_days_worked_in_exchange() {
    for (text, working) in [
        ("2024-07-26", true),  // Friday
        ("2024-07-27", false), // Saturday
        ("2024-07-28", false), // Sunday
        ("2024-10-01", false), // National Day, a Tuesday
        ("2024-10-08", true),  // the day after
        ("2024-09-29", true),  // a Sunday worked in exchange
        ("2024-10-12", true),  // a Saturday worked in exchange
        ("2025-01-28", false), // Spring Festival, a Tuesday
        ("2025-02-08", true),  // a Saturday worked in exchange
        ("2026-02-15", false), // Spring Festival, a Sunday anyway
        ("2026-02-28", true),  // a Saturday worked in exchange
        ("2027-01-01", true),  // no notice: a Friday like others
        ("2027-01-02", false), // no notice: a Saturday like others
    ] {
        assert_eq!(parameters().workdays.is_working(day(text)), working, "{text}");
    }
}

/// A year has its days but the weekend days and the public holidays by law, 11 until 2024 and 13 since: what is off
/// beyond them is worked on another day. A day wrong or missing in the file breaks the count.
#[test]
fn a_year_has_the_working_days_of_the_law() {
    for (year, days) in [(2023, 365 - 105 - 11), (2024, 366 - 104 - 11), (2025, 365 - 104 - 13), (2026, 365 - 104 - 13)]
    {
        let months = (1..=12).flat_map(|month| Month { year, month }.days());
        assert_eq!(months.filter(|day| parameters().workdays.is_working(*day)).count(), days, "{year}");
    }
}

#[test]
fn working_days_are_counted_from_the_day_after() {
    for (from, n, expected) in [
        ("2024-07-25", 0, "2024-07-25"),
        ("2024-07-27", 0, "2024-07-27"),
        ("2024-07-25", 1, "2024-07-26"),
        ("2024-07-25", 2, "2024-07-29"),
        ("2024-07-25", 3, "2024-07-30"),
        ("2024-09-28", 1, "2024-09-29"),
        ("2024-09-30", 1, "2024-10-08"),
        ("2025-12-31", 1, "2026-01-04"),
        ("9999-12-30", 1, "9999-12-31"),
        ("9999-12-31", 9, "9999-12-31"),
    ] {
        assert_eq!(parameters().workdays.after(day(from), n), day(expected), "{from} + {n}");
    }
}

#[test]
fn a_month_is_cleared_in_eight_steps() {
    for (period, expected) in [
        // The worked month: the money of a discharge on 1 June comes after 81 days, of one on 30 June after 52.
        ("2024-06", "2024-07-03 2024-07-20 2024-07-21 2024-07-25 2024-07-31 2024-08-07 2024-08-21 2024-08-28"),
        // Over National Day.
        ("2023-08", "2023-09-03 2023-09-20 2023-09-21 2023-09-25 2023-09-30 2023-10-11 2023-10-25 2023-11-01"),
        ("2024-08", "2024-09-03 2024-09-20 2024-09-21 2024-09-25 2024-09-30 2024-10-12 2024-10-25 2024-11-01"),
        ("2025-08", "2025-09-03 2025-09-20 2025-09-21 2025-09-25 2025-09-30 2025-10-14 2025-10-28 2025-11-04"),
        // Over Spring Festival: after the notice, and before it.
        ("2023-12", "2024-01-03 2024-01-20 2024-01-21 2024-01-25 2024-01-31 2024-02-06 2024-02-26 2024-03-04"),
        ("2024-12", "2025-01-03 2025-01-20 2025-01-21 2025-01-25 2025-01-31 2025-02-10 2025-02-24 2025-03-03"),
        ("2026-01", "2026-02-03 2026-02-20 2026-02-21 2026-02-25 2026-02-28 2026-03-06 2026-03-20 2026-03-27"),
        // Into a year without a notice: weekends only.
        ("2026-11", "2026-12-03 2026-12-20 2026-12-21 2026-12-25 2026-12-31 2027-01-07 2027-01-21 2027-01-28"),
    ] {
        let found = schedule(Month::parse(period).unwrap(), &parameters().rules.calendar, &parameters().workdays);
        let shown = [
            found.reconciled_by,
            found.agreed_by,
            found.tables_on,
            found.confirmed_by,
            found.notices_on,
            found.submitted_by,
            found.paid_by,
            found.fed_back_by,
        ];
        assert_eq!(shown.map(|day: Date| day.to_string()).join(" "), expected, "{period}");
    }
}

#[test]
fn a_request_is_answered_in_the_next_month() {
    for (asked, answer_day, expected) in [
        ("2024-06-01", 26, "2024-07-26"),
        ("2024-06-30", 26, "2024-07-26"),
        ("2024-12-31", 26, "2025-01-26"),
        ("2025-01-31", 31, "2025-02-28"),
        ("2024-01-15", 30, "2024-02-29"),
    ] {
        assert_eq!(answer_by(day(asked), answer_day), day(expected), "{asked}");
    }
}
