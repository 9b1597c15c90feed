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
    caller: &Caller,
    request: pb::MirrorFilingRequest,
) -> Result<pb::MirrorFilingReply, Failure> {
    let parsed = id(RegionCode::parse, &request.home, "home").and_then(|home| {
        caller.speaks_as(Role::Home, &home)?;
        Ok((home, person::parse_filing(required(request.filing.as_ref(), "filing")?)?))
    });
    let (home, filing) = match parsed {
        Ok(parsed) => parsed,
        Err(refused) => return Ok(pb::MirrorFilingReply { refused: Some(refusal::print(&refused)) }),
    };
    let (key, document) = (keys::filings(&home, &filing.person), person::print_filing(&filing));
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let mut mirrored = txn.record::<pb::MirroredFilings>(&key).await?.unwrap_or_default();
        match mirrored.filings.binary_search_by(|known| known.id.cmp(&document.id)) {
            Ok(place) => {
                let known = stored(person::parse_filing(&mirrored.filings[place]), &key)?;
                // States may overtake one another on the way; a filing only ever moves on, so the furthest is the newest.
                if known.status >= filing.status {
                    return Ok(pb::MirrorFilingReply::default());
                }
                mirrored.filings[place] = document.clone();
            }
            Err(place) => mirrored.filings.insert(place, document.clone()),
        }
        txn.keep(key.clone(), &mirrored);
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(pb::MirrorFilingReply::default());
        }
    }
    let busy = Refusal::new(Code::Busy, "bounded queues", "");
    Ok(pb::MirrorFilingReply { refused: Some(refusal::print(&busy)) })
}
