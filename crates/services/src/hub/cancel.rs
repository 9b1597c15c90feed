//! Cancel through the hub: not once a clearing table holds the settlement; home decides, the hub keeps the negative record.

use zhijie_domain::{
    ids::SettlementId,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::{
    Hub, from_care, keep,
    relay::{known, mark, outside, read, relay, undone_by, unless_booked},
    road::Call,
};
use crate::{
    node::{Act, Caller, Failure, Key, Records, Stop, answer_of, digest, keys},
    wire::{
        claim::parse_header,
        id,
        pb::{self, answer::Outcome, refuse_request::Message},
    },
};

struct Record<'a> {
    hub: &'a Hub,
    asked: String,
    answer: pb::Answer,
}

pub(super) async fn cancel(
    hub: &Hub,
    caller: &Caller,
    request: pb::CancelRequest,
    first: bool,
) -> Result<pb::Answer, Failure> {
    answer_of(cancelled(hub, caller, request, first).await)
}

async fn cancelled(hub: &Hub, caller: &Caller, request: pb::CancelRequest, first: bool) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Cancel, &header.message), digest(&request));
    let visit = request.visit.clone();
    let call = Call { hub, act: pb::Act::Cancel, key: &key, digest: &digest, header: &header, visit: &visit };
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let asked = request.settlement.clone();
    let answer = match cleared(hub, &asked).await? {
        Some(no) => unless_booked(hub, (&key, &header), first, Message::Cancel(request), &no).await?,
        None => relay(hub, &key, &hub.home_again(&header.home)?, pb::RoadCall::Cancel, &request).await?,
    };
    Ok(call.answer(&Record { hub, asked, answer }).await?)
}

/// Why a settlement that a table holds is not cancelled.
async fn cleared(hub: &Hub, settlement: &str) -> Result<Option<Refusal>, Stop> {
    let settlement = id(SettlementId::parse, settlement, "settlement")?;
    let cleared = hub.node.store.begin().record::<pb::ClearedRecord>(&keys::cleared(&settlement)).await?;
    Ok(cleared.map(|cleared| {
        Refusal::new(Code::AlreadyCleared, "a settlement is cancelled before it enters a clearing table", "settlement")
            .with(format!("{} 期", cleared.period), format!("that of {}", cleared.period))
    }))
}

impl Act for Record<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.answer.outcome {
            Some(Outcome::Settlement(document)) => {
                let undone = undone_by(txn, read(document)?, &self.asked).await?;
                let claim = &undone.record.claim;
                mark(txn, &claim.visit, &claim.home, pb::VisitStatus::Open, "").await?;
                keep::undone(self.hub, txn, &undone).await?;
            }
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a cancel is answered by a negative record or a refusal").into()),
        }
        Ok(self.answer.clone())
    }
}
