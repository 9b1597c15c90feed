//! What the hub answers on the road, kept as small facts in the commit of each answer (报错治理): refusals, its own and
//! those that home gave, with their cause; what was done where no book tells it. And told, when it is durable.

use zhijie_domain::{audit, money::Fen, ticket::Cause};
use zhijie_store::Txn;

use super::{Hub, events, tickets::problems::Problem};
use crate::{
    node::{Act, Failure, Key, Records, Stop, answer_once, is_transient, keys},
    wire::{
        claim::Header,
        codes,
        pb::{self, HubEventKind, answer::Outcome},
        refusal,
    },
};

/// A message of the road that the hub answers once.
pub(super) struct Call<'a> {
    pub(super) hub: &'a Hub,
    pub(super) act: pb::Act,
    pub(super) key: &'a Key,
    pub(super) digest: &'a [u8],
    pub(super) header: &'a Header,
    /// The visit it is about, where it names one.
    pub(super) visit: &'a str,
}

impl Call<'_> {
    /// Answers the message by a decision.
    pub(super) async fn answer(&self, act: &impl Act) -> Result<pb::Answer, Failure> {
        let answer = answer_once(&self.hub.node.store, self.key, self.digest, &Noted { call: self, act }).await?;
        if !is_transient(&answer) {
            self.hub.sent.ended(self.key);
        }
        Ok(answer)
    }

    fn note(&self, txn: &mut Txn, answer: &pb::Answer) {
        match &answer.outcome {
            Some(Outcome::Refused(no)) => {
                let (Some(code), at) = (refusal::code(no.code), self.hub.node.now()) else { return };
                let problem = Problem {
                    cause: Cause::Refused(code),
                    day: at.day(),
                    home: self.header.home.province(),
                    care: self.header.care.province(),
                    reference: self.key.as_str(),
                };
                problem.keep(txn, at, self.act, self.visit);
            }
            _ if self.act == pb::Act::Settle => {}
            _ => {
                let at = self.hub.node.now();
                txn.keep(keys::done(at.day(), self.key.as_str()), &pb::DoneRecord { act: self.act.into(), at: at.0 });
            }
        }
    }

    fn tell(&self, answer: &pb::Answer) {
        match &answer.outcome {
            Some(Outcome::Settlement(document)) => self.booked(document),
            // One that was undone before is answered by its cancellation, which was told when it was booked.
            Some(Outcome::Reversal(reversal)) => {
                let record = reversal.record.as_ref().filter(|record| record.kind() == pb::EntryKind::Reversed);
                if let Some(record) = record {
                    self.booked(record);
                }
            }
            Some(Outcome::Refused(no)) => {
                let (home, care) = (self.header.home.province(), self.header.care.province());
                let code = refusal::code(no.code).map_or("", |code| code.as_str());
                let (home, care) = (home.as_str(), care.as_str());
                self.hub.tell(events::of(HubEventKind::Refused, home, care, self.key.as_str(), 0, code));
            }
            _ => {}
        }
    }

    fn booked(&self, document: &pb::Settlement) {
        self.hub.metrics.booked(document.kind());
        self.hub.tell(events::booked(document));
        if holds(self.hub, document) {
            self.hub.tell(pb::HubEvent { at: document.at, ..events::case_of(document, "opened") });
        }
    }
}

/// True for a settlement that opened a case.
fn holds(hub: &Hub, record: &pb::Settlement) -> bool {
    let Some(claim) = record.claim.as_ref().filter(|_| record.kind() == pb::EntryKind::Settled) else { return false };
    let total = Fen(claim.parts.as_ref().map_or(0, |parts| parts.total));
    let service = codes::parse(claim.service, "service");
    service.is_ok_and(|service| audit::opens(total, service, &hub.node.parameters.rules.verification))
}

/// A decision whose answer is kept as a fact as well.
struct Noted<'a, A> {
    call: &'a Call<'a>,
    act: &'a A,
}

impl<A: Act> Act for Noted<'_, A> {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        let answer = self.act.decide(txn).await?;
        self.call.note(txn, &answer);
        Ok(answer)
    }

    fn committed(&self, answer: &pb::Answer) {
        self.call.tell(answer);
    }
}
