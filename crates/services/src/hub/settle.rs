//! Settle through the hub: enforce, relay, and keep the same record as home.

use zhijie_store::Txn;

use super::{
    Hub,
    enforce::{Checked, Enforced, check, enforce},
    keep,
    relay::{known, mark, outside, read, relay, unless_booked, without_lines},
    road::Call,
};
use crate::{
    node::{Act, Caller, Failure, Key, Stop, answer_of, digest, planted::planted},
    wire::pb::{self, answer::Outcome, refuse_request::Message},
};

struct Record<'a> {
    hub: &'a Hub,
    sent: &'a Checked,
    answer: pb::Answer,
}

pub(super) async fn settle(
    hub: &Hub,
    caller: &Caller,
    request: pb::ClaimRequest,
    first: bool,
) -> Result<pb::Answer, Failure> {
    answer_of(settled(hub, caller, request, first).await)
}

async fn settled(hub: &Hub, caller: &Caller, mut request: pb::ClaimRequest, first: bool) -> Result<pb::Answer, Stop> {
    request.listed = None;
    let checked = check(caller, &request)?;
    let Checked { header, .. } = &checked;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Settle, &header.message), digest(&request));
    let visit = checked.claim.visit.as_str();
    let call = Call { hub, act: pb::Act::Settle, key: &key, digest: &digest, header, visit };
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    without_lines(&mut request);
    let answer = match enforce(hub, &checked).await {
        Ok(Enforced { home, listed }) => {
            request.listed = listed;
            relay(hub, &key, &home, pb::RoadCall::Settle, &request).await?
        }
        Err(Stop::Refused(no)) => unless_booked(hub, (&key, header), first, Message::Settle(request), &no).await?,
        Err(failed) => return Err(failed),
    };
    Ok(call.answer(&Record { hub, sent: &checked, answer }).await?)
}

impl Act for Record<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.answer.outcome {
            Some(Outcome::Settlement(document)) => {
                let mut settlement = read(document)?;
                let claim = &self.sent.claim;
                if !settlement.answers(claim, self.sent.header.signature) {
                    return Err(outside("a settlement answers the claim it was sent").into());
                }
                if planted!(OtherAmounts) {
                    let amounts = &mut settlement.computation.amounts;
                    (amounts.account, amounts.cash) = (amounts.cash, amounts.account);
                }
                keep::settlement(self.hub, txn, &settlement).await?;
                mark(txn, &claim.visit, &claim.home, pb::VisitStatus::Settled, settlement.id.as_str()).await?;
            }
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a claim is answered by a settlement or a refusal").into()),
        }
        Ok(self.answer.clone())
    }
}
