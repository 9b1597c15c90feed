//! Failures of the machinery, kept apart from refusals: a refusal is an answer, a failure is none.

use tonic::Status;
use zhijie_domain::{money::Overflow, refusal::Refusal};
use zhijie_store::StoreError;

use crate::wire::{self, pb};

/// The machinery failed; what became of the request is not known from here.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A stored record does not read.
    #[error("the stored record {0} is damaged")]
    Damaged(String),
    /// A peer gave no answer.
    #[error("{peer} gave no answer")]
    Peer {
        /// Which.
        peer: String,
        /// What the call ended with.
        #[source]
        status: Box<Status>,
    },
    /// A peer gave an answer that the protocol does not have.
    #[error("{peer} answered outside the protocol: {what}")]
    Protocol {
        /// Which.
        peer: String,
        /// What was wrong.
        what: String,
    },
}

/// Why a handler stops before its end.
#[derive(Debug)]
pub enum Stop {
    /// The answer is no.
    Refused(Box<Refusal>),
    /// There is no answer.
    Failed(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(Box::new(refusal))
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Failed(error.into())
    }
}

impl From<Overflow> for Stop {
    fn from(overflow: Overflow) -> Stop {
        Refusal::from(overflow).into()
    }
}

/// Turns a stop by refusal into the answer that says so.
///
/// # Errors
/// The failure, where it was one.
pub fn answer_of(result: Result<pb::Answer, Stop>) -> Result<pb::Answer, Failure> {
    match result {
        Ok(answer) => Ok(answer),
        Err(Stop::Refused(refusal)) => Ok(wire::refused(&refusal)),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

impl Failure {
    /// Logs the failure with its sources, once, and tells the caller only what it needs.
    #[must_use]
    pub fn into_status(self) -> Status {
        let mut cause = String::new();
        let mut source = std::error::Error::source(&self);
        while let Some(error) = source {
            cause = format!("{cause}: {error}");
            source = error.source();
        }
        match &self {
            Failure::Peer { .. } => {
                tracing::info!(failure = %self, cause, "no answer from a peer");
                Status::unavailable(self.to_string())
            }
            _ => {
                tracing::error!(failure = %self, cause, "machinery failed");
                Status::internal("the service failed; its log says why")
            }
        }
    }
}
