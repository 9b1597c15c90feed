//! Registering a visit (2201, 2401): care gives the visit its id, home answers whether it may be.

use prost::Message;
use zhijie_domain::{ids::PersonId, refusal::Refusal};
use zhijie_store::Txn;

use super::{
    Care,
    drive::{Begin, Plan, outside, run},
    visits::CareVisit,
};
use crate::{
    node::{Failure, Key, Stop, answer_of, digest},
    wire::{
        claim::{Header, print_header},
        codes, date, id,
        pb::{self, answer::Outcome},
    },
};

struct Register<'a> {
    care: &'a Care,
    header: &'a Header,
    request: &'a pb::RegisterVisitRequest,
}

pub(super) async fn register_visit(care: &Care, request: pb::RegisterVisitRequest) -> Result<pb::Answer, Failure> {
    let header = match care.header(request.header.as_ref()) {
        Ok(header) => header,
        Err(refusal) => return answer_of(Err(refusal.into())),
    };
    let key = Key::new(&header.institution, pb::Act::Register, &header.message);
    run(care, &key, &digest(&request), &Register { care, header: &header, request: &request }).await
}

impl Begin for Register<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let (care, request) = (self.care, self.request);
        let service = codes::parse(request.service, "service")?;
        care.opened(self.header, service, date(&request.from, "from")?)?;
        let person = id(PersonId::parse, &request.person, "person")?;
        let document = pb::Visit {
            id: care.node.new_id(),
            person: person.to_string(),
            home: self.header.home.to_string(),
            scheme: request.scheme,
            institution: self.header.institution.to_string(),
            service: request.service,
            emergency: request.emergency,
            from: request.from.clone(),
            status: pb::VisitStatus::Registering.into(),
            ..pb::Visit::default()
        };
        let visit = CareVisit::new(document.clone())?;
        visit.keep(txn);
        let sent = pb::RegisterRequest { header: Some(print_header(self.header)), visit: Some(document.clone()) };
        Ok(Plan::Send(pb::Intent {
            act: pb::Act::Register.into(),
            request: sent.encode_to_vec(),
            before: Some(document),
            ..pb::Intent::default()
        }))
    }
}

/// What the answer means: the visit is open, or it never was.
pub(super) async fn conclude(txn: &mut Txn, intent: &pb::Intent, answer: &pb::Answer) -> Result<(), Failure> {
    match &answer.outcome {
        Some(Outcome::Visit(registered)) => put(txn, intent, registered.clone()).await,
        Some(Outcome::Refused(_)) => put_status(txn, intent, pb::VisitStatus::Withdrawn, "").await,
        _ => Err(outside("a registration is answered by a visit or a refusal")),
    }
}

/// Puts the visit of an intent back as it was before, in a given status.
pub(super) async fn put_status(
    txn: &mut Txn,
    intent: &pb::Intent,
    status: pb::VisitStatus,
    settlement: &str,
) -> Result<(), Failure> {
    let before = intent.before.clone().unwrap_or_default();
    let document = pb::Visit { status: status.into(), settlement: settlement.to_owned(), ..before };
    put(txn, intent, document).await
}

/// Puts a document in the place of an intent's visit.
pub(super) async fn put(txn: &mut Txn, intent: &pb::Intent, document: pb::Visit) -> Result<(), Failure> {
    let before = intent.before.as_ref().map(|before| before.id.as_str()).unwrap_or_default();
    let named = |refusal: Refusal| outside(refusal);
    let visit_id = id(zhijie_domain::ids::VisitId::parse, before, "visit").map_err(named)?;
    if document.id != before {
        return Err(outside("an answer about another visit"));
    }
    if let Some(mut visit) = CareVisit::find(txn, &visit_id).await? {
        visit.document = document;
        visit.keep(txn);
    }
    Ok(())
}
