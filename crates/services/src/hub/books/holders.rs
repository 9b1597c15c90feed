//! What a book holds of a record, asked of its owner: the settlement whole, and the negative record that undid it.

use zhijie_domain::{
    ids::SettlementId,
    settlement::{Kind, Settlement},
};
use zhijie_store::Txn;

use super::{
    super::{Hub, keep, relay::mark},
    peers::Owner,
};
use crate::{
    node::{Failure, Records, Stop, Undone, call, keys, limits, parse_undone},
    wire::{
        pb::{self, answer::Outcome, find_request::By},
        settlement,
    },
};

/// A settlement, and what undid it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Booking {
    pub(super) settlement: Settlement,
    pub(super) record: Option<Settlement>,
}

/// What a book holds of a record; of a negative record it is the settlement with it.
pub(super) async fn ask(hub: &Hub, owner: &Owner, id: &SettlementId) -> Result<Option<Booking>, Failure> {
    match find(hub, owner, id).await? {
        Some(Booking { settlement, .. }) if settlement.kind != Kind::Settled => match &settlement.undoes {
            Some(undone) => find(hub, owner, undone).await,
            None => Ok(None),
        },
        found => Ok(found),
    }
}

async fn find(hub: &Hub, owner: &Owner, id: &SettlementId) -> Result<Option<Booking>, Failure> {
    let request = pb::FindRequest { by: Some(By::Settlement(id.to_string())) };
    let deadline = limits::CALL_DEADLINE_MS;
    let answer = match owner {
        Owner::Hub => hub.book.find(&request).await?,
        Owner::Care(region) => match hub.cares.get(region).cloned() {
            Some(mut care) => call("care", deadline, care.find(request)).await?,
            None => return Ok(None),
        },
        Owner::Home(region) => match hub.homes.get(region).cloned() {
            Some(mut home) => call("home", deadline, home.find(request)).await?,
            None => return Ok(None),
        },
    };
    let outside = |what: String| Failure::Protocol { peer: "region".into(), what };
    match &answer.outcome {
        Some(Outcome::Settlement(document)) => {
            let settlement = settlement::parse(document).map_err(|refusal| outside(refusal.to_string()))?;
            Ok(Some(Booking { settlement, record: None }))
        }
        Some(Outcome::Reversal(reversal)) => {
            let undone = parse_undone(reversal).map_err(|refusal| outside(refusal.to_string()))?;
            Ok(undone.map(|Undone { settlement, record }| Booking { settlement, record: Some(record) }))
        }
        Some(Outcome::Refused(no)) if no.code() == pb::RefusalCode::E703SettlementUnknown => Ok(None),
        _ => Err(outside("a settlement is found, with what undid it, or it is not known".into())),
    }
}

impl Booking {
    /// Takes it into the hub's book. A visit that the hub knows is settled or open accordingly, unless another
    /// settlement settles it.
    pub(super) async fn adopt(&self, hub: &Hub, txn: &mut Txn) -> Result<(), Stop> {
        let (settlement, visit) = (&self.settlement, &self.settlement.claim.visit);
        let home = &settlement.claim.home;
        let known = txn.record::<pb::Visit>(&keys::visit(visit)).await?.unwrap_or_default();
        let settled_by_this = known.settlement == settlement.id.as_str();
        match &self.record {
            Some(record) => {
                keep::undone(hub, txn, &Undone::of(settlement.clone(), record.clone())?).await?;
                if settled_by_this {
                    mark(txn, visit, home, pb::VisitStatus::Open, "").await?;
                }
            }
            None => {
                keep::settlement(hub, txn, settlement).await?;
                if known.status() == pb::VisitStatus::Open {
                    mark(txn, visit, home, pb::VisitStatus::Settled, settlement.id.as_str()).await?;
                }
            }
        }
        Ok(())
    }

    /// The booking as the documents of a request to care.
    pub(super) fn request(&self, ask_only: bool) -> pb::AdoptRequest {
        pb::AdoptRequest {
            settlement: Some(settlement::print(&self.settlement)),
            record: self.record.as_ref().map(settlement::print),
            ask_only,
        }
    }
}
