//! Agreeing bills with institutions (费用结算申报): a month as a whole but for what is excepted, and the excepted later.

use zhijie_domain::{
    calendar::Month,
    ids::{RegionCode, SettlementId},
    limits::TEXT_CHARS_MAX,
    party::Party,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::not_now;
use crate::{
    hub::agency::{Actor, done},
    node::{Records, Stop, keys, limits},
    wire::{id, month, pb},
};

/// A month is agreed after its end, once, but for what is excepted.
pub(in crate::hub) async fn month_agreed(
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::AgreeMonth,
) -> Result<pb::AgencyReply, Stop> {
    let care = actor.province_as(Party::Care)?;
    let agreed = month(&command.month, "agree_month.month")?;
    if Month::of(actor.today) <= agreed {
        return Err(not_now("agree_month.month", "该月尚未结束", "the month has not ended").into());
    }
    if command.excepted.len() > limits::ITEMS_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "items of one message", "agree_month.excepted").into());
    }
    let key = keys::agreement(&care, agreed);
    if txn.record::<pb::AgreementRecord>(&key).await?.is_some() {
        return Err(not_now("agree_month.month", "该月已申报", "the month is agreed already").into());
    }
    for excepted in &command.excepted {
        if excepted.reason.is_empty() || excepted.reason.chars().count() > TEXT_CHARS_MAX {
            let en = "a reason of 1 to 200 characters";
            return Err(Refusal::malformed("agree_month.excepted.reason", "须说明原因，至多 200 字", en).into());
        }
        except(txn, &care, &excepted.settlement, true, &excepted.reason).await?;
    }
    txn.keep(key, &pb::AgreementRecord { day: actor.today.to_string() });
    Ok(done(command.excepted.len()))
}

/// What was excepted is agreed now.
pub(in crate::hub) async fn items_agreed(
    txn: &mut Txn,
    actor: &Actor,
    command: &pb::AgreeItems,
) -> Result<pb::AgencyReply, Stop> {
    let care = actor.province_as(Party::Care)?;
    if command.settlements.len() > limits::ITEMS_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "items of one message", "agree_items.settlements").into());
    }
    for settlement in &command.settlements {
        except(txn, &care, settlement, false, "agreed").await?;
    }
    Ok(done(command.settlements.len()))
}

async fn except(txn: &mut Txn, care: &RegionCode, text: &str, excepted: bool, note: &str) -> Result<(), Stop> {
    let settlement = id(SettlementId::parse, text, "settlement")?;
    let key = keys::waiting(&settlement, false);
    let unknown = || {
        Refusal::new(Code::SettlementUnknown, "what waits for clearing", "settlement")
            .with(format!("{settlement} 不在待清分之列"), format!("{settlement} does not wait for clearing"))
    };
    let waiting = txn.record::<pb::WaitingItem>(&key).await?;
    let mut waiting = waiting.filter(|waiting| waiting.care == care.as_str()).ok_or_else(unknown)?;
    if waiting.excepted != excepted {
        waiting.excepted = excepted;
        waiting.notes.push(note.to_owned());
        txn.keep(key, &waiting);
    }
    Ok(())
}
