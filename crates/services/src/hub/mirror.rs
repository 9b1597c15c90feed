//! The mirror of filings at the hub: the newest state of each, as its home region sends it.

use zhijie_domain::{ids::RegionCode, refusal::Refusal};

use super::Hub;
use crate::{
    node::{Caller, Failure, Records, Role, commit, keys},
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
    let mut txn = hub.node.store.begin();
    txn.keep(keys::filing(&home, &filing.person, &filing.id), &person::print_filing(&filing));
    // A blind write of the newest state: home sends one filing's states one after another.
    commit(txn).await?;
    Ok(pb::MirrorFilingReply::default())
}
