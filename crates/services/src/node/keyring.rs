//! The keys with which regions sign (验签公钥), as a store knows them, and what they say of a record.

use std::collections::BTreeMap;

use zhijie_domain::{
    author::{Author, Side},
    ids::SettlementId,
    proof::{Statement, record, request},
    settlement::Settlement,
    signature::{PublicKey, Signature},
};
use zhijie_store::Store;

use super::{Failure, Pages, document, keys, sign::verifies, stored};
use crate::wire::{
    pb,
    proof::{self, SigningKey},
};

/// Keys by region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keyring(BTreeMap<Author, BTreeMap<PublicKey, SigningKey>>);

/// Why a record is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Its region had a key when it was booked, and has not signed.
    Unsigned,
    /// It is signed, and not by a key of its region, or not as it stands.
    Wrong,
    /// It is signed, and no key of its region is known.
    NoKey,
}

impl Doubt {
    /// What is doubtful.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Doubt::Unsigned => "not signed by a region that has a key",
            Doubt::Wrong => "the signature is not of this record by a key of the region",
            Doubt::NoKey => "signed by a region whose key is not known",
        }
    }
}

/// True for a negative record that a cure made or asked for: nobody asked care to sign the request, and where home
/// lacked the settlement, home had nothing to sign.
pub(crate) async fn is_of_a_cure(store: &Store, record: &SettlementId) -> Result<bool, Failure> {
    Ok(!store.scan_prefix(&keys::cures_of(record), None, 1).await?.is_empty())
}

impl Keyring {
    /// The keys that a store keeps.
    pub(crate) async fn load(store: &Store) -> Result<Keyring, Failure> {
        let mut keyring = Keyring::default();
        let mut pages = Pages::of(store, keys::SIGNING_KEYS);
        while let Some(page) = pages.next().await? {
            for (key, record) in &page {
                let kept: pb::SigningKey = document(key, &record.value)?;
                keyring.add(stored(proof::parse_key(&kept), key)?);
            }
        }
        Ok(keyring)
    }

    /// Adds a key.
    pub(crate) fn add(&mut self, key: SigningKey) {
        self.0.entry(key.author.clone()).or_default().insert(key.public, key);
    }

    /// Adds the keys of another.
    pub(crate) fn extend(&mut self, other: Keyring) {
        for (author, keys) in other.0 {
            self.0.entry(author).or_default().extend(keys);
        }
    }

    /// Whose keys it has.
    pub(crate) fn authors(&self) -> impl Iterator<Item = &Author> {
        self.0.keys()
    }

    /// The keys of a region.
    pub(crate) fn keys_of(&self, author: &Author) -> impl Iterator<Item = &SigningKey> {
        self.0.get(author).into_iter().flat_map(BTreeMap::values)
    }

    /// The key of a region that a signature of a statement is by.
    pub(crate) fn signer_of(
        &self,
        author: &Author,
        statement: &Statement,
        signature: &Signature,
    ) -> Option<&SigningKey> {
        self.keys_of(author).find(|key| verifies(&key.public, statement, signature))
    }

    /// What is doubtful of a record, by the side that should have signed it.
    pub(crate) fn doubt(&self, side: Side, settlement: &Settlement) -> Option<Doubt> {
        let author = Author::of(side, settlement);
        let (signature, statement): (_, fn(&Settlement) -> Statement) = match side {
            Side::Home => (settlement.proof.home, record),
            Side::Care => (settlement.proof.care, request),
        };
        let since = self.keys_of(&author).map(|key| key.since).min();
        match (signature, since) {
            (None, Some(since)) => (settlement.at >= since).then_some(Doubt::Unsigned),
            (None, None) => None,
            (Some(_), None) => Some(Doubt::NoKey),
            (Some(signature), Some(_)) => {
                self.signer_of(&author, &statement(settlement), &signature).is_none().then_some(Doubt::Wrong)
            }
        }
    }
}
