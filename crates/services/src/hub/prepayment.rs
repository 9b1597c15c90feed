//! Prepayment (预付金) at the hub: quotas by pair, their use by each month's table, warnings, the emergency increase.

use std::collections::BTreeMap;

use zhijie_domain::{
    calendar::{Date, Month},
    ids::RegionCode,
    limits::TEXT_CHARS_MAX,
    money::Fen,
    party::Party,
    prepayment::{self, Command, Prepaid, Step, Use, use_rate, warning, yearly_quota},
    refusal::{Code, Refusal},
    ticket::{Cause, Duty},
};
use zhijie_store::{Store, Txn};

use super::{Hub, agency::Actor, clearing, events, tickets::problems::Problem};
use crate::{
    node::{Committed, Failure, Records, Stop, commit, document, keys, limits, stored},
    wire::{self, id, month, pb, pb::prepayment_act::Act, prepayment as wire_prepayment, required},
};

/// Writes into a table how much of the quota it uses.
pub(super) async fn judge_use(hub: &Hub, txn: &mut Txn, table: &mut pb::ClearingTable) -> Result<(), Stop> {
    let (_, home, care) = clearing::fold::names(table)?;
    let key = keys::quota(&home, &care);
    let Some(known) = txn.record::<pb::Quota>(&key).await? else { return Ok(()) };
    let prepaid = stored(wire_prepayment::parse(&known), &key)?;
    let payable = Fen(table.payable);
    table.quota = prepaid.quota.0;
    table.use_rate = use_rate(payable, prepaid.quota).map(|rate| rate.0);
    table.set_warning(wire_prepayment::print_warning(warning(
        payable,
        prepaid.quota,
        &hub.node.parameters.rules.prepayment,
    )));
    Ok(())
}

/// Judges the use of a month whose table both provinces have confirmed; a red month lets care ask for an increase.
pub(super) async fn judge(hub: &Hub, txn: &mut Txn, table: &mut pb::ClearingTable, today: Date) -> Result<(), Stop> {
    judge_use(hub, txn, table).await?;
    let (period, home, care) = clearing::fold::names(table)?;
    let key = keys::quota(&home, &care);
    let Some(mut known) = txn.record::<pb::Quota>(&key).await? else { return Ok(()) };
    let prepaid = stored(wire_prepayment::parse(&known), &key)?;
    // Months confirmed out of their order are judged by the later one.
    if prepaid.step == Step::Unopened || prepaid.judged >= Some(period) {
        return Ok(());
    }
    let command = Command::Judge { period, payable: Fen(table.payable), confirmed_on: today };
    let next = step(hub, prepaid, command, today)?;
    wire_prepayment::print(&next, &mut known);
    known.period.clone_from(&table.period);
    known.use_rate = table.use_rate;
    known.warning = table.warning;
    txn.keep(key, &known);
    if table.warning() == pb::Warning::Red {
        let cause = Cause::Duty(Duty::PrepaymentExhausted);
        Problem { cause, day: today, home, care, reference: &table.period }.note(hub, txn).await?;
    }
    Ok(())
}

fn step(hub: &Hub, prepaid: Prepaid, command: Command, today: Date) -> Result<Prepaid, Refusal> {
    let parameters = &hub.node.parameters;
    let fact = prepayment::decide(&prepaid, command, &parameters.rules, &parameters.workdays, today)?;
    Ok(prepayment::apply(prepaid, &fact))
}

