//! Reverse through the hub: home undoes first; then the hub keeps both records and a tombstone, so that a late
//! original is refused here too.

use zhijie_domain::{ids::SettlementId, settlement::Kind};
use zhijie_store::Txn;

use super::{
    Hub, from_care, keep,
    relay::{ask_home, known, mark, outside, visit_id},
    road::Call,
};
use crate::{
    node::{Act, Book, Caller, Failure, Key, Records, Stop, Undone, answer_of, digest, parse_undone, planted::planted},
    wire::{
        claim::{Header, parse_header},
        id,
        pb::{self, answer::Outcome, message_record::State},
    },
};

struct Record<'a> {
    hub: &'a Hub,
    header: &'a Header,
    original: Key,
    answer: pb::Answer,
}

pub(super) async fn reverse(hub: &Hub, caller: &Caller, request: pb::ReverseRequest) -> Result<pb::Answer, Failure> {
    answer_of(reversed(hub, caller, request).await)
}

async fn reversed(hub: &Hub, caller: &Caller, request: pb::ReverseRequest) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let original = Key::of_original(&header.institution, &request)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Reverse, &header.message), digest(&request));
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let call = Call { hub, act: pb::Act::Reverse, key: &key, digest: &digest, header: &header, visit: "" };
    let home = hub.home_again(&header.home)?;
    let answer = ask_home(home.ask(pb::RoadCall::Reverse, &request)).await?;
    Ok(call.answer(&Record { hub, header: &header, original, answer }).await?)
}

impl Act for Record<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let reversal = match &self.answer.outcome {
            Some(Outcome::Reversal(reversal)) => reversal,
            Some(Outcome::Refused(_)) => return Ok(self.answer.clone()),
            _ => return Err(outside("a reverse is answered by a reversal or a refusal").into()),
        };
        let undone = parse_undone(reversal).map_err(|refusal| outside(&refusal.to_string()))?;
        let place = self.original.message();
        let known = txn.record::<pb::MessageRecord>(&place).await?.unwrap_or_default();
        if let Some(State::Answer(pb::Answer { outcome: Some(Outcome::Settlement(settled)) })) = &known.state {
            self.is_about(txn, settled, undone.as_ref()).await?;
        }
        if let Some(undone) = undone {
            let claim = &undone.settlement.claim;
            if claim.home != self.header.home || claim.institution != self.header.institution {
                return Err(outside("a reversal undoes what the institution sent to that home").into());
            }
            if undone.record.kind == Kind::Reversed {
                mark(txn, &claim.visit, &claim.home, pb::VisitStatus::Open, "").await?;
            }
            if !planted!(UnbookedReversal) {
                keep::undone(self.hub, txn, &undone).await?;
            }
        }
        if let Some(visit) = &reversal.visit {
            mark(txn, &visit_id(&visit.id)?, &self.header.home, pb::VisitStatus::Withdrawn, "").await?;
        }
        let tombstone = pb::MessageRecord { digest: known.digest, state: Some(State::Reversed(self.answer.clone())) };
        txn.keep(place, &tombstone);
        Ok(self.answer.clone())
    }
}

impl Record<'_> {
    /// A reversal of a settlement in this book undoes that one; an empty one only where it is undone already.
    async fn is_about(&self, txn: &mut Txn, settled: &pb::Settlement, undone: Option<&Undone>) -> Result<(), Failure> {
        let id = id(SettlementId::parse, &settled.id, "settlement").map_err(|refusal| outside(&refusal.to_string()))?;
        let in_force = Book::load(txn, &id).await?.is_some_and(|booked| booked.record.undone_by.is_empty());
        let right = undone.map_or(!in_force, |undone| undone.settlement.id == id);
        if right { Ok(()) } else { Err(outside("a reversal is about the settlement of its message")) }
    }
}
