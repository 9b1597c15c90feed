//! A region as it signs (签名方): what it sends, and a head for each day of its book. Without a key it signs nothing.

use std::io;

use zhijie_domain::{
    author::Author,
    calendar::{Date, Moment},
    proof::{Facts, Head, Statement, record},
    refusal::{Code, Refusal},
    settlement::Settlement,
    signature::{Proof, Signature},
};
use zhijie_store::Store;

use super::{
    Committed, Records, Signer, Stop, commit,
    heads::{self, SignedHead, number_of},
    keys, limits,
};
use crate::wire::{
    pb,
    proof::{SigningKey, print_key},
};

/// A region, and the key with which it signs.
#[derive(Debug)]
pub(crate) struct Signatory {
    author: Author,
    signer: Option<Signer>,
}

impl Signatory {
    /// The region as it signs over a store, which keeps since when it has its key.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn open(
        store: &Store,
        author: Author,
        signer: Option<Signer>,
        now: Moment,
    ) -> io::Result<Signatory> {
        if let Some(signer) = &signer {
            let (mut txn, certificate) = (store.begin(), signer.certificate().to_vec());
            let own = SigningKey { author: author.clone(), public: signer.public(), since: now, certificate };
            let key = keys::signing_key(&author, &own.public);
            if txn.record::<pb::SigningKey>(&key).await.map_err(io::Error::other)?.is_none() {
                txn.keep(key, &print_key(&own));
                if !matches!(commit(txn).await.map_err(io::Error::other)?, Committed::Yes) {
                    return Err(io::Error::other("the store takes no work yet"));
                }
            }
        }
        Ok(Signatory { author, signer })
    }

    /// Who it is.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// Signs what is sent, where there is a key.
    pub(crate) fn sign(&self, statement: impl FnOnce() -> Statement) -> Option<Signature> {
        self.signer.as_ref().map(|signer| signer.sign(&statement()))
    }

    /// The record with home's signature.
    pub(crate) fn signed(&self, settlement: Settlement) -> Settlement {
        let home = self.sign(|| record(&settlement));
        Settlement { proof: Proof { home, ..settlement.proof }, ..settlement }
    }

    /// Puts a day under a new head, unless its last head says the same already or there is nothing to say.
    pub(crate) async fn chain(&self, store: &Store, day: Date, facts: Facts) -> Result<(), Stop> {
        let Some(signer) = &self.signer else { return Ok(()) };
        for _ in 0..limits::ATTEMPTS_MAX {
            let mut txn = store.begin();
            let earlier = heads::of_day(&mut txn, &self.author, day).await?;
            if earlier.as_ref().map_or(facts.records == 0, |earlier| earlier.head.facts == facts) {
                return Ok(());
            }
            let last = heads::last(&mut txn, &self.author).await?;
            let head = Head {
                author: self.author.clone(),
                number: number_of(last.as_ref()) + 1,
                previous: last.map(|last| last.head.statement().digest()),
                day,
                earlier: number_of(earlier.as_ref()),
                facts,
            };
            let signature = signer.sign(&head.statement());
            SignedHead { head, signature }.keep(&mut txn);
            match commit(txn).await? {
                Committed::Yes => return Ok(()),
                Committed::Conflict => {}
                Committed::Busy => break,
            }
        }
        Err(Refusal::new(Code::Busy, "bounded queues", "").into())
    }
}
