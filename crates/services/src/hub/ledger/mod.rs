//! Reports over the hub's own book and tables (双分录账): the balances of every account at the end of any day, made anew
//! for each question, so that they cannot differ from the facts.

pub(super) mod designs;
pub(crate) mod events;

use zhijie_domain::{
    calendar::Date,
    ids::RegionCode,
    ledger::{
        Ledger, Totals,
        account::{Account, AccountKind},
    },
    money::Overflow,
};

use super::Hub;
use crate::{
    node::Stop,
    wire::{codes, optional_date, optional_id, pb},
};

/// Answers a query for the ledger at the end of a day.
pub(super) async fn answer(hub: &Hub, request: &pb::LedgerRequest) -> Result<pb::LedgerReply, Stop> {
    let on = optional_date(&request.on, "on")?.unwrap_or_else(|| hub.node.now().day());
    let province = optional_id(RegionCode::parse, &request.province, "province")?;
    let ledger = events::of_hub(&hub.node.store).await?;
    Ok(print(&ledger, on, province.as_ref())?)
}

fn print(ledger: &Ledger, on: Date, province: Option<&RegionCode>) -> Result<pb::LedgerReply, Overflow> {
    let asked = |owner: &RegionCode| province.is_none_or(|province| province == owner);
    let accounts = ledger.accounts(on)?.into_iter();
    let touched = accounts.filter(|(account, totals)| asked(&account.owner) && *totals != Totals::default());
    let trial = ledger.trial(on)?.into_iter().filter(|(owner, _)| asked(owner));
    let line = |(province, totals): (RegionCode, Totals)| pb::TrialLine {
        province: province.to_string(),
        debit: totals.debit.0,
        credit: totals.credit.0,
    };
    Ok(pb::LedgerReply {
        on: on.to_string(),
        balances: touched.map(|(account, totals)| balance(account, totals)).collect::<Result<_, Overflow>>()?,
        trial: trial.map(line).collect(),
        violations: ledger.invariants(on)?.iter().map(ToString::to_string).collect(),
        refused: None,
    })
}

fn balance(account: &Account, totals: Totals) -> Result<pb::AccountBalance, Overflow> {
    let (zh, en) = account.kind.names();
    let (fund, scheme) = match &account.kind {
        AccountKind::BenefitExpense(fund, scheme) => (fund.key(), codes::print(*scheme)),
        AccountKind::AccountExpense(scheme) => ("", codes::print(*scheme)),
        _ => ("", 0),
    };
    Ok(pb::AccountBalance {
        owner: account.owner.to_string(),
        account: account.kind.key().into(),
        zh: zh.into(),
        en: en.into(),
        other: crate::wire::text(account.kind.other()),
        fund: fund.into(),
        scheme,
        debit: totals.debit.0,
        credit: totals.credit.0,
        balance: totals.balance(account.kind.side())?.0,
    })
}
