//! Prepayments: what home provinces lent is taken over and set anew for the year, the difference is paid or returned, and
//! after a red month a care province asks for more. Each answer is held against those before it, and in the end what the
//! hub says moved against what was answered.

use std::collections::BTreeMap;

use zhijie_services::{
    cluster::{HUB, care_of, home_of},
    domain::ids::RegionCode,
    pb::{self, agency_reply::Outcome, agency_request::Command, prepayment_act::Act},
};

use crate::{
    desk::{Desk, sends},
    officers::Officers,
};

/// Pairs of a hundred that have one.
const PAIRS_PERCENT: u64 = 50;
/// The largest that was lent, and the largest that was cleared in a month of last year, fen.
const LENT_MAX: u64 = 4_000_000;
const CLEARED_MAX: u64 = 2_000_000;
/// The year whose quota is set, and its quarter before.
const YEAR: i32 = 2025;
const QUARTER: [&str; 3] = ["2024-10", "2024-11", "2024-12"];
/// What care asks for after a red month, fen; of a hundred it is granted in so many.
const ASKED: i64 = 1_000_000;
const GRANTED_PERCENT: u64 = 70;

type Done = Result<(), String>;

/// Home and care.
type Provinces = (String, String);

/// What officers were told of prepayments, by pair: the last answer, and what moved by all of them.
#[derive(Default)]
pub(crate) struct Told(BTreeMap<Provinces, (pb::Quota, Vec<i64>)>);

impl Told {
    /// Hears an answer: quota, what care holds and what is under way follow from the answers before.
    fn hear(&mut self, act: &Act, quota: &pb::Quota) -> Done {
        let (known, moved) = self.0.entry((quota.home.clone(), quota.care.clone())).or_default();
        let right = match act {
            Act::TakeOver(over) => (over.lent, over.lent, 0),
            Act::Reset(_) => (quota.quota, known.balance, quota.quota - known.quota),
            Act::Paid(_) => (known.quota, known.balance, known.under_way),
            Act::Received(_) => (known.quota, known.balance + known.under_way, 0),
            Act::Apply(_) => (known.quota, known.balance, 0),
            Act::Decide(decided) => (known.quota + decided.approved, known.balance, decided.approved),
        };
        let found = amounts(quota);
        if found != right {
            return Err(format!("quota, balance and what is under way are {found:?}, and should be {right:?}"));
        }
        moved.extend(Some(quota.balance - known.balance).filter(|amount| *amount != 0));
        known.clone_from(quota);
        Ok(())
    }
}

/// Quota, what care holds, what is under way.
fn amounts(quota: &pb::Quota) -> (i64, i64, i64) {
    (quota.quota, quota.balance, quota.under_way)
}

impl Officers<'_> {
    /// The national agency takes over what was lent and sets the year's quotas, and the differences move.
    pub(crate) async fn open_prepayments(&self) -> Done {
        let desk = self.desk;
        for (home, care) in desk.homes.keys().flat_map(|home| desk.cares.keys().map(move |care| (home, care))) {
            let over = {
                let mut dice = desk.dice.borrow_mut();
                if !dice.percent(PAIRS_PERCENT) {
                    continue;
                }
                let mut fen = |most| i64::try_from(dice.between(0, most)).unwrap_or(0);
                let cleared = QUARTER.map(|month| pb::MonthAmount { month: month.into(), amount: fen(CLEARED_MAX) });
                pb::TakeOver { lent: fen(LENT_MAX), cleared: cleared.into() }
            };
            let pair = (home.clone(), care.clone());
            self.prepay(&pair, HUB, "lent", Act::TakeOver(over)).await?;
            let quota = self.prepay(&pair, HUB, "reset", Act::Reset(pb::ResetQuota { year: YEAR })).await?;
            self.transfer(&pair, "reset", quota.under_way).await?;
        }
        Ok(())
    }

    /// After a red month care asks for more, and the national agency decides.
    pub(crate) async fn raise_prepayments(&self) -> Done {
        for quota in quotas(self.desk).await? {
            if quota.step() != pb::QuotaStep::Warned {
                continue;
            }
            let pair = (quota.home.clone(), quota.care.clone());
            let care = service(&pair.1, care_of)?;
            self.prepay(&pair, &care, "ask", Act::Apply(pb::ApplyIncrease { asked: ASKED })).await?;
            let granted = self.desk.dice.borrow_mut().percent(GRANTED_PERCENT);
            let (approved, note) = (if granted { ASKED / 2 } else { 0 }, "it was weighed".into());
            let quota = self.prepay(&pair, HUB, "decide", Act::Decide(pb::DecideIncrease { approved, note })).await?;
            self.transfer(&pair, "more", quota.under_way).await?;
        }
        Ok(())
    }

    /// What is under way is paid and received; what is negative goes back to home.
    async fn transfer(&self, pair: &Provinces, what: &str, amount: i64) -> Done {
        let (home, care) = (service(&pair.0, home_of)?, service(&pair.1, care_of)?);
        let (payer, payee) = match amount {
            0 => return Ok(()),
            amount if amount < 0 => (care, home),
            _ => (home, care),
        };
        self.prepay(pair, &payer, &format!("{what}-paid"), Act::Paid(pb::PrepaymentPaid {})).await?;
        self.prepay(pair, &payee, &format!("{what}-received"), Act::Received(pb::PrepaymentReceived {})).await?;
        Ok(())
    }

    async fn prepay(&self, pair: &Provinces, who: &str, what: &str, act: Act) -> Result<pb::Quota, String> {
        let (home, care) = pair.clone();
        let name = format!("prepayment-{what}-{home}-{care}");
        let command = Command::Prepayment(pb::PrepaymentAct { home, care, act: Some(act.clone()) });
        match self.must(who, "q1", &name, command).await? {
            Outcome::Quota(quota) => {
                let heard = self.desk.model.borrow_mut().prepaid.hear(&act, &quota);
                heard.map(|()| quota).map_err(|broken| format!("{name}: {broken}"))
            }
            other => Err(format!("{name} was answered by {other:?}")),
        }
    }
}

fn service(province: &str, of: fn(&RegionCode) -> String) -> Result<String, String> {
    RegionCode::parse(province).map(|code| of(&code)).map_err(|wrong| format!("{wrong:?}"))
}

async fn quotas(desk: &Desk) -> Result<Vec<pb::Quota>, String> {
    let (national, request) = (&desk.national, pb::QuotasRequest::default());
    let told = |reply: &pb::QuotasReply| Ok(format!("{} prepayments", reply.quotas.len()));
    Ok(desk.ask("quotas", told, sends!(national, quotas, request)).await?.quotas)
}

/// The hub's prepayments are what was answered last, and what moved is what was answered, once.
pub(crate) async fn compare(desk: &Desk) -> Done {
    let kept = quotas(desk).await?;
    let model = desk.model.borrow();
    let told = &model.prepaid.0;
    if kept.len() != told.len() {
        return Err(format!("{} pairs have a prepayment, and {} were told of", kept.len(), told.len()));
    }
    for quota in kept {
        let pair = (quota.home.clone(), quota.care.clone());
        let Some((known, moved)) = told.get(&pair) else { return Err(format!("nobody was told of {pair:?}")) };
        let found: Vec<i64> = quota.moved.iter().map(|moved| moved.amount).collect();
        if amounts(&quota) != amounts(known) || found != *moved {
            return Err(format!("the prepayment of {pair:?} is {quota:?}; {known:?} was told, and {moved:?} moved"));
        }
    }
    Ok(())
}
