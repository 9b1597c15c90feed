//! Figures as people read them: thousands apart, the unit chosen by size, and a dash for what is not a number.

use jiff::{Timestamp, tz};

/// What stands for a figure that is not known.
pub(super) const UNKNOWN: &str = "–";

/// A count: `1,234,567`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// An amount with three digits that count: `7,912`, `71.4`, `6.25`, `0`.
pub(super) fn amount(amount: f64) -> String {
    if !amount.is_finite() || amount < 0.0 {
        return UNKNOWN.to_owned();
    }
    match amount {
        0.0 => "0".to_owned(),
        // What would round up to the next class is written as one of it.
        ..9.995 => format!("{amount:.2}"),
        ..99.95 => format!("{amount:.1}"),
        _ => count(amount.round() as u64),
    }
}

/// Something in a second: `7,912/s`.
pub(super) fn rate(rate: f64) -> String {
    with_unit(rate, "/s")
}

/// A time of µs, such as a latency: `870 µs`, `4.21 ms`, `1.30 s`.
pub(super) fn micros(micros: f64) -> String {
    match micros {
        ..999.5 => with_unit(micros, " µs"),
        ..999_500.0 => with_unit(micros / 1e3, " ms"),
        _ => with_unit(micros / 1e6, " s"),
    }
}

/// A size: `2,431 B`, `71.4 KB`, `512 MB`; a KB is 1,000 bytes.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes {
        ..9_999.5 => with_unit(bytes.round(), " B"),
        ..999_500.0 => with_unit(bytes / 1e3, " KB"),
        ..999_500_000.0 => with_unit(bytes / 1e6, " MB"),
        _ => with_unit(bytes / 1e9, " GB"),
    }
}

/// A share in basis points: `4.2 %`.
pub(super) fn share(points: f64) -> String {
    match points {
        0.0 => "0 %".to_owned(),
        ..1.0 => "< 0.01 %".to_owned(),
        ..100.0 => format!("{:.2} %", points / 100.0),
        ..9_995.0 => format!("{:.1} %", points / 100.0),
        _ => with_unit(points / 100.0, " %"),
    }
}

/// A moment of the run, ms from its start: `1:05`, or `2:01:05` from an hour on.
pub(super) fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A length of time in words: `850 ms`, `42 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn span(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) if ms < 1000 => format!("{ms} ms"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A moment, ms since 1970, by the clocks of China (UTC+8): `2026-03-01 09:30`.
pub(super) fn moment(ms: i64) -> String {
    let china = tz::TimeZone::fixed(tz::offset(8));
    match Timestamp::from_millisecond(ms) {
        Ok(moment) => moment.to_zoned(china).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => UNKNOWN.to_owned(),
    }
}

fn with_unit(number: f64, unit: &str) -> String {
    let number = amount(number);
    if number == UNKNOWN { number } else { format!("{number}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_people_read_them() {
        let rows: &[(String, &str)] = &[
            (count(0), "0"),
            (count(999), "999"),
            (count(1_234_567), "1,234,567"),
            (rate(7_912.4), "7,912/s"),
            (rate(71.44), "71.4/s"),
            (rate(0.0), "0/s"),
            (rate(f64::NAN), "–"),
            (rate(f64::INFINITY), "–"),
            (rate(-1.0), "–"),
            (amount(9.996), "10.0"),
            (amount(99.96), "100"),
            (micros(0.0), "0 µs"),
            (micros(870.0), "870 µs"),
            (micros(999.6), "1.00 ms"),
            (micros(4_214.0), "4.21 ms"),
            (micros(999_499.0), "999 ms"),
            (micros(1_300_000.0), "1.30 s"),
            (micros(f64::NAN), "–"),
            (bytes(2_431.2), "2,431 B"),
            (bytes(71_400.0), "71.4 KB"),
            (bytes(512_000_000.0), "512 MB"),
            (bytes(2_147_483_648.0), "2.15 GB"),
            (share(0.0), "0 %"),
            (share(0.4), "< 0.01 %"),
            (share(7.0), "0.07 %"),
            (share(420.0), "4.2 %"),
            (share(10_000.0), "100 %"),
            (clock(65_000), "1:05"),
            (clock(7_265_000), "2:01:05"),
            (span(850), "850 ms"),
            (span(42_000), "42 s"),
            (span(200_000), "3 min 20 s"),
            (span(7_500_000), "2 h 5 min"),
            (moment(0), "1970-01-01 08:00"),
            (moment(i64::MAX), "–"),
        ];
        for (is, expected) in rows {
            assert_eq!(is, expected);
        }
    }
}
