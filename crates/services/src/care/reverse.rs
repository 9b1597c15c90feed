//! Reverse at care (2601): for a hospital that does not know what became of its message. From the moment the intent is
//! committed the message is refused; it is undone everywhere, or the reversal is refused and the message goes on.

use bytes::Bytes;
use prost::Message;
use zhijie_domain::{
    ids::MessageId,
    proof::{Named, Undo},
    refusal::{Code, Refusal},
    settlement::Kind,
    visit::Registration,
};
use zhijie_store::Txn;

use super::{
    Care, details,
    drive::{Begin, Plan, outside, run},
    settle::{self, keep_new},
    visits::{CareVisit, put, put_status},
};
use crate::{
    node::{Book, Failure, Key, Records, Stop, answer_of, is_unknown, parse_undone},
    wire::{
        self,
        claim::Header,
        id,
        pb::{self, answer::Outcome, message_record::State},
    },
};

struct Reverse<'a> {
    care: &'a Care,
    header: &'a Header,
    request: &'a pb::ReverseRequest,
    original: Key,
}

pub(super) async fn reverse(care: &Care, request: pb::ReverseRequest) -> Result<pb::Answer, Failure> {
    let parsed = care
        .header(request.header.as_ref())
        .and_then(|header| Ok((Key::of_original(&header.institution, &request)?, header)));
    let (original, header) = match parsed {
        Ok(parsed) => parsed,
        Err(refusal) => return answer_of(Err(refusal.into())),
    };
    let key = Key::new(&header.institution, pb::Act::Reverse, &header.message);
    run(care, &header.home, &key, &request, &Reverse { care, header: &header, request: &request, original }).await
}

impl Begin for Reverse<'_> {
    async fn plan(&self, txn: &mut Txn) -> Result<Plan, Stop> {
        let record = txn.record::<pb::MessageRecord>(&self.original.message()).await?.unwrap_or_default();
        match record.state.clone() {
            Some(State::Reversed(answer)) if is_unknown(&answer) => Ok(Plan::ForNow(answer)),
            Some(State::Reversed(answer)) => Ok(Plan::Answer(answer)),
            Some(State::Intent(sent)) => {
                let before = sent.before.unwrap_or_default();
                if sent.at_once {
                    return self.send(txn, record, &CareVisit::new(before.clone())?, before);
                }
                let visit = CareVisit::named(txn, &before.id).await?;
                self.hold(txn, record, visit, before)
            }
            Some(State::Answer(pb::Answer { outcome: Some(Outcome::Settlement(settled)) })) => {
                let visit = Book::document(txn, &settled.id).await?.claim.unwrap_or_default().visit;
                let visit = idle(txn, &visit).await?;
                let before = visit.document.clone();
                self.hold(txn, record, visit, before)
            }
            Some(State::Answer(pb::Answer { outcome: Some(Outcome::Visit(registered)) })) => {
                let visit = idle(txn, &registered.id).await?;
                let before = visit.document.clone();
                self.hold(txn, record, visit, before)
            }
            // It was refused, or it never came: nothing was done, and nothing shall be.
            Some(State::Answer(_)) | None => {
                let answer: pb::Answer = wire::answer(Outcome::Reversal(Box::default()));
                self.bury(txn, record.digest, answer.clone());
                Ok(Plan::Answer(answer))
            }
        }
    }
}

/// The visit of an answered message, which nothing else works on just now.
async fn idle(txn: &mut Txn, visit: &str) -> Result<CareVisit, Stop> {
    let visit = CareVisit::named(txn, visit).await?;
    if visit.document.status() == pb::VisitStatus::Busy {
        return Err(Refusal::new(Code::VisitState, "one act on a visit at a time", "visit").into());
    }
    Ok(visit)
}

