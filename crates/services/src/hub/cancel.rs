//! Cancel through the hub: home decides, the hub keeps the negative record.

use zhijie_store::Txn;

use super::{
    Hub, from_care,
    relay::{Known, ask_home, known, mark, outside, read, undone_by},
};
use crate::{
    node::{Act, Book, Caller, Failure, Key, Stop, answer_of, answer_once, digest},
    wire::{
        claim::parse_header,
        pb::{self, answer::Outcome},
    },
};

struct Record {
    asked: String,
    answer: pb::Answer,
}

pub(super) async fn cancel(hub: &Hub, caller: &Caller, request: pb::CancelRequest) -> Result<pb::Answer, Failure> {
    answer_of(cancelled(hub, caller, request).await)
}

async fn cancelled(hub: &Hub, caller: &Caller, request: pb::CancelRequest) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Cancel, &header.message), digest(&request));
    if let Known::Answered(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    // No rule of the hub's own stands against a cancel, so that nothing needs to be kept before it goes home.
    let mut home = hub.home_again(&header.home)?;
    let asked = request.settlement.clone();
    let answer = ask_home(home.cancel(request)).await?;
    Ok(answer_once(&hub.node.store, &key, &digest, &Record { asked, answer }).await?)
}

impl Act for Record {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.answer.outcome {
            Some(Outcome::Settlement(document)) => {
                let undone = undone_by(txn, read(document)?, &self.asked).await?;
                mark(txn, &undone.record.claim.visit, pb::VisitStatus::Open, "").await?;
                Book::add_undone(txn, &undone).await?;
            }
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a cancel is answered by a negative record or a refusal").into()),
        }
        Ok(self.answer.clone())
    }
}
