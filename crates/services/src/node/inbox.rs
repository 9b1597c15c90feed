//! Answering a message once: the same id and content gets the stored answer, other content is refused, a reversed
//! message is refused. The key is institution, act and the sender's id; the content is known by its hash.

use std::future::Future;

use prost::Message;
use sha2::{Digest, Sha256};
use zhijie_domain::{
    ids::{InstitutionCode, MessageId},
    refusal::{Code, Refusal},
};
use zhijie_store::{Store, Txn};

use super::{
    Book, Failure, Records, Stop, answer_of, keys, limits,
    planted::planted,
    records::{Committed, commit, damaged},
};
use crate::wire::{
    self,
    pb::{self, answer::Outcome, message_record::State},
    refusal,
};

/// The key of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// The key of a sender's message.
    #[must_use]
    pub fn new(institution: &InstitutionCode, act: pb::Act, message: &MessageId) -> Key {
        let act = match act {
            pb::Act::Register => "register",
            pb::Act::Settle => "settle",
            pb::Act::Cancel => "cancel",
            pb::Act::Reverse => "reverse",
            pb::Act::Unspecified => "none",
        };
        Key(format!("{institution}/{act}/{message}"))
    }

    /// The key of the message that a reverse names.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] for an act that cannot be reversed, or a malformed message id.
    pub fn of_original(institution: &InstitutionCode, request: &pb::ReverseRequest) -> Result<Key, Refusal> {
        if !matches!(request.act(), pb::Act::Register | pb::Act::Settle) {
            let en = "ACT_REGISTER or ACT_SETTLE: what can be reversed";
            return Err(Refusal::malformed("act", "只有登记与结算可冲正", en));
        }
        let message = wire::id(MessageId::parse, &request.original_message_id, "original_message_id")?;
        Ok(Key::new(institution, request.act(), &message))
    }

    /// The key behind a pending entry's name.
    #[must_use]
    pub fn of_pending(pending: &[u8]) -> Option<Key> {
        let rest = pending.strip_prefix(keys::PENDING)?;
        std::str::from_utf8(rest).ok().map(|rest| Key(rest.to_owned()))
    }

    /// `institution/act/message`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As kept in other records.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    /// Read back from another record.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub fn of_bytes(bytes: &[u8]) -> Result<Key, Failure> {
        String::from_utf8(bytes.to_vec()).map(Key).map_err(|_| damaged(keys::PENDING))
    }

    /// Where the message is kept.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        keys::message(&self.0)
    }

    /// Where it is marked as pending.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        keys::pending(&self.0)
    }
}

/// The hash by which the content of a request is known. The documents hold no unordered parts, so that the same
/// request encodes to the same bytes.
#[must_use]
pub fn digest(request: &impl Message) -> Vec<u8> {
    Sha256::digest(request.encode_to_vec()).to_vec()
}

/// What is known of a message.
pub enum MessageState {
    /// Nothing.
    New,
    /// Its answer is stored; a refusal among them.
    Answered(pb::Answer),
    /// It is on its way.
    Sent(Box<pb::Intent>),
}

impl MessageState {
    /// What the store knows of a message with this content; an answer whole again, as it was given.
    ///
    /// # Errors
    /// As [`MessageState::of`], and [`Failure`] of the store.
    pub async fn find(txn: &mut Txn, key: &Key, digest: &[u8]) -> Result<MessageState, Stop> {
        match MessageState::of(txn.record(&key.message()).await?, digest)? {
            MessageState::Answered(answer) => Ok(MessageState::Answered(whole(txn, answer).await?)),
            other => Ok(other),
        }
    }

