//! Undoing a settlement at home: the negative record, accumulators and purse given back, the visit open again.
//! Cancel and reverse differ in how they name the settlement, not in what undoing means.

use zhijie_domain::{
    claim::Service,
    ids::{MessageId, SettlementId},
    refusal::{Code, Refusal},
    settlement::{Kind, Settlement, undo_in_order},
    signature::{Proof, Signature},
    visit::VisitStatus,
};
use zhijie_store::Txn;

use super::{Home, member::Member};
use crate::{
    node::{Book, Booked, Records, Stop, Undone, keys, planted::planted, stored},
    wire::{optional_id, pb, visit},
};

/// A request to undo a settlement.
#[derive(Clone)]
pub(super) struct Asked {
    /// What the negative record is.
    pub(super) kind: Kind,
    /// The message of the claim, where the request names it.
    pub(super) message: Option<MessageId>,
    /// Care's signature of the request.
    pub(super) care: Option<Signature>,
}

/// Undoes a settlement that is still in force.
pub(super) async fn undo(home: &Home, txn: &mut Txn, booked: Booked, asked: &Asked) -> Result<Undone, Stop> {
    let settlement = booked.settlement;
    let claim = &settlement.claim;
    let mut member = Member::load(txn, &claim.person).await?;
    let last = member.last_settlement.as_ref().filter(|_| !planted!(AnyOrder));
    undo_in_order(&settlement.id, last.filter(|_| !planted!(DoubleCancel)))?;
    if claim.service == Service::Stay {
        if let Some(open) = &member.open_stay {
            return Err(Refusal::new(Code::OpenStay, "one open stay per person", "person")
                .with(format!("在院就诊 {open}"), format!("open visit {open}"))
                .into());
        }
        member.open_stay = Some(claim.visit.clone());
    }
    let amounts = &settlement.computation.amounts;
    let own_account = amounts.account.minus(amounts.family)?;
    if !planted!(KeepPurse) {
        member.purse.account = member.purse.account.plus(own_account)?;
    }
    member.purse.family = member.purse.family.plus(amounts.family)?;
    member.accumulators = member.accumulators.minus(claim.scheme, &settlement.computation.differences)?;
    member.last_settlement = optional_id(SettlementId::parse, &booked.record.previous, "previous")?;

    let id = SettlementId::parse(&home.node.new_id()).map_err(Refusal::from)?;
    // A clock may have been set back: nothing is undone before it was done.
    let at = home.node.now().max(settlement.at);
    let record = settlement.undone(id, asked.kind, member.purse.account, at)?;
    let message = record.proof.message.clone().or_else(|| asked.message.clone());
    let proof = Proof { message, care: asked.care, home: None };
    let record = home.signatory.signed(Settlement { proof, ..record });
    member.keep(txn);
    let key = keys::visit(&claim.visit);
    if let Some(document) = txn.record::<pb::Visit>(&key).await? {
        let mut open = stored(visit::parse(&document), &key)?;
        open.status = VisitStatus::Open;
        txn.keep(key, &visit::print(&open));
    }
    let undone = Undone { settlement, record };
    Book::add_undone(txn, &undone).await?;
    Ok(undone)
}
