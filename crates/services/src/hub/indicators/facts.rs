//! The facts that a month's indicators are made of, read once: calls, results of days, tables and their items, cases,
//! tickets, and how long settles took.

use std::collections::BTreeMap;

use zhijie_domain::{
    calendar::{Date, Moment, Month, add_days, days_between, parse_date},
    clearing::table::Outcome,
    money::Fen,
    reconcile::DifferenceKind,
};

use super::calls::{Calls, each};
use crate::{
    hub::{Hub, clearing, tickets},
    node::{Failure, Records, Stop, document, keys, stored},
    wire::{case as wire_case, clearing as wire_clearing, codes, pb},
};

/// A part and the whole it belongs to.
#[derive(Default, Clone, Copy)]
pub(super) struct Part {
    pub(super) part: i64,
    pub(super) whole: i64,
}

impl Part {
    fn count(&mut self, is_part: bool) {
        self.part += i64::from(is_part);
        self.whole += 1;
    }
}

/// The facts of a month.
pub(super) struct Facts {
    pub(super) calls: Calls,
    pub(super) days: Days,
    /// None: the month's tables are not made.
    pub(super) tables: Option<Tables>,
    pub(super) cases: Part,
    pub(super) tickets: pb::TicketCounts,
    pub(super) latency: Latency,
}

/// How long settles took, since the hub started.
pub(super) struct Latency {
    pub(super) settles: u64,
    pub(super) total_ms: u64,
    pub(super) p95_ms: Option<u64>,
}

/// What reconciliation says of the month's days.
#[derive(Default)]
pub(super) struct Days {
    pub(super) in_time: Part,
    /// Days with a result.
    pub(super) had: i64,
    pub(super) single_sided: i64,
    pub(super) oldest: i64,
    /// A result lists only the first of its differences.
    pub(super) cut: bool,
}

/// What the month's tables say.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) agreed: Part,
    pub(super) late_months: Part,
    pub(super) paid: Part,
    pub(super) used: Part,
    pub(super) deducted: Fen,
    pub(super) gross: Fen,
}

impl Facts {
    /// Reads the facts of a month.
    pub(super) async fn of(hub: &Hub, month: Month) -> Result<Facts, Stop> {
        let latency = hub.metrics.latency();
        let (settles, total_ms) = latency.total();
        Ok(Facts {
            calls: Calls::of(hub, month).await?,
            days: days(hub, month).await?,
            tables: tables(hub, month).await?,
            cases: cases(hub, month).await?,
            tickets: tickets::report::tickets(hub, month).await?,
            latency: Latency { settles, total_ms, p95_ms: latency.percentile(95) },
        })
    }
}

async fn days(hub: &Hub, month: Month) -> Result<Days, Stop> {
    let today = hub.node.today();
    let mut in_time = BTreeMap::<Date, bool>::new();
    each(hub, &keys::runs_of(month), |key, value| {
        let run: pb::ReconcileReply = document(key, value)?;
        if let Some(day) = parse_date(&run.day) {
            let soon = run.reconciled && Moment(run.at).day() == add_days(day, 1);
            *in_time.entry(day).or_default() |= soon;
        }
        Ok(())
    })
    .await?;
    let mut days = Days::default();
    let mut began = false;
    for day in month.days().filter(|day| *day < today) {
        let soon = in_time.get(&day).copied();
        // Days before the hub kept any book count neither way.
        began = began || soon.is_some() || hub.book.holds_any(day).await?;
        if soon == Some(true) || (began && add_days(day, 1) < today) {
            days.in_time.count(soon == Some(true));
        }
        let mut txn = hub.node.store.begin();
        let Some(key) = txn.get(&keys::last_run(day)).await? else { continue };
        let run = txn.record::<pb::ReconcileReply>(&key).await?.unwrap_or_default();
        days.had += 1;
        days.cut |= usize::try_from(run.found).is_ok_and(|found| found > run.differences.len());
        let open = run.differences.iter().filter(|found| found.closed.is_none() && is_single_sided(found));
        let open = crate::wire::count(open.count());
        days.single_sided += open;
        if open > 0 {
            days.oldest = days.oldest.max(days_between(day, today));
        }
    }
    Ok(days)
}

fn is_single_sided(found: &pb::Difference) -> bool {
    use DifferenceKind::{CareOnly, HomeOnly, HubOnly};
    matches!(codes::optional(found.kind), Some(CareOnly | HubOnly | HomeOnly))
}

async fn tables(hub: &Hub, month: Month) -> Result<Option<Tables>, Stop> {
    let period = hub.node.store.begin().record::<pb::PeriodRecord>(&keys::period(month)).await?;
    if !period.is_some_and(|period| period.made) {
        return Ok(None);
    }
    let (today, schedule) = (hub.node.today(), hub.schedule(month));
    let mut sums = Tables::default();
    for table in clearing::list::tables(&hub.node.store, Some(month), |_| true).await? {
        let (_, home, care) = clearing::fold::names(&table)?;
        let life = stored(wire_clearing::parse_life(&table), keys::TABLES)?;
        let pays = matches!(clearing::outcome_of(month, &table)?, Outcome::HomePays(_) | Outcome::CarePays(_));
        if pays && (life.paid.is_some() || today > schedule.paid_by) {
            sums.paid.count(life.paid.is_some_and(|paid| paid <= schedule.paid_by));
        }
        if table.quota > 0 {
            sums.used.part = Fen(sums.used.part).plus(Fen(table.payable.max(0)))?.0;
            sums.used.whole = Fen(sums.used.whole).plus(Fen(table.quota))?.0;
        }
        for row in &table.rows {
            let deducted = Fen(row.deductions.unwrap_or_default().amount);
            sums.deducted = sums.deducted.plus(deducted)?;
            sums.gross = sums.gross.plus(Fen(row.payable).plus(deducted)?)?;
        }
        let agreement = hub.node.store.begin().record::<pb::AgreementRecord>(&keys::agreement(&care, month)).await?;
        let agreed = agreement.and_then(|agreement| parse_date(&agreement.day));
        let agreed = agreed.is_some_and(|day| day <= schedule.agreed_by);
        each(hub, &keys::items_of(month, &home, &care), |key, value| {
            let item: pb::ClearedItem = document(key, value)?;
            sums.item(&item, agreed);
            Ok(())
        })
        .await?;
    }
    Ok(Some(sums))
}

impl Tables {
    fn item(&mut self, item: &pb::ClearedItem, agreed: bool) {
        if item.kind() != pb::ClearedKind::Settlement {
            return;
        }
        let enters = item.carried() == pb::CarriedReason::Unspecified;
        if enters {
            self.late_months.part += i64::from(item.late);
            self.late_months.whole += 1;
        }
        if item.late == 0 && (enters || item.carried() == pb::CarriedReason::NotAgreed) {
            self.agreed.count(enters && agreed);
        }
    }
}

/// Cases opened in a month whose day has come or that are closed, and those closed without being carried over.
async fn cases(hub: &Hub, month: Month) -> Result<Part, Failure> {
    let today = hub.node.today();
    let mut cases = Part::default();
    each(hub, keys::CASES, |key, value| {
        let known: pb::Case = document(key, value)?;
        let case = stored(wire_case::parse(&known), key)?;
        let is_of = parse_date(&known.opened).is_some_and(|opened| Month::of(opened) == month);
        let closed = case.closed().is_some();
        if is_of && known.lapsed.is_empty() && (closed || case.overdue > 0 || today > case.due) {
            cases.count(closed && case.overdue == 0);
        }
        Ok(())
    })
    .await?;
    Ok(cases)
}
