//! Cancel at care (2208, 2305): a known settlement is undone by home; the visit is open again.

use prost::Message;
use zhijie_domain::{
    claim::Claim,
    ids::SettlementId,
    proof::{Named, Undo},
};
use zhijie_store::Txn;

use super::{
    Care, details,
    drive::{Begin, Plan, outside, run},
    visits::{CareVisit, put, put_status},
};
use crate::{
    node::{Book, Failure, Key, Stop, Undone, answer_of, unknown_settlement},
    wire::{
        claim::Header,
        id,
        pb::{self, answer::Outcome},
        settlement,
    },
};

struct Cancel<'a> {
    care: &'a Care,
    header: &'a Header,
    request: &'a pb::CancelRequest,
}

pub(super) async fn cancel(care: &Care, request: pb::CancelRequest) -> Result<pb::Answer, Failure> {
    let header = match care.header(request.header.as_ref()) {
        Ok(header) => header,
        Err(refusal) => return answer_of(Err(refusal.into())),
    };
    let key = Key::new(&header.institution, pb::Act::Cancel, &header.message);
    run(care, &header.home, &key, &request, &Cancel { care, header: &header, request: &request }).await
}

impl Begin for Cancel<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let settlement = id(SettlementId::parse, &self.request.settlement, "settlement")?;
        let booked = Book::load(txn, &settlement).await?.ok_or_else(unknown_settlement)?;
        if booked.settlement.claim.institution != self.header.institution {
            return Err(unknown_settlement().into());
        }
        let mut visit = CareVisit::named(txn, booked.settlement.claim.visit.as_str()).await?;
        // Whether it may be cancelled, and again, is home's to say; only an act under way stands in the way here.
        let before = visit.document.clone();
        if before.status() == pb::VisitStatus::Busy {
            visit.must_be(pb::VisitStatus::Settled, "one act on a visit at a time")?;
        }
        visit.document.set_status(pb::VisitStatus::Busy);
        visit.keep(txn);
        let Claim { visit, person, home, institution, .. } = &booked.settlement.claim;
        let undo = Undo { named: Named::Settlement(&settlement), visit, person, home, institution };
        let header = self.header.signed(self.care.signatory.sign(|| undo.statement()));
        let request = pb::CancelRequest { header: Some(header), ..self.request.clone() };
        let intent = pb::Intent {
            act: pb::Act::Cancel.into(),
            request: request.encode_to_vec().into(),
            before: Some(before),
            ..pb::Intent::default()
        };
        Ok(Plan::Send(Box::new(intent), None))
    }
}

/// What the answer means: a negative record and an open visit, or the visit as it was.
pub(super) async fn conclude(txn: &mut Txn, intent: &pb::Intent, answer: &pb::Answer) -> Result<(), Failure> {
    match &answer.outcome {
        Some(Outcome::Settlement(document)) => {
            let record = settlement::parse(document).map_err(outside)?;
            let request = pb::CancelRequest::decode(intent.request.clone()).map_err(outside)?;
            let original = record.undoes.clone().filter(|original| original.as_str() == request.settlement);
            let original = original.ok_or_else(|| outside("a negative record undoes the settlement that was named"))?;
            let booked =
                Book::load(txn, &original).await?.ok_or_else(|| outside("it undoes a settlement of this book"))?;
            Book::add_undone(txn, &Undone::of(booked.settlement, record).map_err(outside)?).await?;
            details::forget(txn, &original);
            put_status(txn, intent, pb::VisitStatus::Open, "").await
        }
        Some(Outcome::Refused(_)) => put(txn, intent, intent.before.clone().unwrap_or_default()).await,
        _ => Err(outside("a cancel is answered by a negative record or a refusal")),
    }
}