    /// What a record says of a message with this content; an answer as it is kept.
    ///
    /// # Errors
    /// [`Code::MessageReused`] for other content under the id, [`Code::AlreadyReversed`] for a reversed message.
    pub fn of(record: Option<pb::MessageRecord>, digest: &[u8]) -> Result<MessageState, Refusal> {
        let Some(record) = record else { return Ok(MessageState::New) };
        match record.state {
            Some(State::Reversed(_)) if planted!(LateSettle) => Ok(MessageState::New),
            // Its reversal is under way: whether it stands is not known yet.
            Some(State::Reversed(answer)) if is_unknown(&answer) => Ok(MessageState::Answered(answer)),
            Some(State::Reversed(_)) | None => {
                Err(Refusal::new(Code::AlreadyReversed, "a reversed message stays reversed", "header.message_id"))
            }
            _ if record.digest != digest && !planted!(AnyContent) => {
                Err(Refusal::new(Code::MessageReused, "one message id, one content", "header.message_id"))
            }
            Some(State::Answer(answer)) => Ok(MessageState::Answered(answer)),
            Some(State::Intent(intent)) => Ok(MessageState::Sent(intent)),
        }
    }
}

/// What is kept of an answer: a settlement stands in the book of the same commit, and here only by its id.
pub(crate) fn kept(answer: &pb::Answer) -> pb::Answer {
    match &answer.outcome {
        Some(Outcome::Settlement(booked)) => {
            let id = booked.id.clone();
            wire::answer(Outcome::Settlement(pb::Settlement { id, ..pb::Settlement::default() }.into()))
        }
        _ => answer.clone(),
    }
}

/// The answer of which this is kept.
async fn whole(txn: &mut Txn, answer: pb::Answer) -> Result<pb::Answer, Failure> {
    match answer.outcome {
        Some(Outcome::Settlement(kept)) => {
            Ok(wire::answer(Outcome::Settlement(Book::document(txn, &kept.id).await?.into())))
        }
        outcome => Ok(pb::Answer { outcome }),
    }
}

/// One decision upon a message: reads and writes through the transaction, and gives the answer to store.
pub trait Act: Sync {
    /// Decides. It may run several times; only the last run is committed.
    fn decide(&self, txn: &mut Txn) -> impl Future<Output = Result<pb::Answer, Stop>> + Send;

    /// The answer is durable, and it was this decision that gave it.
    fn committed(&self, _answer: &pb::Answer) {}
}

/// Decides a message once and stores the answer with everything the decision wrote, in one commit. A refusal is
/// stored as well, unless it is one that asks to send again.
///
/// # Errors
/// [`Failure`] when the machinery fails; nothing was committed then, or it is found by asking again.
pub async fn answer_once(store: &Store, key: &Key, digest: &[u8], act: &impl Act) -> Result<pb::Answer, Failure> {
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = store.begin();
        let known = match MessageState::find(&mut txn, key, digest).await {
            Ok(known) => known,
            Err(Stop::Refused(refusal)) => return Ok(wire::refused(&refusal)),
            Err(Stop::Failed(failure)) => return Err(failure),
        };
        if let MessageState::Answered(answer) = known {
            return Ok(answer);
        }
        let decided = act.decide(&mut txn).await;
        if matches!(decided, Err(Stop::Refused(_))) {
            // What the decision wrote before it refused goes; what it read is checked no more.
            txn = store.begin();
            let known = MessageState::of(txn.record(&key.message()).await?, digest);
            if !matches!(known, Ok(MessageState::New | MessageState::Sent(_))) {
                continue;
            }
        }
        let answer = answer_of(decided)?;
        if is_transient(&answer) {
            return Ok(answer);
        }
        let record = pb::MessageRecord { digest: digest.to_vec(), state: Some(State::Answer(kept(&answer))) };
        if !planted!(ForgetAnswers) {
            txn.keep(key.message(), &record);
        }
        match commit(txn).await? {
            Committed::Yes => {
                act.committed(&answer);
                return Ok(answer);
            }
            Committed::Conflict => {}
            Committed::Busy => return Ok(wire::refused(&Refusal::new(Code::Busy, "bounded queues", ""))),
        }
    }
    Ok(wire::refused(&Refusal::new(Code::PersonBusy, "one settlement of a person at a time", "person")))
}

/// True for an answer that says that nothing is known yet.
pub(crate) fn is_unknown(answer: &pb::Answer) -> bool {
    matches!(answer.outcome, Some(Outcome::Unknown(_)))
}

/// True for an answer that decided nothing.
pub(crate) fn is_transient(answer: &pb::Answer) -> bool {
    match &answer.outcome {
        Some(Outcome::Refused(refused)) => refusal::code(refused.code).is_some_and(Code::is_transient),
        _ => false,
    }
}
