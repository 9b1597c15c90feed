//! Settle at home (结算; 2207, 2304): computes, books accumulators and purse, and makes the record of the three books.

use zhijie_domain::{
    calendar::Moment,
    claim::{Claim, Service},
    ids::SettlementId,
    settlement::Settlement,
    signature::Proof,
    visit::{Registration, Visit, VisitStatus},
};
use zhijie_store::Txn;

use super::{
    Home,
    judge::{Judged, Sent, judge},
    pre_settle::parse,
};
use crate::{
    node::{Act, Book, Failure, Key, Records, Stop, answer_of, answer_once, digest, keys},
    wire::{
        self,
        pb::{self, answer::Outcome},
        settlement, visit,
    },
};

struct Settle<'a> {
    home: &'a Home,
    sent: Sent,
    /// What care signed.
    proof: Proof,
}

pub(super) async fn settle(home: &Home, mut request: pb::ClaimRequest) -> Result<pb::Answer, Failure> {
    match parse(home, &request).await {
        Ok((header, sent)) => {
            // The message is the same by whatever version the hub judges it again; the first decides.
            request.listed = None;
            let proof = Proof { message: Some(header.message.clone()), care: header.signature, home: None };
            let key = Key::new(&header.institution, pb::Act::Settle, &header.message);
            answer_once(&home.node.store, &key, &digest(&request), &Settle { home, sent, proof }).await
        }
        Err(stop) => answer_of(Err(stop)),
    }
}

impl Act for Settle<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let (home, claim) = (self.home, &self.sent.claim);
        // Care's clock may be ahead over midnight: no record is of a day before its claim.
        let at = home.node.now().max(Moment::start_of(claim.to));
        let Judged { mut member, visit, computation } = judge(home, txn, &self.sent, at).await?;
        let id = SettlementId::parse(&home.node.new_id()).map_err(zhijie_domain::refusal::Refusal::from)?;
        let booked = Settlement::booked(id, claim.clone(), computation, at);
        let settlement = home.signatory.signed(Settlement { proof: self.proof.clone(), ..booked });
        let document = settlement::print(&settlement);
        Book::enter(txn, &settlement, document.clone(), member.last_settlement.as_ref());

        let computation = &settlement.computation;
        member.accumulators = member.accumulators.plus(claim.scheme, &computation.differences)?;
        member.purse.account = computation.amounts.balance;
        member.purse.family = member.purse.family.minus(computation.amounts.family)?;
        member.last_settlement = Some(settlement.id.clone());
        if claim.service == Service::Stay {
            member.open_stay = None;
        }
        member.keep(txn);
        let visit = settled_visit(visit, claim, &settlement.id);
        txn.keep(keys::visit(&claim.visit), &visit::print(&visit));
        let person = &claim.person;
        tracing::debug!(settlement = %settlement.id, person = home.node.token(person), region = %home.region, "settled");
        Ok(wire::answer(Outcome::Settlement(document.into())))
    }
}

/// The visit as settled; one that was settled at once was never registered.
fn settled_visit(visit: Option<Visit>, claim: &Claim, id: &SettlementId) -> Visit {
    let status = VisitStatus::Settled(id.clone());
    match visit {
        Some(visit) => Visit { status, ..visit },
        None => Visit { registration: registration_of(claim), snapshot: None, patient: None, status },
    }
}

fn registration_of(claim: &Claim) -> Registration {
    Registration {
        visit: claim.visit.clone(),
        person: claim.person.clone(),
        home: claim.home.clone(),
        scheme: claim.scheme,
        institution: claim.institution.clone(),
        service: claim.service,
        emergency: claim.emergency,
        from: claim.from,
    }
}