/// An agency acts on a prepayment.
pub(super) async fn act(hub: &Hub, txn: &mut Txn, actor: &Actor, act: &pb::PrepaymentAct) -> Result<pb::Quota, Stop> {
    let region = |text: &str, field: &str| id(RegionCode::parse, text, field);
    let (home, care) = (region(&act.home, "prepayment.home")?, region(&act.care, "prepayment.care")?);
    for province in [&home, &care] {
        if !hub.node.parameters.regions.contains_key(province) || home == care {
            let en = "of two provinces that take part";
            return Err(Refusal::malformed("prepayment", "须为两个参加省份", en).into());
        }
    }
    actor.is_of(&home, &care)?;
    let key = keys::quota(&home, &care);
    let mut known = txn.record::<pb::Quota>(&key).await?.unwrap_or_else(|| pb::Quota {
        home: home.to_string(),
        care: care.to_string(),
        ..pb::Quota::default()
    });
    let prepaid = stored(wire_prepayment::parse(&known), &key)?;
    let command = match required(act.act.as_ref(), "prepayment.act")? {
        Act::TakeOver(over) => {
            actor.is_national()?;
            taken_over(&mut known, over)?;
            Command::Open { balance: Fen(over.lent) }
        }
        Act::Reset(reset) => {
            actor.is_national()?;
            if i32::from(actor.today.year()) != reset.year {
                let en = "the year of the business day";
                return Err(Refusal::malformed("prepayment.reset.year", "应为业务日所在年度", en).into());
            }
            if quarter_is_known(hub, actor.today).await? == Quarter::Open {
                let (zh, en) = ("上年十二月清算表尚未生成", "the tables of last December are not made yet");
                return Err(Refusal::new(Code::ClearingState, "预付金年度核定", "prepayment.reset")
                    .with(zh, en)
                    .into());
            }
            Command::Reset { quota: quota_of(hub, &known, &home, &care, actor.today.year()).await? }
        }
        Act::Paid(_) => {
            moves(&prepaid, actor, true)?;
            Command::Pay
        }
        Act::Received(_) => {
            moves(&prepaid, actor, false)?;
            Command::Receive
        }
        Act::Apply(apply) => {
            actor.province_as(Party::Care)?;
            Command::Ask { amount: Fen(apply.asked) }
        }
        Act::Decide(decision) => {
            actor.is_national()?;
            if decision.note.trim().is_empty() || decision.note.chars().count() > TEXT_CHARS_MAX {
                let en = "a note of 1 to 200 characters";
                return Err(Refusal::malformed("prepayment.decide.note", "须有说明，至多 200 字", en).into());
            }
            if decision.approved == 0 { Command::Deny } else { Command::Approve { amount: Fen(decision.approved) } }
        }
    };
    let next = step(hub, prepaid, command, actor.today)?;
    let amount = next.balance.minus(prepaid.balance)?.0;
    if amount != 0 {
        known.moved.push(pb::PrepaymentMove { day: actor.today.to_string(), amount });
    }
    wire_prepayment::print(&next, &mut known);
    txn.keep(key, &known);
    Ok(known)
}

fn taken_over(known: &mut pb::Quota, over: &pb::TakeOver) -> Result<(), Refusal> {
    for cleared in &over.cleared {
        month(&cleared.month, "prepayment.take_over.cleared.month")?;
    }
    if over.cleared.len() > limits::MONTHS_TAKEN_OVER_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "months taken over", "prepayment.take_over.cleared"));
    }
    known.cleared.clone_from(&over.cleared);
    Ok(())
}

/// Home pays an increase and care receives it; what is returned goes the other way.
fn moves(prepaid: &Prepaid, actor: &Actor, pays: bool) -> Result<(), Refusal> {
    let back = match prepaid.step {
        Step::Due(transfer) | Step::Paid(transfer) => transfer.amount.is_negative(),
        _ => false,
    };
    actor.province_as(if pays == back { Party::Care } else { Party::Home }).map(|_| ())
}

/// The yearly quota of a pair by what was cleared in the last quarter of the year before.
async fn quota_of(hub: &Hub, known: &pb::Quota, home: &RegionCode, care: &RegionCode, year: i16) -> Result<Fen, Stop> {
    let december = Month { year: year.saturating_sub(1), month: 12 };
    let mut quarter = [Fen::ZERO; 3];
    for (slot, back) in quarter.iter_mut().zip([-2, -1, 0]) {
        let period = december.plus(back);
        let table = hub.node.store.begin().record::<pb::ClearingTable>(&keys::table(period, home, care)).await?;
        let taken = known.cleared.iter().find(|cleared| cleared.month == period.to_string());
        *slot = match (table, taken) {
            // What the period before left is no cost of this one.
            (Some(table), _) => Fen(table.payable).minus(Fen(table.credit))?,
            (None, Some(taken)) => Fen(taken.amount),
            (None, None) => Fen::ZERO,
        };
    }
    // What was cleared in the latest month taken over is the forecast of a month.
    let latest = known.cleared.iter().max_by(|one, other| one.month.cmp(&other.month));
    let forecast = latest.map_or(Fen::ZERO, |cleared| Fen(cleared.amount));
    Ok(yearly_quota(quarter, forecast, &hub.node.parameters.rules.prepayment)?)
}

/// What the hub's tables say of last year's fourth quarter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quarter {
    /// The hub began later: what was taken over says it.
    TakenOver,
    /// Its December is not made yet.
    Open,
    /// Its December is made.
    Made,
}

/// What is known of the fourth quarter of the year before a day.
pub(super) async fn quarter_is_known(hub: &Hub, today: Date) -> Result<Quarter, Failure> {
    let december = Month { year: today.year().saturating_sub(1), month: 12 };
    let known = hub.node.store.begin().record::<pb::PeriodRecord>(&keys::period(december)).await?;
    Ok(match (known, clearing::make::last(hub).await?) {
        (Some(december), _) if december.made => Quarter::Made,
        (Some(_), _) => Quarter::Open,
        (None, Some((last, _))) if last < december => Quarter::Open,
        (None, _) => Quarter::TakenOver,
    })
}

