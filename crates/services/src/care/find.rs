//! Looking up at care: a hospital finds what is its own; officers of the province and the hub find all.

use zhijie_domain::refusal::Refusal;

use super::Care;
use crate::{
    node::{Caller, Failure, answer_of},
    wire::pb::{self, answer::Outcome, find_request::By},
};

pub(super) async fn find(care: &Care, caller: &Caller, request: pb::FindRequest) -> Result<pb::Answer, Failure> {
    let all = care.reads_all(caller).is_ok();
    if let Some(By::Message(message)) = request.by.as_ref().filter(|_| !all)
        && let Err(refusal) = caller.is_institution(&message.institution, "message.institution")
    {
        return answer_of(Err(refusal.into()));
    }
    let answer = care.book.find(&request).await?;
    let own = if all { Ok(()) } else { own(caller, &answer) };
    own.map_or_else(|refusal| answer_of(Err(refusal.into())), |()| Ok(answer))
}

/// Refuses a settlement of another institution.
fn own(caller: &Caller, answer: &pb::Answer) -> Result<(), Refusal> {
    let settlement = match &answer.outcome {
        Some(Outcome::Settlement(settlement)) => Some(&**settlement),
        Some(Outcome::Reversal(reversal)) => reversal.undone.as_ref(),
        _ => None,
    };
    let claim = settlement.and_then(|settlement| settlement.claim.as_ref());
    claim.map_or(Ok(()), |claim| caller.is_institution(&claim.institution, "settlement"))
}
