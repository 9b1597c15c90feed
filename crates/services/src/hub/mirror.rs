//! The mirror of filings at the hub: the newest state of each, as its home region sends it.

use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};

use super::Hub;
use crate::{
    node::{Caller, Committed, Failure, Records, Role, commit, keys, limits, stored},
    wire::{id, pb, person, refusal, required},
};

pub(super) async fn mirror_filing(
    hub: &Hub,
    caller: Result<Caller, Refusal>,
    request: pb::MirrorFilingRequest,
) -> Result<pb::MirrorFilingReply, Failure> {
    let parsed = caller.and_then(|caller| {
        let home = id(RegionCode::parse, &request.home, "home")?;
        caller.speaks_as(Role::Home, &home)?;
        Ok((home, person::parse_filing(required(request.filing.as_ref(), "filing")?)?))
    });
    let (home, filing) = match parsed {
        Ok(parsed) => parsed,
        Err(refused) => return Ok(pb::MirrorFilingReply { refused: Some(refusal::print(&refused)) }),
    };
    let key = keys::filing(&home, &filing.person, &filing.id);
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = txn.record::<pb::Filing>(&key).await?;
        let known = known.map(|document| stored(person::parse_filing(&document), &key)).transpose()?;
        // States may overtake one another on the way; a filing only ever moves on, so the furthest is the newest.
        if known.is_some_and(|known| known.status >= filing.status) {
            return Ok(pb::MirrorFilingReply::default());
        }
        txn.keep(key.clone(), &person::print_filing(&filing));
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(pb::MirrorFilingReply::default());
        }
    }
    let busy = Refusal::new(Code::Busy, "bounded queues", "");
    Ok(pb::MirrorFilingReply { refused: Some(refusal::print(&busy)) })
}
