//! Visits as care keeps them: the document, the bill so far, and the lines in chunks, one for each upload.

use zhijie_domain::{
    claim::Service,
    ids::{PersonId, VisitId},
    refusal::{Code, Refusal},
    split::{Parts, SplitLine},
    visit::Registration,
};
use zhijie_store::{Store, Txn};

use super::{Care, drive::outside};
use crate::{
    node::{Caller, Failure, Records, Stop, keys, stored, stored_lines},
    wire::{
        claim::{Header, parse_parts, print_parts, print_split},
        id, pb, required,
        visit::parse_registration,
    },
};

/// A visit at care.
pub(super) struct CareVisit {
    pub(super) id: VisitId,
    /// The visit as hospitals see it.
    pub(super) document: pb::Visit,
    pub(super) registration: Registration,
    pub(super) bill: Parts,
    pub(super) lines: usize,
    next_chunk: u32,
}

impl CareVisit {
    /// A visit without lines.
    pub(super) fn new(document: pb::Visit) -> Result<CareVisit, Refusal> {
        let registration = parse_registration(&document)?;
        let id = registration.visit.clone();
        Ok(CareVisit { id, document, registration, bill: Parts::default(), lines: 0, next_chunk: 0 })
    }

    /// Reads the visit that a request names.
    pub(super) async fn named(txn: &mut Txn, visit: &str) -> Result<CareVisit, Stop> {
        let id = id(VisitId::parse, visit, "visit")?;
        Ok(CareVisit::find(txn, &id)
            .await?
            .ok_or_else(|| Refusal::new(Code::VisitUnknown, "visits of this region", "visit"))?)
    }

    /// Reads a visit, where there is one.
    pub(super) async fn find(txn: &mut Txn, id: &VisitId) -> Result<Option<CareVisit>, Failure> {
        let key = keys::visit(id);
        let Some(record) = txn.record::<pb::CareVisit>(&key).await? else { return Ok(None) };
        stored(parse(&record), &key).map(Some)
    }

    /// Keeps the visit.
    pub(super) fn keep(&self, txn: &mut Txn) {
        let record = pb::CareVisit {
            visit: Some(self.document.clone()),
            lines: u32::try_from(self.lines).unwrap_or(u32::MAX),
            bill: Some(print_parts(&self.bill)),
            next_chunk: self.next_chunk,
        };
        txn.keep(keys::visit(&self.id), &record);
    }

    /// Reads the visit that a message names, which is of its institution and home.
    pub(super) async fn under(txn: &mut Txn, visit: &str, header: &Header) -> Result<CareVisit, Stop> {
        let visit = CareVisit::named(txn, visit).await?;
        let registration = &visit.registration;
        if registration.institution != header.institution || registration.home != header.home {
            return Err(Refusal::new(Code::VisitUnknown, "a visit belongs to its institution and home", "visit").into());
        }
        Ok(visit)
    }

    /// Refuses a caller whose visit it is not.
    pub(super) fn is_of(&self, caller: &Caller) -> Result<(), Refusal> {
        caller.is_institution(self.registration.institution.as_str(), "visit")
    }

    /// Refuses a visit that is not open.
    pub(super) fn must_be(&self, status: pb::VisitStatus, what: &str) -> Result<(), Refusal> {
        if self.document.status() == status {
            return Ok(());
        }
        let (zh, en) = match self.document.status() {
            pb::VisitStatus::Registering => ("正在登记", "being registered"),
            pb::VisitStatus::Open => ("未结算", "open"),
            pb::VisitStatus::Busy => ("业务处理中", "busy with another act"),
            pb::VisitStatus::Settled => ("已结算", "settled"),
            pb::VisitStatus::Withdrawn => ("已撤销登记", "withdrawn"),
            pb::VisitStatus::Unspecified => ("未知", "unknown"),
        };
        Err(Refusal::new(Code::VisitState, what, "visit").with(format!("当前{zh}"), format!("it is {en}")))
    }

    /// True for a stay.
    pub(super) fn is_stay(&self) -> bool {
        self.registration.service == Service::Stay
    }

