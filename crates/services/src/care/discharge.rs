//! Discharge (2402): ends a stay, which can then be settled. Repeating it with the same day changes nothing.

use zhijie_domain::refusal::{Code, Refusal};

use super::{Care, lines::reply, visits::CareVisit};
use crate::{
    node::{Caller, Committed, Failure, Stop, commit, limits},
    wire::{date, pb},
};

pub(super) async fn discharge(
    care: &Care,
    caller: &Caller,
    request: pb::DischargeRequest,
) -> Result<pb::VisitReply, Failure> {
    reply(discharged(care, caller, &request).await)
}

async fn discharged(care: &Care, caller: &Caller, request: &pb::DischargeRequest) -> Result<pb::Visit, Stop> {
    let to = date(&request.to, "to")?;
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        let mut visit = CareVisit::named(&mut txn, &request.visit).await?;
        visit.is_of(caller)?;
        visit.must_be(pb::VisitStatus::Open, "an open stay is ended")?;
        if !visit.is_stay() {
            return Err(Refusal::new(Code::VisitState, "only a stay has a discharge", "visit").into());
        }
        let today = care.node.today();
        let from = visit.registration.from;
        if to < from || to > today {
            return Err(Refusal::malformed(
                "to",
                format!("应在 {from} 至 {today} 之间"),
                format!("from {from} to {today}"),
            )
            .into());
        }
        visit.document.to.clone_from(&request.to);
        visit.keep(&mut txn);
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(visit.document);
        }
    }
    Err(Refusal::new(Code::Busy, "one change of a visit at a time", "visit").into())
}
