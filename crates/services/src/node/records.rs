//! Records in the store: encoded documents under keys.

use std::future::Future;

use prost::Message;
use zhijie_domain::refusal::Refusal;
use zhijie_store::{CommitError, Txn};

use super::Failure;

/// Reading and keeping documents in a transaction.
pub trait Records {
    /// The document under a key.
    ///
    /// # Errors
    /// [`Failure`] when the store fails or the bytes are no such document.
    fn record<M: Message + Default>(&mut self, key: &[u8]) -> impl Future<Output = Result<Option<M>, Failure>> + Send;

    /// Keeps a document under a key.
    fn keep(&mut self, key: Vec<u8>, document: &impl Message);
}

impl Records for Txn {
    async fn record<M: Message + Default>(&mut self, key: &[u8]) -> Result<Option<M>, Failure> {
        let Some(bytes) = self.get(key).await? else { return Ok(None) };
        M::decode(bytes).map(Some).map_err(|_| damaged(key))
    }

    fn keep(&mut self, key: Vec<u8>, document: &impl Message) {
        self.put(key, document.encode_to_vec());
    }
}

/// The failure of a record that does not read.
pub(crate) fn damaged(key: &[u8]) -> Failure {
    Failure::Damaged(super::keys::shown(key))
}

/// A stored document that the parser refuses is damaged: it was checked before it was kept.
pub(crate) fn stored<T>(parsed: Result<T, Refusal>, key: &[u8]) -> Result<T, Failure> {
    parsed.map_err(|_| damaged(key))
}

/// How a commit ended, where it did not fail.
pub(crate) enum Committed {
    /// Durable.
    Yes,
    /// Another commit came first: decide again.
    Conflict,
    /// The store takes no more work just now.
    Busy,
}

/// Commits, and tells a conflict from a failure.
pub(crate) async fn commit(txn: Txn) -> Result<Committed, Failure> {
    match txn.commit().await {
        Ok(()) => Ok(Committed::Yes),
        Err(CommitError::Conflict) => Ok(Committed::Conflict),
        Err(CommitError::Busy) => Ok(Committed::Busy),
        Err(CommitError::Failed(error)) => Err(error.into()),
    }
}
