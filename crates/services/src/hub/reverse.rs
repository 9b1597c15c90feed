//! Reverse through the hub: home undoes first; then the hub keeps both records and a tombstone, so that a late
//! original is refused here too.

use zhijie_domain::ids::MessageId;
use zhijie_store::Txn;

use super::{
    Hub, from_care,
    relay::{ask_home, known, mark, outside, refuse, visit_id},
};
use crate::{
    node::{Act, Book, Caller, Failure, Key, Records, Stop, answer_of, answer_once, digest, parse_undone},
    wire::{
        claim::parse_header,
        id,
        pb::{self, answer::Outcome, message_record::State},
    },
};

struct Record {
    original: Key,
    answer: pb::Answer,
}

pub(super) async fn reverse(hub: &Hub, caller: &Caller, request: pb::ReverseRequest) -> Result<pb::Answer, Failure> {
    answer_of(reversed(hub, caller, request).await)
}

async fn reversed(hub: &Hub, caller: &Caller, request: pb::ReverseRequest) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let message = id(MessageId::parse, &request.original_message_id, "original_message_id")?;
    let original = Key::new(&header.institution, request.act(), &message);
    let (key, digest) = (Key::new(&header.institution, pb::Act::Reverse, &header.message), digest(&request));
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let mut home = match hub.home(&header.home) {
        Ok(home) => home,
        Err(refusal) => return Ok(refuse(hub, &key, &digest, refusal).await?),
    };
    let answer = ask_home(home.reverse(request)).await?;
    Ok(answer_once(&hub.node.store, &key, &digest, &Record { original, answer }).await?)
}

impl Act for Record {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let reversal = match &self.answer.outcome {
            Some(Outcome::Reversal(reversal)) => reversal,
            Some(Outcome::Refused(_)) => return Ok(self.answer.clone()),
            _ => return Err(outside("a reverse is answered by a reversal or a refusal").into()),
        };
        let undone = parse_undone(reversal).map_err(|refusal| outside(&refusal.to_string()))?;
        if let Some(undone) = undone {
            mark(txn, &undone.record.claim.visit, pb::VisitStatus::Open, "").await?;
            Book::add_undone(txn, &undone).await?;
        }
        if let Some(visit) = &reversal.visit {
            mark(txn, &visit_id(&visit.id)?, pb::VisitStatus::Withdrawn, "").await?;
        }
        let place = self.original.message();
        let known = txn.record::<pb::MessageRecord>(&place).await?.unwrap_or_default();
        let tombstone = pb::MessageRecord { digest: known.digest, state: Some(State::Reversed(self.answer.clone())) };
        txn.keep(place, &tombstone);
        Ok(self.answer.clone())
    }
}
