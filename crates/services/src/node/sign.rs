//! Signing and verifying (签名、验签): Ed25519 over the texts that the domain writes. The same text and key give the same
//! signature, so that a decision that is taken again answers the same.

use std::{fmt, sync::Arc};

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zhijie_domain::{
    proof::Statement,
    signature::{Digest, PublicKey, Signature},
};

/// A key that signs.
#[derive(Clone)]
pub struct Signer(Arc<Ed25519KeyPair>);

impl Signer {
    /// The key in a PKCS#8 document; nothing where it holds no Ed25519 key.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Signer> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(|key| Signer(Arc::new(key)))
    }

    /// The key that follows from a text: for tests and simulations, where nothing may be by chance.
    #[must_use]
    pub fn seeded(text: &str) -> Option<Signer> {
        let Digest(seed) = Digest::of(&[text.as_bytes()]);
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(|key| Signer(Arc::new(key)))
    }

    /// Signs a statement.
    #[must_use]
    pub fn sign(&self, statement: &Statement) -> Signature {
        let mut signature = Signature([0; 64]);
        let signed = self.0.sign(statement.as_str().as_bytes());
        signature.0.iter_mut().zip(signed.as_ref()).for_each(|(place, byte)| *place = *byte);
        signature
    }

    /// By what its signatures are verified.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut public = PublicKey([0; 32]);
        public.0.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(place, byte)| *place = *byte);
        public
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public())
    }
}

/// True where the owner of the key has signed the statement.
#[must_use]
pub fn verifies(key: &PublicKey, statement: &Statement, signature: &Signature) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, &key.0);
    key.verify(statement.as_str().as_bytes(), &signature.0).is_ok()
}
