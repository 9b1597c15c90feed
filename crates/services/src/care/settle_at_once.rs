//! One call for outpatient, chronic and pharmacy visits (2102): registered, split and settled in one message.

use zhijie_domain::{claim::Service, refusal::Refusal};
use zhijie_store::Txn;

use super::{
    Care,
    claim::{Terms, claim_of},
    drive::{Begin, Plan, run},
    lines::split_all,
    settle::intent,
    visits::{CareVisit, new_document},
};
use crate::{
    node::{Failure, Key, Stop, answer_of},
    wire::{
        claim::{Header, parse_lines},
        codes, pb,
    },
};

struct AtOnce<'a> {
    care: &'a Care,
    header: &'a Header,
    request: &'a pb::SettleAtOnceRequest,
}

pub(super) async fn settle_at_once(care: &Care, request: pb::SettleAtOnceRequest) -> Result<pb::Answer, Failure> {
    let header = match care.header(request.header.as_ref()) {
        Ok(header) => header,
        Err(refusal) => return answer_of(Err(refusal.into())),
    };
    let key = Key::new(&header.institution, pb::Act::Settle, &header.message);
    run(care, &header.home, &key, &request, &AtOnce { care, header: &header, request: &request }).await
}

impl Begin for AtOnce<'_> {
    async fn plan(&self, _: &mut Txn) -> Result<Plan, Stop> {
        let (care, asked) = (self.care, self.request);
        if codes::parse::<Service>(asked.service, "service")? == Service::Stay {
            return Err(Refusal::malformed(
                "service",
                "住院须登记、出院后结算",
                "not a stay: it is registered, discharged and settled",
            )
            .into());
        }
        let lines = split_all(parse_lines(&asked.lines)?, care.catalogue()?)?;
        let registered = pb::RegisterVisitRequest {
            header: None,
            person: asked.person.clone(),
            scheme: asked.scheme,
            service: asked.service,
            emergency: asked.emergency,
            from: asked.from.clone(),
        };
        let document = new_document(care, self.header, &registered, pb::VisitStatus::Open)?;
        let visit = CareVisit::new(document.clone())?;
        let terms = Terms {
            disease: &asked.disease,
            injury: asked.injury,
            third_party: asked.third_party,
            account_use: asked.account_use,
            declared: asked.declared.as_ref(),
        };
        let claimed = claim_of(care, self.header, &visit, &lines, &terms).await?;
        Ok(intent(care, self.header, document, true, claimed))
    }
}
