//! The personal account (个人账户), then what family shares (家庭共济), then cash.
//! Source: the national interface's `acct_pay`, `acct_mulaid_pay`, `psn_cash_pay`; what may be paid is local.
//! Residents have no account of their own.

use crate::{benefit::run::Run, claim::AccountUse, money::Fen, person::Scheme, policy::AccountScope, refusal::Refusal};

/// Lets the accounts pay what the person has left, as far as the person wants it and the policy allows.
pub(in crate::benefit) fn pay(run: &mut Run<'_>) -> Result<(), Refusal> {
    let case = run.case;
    let Some(terms) = &case.policy.account else { return Ok(()) };
    let amounts = run.amounts();
    let payable = match terms.pays {
        AccountScope::InScope => amounts.parts.in_scope.minus(amounts.fund_total)?,
        AccountScope::Everything => amounts.personal,
    };
    let (own, family) = match case.claim.account_use {
        AccountUse::None => (Fen::ZERO, Fen::ZERO),
        AccountUse::Own => (case.purse.account, Fen::ZERO),
        AccountUse::OwnAndFamily => (case.purse.account, case.purse.family),
    };
    let own = if case.policy.scheme == Scheme::Employee { own } else { Fen::ZERO };
    let mut left = payable;
    for (rule, zh, en, purse, is_family) in [
        ("account.own", "个人账户", "personal account", own, false),
        ("account.family", "家庭共济", "family sharing", family, true),
    ] {
        let drawn = purse.max(Fen::ZERO).min(left);
        if drawn == Fen::ZERO {
            continue;
        }
        run.draw(drawn, is_family)?;
        let before = left;
        left = left.minus(drawn)?;
        run.step(
            rule,
            &terms.source,
            [before, left],
            [format!("{zh}支付 {drawn}，尚需支付 {left}"), format!("{en} pays {drawn}, {left} of the bill remains")],
        )?;
    }
    Ok(())
}
