//! Records in the store: encoded documents under keys, each with a seal over key and content, so that a record that was
//! damaged or moved is found when it is read, and named.

use std::future::Future;

use prost::Message;
use zhijie_domain::refusal::Refusal;
use zhijie_store::{CommitError, Txn};

use super::Failure;

/// Bytes of a seal: CRC-32 over the key, a zero and the document.
const SEAL_BYTES: usize = 4;

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
        self.get(key).await?.map(|value| document(key, &value)).transpose()
    }

    fn keep(&mut self, key: Vec<u8>, document: &impl Message) {
        let value = sealed(&key, document);
        self.put(key, value);
    }
}

/// The stored form of a document under a key.
pub fn sealed(key: &[u8], document: &impl Message) -> Vec<u8> {
    sealed_content(key, document.encode_to_vec())
}

/// The stored form of an encoded document under a key.
#[must_use]
pub fn sealed_content(key: &[u8], mut content: Vec<u8>) -> Vec<u8> {
    content.extend(seal(key, &content));
    content
}

/// The document that a stored value holds.
///
/// # Errors
/// [`Failure::Damaged`] where the seal is not of this key and content, or the content is no such document.
pub fn document<M: Message + Default>(key: &[u8], value: &[u8]) -> Result<M, Failure> {
    M::decode(content(key, value)?).map_err(|_| damaged(key))
}

/// The encoded document of a stored value.
///
/// # Errors
/// [`Failure::Damaged`] where the seal is not of this key and content.
pub fn content<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Failure> {
    match value.split_last_chunk::<SEAL_BYTES>() {
        Some((content, seen)) if *seen == seal(key, content) => Ok(content),
        _ => Err(damaged(key)),
    }
}

fn seal(key: &[u8], content: &[u8]) -> [u8; SEAL_BYTES] {
    let mut crc = crc32fast::Hasher::new();
    for part in [key, &[0], content] {
        crc.update(part);
    }
    crc.finalize().to_be_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pb;

    #[test]
    fn a_record_is_read_under_its_own_key_and_as_it_was_kept() {
        let kept = pb::ClearedRecord { period: "2024-06".into(), deducted: 5, ruled: 0 };
        let value = sealed(b"j/S1", &kept);
        assert_eq!(document::<pb::ClearedRecord>(b"j/S1", &value).unwrap(), kept);
        assert!(document::<pb::ClearedRecord>(b"j/S2", &value).is_err());
        for place in 0..value.len() {
            let mut changed = value.clone();
            changed[place] ^= 1;
            assert!(document::<pb::ClearedRecord>(b"j/S1", &changed).is_err(), "byte {place}");
        }
    }
}
