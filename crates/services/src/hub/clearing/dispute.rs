//! Disputes of single items (争议): the item leaves the table and waits until it is resolved, the rest is paid.

use zhijie_domain::{
    clearing::{
        item::{Carried, ItemKind, Verdict},
        life::Step,
    },
    ids::SettlementId,
    limits::TEXT_CHARS_MAX,
    money::Fen,
    party::Party,
    refusal::Refusal,
};
use zhijie_store::Txn;

use super::{fold, load, not_now, steps::advance};
use crate::{
    hub::{
        Hub,
        agency::{Actor, done},
        audit, prepayment,
    },
    node::{Book, Records, Stop, keys, stored, unknown_settlement},
    wire::{clearing, codes, id, month, pb},
};

/// A province takes an item out of a table that is not confirmed by both. What came to the settlement since its table,
/// a case or a deduction, goes with it; one that was undone has its correction, and stays.
pub(in crate::hub) async fn dispute(
    hub: &Hub,
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::DisputeItem,
) -> Result<pb::ClearingTable, Stop> {
    let period = month(&command.period, "dispute_item.period")?;
    let settlement = id(SettlementId::parse, &command.settlement, "dispute_item.settlement")?;
    noted(&command.note, "dispute_item.note")?;
    let booked = Book::load(txn, &settlement).await?.ok_or_else(unknown_settlement)?;
    let (home, care) = (booked.settlement.claim.home.province(), booked.settlement.claim.care.province());
    actor.is_of(&home, &care)?;
    let (table_key, mut table) = load(txn, period, &home, &care).await??;
    advance(&mut table, period, Step::Dispute, actor.party, actor.today)?;
    let refused = |zh: String, en: String| Stop::from(not_now("dispute_item.settlement", zh, en));
    if !booked.record.undone_by.is_empty() {
        return Err(refused(format!("{settlement} 已撤销或冲正"), format!("{settlement} is undone")));
    }
    let next = period.plus(1);
    if txn.record::<pb::PeriodRecord>(&keys::period(next)).await?.is_some() {
        return Err(refused(format!("{next} 期已开始生成"), format!("the tables of {next} are begun")));
    }
    let item_key = keys::table_item(period, &home, &care, &settlement, false);
    let document = txn.record::<pb::ClearedItem>(&item_key).await?.filter(|item| item.carried == 0);
    let document = document
        .ok_or_else(|| refused(format!("{settlement} 不在该表中"), format!("{settlement} is not in this table")))?;
    let (mut item, verdict) = stored(clearing::parse_cleared(&document, &home, &care), &item_key)?;
    if item.kind != ItemKind::Settlement {
        return Err(refused("仅结算可争议".into(), "only a settlement is disputed".into()));
    }
    let late = if let Verdict::Enters { late } = verdict { late } else { 0 };
    let note = format!("{} {}: {}", actor.today, actor.party.names().1, command.note);
    let cleared_key = keys::cleared(&settlement);
    let cleared = txn.record::<pb::ClearedRecord>(&cleared_key).await?.unwrap_or_default();
    let since_key = keys::waiting(&settlement, true);
    if let Some(since) = txn.record::<pb::WaitingItem>(&since_key).await? {
        item.deduction = item.deduction.plus(Fen(since.deduction))?;
        txn.delete(since_key);
    }
    item.disputed = true;
    item.under_review = audit::is_open(txn, &settlement).await?;
    let waiting = pb::WaitingItem { ruled: cleared.ruled, ..clearing::print_waiting(&item, vec![note]) };
    txn.keep(keys::waiting(&settlement, false), &waiting);
    txn.delete(cleared_key);
    let carried = pb::ClearedItem { carried: codes::print(Carried::Disputed), late: late.into(), ..document };
    txn.keep(item_key.clone(), &carried);
    // All that changes the items of a pair writes its table, which this transaction has read: the fold is of one state.
    let again = fold::again(&hub.node.store, &table, Some((&item_key, &carried))).await?;
    let life = clearing::parse_life(&table)?;
    table = pb::ClearingTable { revision: table.revision.saturating_add(1), ..again };
    clearing::print_life(&life, &mut table);
    prepayment::judge_use(hub, txn, &mut table).await?;
    txn.keep(table_key, &table);
    Ok(table)
}

/// The national agency ends a dispute: the item goes into the next table, less a deduction.
pub(in crate::hub) async fn resolve(
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::ResolveDispute,
) -> Result<pb::AgencyReply, Stop> {
    actor.is_national()?;
    let settlement = id(SettlementId::parse, &command.settlement, "resolve_dispute.settlement")?;
    noted(&command.note, "resolve_dispute.note")?;
    let key = keys::waiting(&settlement, false);
    let waiting = txn.record::<pb::WaitingItem>(&key).await?.filter(|waiting| waiting.disputed);
    let mut waiting = waiting.ok_or_else(|| {
        not_now("resolve_dispute.settlement", format!("{settlement} 无争议"), format!("{settlement} is not disputed"))
    })?;
    let item = stored(clearing::parse_waiting(&waiting), &key)?;
    if command.deduction < 0 || Fen(command.deduction) > item.amount()? {
        let en = "from nothing to what the item clears, in fen";
        return Err(Refusal::malformed("resolve_dispute.deduction", "应在零与该笔清算额之间", en).into());
    }
    waiting.disputed = false;
    waiting.ruled = Fen(waiting.ruled).max(Fen(command.deduction)).0;
    waiting.deduction = item.deduction.max(Fen(command.deduction)).0;
    waiting.notes.push(format!("{} {}: {}", actor.today, Party::Hub.names().1, command.note));
    txn.keep(key, &waiting);
    Ok(done(1))
}

fn noted(note: &str, field: &str) -> Result<(), Refusal> {
    if note.is_empty() || note.chars().count() > TEXT_CHARS_MAX {
        return Err(Refusal::malformed(field, "须有说明，至多 200 字", "a note of 1 to 200 characters"));
    }
    Ok(())
}
