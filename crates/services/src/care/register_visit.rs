//! Registering a visit (2201, 2401): care gives the visit its id, home answers whether it may be.

use prost::Message;
use zhijie_domain::claim::Service;
use zhijie_store::Txn;

use super::{
    Care,
    drive::{Begin, Plan, outside, run},
    visits::{CareVisit, new_document, put, put_status},
};
use crate::{
    node::{Failure, Key, Stop, answer_of},
    wire::{
        claim::{Header, print_header},
        codes, date,
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
    run(care, &header.home, &key, &request, &Register { care, header: &header, request: &request }).await
}

impl Begin for Register<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let (care, request) = (self.care, self.request);
        codes::parse::<Service>(request.service, "service")?;
        care.has_come(date(&request.from, "from")?)?;
        let document = new_document(care, self.header, request, pb::VisitStatus::Registering)?;
        let visit = CareVisit::new(document.clone())?;
        visit.keep(txn);
        let sent = pb::RegisterRequest { header: Some(print_header(self.header)), visit: Some(document.clone()) };
        let intent = pb::Intent {
            act: pb::Act::Register.into(),
            request: sent.encode_to_vec().into(),
            before: Some(document),
            ..pb::Intent::default()
        };
        Ok(Plan::Send(Box::new(intent), None))
    }
}

/// What the answer means: the visit is open, or it never was.
pub(super) async fn conclude(txn: &mut Txn, intent: &pb::Intent, answer: &pb::Answer) -> Result<(), Failure> {
    match &answer.outcome {
        Some(Outcome::Visit(registered)) => put(txn, intent, (**registered).clone()).await,
        Some(Outcome::Refused(_)) => put_status(txn, intent, pb::VisitStatus::Withdrawn, "").await,
        _ => Err(outside("a registration is answered by a visit or a refusal")),
    }
}
