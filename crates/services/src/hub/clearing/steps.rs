//! The steps of a pair's table: confirmed by both, noticed at the end of the month, handed to finance, paid, received.

use zhijie_domain::{
    calendar::{Date, Month},
    clearing::life::{Life, Step},
    ids::RegionCode,
    party::Party,
    refusal::Refusal,
};
use zhijie_store::Txn;

use super::{load, not_now, outcome_of};
use crate::{
    hub::{Hub, agency::Actor, events, prepayment},
    node::{Committed, Pages, Records, Stop, commit, keys, stored},
    wire::{clearing, id, month, pb},
};

/// A province takes a step with a table of its own.
pub(in crate::hub) async fn take(
    hub: &Hub,
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::TakeStep,
) -> Result<pb::ClearingTable, Stop> {
    let period = month(&command.period, "take_step.period")?;
    let region = |text: &str, field: &str| id(RegionCode::parse, text, field);
    let (home, care) = (region(&command.home, "take_step.home")?, region(&command.care, "take_step.care")?);
    actor.is_of(&home, &care)?;
    let step = match command.step() {
        pb::TableStep::Confirm => Step::Confirm,
        pb::TableStep::Submit => Step::Submit,
        pb::TableStep::Pay => Step::Pay,
        pb::TableStep::Receive => Step::Receive,
        pb::TableStep::Unspecified => {
            return Err(Refusal::malformed("take_step.step", "应为已知环节", "a known step").into());
        }
    };
    let (key, mut table) = load(txn, period, &home, &care).await??;
    if step == Step::Confirm && command.content_hash != table.content_hash {
        let (zh, en) = ("与现行清算表不一致", format!("the table is of revision {} now", table.revision));
        return Err(not_now("take_step.content_hash", zh, en).into());
    }
    let life = advance(&mut table, period, step, actor.party, actor.today)?;
    if step == Step::Confirm && life.is_confirmed() {
        prepayment::judge(hub, txn, &mut table, actor.today).await?;
    }
    txn.keep(key, &table);
    Ok(table)
}

/// The hub publishes the notices of every confirmed table whose end of month has come, however late it was confirmed.
pub(in crate::hub) async fn notice_all(hub: &Hub, today: Date) -> Result<Vec<pb::ClearingTable>, Stop> {
    let mut noticed = Vec::new();
    let mut pages = Pages::of(&hub.node.store, keys::UNNOTICED);
    while let Some(page) = pages.next().await? {
        for (key, _) in &page {
            noticed.extend(notice(hub, key, today).await?);
        }
    }
    Ok(noticed)
}

async fn notice(hub: &Hub, unnoticed: &[u8], today: Date) -> Result<Option<pb::ClearingTable>, Stop> {
    let mut txn = hub.node.store.begin();
    let key = keys::unnoticed_table(unnoticed);
    let Some(mut table) = txn.record::<pb::ClearingTable>(&key).await? else { return Ok(None) };
    let (period, ..) = super::fold::names(&table)?;
    let life = stored(clearing::parse_life(&table), &key)?;
    if hub.schedule(period).notices_on > today || !life.is_confirmed() {
        return Ok(None);
    }
    advance(&mut table, period, Step::Notice, Party::Hub, today)?;
    txn.keep(key, &table);
    txn.delete(unnoticed.to_vec());
    // A province that acts at this moment wins; the next turn takes the table up again.
    if !matches!(commit(txn).await?, Committed::Yes) {
        return Ok(None);
    }
    hub.tell(events::table(pb::HubEventKind::Step, &table, "notice"));
    Ok(Some(table))
}

/// Takes a step of a table.
pub(super) fn advance(
    table: &mut pb::ClearingTable,
    period: Month,
    step: Step,
    party: Party,
    day: Date,
) -> Result<Life, Refusal> {
    let life = clearing::parse_life(table)?.take(step, party, outcome_of(period, table)?, day)?;
    clearing::print_life(&life, table);
    Ok(life)
}
