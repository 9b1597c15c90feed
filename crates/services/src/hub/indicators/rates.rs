//! The figures of the indicators, each from the month's facts.

use super::{
    Found,
    facts::{Facts, Part, Tables},
};

const NO_TABLES: &str = "the tables of the month are not made";

pub(super) fn direct(_: &Facts) -> Found {
    Found::Unknown("bills settled by hand at home never reach the hub")
}

pub(super) fn success(facts: &Facts) -> Found {
    let calls = facts.calls.all();
    Found::Share(calls.done, calls.done + calls.refused)
}

pub(super) fn first_attempt(facts: &Facts) -> Found {
    Found::Share(facts.calls.settled_at_first, facts.calls.visits)
}

pub(super) fn response_mean(facts: &Facts) -> Found {
    let latency = &facts.latency;
    let mean = latency.total_ms.checked_div(latency.settles).and_then(|mean| i64::try_from(mean).ok());
    figure(mean, latency.settles)
}

pub(super) fn response_p95(facts: &Facts) -> Found {
    figure(facts.latency.p95_ms.and_then(|ms| i64::try_from(ms).ok()), facts.latency.settles)
}

fn figure(value: Option<i64>, settles: u64) -> Found {
    match value {
        Some(value) => Found::Figure(value, i64::try_from(settles).ok()),
        None if settles == 0 => Found::Unknown("no settle since the hub started"),
        None => Found::Unknown("longer than the hub measures"),
    }
}

pub(super) fn reconciled(facts: &Facts) -> Found {
    part(facts.days.in_time)
}

pub(super) fn single_sided(facts: &Facts) -> Found {
    if facts.days.had == 0 {
        return Found::Unknown("no day of the month is reconciled");
    }
    if facts.days.cut {
        return Found::Unknown("a day has more differences than are listed");
    }
    Found::Figure(facts.days.single_sided, None)
}

pub(super) fn single_sided_age(facts: &Facts) -> Found {
    match single_sided(facts) {
        Found::Figure(0, _) => Found::Unknown("no single-sided record is open"),
        Found::Figure(..) => Found::Figure(facts.days.oldest, None),
        unknown => unknown,
    }
}

pub(super) fn agreed(facts: &Facts) -> Found {
    of_tables(facts, |tables| part(tables.agreed))
}

pub(super) fn delay(facts: &Facts) -> Found {
    of_tables(facts, |tables| part(tables.late_months))
}

pub(super) fn paid(facts: &Facts) -> Found {
    of_tables(facts, |tables| part(tables.paid))
}

pub(super) fn prepayment(facts: &Facts) -> Found {
    of_tables(facts, |tables| part(tables.used))
}

pub(super) fn deducted(facts: &Facts) -> Found {
    of_tables(facts, |tables| Found::Figure(tables.deducted.0, Some(tables.gross.0)))
}

pub(super) fn deduction_rate(facts: &Facts) -> Found {
    of_tables(facts, |tables| Found::Share(tables.deducted.0, tables.gross.0.max(0)))
}

pub(super) fn verified(facts: &Facts) -> Found {
    part(facts.cases)
}

pub(super) fn tickets(facts: &Facts) -> Found {
    let counts = &facts.tickets;
    Found::Share(counts.answered_in_time, counts.answered_in_time + counts.answered_late + counts.overdue)
}

pub(super) fn filings(_: &Facts) -> Found {
    Found::Unknown("the hub's mirror holds the newest state of a filing, not how it came to it")
}

fn part(part: Part) -> Found {
    Found::Share(part.part, part.whole)
}

fn of_tables(facts: &Facts, find: fn(&Tables) -> Found) -> Found {
    facts.tables.as_ref().map_or(Found::Unknown(NO_TABLES), find)
}
