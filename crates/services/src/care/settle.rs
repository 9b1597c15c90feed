//! Settle at care (2207, 2304): the claim of a visit becomes an intent, then a record in the book.

use prost::Message;
use zhijie_domain::{
    claim::Claim,
    refusal::{Code, Refusal},
    settlement::Kind,
};
use zhijie_store::Txn;

use super::{
    Care,
    claim::claim_of,
    details,
    drive::{Begin, Plan, outside, run},
    pre_settle::terms,
    visits::{CareVisit, put, put_status},
};
use crate::{
    node::{Book, Failure, Key, Stop, answer_of, digest},
    wire::{
        claim::{self, Header},
        pb::{self, answer::Outcome},
        settlement,
    },
};

struct Settle<'a> {
    care: &'a Care,
    header: &'a Header,
    request: &'a pb::SettleRequest,
}

pub(super) async fn settle(care: &Care, request: pb::SettleRequest) -> Result<pb::Answer, Failure> {
    let header = match care.header(request.header.as_ref()) {
        Ok(header) => header,
        Err(refusal) => return answer_of(Err(refusal.into())),
    };
    let key = Key::new(&header.institution, pb::Act::Settle, &header.message);
    run(care, &key, &digest(&request), &Settle { care, header: &header, request: &request }).await
}

impl Begin for Settle<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let mut visit = CareVisit::named(txn, &self.request.visit).await?;
        visit.must_be(pb::VisitStatus::Open, "an open visit is settled, and once")?;
        if visit.is_stay() && visit.document.to.is_empty() {
            return Err(Refusal::new(Code::VisitState, "a stay is settled after its discharge", "visit").into());
        }
        let lines = visit.lines(&self.care.node.store).await?;
        let (claim, request) = claim_of(self.care, self.header, &visit, &lines, &terms(self.request)).await?;
        let before = visit.document.clone();
        Ok(intent(txn, &mut visit, claim, &request, before))
    }
}

/// The intent to send a claim; it holds the visit busy. Where nothing comes of it the visit is as `before`.
pub(super) fn intent(
    txn: &mut Txn,
    visit: &mut CareVisit,
    claim: Claim,
    request: &pb::ClaimRequest,
    before: pb::Visit,
) -> Plan {
    visit.document.set_status(pb::VisitStatus::Busy);
    visit.keep(txn);
    let intent = pb::Intent {
        act: pb::Act::Settle.into(),
        request: request.encode_to_vec().into(),
        before: Some(before),
        ..pb::Intent::default()
    };
    Plan::Send(Box::new(intent), Some(Box::new(claim)))
}

/// What the answer means: a record in the book, or the visit as it was. The claim is read from the intent where it is not
/// at hand.
pub(super) async fn conclude(
    txn: &mut Txn,
    intent: &pb::Intent,
    claim: Option<&Claim>,
    answer: &pb::Answer,
) -> Result<(), Failure> {
    match &answer.outcome {
        Some(Outcome::Settlement(document)) => {
            let settled = settlement::parse(document).map_err(outside)?;
            let is_the_claim = match claim {
                Some(claim) => settled.claim == *claim,
                None => {
                    let sent = pb::ClaimRequest::decode(intent.request.clone()).map_err(outside)?;
                    settled.claim == claim::parse(&sent.claim.unwrap_or_default()).map_err(outside)?
                }
            };
            if !is_the_claim || settled.kind != Kind::Settled {
                return Err(outside("a settlement answers the claim it was sent"));
            }
            Book::add(txn, &settled, None).await?;
            details::keep(txn, &settled);
            put_status(txn, intent, pb::VisitStatus::Settled, settled.id.as_str()).await
        }
        Some(Outcome::Refused(_)) => put(txn, intent, intent.before.clone().unwrap_or_default()).await,
        _ => Err(outside("a claim is answered by a settlement or a refusal")),
    }
}
