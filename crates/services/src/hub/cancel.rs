//! Cancel through the hub: home decides, the hub keeps the negative record.

use zhijie_store::Txn;

use super::{
    Hub, from_care,
    relay::{ask_home, known, mark, outside, read, refuse, undone_by},
};
use crate::{
    node::{Act, Book, Caller, Failure, Key, Stop, answer_of, answer_once, digest},
    wire::{
        claim::parse_header,
        pb::{self, answer::Outcome},
    },
};

struct Record(pb::Answer);

pub(super) async fn cancel(hub: &Hub, caller: &Caller, request: pb::CancelRequest) -> Result<pb::Answer, Failure> {
    answer_of(cancelled(hub, caller, request).await)
}

async fn cancelled(hub: &Hub, caller: &Caller, request: pb::CancelRequest) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Cancel, &header.message), digest(&request));
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let mut home = match hub.home(&header.home) {
        Ok(home) => home,
        Err(refusal) => return Ok(refuse(hub, &key, &digest, refusal).await?),
    };
    let answer = ask_home(home.cancel(request)).await?;
    Ok(answer_once(&hub.node.store, &key, &digest, &Record(answer)).await?)
}

impl Act for Record {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.0.outcome {
            Some(Outcome::Settlement(document)) => {
                let undone = undone_by(txn, read(document)?).await?;
                mark(txn, &undone.record.claim.visit, pb::VisitStatus::Open, "").await?;
                Book::add_undone(txn, &undone).await?;
            }
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a cancel is answered by a negative record or a refusal").into()),
        }
        Ok(self.0.clone())
    }
}
