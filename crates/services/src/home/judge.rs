//! What the home region makes of a claim: is the person insured, which filing covers it, what does the policy pay.
//! Pre-settle and settle ask the same question; only settle books the answer.

use zhijie_domain::{
    benefit::{Case, compute},
    calendar::{Date, Moment},
    chronic::Listed,
    claim::{Claim, Service},
    filing::{CoveredFiling, cover, treatment_class},
    refusal::{Code, Refusal},
    settlement::Computation,
    visit::Visit,
};
use zhijie_store::Txn;

use super::{Home, member::Member};
use crate::{
    node::{Records, Stop, keys, stored},
    wire::{pb, visit},
};

/// A claim with the person and the visit it is about, and what the policy makes of it.
pub(super) struct Judged {
    pub(super) member: Member,
    pub(super) visit: Option<Visit>,
    pub(super) computation: Computation,
}

/// A claim, and for a chronic one its disease by the version of the list by which the hub judged it.
pub(super) struct Sent {
    pub(super) claim: Claim,
    pub(super) listed: Option<Listed>,
}

pub(super) async fn judge(home: &Home, txn: &mut Txn, sent: &Sent, at: Moment) -> Result<Judged, Stop> {
    let claim = &sent.claim;
    let member = Member::load(txn, &claim.person).await?;
    member.insured_as(&claim.home, claim.scheme, claim.from)?;
    let visit = load_visit(txn, claim).await?;
    let computation = computed(home, &member, visit.as_ref(), sent, at.day())?;
    computation.amounts.check()?;
    Ok(Judged { member, visit, computation })
}

async fn load_visit(txn: &mut Txn, claim: &Claim) -> Result<Option<Visit>, Stop> {
    let key = keys::visit(&claim.visit);
    let Some(document) = txn.record::<pb::Visit>(&key).await? else {
        if claim.service == Service::Stay {
            return Err(
                Refusal::new(Code::VisitUnknown, "a stay is registered before it is settled", "claim.visit").into()
            );
        }
        return Ok(None);
    };
    let visit = stored(visit::parse(&document), &key)?;
    visit.accepts(claim)?;
    Ok(Some(visit))
}

fn computed(
    home: &Home,
    member: &Member,
    visit: Option<&Visit>,
    Sent { claim, listed }: &Sent,
    settled_on: Date,
) -> Result<Computation, Refusal> {
    let person = &member.person;
    let policy = home.node.parameters.policy(&claim.home, claim.scheme, claim.to)?;
    if let Some(listed) = listed {
        person.qualified(listed, claim.from)?;
    }
    let covered = covering(member, visit, claim, settled_on);
    let class = treatment_class(&policy.filing, covered.as_ref(), claim)?;
    compute(&Case {
        policy,
        person,
        purse: member.purse,
        class,
        claim,
        used: &member.accumulators,
        listed: listed.as_ref(),
    })
}

/// The snapshot of the admission; for a stay without one, a filing made before this settlement; else the service day's.
fn covering(member: &Member, visit: Option<&Visit>, claim: &Claim, settled_on: Date) -> Option<CoveredFiling> {
    let snapshot = visit.and_then(|visit| visit.snapshot.clone());
    let day = if claim.service == Service::Stay { settled_on } else { claim.from };
    snapshot.or_else(|| cover(&member.filings, &claim.institution.division(), day, claim.emergency))
}
