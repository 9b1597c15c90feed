//! Detail lines of settled stays (住院费用明细) at the hub: taken once from the care province of the settlement, where they add
//! up to what was settled; shown to its two provinces; and the reason to screen the stay.

use tonic::Streaming;
use zhijie_domain::{
    calendar::Date,
    claim::{Claim, Service},
    ids::{RegionCode, SettlementId},
    refusal::{Code, Refusal},
    settlement::{Kind, Settlement},
};

use super::{Hub, from_care};
use crate::{
    node::{
        Book, Caller, Committed, Failure, Records, Stop, commit, digest, keys, limits, stored_lines, unknown_settlement,
    },
    wire::{
        claim::{parse_split, print_split, too_many},
        id, pb, refusal,
    },
};

type Requests = Streaming<pb::UploadDetailsRequest>;

pub(super) async fn upload(hub: &Hub, caller: &Caller, requests: Requests) -> Result<pb::UploadDetailsReply, Failure> {
    match uploaded(hub, caller, requests).await {
        Ok(()) => Ok(pb::UploadDetailsReply::default()),
        Err(Stop::Refused(no)) => Ok(pb::UploadDetailsReply { refused: Some(refusal::print(&no)) }),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn uploaded(hub: &Hub, caller: &Caller, mut requests: Requests) -> Result<(), Stop> {
    let first = next(&mut requests).await?.unwrap_or_default();
    let settlement = settled_stay(hub, &first.settlement).await?;
    from_care(caller, &settlement.claim.care)?;
    match read(&settlement.claim, first.lines, requests).await {
        Ok(lines) => take(hub, &settlement.id, lines).await,
        Err(Stop::Refused(no)) => {
            keep_refused(hub, &settlement.id, &no).await?;
            Err(Stop::Refused(no))
        }
        Err(failed) => Err(failed),
    }
}

async fn next(requests: &mut Requests) -> Result<Option<pb::UploadDetailsRequest>, Failure> {
    let next = requests.message().await;
    next.map_err(|status| Failure::Peer { peer: "care".into(), status: Box::new(status) })
}

/// The settlement of a stay, undone since or not.
async fn settled_stay(hub: &Hub, settlement: &str) -> Result<Settlement, Stop> {
    let id = id(SettlementId::parse, settlement, "settlement")?;
    let settlement = Book::load(&mut hub.node.store.begin(), &id).await?.ok_or_else(unknown_settlement)?.settlement;
    if settlement.kind == Kind::Settled && settlement.claim.service == Service::Stay {
        return Ok(settlement);
    }
    Err(Refusal::malformed("settlement", "应为住院结算", "the settlement of a stay").into())
}

/// Reads all lines of an upload; they add up to the claim.
async fn read(
    claim: &Claim,
    mut lines: Vec<pb::SplitLine>,
    mut requests: Requests,
) -> Result<Vec<pb::SplitLine>, Stop> {
    too_many(lines.len())?;
    while let Some(request) = next(&mut requests).await? {
        too_many(lines.len() + request.lines.len())?;
        lines.extend(request.lines);
    }
    let parsed = lines.iter().map(parse_split).collect::<Result<Vec<_>, Refusal>>()?;
    claim.check_details(&parsed)?;
    Ok(lines)
}

/// Keeps the lines, and that the stay is to be screened, in one commit.
async fn take(hub: &Hub, settlement: &SettlementId, lines: Vec<pb::SplitLine>) -> Result<(), Stop> {
    let all = pb::LineChunk { lines };
    let (key, digest) = (keys::details(settlement), digest(&all));
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = txn.record::<pb::DetailsRecord>(&key).await?.unwrap_or_default();
        if known.digest == digest {
            return Ok(());
        }
        if !known.digest.is_empty() {
            return Err(Refusal::new(Code::MessageReused, "one settlement, one set of detail lines", "lines").into());
        }
        for (number, lines) in (0..).zip(all.lines.chunks(limits::DETAILS_CHUNK)) {
            txn.keep(keys::detail_lines(settlement, number), &pb::LineChunk { lines: lines.to_vec() });
        }
        txn.keep(key.clone(), &pb::DetailsRecord { digest: digest.clone(), refused: None });
        txn.put(keys::to_screen(settlement), Vec::new());
        match commit(txn).await? {
            Committed::Yes => {
                hub.to_screen.notify_one();
                return Ok(());
            }
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

/// Keeps that an upload was refused, where none was taken, so that it shows to whoever looks at the lines.
async fn keep_refused(hub: &Hub, settlement: &SettlementId, no: &Refusal) -> Result<(), Failure> {
    let key = keys::details(settlement);
    let mut txn = hub.node.store.begin();
    let known = txn.record::<pb::DetailsRecord>(&key).await?.unwrap_or_default();
    if known.digest.is_empty() {
        txn.keep(key, &pb::DetailsRecord { refused: Some(refusal::print(no)), ..pb::DetailsRecord::default() });
        // A conflict means that another upload came to its end meanwhile.
        let _: Committed = commit(txn).await?;
    }
    Ok(())
}

/// The lines of a stay for those who look; a province sees those of its settlements.
pub(super) async fn look(
    hub: &Hub,
    request: &pb::DetailsRequest,
    own: Option<&RegionCode>,
) -> Result<pb::DetailsReply, Stop> {
    let settlement = settled_stay(hub, &request.settlement).await?;
    let claim = &settlement.claim;
    if own.is_some_and(|own| *own != claim.home.province() && *own != claim.care.province()) {
        let rule = "detail lines are for the two provinces of a settlement";
        return Err(Refusal::new(Code::NotYourRegion, rule, "settlement")
            .with("非本省参保或就医", "it is of two other provinces")
            .into());
    }
    let known = hub.node.store.begin().record::<pb::DetailsRecord>(&keys::details(&settlement.id)).await?;
    let known = known.unwrap_or_default();
    let lines = stored_lines(&hub.node.store, &keys::detail_lines_of(&settlement.id)).await?;
    Ok(pb::DetailsReply {
        lines: lines.iter().map(print_split).collect(),
        due: due(hub, &settlement).to_string(),
        last_refused: known.refused,
        refused: None,
    })
}

/// The last day on which the upload is in time.
fn due(hub: &Hub, settlement: &Settlement) -> Date {
    hub.node.parameters.rules.details.due(settlement.day())
}
