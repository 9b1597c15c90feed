//! The day's reconciliation (日对账). A book that cannot be had is missing: its records are left out of the comparison, and
//! the day is not equal.

use zhijie_domain::{
    calendar::Date,
    reconcile::{Difference, unequal},
};

use super::{
    super::Hub,
    facts,
    records::{differences, look_around, rows},
    runs, signed, totals,
};
use crate::{
    node::{Failure, Stop},
    wire::{self, book, difference, pb, refusal},
};

pub(super) async fn reconcile(hub: &Hub, request: pb::ReconcileRequest) -> Result<pb::ReconcileReply, Failure> {
    let reconciled = async { reconciled(hub, wire::date(&request.day, "day")?).await };
    match reconciled.await {
        Ok(reply) => Ok(reply),
        Err(Stop::Refused(no)) => {
            Ok(pb::ReconcileReply { refused: Some(refusal::print(&no)), ..pb::ReconcileReply::default() })
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

pub(super) async fn reconciled(hub: &Hub, day: Date) -> Result<pb::ReconcileReply, Stop> {
    let (totals, mut missing, keyring) = totals::totals(hub, day).await?;
    let groups = unequal(&totals);
    let (mut rows, unlisted) = rows(hub, day, &groups, &mut missing).await?;
    look_around(hub, day, &mut rows, &mut missing).await?;
    let mut differing = differences(hub, day, &rows, &mut missing).await?;
    let unproven = signed::unproven(hub, day, &keyring, &mut differing, &missing).await?;
    let listed = printed(hub, &differing).await?;
    // A book may go missing while it is read, and its pairs with it.
    let unlisted = unlisted.iter().filter(|((home, care), _)| !missing.concerns(home, care)).map(|(_, count)| count);
    let unlisted: i64 = unlisted.sum::<i64>() + unproven;
    let closed = listed.iter().filter(|difference| difference.closed.is_some()).count();
    let (found, open) = (wire::count(listed.len()) + unlisted, wire::count(listed.len() - closed) + unlisted);
    let had = totals::had(totals, &missing);
    let agree = unequal(&had).is_empty();
    let missing = missing.print();
    let reply = pb::ReconcileReply {
        day: day.to_string(),
        care: Some(book::print_sum(&had.care)?),
        hub: Some(book::print_sum(&had.hub)?),
        home: Some(book::print_sum(&had.home)?),
        equal: agree && missing.is_empty(),
        // Totals that differ without a record that differs: the books moved while they were read.
        reconciled: (agree || found > 0) && open == 0 && missing.is_empty(),
        differences: listed,
        found,
        open,
        missing,
        ..pb::ReconcileReply::default()
    };
    runs::keep(hub, day, reply).await
}

/// Differences as documents, with what closed them.
async fn printed(hub: &Hub, differing: &[Difference]) -> Result<Vec<pb::Difference>, Stop> {
    let mut printed = Vec::new();
    for found in differing {
        let cures = facts::of(hub, &found.entry.id).await?;
        let closed = cures.iter().rev().find(|fact| fact.closes(found)).map(facts::Fact::outcome);
        printed.push(pb::Difference { closed, ..difference::print(found) });
    }
    Ok(printed)
}