    /// Keeps the visit with the whole bill of its claim.
    pub(super) fn keep_whole(&self, txn: &mut Txn, claim: &pb::Claim) {
        let chunk = pb::LineChunk { lines: claim.lines.clone() };
        let record = pb::CareVisit {
            visit: Some(self.document.clone()),
            lines: u32::try_from(claim.lines.len()).unwrap_or(u32::MAX),
            bill: claim.parts,
            next_chunk: 1,
        };
        txn.keep(keys::lines(&self.id, 0), &chunk);
        txn.keep(keys::visit(&self.id), &record);
    }

    /// Adds the lines of one upload.
    pub(super) fn add(&mut self, txn: &mut Txn, lines: &[SplitLine]) -> Result<(), Refusal> {
        for line in lines {
            self.bill = self.bill.plus(&line.parts)?;
        }
        self.lines += lines.len();
        let chunk = pb::LineChunk { lines: lines.iter().map(print_split).collect() };
        txn.keep(keys::lines(&self.id, self.next_chunk), &chunk);
        self.next_chunk += 1;
        self.keep(txn);
        Ok(())
    }

    /// Puts other lines in the place of all.
    pub(super) fn replace(&mut self, txn: &mut Txn, lines: &[SplitLine]) -> Result<(), Refusal> {
        self.clear(txn);
        self.add(txn, lines)
    }

    fn clear(&mut self, txn: &mut Txn) {
        for chunk in 0..self.next_chunk {
            txn.delete(keys::lines(&self.id, chunk));
        }
        (self.bill, self.lines, self.next_chunk) = (Parts::default(), 0, 0);
    }

    /// The lines, in the order they came. The visit's own record, read in the transaction, guards them.
    pub(super) async fn lines(&self, store: &Store) -> Result<Vec<SplitLine>, Failure> {
        stored_lines(store, &keys::lines_of(&self.id)).await
    }
}

fn parse(record: &pb::CareVisit) -> Result<CareVisit, Refusal> {
    let document = required(record.visit.clone(), "visit")?;
    let registration = parse_registration(&document)?;
    Ok(CareVisit {
        id: registration.visit.clone(),
        document,
        registration,
        bill: parse_parts(record.bill.as_ref(), "bill")?,
        lines: record.lines as usize,
        next_chunk: record.next_chunk,
    })
}

/// The document of a visit that a hospital asks for, under a new id.
pub(super) fn new_document(
    care: &Care,
    header: &Header,
    request: &pb::RegisterVisitRequest,
    status: pb::VisitStatus,
) -> Result<pb::Visit, Refusal> {
    Ok(pb::Visit {
        id: care.node.new_id(),
        person: id(PersonId::parse, &request.person, "person")?.as_str().to_owned(),
        home: header.home.to_string(),
        scheme: request.scheme,
        institution: header.institution.to_string(),
        service: request.service,
        emergency: request.emergency,
        from: request.from.clone(),
        status: status.into(),
        ..pb::Visit::default()
    })
}

/// The visit of an intent as it was before, in a given status.
pub(super) fn in_status(intent: &pb::Intent, status: pb::VisitStatus, settlement: &str) -> pb::Visit {
    let before = intent.before.clone().unwrap_or_default();
    pb::Visit { status: status.into(), settlement: settlement.to_owned(), ..before }
}

/// Puts the visit of an intent back as it was before, in a given status.
pub(super) async fn put_status(
    txn: &mut Txn,
    intent: &pb::Intent,
    status: pb::VisitStatus,
    settlement: &str,
) -> Result<(), Failure> {
    put(txn, intent, in_status(intent, status, settlement)).await
}

/// Puts a document in the place of an intent's visit.
pub(super) async fn put(txn: &mut Txn, intent: &pb::Intent, document: pb::Visit) -> Result<(), Failure> {
    let before = intent.before.as_ref().map(|before| before.id.as_str()).unwrap_or_default();
    let visit_id = id(VisitId::parse, before, "visit").map_err(outside)?;
    if document.id != before {
        return Err(outside("an answer about another visit"));
    }
    if let Some(mut visit) = CareVisit::find(txn, &visit_id).await? {
        visit.document = document;
        if visit.document.status() == pb::VisitStatus::Withdrawn {
            visit.clear(txn);
        }
        visit.keep(txn);
    }
    Ok(())
}
