//! Settle at care (2207, 2304): the claim of a visit becomes an intent, then a record in the book.

use prost::Message;
use zhijie_domain::{
    proof,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::{
    Care,
    claim::{Claimed, claim_of},
    details,
    drive::{Begin, Plan, outside, run},
    pre_settle::terms,
    visits::{CareVisit, in_status, put, put_status},
};
use crate::{
    node::{Book, Failure, Key, Stop, answer_of},
    wire::{
        claim::{self, Header, parse_header},
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
    run(care, &header.home, &key, &request, &Settle { care, header: &header, request: &request }).await
}

impl Begin for Settle<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let mut visit = CareVisit::under(txn, &self.request.visit, self.header).await?;
        visit.must_be(pb::VisitStatus::Open, "an open visit is settled, and once")?;
        if visit.is_stay() && visit.document.to.is_empty() {
            return Err(Refusal::new(Code::VisitState, "a stay is settled after its discharge", "visit").into());
        }
        let lines = visit.lines(&self.care.node.store).await?;
        let claimed = claim_of(self.care, self.header, &visit, &lines, &terms(self.request)).await?;
        let before = visit.document.clone();
        visit.document.set_status(pb::VisitStatus::Busy);
        visit.keep(txn);
        Ok(intent(self.care, self.header, before, false, claimed))
    }
}

/// The intent to send the claim of a visit, signed. Where nothing comes of it the visit is as `before`, or, `at_once`,
/// never was.
pub(super) fn intent(care: &Care, header: &Header, before: pb::Visit, at_once: bool, mut claimed: Claimed) -> Plan {
    let signature = care.signatory.sign(|| proof::claim(Some(&header.message), &claimed.claim));
    claimed.request.header = Some(header.signed(signature));
    let intent = pb::Intent {
        act: pb::Act::Settle.into(),
        request: claimed.request.encode_to_vec().into(),
        before: Some(before),
        at_once,
        ..pb::Intent::default()
    };
    Plan::Send(Box::new(intent), Some(Box::new(claimed)))
}

/// What the answer means: a record in the book, or the visit as it was. The claim is read from the intent where it is not
/// at hand.
pub(super) async fn conclude(
    txn: &mut Txn,
    intent: &pb::Intent,
    claimed: Option<&Claimed>,
    answer: &pb::Answer,
) -> Result<(), Failure> {
    match &answer.outcome {
        Some(Outcome::Settlement(document)) => {
            let settled = settlement::parse(document).map_err(outside)?;
            let read;
            let claimed = match claimed {
                Some(claimed) => claimed,
                None => {
                    read = sent(intent)?;
                    &read
                }
            };
            let header = parse_header(claimed.request.header.as_ref()).map_err(outside)?;
            if !settled.answers(&claimed.claim, header.signature) {
                return Err(outside("a settlement answers the claim it was sent"));
            }
            Book::add(txn, &settled, None).await?;
            details::keep(txn, &settled);
            if intent.at_once {
                return keep_new(txn, intent, &claimed.request, pb::VisitStatus::Settled, settled.id.as_str());
            }
            put_status(txn, intent, pb::VisitStatus::Settled, settled.id.as_str()).await
        }
        Some(Outcome::Refused(_)) if intent.at_once => Ok(()),
        Some(Outcome::Refused(_)) => put(txn, intent, intent.before.clone().unwrap_or_default()).await,
        _ => Err(outside("a claim is answered by a settlement or a refusal")),
    }
}

/// The claim that an intent sends.
pub(super) fn sent(intent: &pb::Intent) -> Result<Claimed, Failure> {
    let request = pb::ClaimRequest::decode(intent.request.clone()).map_err(outside)?;
    let claim = request.claim.as_ref().map(claim::parse).transpose().map_err(outside)?;
    Ok(Claimed { claim: claim.ok_or_else(|| outside("an intent to settle sends a claim"))?, request })
}

/// Keeps the visit that was settled at once, with its lines.
pub(super) fn keep_new(
    txn: &mut Txn,
    intent: &pb::Intent,
    request: &pb::ClaimRequest,
    status: pb::VisitStatus,
    settlement: &str,
) -> Result<(), Failure> {
    let document = in_status(intent, status, settlement);
    let claim = request.claim.as_ref().ok_or_else(|| outside("an intent to settle sends a claim"))?;
    CareVisit::new(document).map_err(outside)?.keep_whole(txn, claim);
    Ok(())
}
