//! Cancel at home (撤销; 2208, 2305): undoes a known settlement by a full negative record; last in, first out.

use zhijie_domain::{
    ids::SettlementId,
    refusal::{Code, Refusal},
    settlement::Kind,
};
use zhijie_store::Txn;

use super::{
    Home,
    undo::{Asked, undo},
};
use crate::{
    node::{Act, Book, Failure, Key, Stop, answer_once, digest, planted::planted, unknown_settlement},
    wire::{
        self,
        claim::parse_header,
        id,
        pb::{self, answer::Outcome},
        settlement,
    },
};

struct Cancel<'a> {
    home: &'a Home,
    request: &'a pb::CancelRequest,
    settlement: SettlementId,
    undo: Asked,
}

pub(super) async fn cancel(home: &Home, request: pb::CancelRequest) -> Result<pb::Answer, Failure> {
    let parsed = parse_header(request.header.as_ref()).and_then(|header| {
        home.serves(&header.home, "header.home")?;
        let undo = Asked { kind: Kind::Cancelled, message: None, care: header.signature };
        Ok((header, id(SettlementId::parse, &request.settlement, "settlement")?, undo))
    });
    match parsed {
        Ok((header, settlement, undo)) => {
            let key = Key::new(&header.institution, pb::Act::Cancel, &header.message);
            let act = Cancel { home, request: &request, settlement, undo };
            answer_once(&home.node.store, &key, &digest(&request), &act).await
        }
        Err(refusal) => Ok(wire::refused(&refusal)),
    }
}

impl Act for Cancel<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let booked = Book::load(txn, &self.settlement).await?.ok_or_else(unknown_settlement)?;
        let claim = &booked.settlement.claim;
        let institution = self.request.header.as_ref().map(|header| header.institution.as_str());
        if institution != Some(claim.institution.as_str()) {
            return Err(unknown_settlement().into());
        }
        let named = [
            ("visit", self.request.visit == claim.visit.as_str()),
            ("person", self.request.person == claim.person.as_str()),
        ];
        if let Some((field, _)) = named.into_iter().find(|(_, same)| !same) {
            return Err(Refusal::malformed(field, "须与该结算一致", "that of the settlement").into());
        }
        let undone = !booked.record.undone_by.is_empty() && !planted!(DoubleCancel);
        if undone || booked.settlement.kind != Kind::Settled {
            return Err(Refusal::new(Code::AlreadyCancelled, "a settlement is cancelled once", "settlement")
                .with(&booked.record.undone_by, &booked.record.undone_by)
                .into());
        }
        let undone = undo(self.home, txn, booked, &self.undo).await?;
        let (id, person) = (&undone.settlement.id, &undone.settlement.claim.person);
        tracing::debug!(settlement = %id, person = self.home.node.token(person), region = %self.home.region, "cancelled");
        Ok(wire::answer(Outcome::Settlement(settlement::print(&undone.record).into())))
    }
}
