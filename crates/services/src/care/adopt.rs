//! Adopting a record that hub and home hold (补记): the cure of a difference. Only the hub asks for it, and care agrees
//! only to a settlement of a visit of its own on which no act is under way: such an act it drives to its end itself.

use zhijie_domain::{
    refusal::{Code, Refusal},
    settlement::{Kind, Settlement},
};
use zhijie_store::Txn;

use super::{Care, details, visits::CareVisit};
use crate::{
    node::{Book, Committed, Failure, Stop, Undone, commit, limits},
    wire::{pb, refusal, required, settlement},
};

struct Adopted {
    settlement: Settlement,
    record: Option<Settlement>,
    ask_only: bool,
}

pub(super) async fn adopt(care: &Care, request: pb::AdoptRequest) -> Result<pb::AdoptReply, Failure> {
    match adopted(care, request).await {
        Ok(()) => Ok(pb::AdoptReply::default()),
        Err(Stop::Refused(no)) => Ok(pb::AdoptReply { refused: Some(refusal::print(&no)) }),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn adopted(care: &Care, request: pb::AdoptRequest) -> Result<(), Stop> {
    let settled = settlement::parse(required(request.settlement.as_ref(), "settlement")?)?;
    let record = request.record.as_ref().map(settlement::parse).transpose()?;
    if settled.kind != Kind::Settled {
        return Err(Refusal::malformed("settlement.kind", "应为结算记录", "a settlement").into());
    }
    care.serves(&settled.claim.care, "settlement.claim.care")?;
    let adopted = Adopted { settlement: settled, record, ask_only: request.ask_only };
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        adopted.decide(&mut txn).await?;
        if adopted.ask_only {
            return Ok(());
        }
        match commit(txn).await? {
            Committed::Yes => return Ok(()),
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

impl Adopted {
    async fn decide(&self, txn: &mut Txn) -> Result<(), Stop> {
        let (settlement, id) = (&self.settlement, self.settlement.id.as_str());
        let unknown = || {
            let en = "no such visit, or it is being settled at once";
            Refusal::new(Code::VisitUnknown, "visits of this region", "visit").with("无此就诊，或一次办结尚未完成", en)
        };
        let mut visit = CareVisit::find(txn, &settlement.claim.visit).await?.ok_or_else(unknown)?;
        self.is_of(&visit)?;
        if matches!(visit.document.status(), pb::VisitStatus::Busy | pb::VisitStatus::Registering) {
            return Err(Refusal::new(Code::VisitState, "one act on a visit at a time", "visit").into());
        }
        if let Some(booked) = Book::load(txn, &settlement.id).await? {
            let undone_by = booked.record.undone_by.as_str();
            let by_other = !undone_by.is_empty() && self.record.as_ref().is_none_or(|r| r.id.as_str() != undone_by);
            if booked.settlement != *settlement || (by_other && !self.ask_only) {
                return Err(Refusal::malformed("settlement", "须与本账一致", "what this book holds").into());
            }
        }
        if self.ask_only {
            return Ok(());
        }
        let settled_by = visit.document.settlement.clone();
        match &self.record {
            Some(record) => {
                Book::add_undone(txn, &Undone::of(settlement.clone(), record.clone())?).await?;
                details::forget(txn, &settlement.id);
                if visit.document.status() == pb::VisitStatus::Settled && settled_by == id {
                    visit.document.set_status(pb::VisitStatus::Open);
                    visit.document.settlement.clear();
                }
            }
            None => {
                if visit.document.status() != pb::VisitStatus::Settled || settled_by != id {
                    visit.must_be(pb::VisitStatus::Open, "a visit is settled once")?;
                }
                Book::add(txn, settlement, None).await?;
                details::keep(txn, settlement);
                visit.document.set_status(pb::VisitStatus::Settled);
                id.clone_into(&mut visit.document.settlement);
            }
        }
        visit.keep(txn);
        Ok(())
    }

    /// Refuses a settlement that is not of the visit as this region registered it.
    fn is_of(&self, visit: &CareVisit) -> Result<(), Refusal> {
        let (claim, registered) = (&self.settlement.claim, &visit.registration);
        let same = [
            ("person", claim.person == registered.person),
            ("home", claim.home == registered.home),
            ("institution", claim.institution == registered.institution),
            ("scheme", claim.scheme == registered.scheme),
            ("service", claim.service == registered.service),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => {
                let field = format!("settlement.claim.{field}");
                Err(Refusal::malformed(&field, "须与就诊登记一致", "that of the visit"))
            }
            None => Ok(()),
        }
    }
}
