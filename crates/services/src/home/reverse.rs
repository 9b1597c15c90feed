//! Reverse at home (冲正; 2601): whatever a message did is undone, harmless to repeat. A message that has not come yet
//! leaves a tombstone, and is refused when it comes.

use zhijie_domain::{
    claim::Service,
    ids::{MessageId, SettlementId},
    refusal::{Code, Refusal},
    settlement::Kind,
    visit::VisitStatus,
};
use zhijie_store::Txn;

use super::{
    Home,
    member::Member,
    undo::{Asked, undo},
};
use crate::{
    node::{Act, Book, Failure, Key, Records, Stop, answer_once, digest, keys, planted::planted, stored},
    wire::{
        self,
        claim::parse_header,
        id,
        pb::{self, answer::Outcome, message_record::State},
        settlement, visit,
    },
};

struct Reverse<'a> {
    home: &'a Home,
    original: Key,
    undo: Asked,
}

pub(super) async fn reverse(home: &Home, request: pb::ReverseRequest) -> Result<pb::Answer, Failure> {
    let parsed = parse_header(request.header.as_ref()).and_then(|header| {
        home.serves(&header.home, "header.home")?;
        let message = id(MessageId::parse, &request.original_message_id, "original_message_id")?;
        let undo = Asked { kind: Kind::Reversed, message: Some(message), care: header.signature };
        Ok((Key::of_original(&header.institution, &request)?, header, undo))
    });
    match parsed {
        Ok((original, header, undo)) => {
            let key = Key::new(&header.institution, pb::Act::Reverse, &header.message);
            answer_once(&home.node.store, &key, &digest(&request), &Reverse { home, original, undo }).await
        }
        Err(refusal) => Ok(wire::refused(&refusal)),
    }
}

impl Act for Reverse<'_> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let place = self.original.message();
        let record = txn.record::<pb::MessageRecord>(&place).await?;
        let (digest, outcome) = match record {
            None => (Vec::new(), None),
            Some(record) => match record.state {
                Some(State::Reversed(answer)) => return Ok(answer),
                Some(State::Answer(answer)) => (record.digest, answer.outcome),
                Some(State::Intent(_)) | None => return Err(Failure::Damaged(keys::shown(&place)).into()),
            },
        };
        let reversal = match outcome {
            Some(Outcome::Settlement(settled)) => self.settled(txn, &settled).await?,
            Some(Outcome::Visit(visit)) => self.registered(txn, &visit).await?,
            _ => pb::Reversal::default(),
        };
        let answer: pb::Answer = wire::answer(Outcome::Reversal(reversal.into()));
        let tombstone = pb::MessageRecord { digest, state: Some(State::Reversed(answer.clone())) };
        if !planted!(NoTombstone) {
            txn.keep(place, &tombstone);
        }
        Ok(answer)
    }
}

impl Reverse<'_> {
    async fn settled(&self, txn: &mut Txn, settled: &pb::Settlement) -> Result<pb::Reversal, Stop> {
        let id = id(SettlementId::parse, &settled.id, "settlement")?;
        let place = keys::settlement(&id);
        let booked = Book::load(txn, &id).await?.ok_or_else(|| Failure::Damaged(keys::shown(&place)))?;
        if !booked.record.undone_by.is_empty() {
            // Undone before: the records that say so are the answer, and nothing changes.
            let record = wire::id(SettlementId::parse, &booked.record.undone_by, "undone_by")?;
            let record = Book::load(txn, &record).await?.ok_or_else(|| Failure::Damaged(keys::shown(&place)))?;
            let (undone, record) = (settlement::print(&booked.settlement), settlement::print(&record.settlement));
            return Ok(pb::Reversal { undone: Some(undone), record: Some(record), visit: None });
        }
        let undone = undo(self.home, txn, booked, &self.undo).await?;
        let (id, person) = (&undone.settlement.id, &undone.settlement.claim.person);
        tracing::debug!(settlement = %id, person = self.home.node.token(person), region = %self.home.region, "reversed");
        let (settlement, record) = (settlement::print(&undone.settlement), settlement::print(&undone.record));
        Ok(pb::Reversal { undone: Some(settlement), record: Some(record), visit: None })
    }

    async fn registered(&self, txn: &mut Txn, registered: &pb::Visit) -> Result<pb::Reversal, Stop> {
        let registration = visit::parse_registration(registered)?;
        let place = keys::visit(&registration.visit);
        let document = txn.record::<pb::Visit>(&place).await?;
        let document = document.ok_or_else(|| Failure::Damaged(keys::shown(&place)))?;
        let mut visit = stored(visit::parse(&document), &place)?;
        if let VisitStatus::Settled(id) = &visit.status {
            return Err(Refusal::new(Code::VisitState, "a settled visit keeps its registration", "act")
                .with(format!("须先撤销 {id}"), format!("settled as {id}, which must be cancelled first"))
                .into());
        }
        visit.status = VisitStatus::Withdrawn;
        let document = visit::print(&visit);
        txn.keep(place, &document);
        if registration.service == Service::Stay {
            let mut member = Member::load(txn, &registration.person).await?;
            member.open_stay = member.open_stay.filter(|open| *open != registration.visit);
            member.keep(txn);
        }
        Ok(pb::Reversal { visit: Some(document), ..pb::Reversal::default() })
    }
}