impl Reverse<'_> {
    /// Marks the original as being reversed, and its visit as busy.
    fn hold(
        &self,
        txn: &mut Txn,
        record: pb::MessageRecord,
        mut visit: CareVisit,
        before: pb::Visit,
    ) -> Result<Plan, Stop> {
        let plan = self.send(txn, record, &visit, before)?;
        visit.document.set_status(pb::VisitStatus::Busy);
        visit.keep(txn);
        Ok(plan)
    }

    /// Marks the original as being reversed.
    fn send(
        &self,
        txn: &mut Txn,
        record: pb::MessageRecord,
        visit: &CareVisit,
        before: pb::Visit,
    ) -> Result<Plan, Stop> {
        let registered = &visit.registration;
        let named = [
            ("header.home", registered.home == self.header.home),
            ("person", registered.person.as_str() == self.request.person),
        ];
        if let Some((field, _)) = named.into_iter().find(|(_, same)| !same) {
            return Err(Refusal::malformed(field, "须与原报文一致", "that of the original message").into());
        }
        let unknown = Outcome::Unknown(pb::Unknown { reason: "it is being reversed".into() });
        self.bury(txn, record.digest.clone(), wire::answer(unknown));
        txn.delete(self.original.pending());
        let message = id(MessageId::parse, &self.request.original_message_id, "original_message_id")?;
        let Registration { visit, person, home, institution, .. } = registered;
        let undo = Undo { named: Named::Message(Some(&message)), visit, person, home, institution };
        let undoes_settlement = self.request.act() == pb::Act::Settle;
        let signature = if undoes_settlement { self.care.signatory.sign(|| undo.statement()) } else { None };
        let request = pb::ReverseRequest { header: Some(self.header.signed(signature)), ..self.request.clone() };
        let intent = pb::Intent {
            act: pb::Act::Reverse.into(),
            request: request.encode_to_vec().into(),
            before: Some(before),
            original_key: self.original.bytes(),
            original: Some(Box::new(record)),
            ..pb::Intent::default()
        };
        Ok(Plan::Send(Box::new(intent), None))
    }

    fn bury(&self, txn: &mut Txn, digest: Vec<u8>, answer: pb::Answer) {
        txn.keep(self.original.message(), &pb::MessageRecord { digest, state: Some(State::Reversed(answer)) });
    }
}

/// What the answer means: both records in the book and the visit open again, or everything as it was.
pub(super) async fn conclude(txn: &mut Txn, intent: &pb::Intent, answer: &pb::Answer) -> Result<(), Failure> {
    let key = Key::of_bytes(&intent.original_key)?;
    let original = intent.original.clone().unwrap_or_default();
    let reversal = match &answer.outcome {
        Some(Outcome::Reversal(reversal)) => reversal,
        Some(Outcome::Refused(_)) => {
            txn.keep(key.message(), &*original);
            if matches!(original.state, Some(State::Intent(_))) {
                // The original goes on; it still holds the visit busy.
                txn.put(key.pending(), Bytes::new());
                return Ok(());
            }
            return put(txn, intent, intent.before.clone().unwrap_or_default()).await;
        }
        _ => return Err(outside("a reverse is answered by a reversal or a refusal")),
    };
    let request = pb::ReverseRequest::decode(intent.request.clone()).map_err(outside)?;
    let undone = parse_undone(reversal).map_err(outside)?;
    if let Some(undone) = &undone {
        Book::add_undone(txn, undone).await?;
        details::forget(txn, &undone.settlement.id);
    }
    let settled_at_once = match &original.state {
        Some(State::Intent(sent)) if sent.at_once => Some(sent),
        _ => None,
    };
    if let Some(sent) = settled_at_once {
        if undone.is_some() {
            keep_new(txn, sent, &settle::sent(sent)?.request, pb::VisitStatus::Open, "")?;
        }
    } else if undone.is_some_and(|undone| undone.record.kind == Kind::Reversed) {
        put_status(txn, intent, pb::VisitStatus::Open, "").await?;
    } else if request.act() == pb::Act::Register {
        put_status(txn, intent, pb::VisitStatus::Withdrawn, "").await?;
    } else {
        put(txn, intent, intent.before.clone().unwrap_or_default()).await?;
    }
    let tombstone = pb::MessageRecord { digest: original.digest, state: Some(State::Reversed(answer.clone())) };
    txn.keep(key.message(), &tombstone);
    Ok(())
}