/// The year's quotas of all pairs that have none yet and stand ready; gives those that were set.
pub(super) async fn reset_all(hub: &Hub, today: Date) -> Result<Vec<pb::Quota>, Stop> {
    let mut set = Vec::new();
    for quota in all(&hub.node.store).await? {
        if quota.reset_in < i32::from(today.year()) {
            set.extend(reset(hub, &quota, today).await?);
        }
    }
    Ok(set)
}

/// One that has a change under way is left for later, one that cannot be computed to the officers.
async fn reset(hub: &Hub, quota: &pb::Quota, today: Date) -> Result<Option<pb::Quota>, Stop> {
    let (home, care) = pair(quota)?;
    let key = keys::quota(&home, &care);
    let mut txn = hub.node.store.begin();
    let Some(mut known) = txn.record::<pb::Quota>(&key).await? else { return Ok(None) };
    let prepaid = stored(wire_prepayment::parse(&known), &key)?;
    let amount = match quota_of(hub, &known, &home, &care, today.year()).await {
        Ok(amount) => amount,
        Err(Stop::Refused(refusal)) => {
            tracing::warn!(%refusal, %home, %care, "no yearly quota");
            return Ok(None);
        }
        Err(failed) => return Err(failed),
    };
    let Ok(next) = step(hub, prepaid, Command::Reset { quota: amount }, today) else { return Ok(None) };
    wire_prepayment::print(&next, &mut known);
    txn.keep(key, &known);
    if !matches!(commit(txn).await?, Committed::Yes) {
        return Ok(None);
    }
    hub.tell(events::quota(&known, "reset"));
    Ok(Some(known))
}

/// Whose prepayment it is: home and care.
pub(crate) fn pair(quota: &pb::Quota) -> Result<(RegionCode, RegionCode), Failure> {
    let damaged = || Failure::Damaged(format!("u/{}/{}", quota.home, quota.care));
    let region = |text: &str| RegionCode::parse(text).map_err(|_| damaged());
    Ok((region(&quota.home)?, region(&quota.care)?))
}

/// Every prepayment, ascending by home and care.
pub(crate) async fn all(store: &Store) -> Result<Vec<pb::Quota>, Failure> {
    let page = store.scan_prefix(keys::QUOTAS, None, limits::PAIRS_MAX).await?;
    page.iter().map(|(key, record)| document(key, &record.value)).collect()
}

/// Prepayments for those who look, and their use in total of each care province by the latest month.
pub(super) async fn list(
    hub: &Hub,
    request: &pb::QuotasRequest,
    own: Option<&RegionCode>,
) -> Result<pb::QuotasReply, Stop> {
    let province = wire::optional_id(RegionCode::parse, &request.province, "province")?;
    let mut quotas = all(&hub.node.store).await?;
    let totals = totals(hub, &quotas).await?;
    let of = |quota: &pb::Quota, province: Option<&RegionCode>| {
        province.is_none_or(|province| quota.home == province.as_str() || quota.care == province.as_str())
    };
    quotas.retain(|quota| of(quota, own) && of(quota, province.as_ref()));
    let seen = |total: &pb::CareUse, province: Option<&RegionCode>| {
        province.is_none_or(|province| total.care == province.as_str())
    };
    let totals = totals.into_iter().filter(|total| seen(total, own) && seen(total, province.as_ref())).collect();
    Ok(pb::QuotasReply { quotas, totals, refused: None })
}

async fn totals(hub: &Hub, quotas: &[pb::Quota]) -> Result<Vec<pb::CareUse>, Stop> {
    let Some((period, _)) = clearing::make::last(hub).await? else { return Ok(Vec::new()) };
    let mut pairs = BTreeMap::new();
    for quota in quotas {
        let (home, care) = pair(quota)?;
        let table = hub.node.store.begin().record::<pb::ClearingTable>(&keys::table(period, &home, &care)).await?;
        let payable = Fen(table.map_or(0, |table| table.payable));
        pairs.insert((home, care), Use { payable, quota: Fen(quota.quota) });
    }
    let rules = &hub.node.parameters.rules.prepayment;
    let print = |(care, used): (RegionCode, Use)| pb::CareUse {
        care: care.to_string(),
        period: period.to_string(),
        payable: used.payable.0,
        quota: used.quota.0,
        use_rate: use_rate(used.payable, used.quota).map(|rate| rate.0),
        warning: wire_prepayment::print_warning(warning(used.payable, used.quota, rules)).into(),
    };
    Ok(prepayment::by_care(&pairs)?.into_iter().map(print).collect())
}
