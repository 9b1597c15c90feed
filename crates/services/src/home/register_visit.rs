//! Registering a visit at home (2201, 2401): is the person insured, is no other stay open, and which filing covers it.

use zhijie_domain::{
    claim::Service,
    filing::cover,
    refusal::{Code, Refusal},
    visit::{Registration, Visit, VisitStatus, admit},
};
use zhijie_store::Txn;

use super::{Home, member::Member};
use crate::{
    node::{Act, Failure, Key, Records, Stop, answer_once, digest, keys},
    wire::{
        self,
        claim::parse_header,
        pb::{self, answer::Outcome},
        required, visit,
    },
};

struct Register<'a> {
    home: &'a Home,
    registration: Registration,
}

pub(super) async fn register_visit(home: &Home, request: pb::RegisterRequest) -> Result<pb::Answer, Failure> {
    let parsed = parse_header(request.header.as_ref()).and_then(|header| {
        home.serves(&header.home, "header.home")?;
        Ok((header, visit::parse_registration(required(request.visit.as_ref(), "visit")?)?))
    });
    match parsed {
        Ok((header, registration)) => {
            let key = Key::new(&header.institution, pb::Act::Register, &header.message);
            answer_once(&home.node.store, &key, &digest(&request), &Register { home, registration }).await
        }
        Err(refusal) => Ok(wire::refused(&refusal)),
    }
}

impl Act for Register<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let registration = &self.registration;
        let mut member = Member::load(txn, &registration.person).await?;
        member.insured_as(&registration.home, registration.scheme, registration.from)?;
        admit(member.open_stay.as_ref(), registration)?;
        let key = keys::visit(&registration.visit);
        if txn.get(&key).await?.is_some() {
            return Err(Refusal::new(Code::VisitState, "a visit is registered once", "visit.id").into());
        }
        let place = registration.institution.division();
        let snapshot = cover(&member.filings, &place, registration.from, registration.emergency);
        let patient = Some(member.person.patient());
        let visit = Visit { registration: registration.clone(), snapshot, patient, status: VisitStatus::Open };
        let document = visit::print(&visit);
        txn.keep(key, &document);
        if registration.service == Service::Stay {
            member.open_stay = Some(registration.visit.clone());
            member.keep(txn);
        }
        let person = &registration.person;
        tracing::debug!(visit = %registration.visit, person = self.home.node.token(person), region = %self.home.region, "registered");
        Ok(wire::answer(Outcome::Visit(document.into())))
    }
}
