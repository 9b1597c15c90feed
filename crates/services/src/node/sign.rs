//! Signing and verifying (签名、验签): Ed25519 over the texts that the domain writes. The same text and key give the same
//! signature, so that a decision that is taken again answers the same.

use std::{fmt, sync::Arc};

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zhijie_domain::{
    proof::Statement,
    signature::{Digest, PublicKey, Signature},
};
use zhijie_identity::Live;

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    key: Arc<Ed25519KeyPair>,
    certificate: Arc<[u8]>,
}

impl Signer {
    /// The key in a PKCS#8 document, and the certificate that binds it, DER; nothing where it is no Ed25519 key.
    #[must_use]
    pub fn from_pkcs8(key: &[u8], certificate: &[u8]) -> Option<Signer> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).ok()?;
        Some(Signer { key: Arc::new(key), certificate: certificate.into() })
    }

    /// The key of a service's certificate, as it is now; nothing in plaintext.
    #[must_use]
    pub fn of(identity: Option<&Live>) -> Option<Signer> {
        let own = identity?.own();
        Signer::from_pkcs8(own.private_key(), own.certificate())
    }

    /// The key that follows from a text: for tests and simulations, where nothing may be by chance.
    #[must_use]
    pub fn seeded(text: &str) -> Option<Signer> {
        let Digest(seed) = Digest::of(&[text.as_bytes()]);
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(Signer { key: Arc::new(key), certificate: Arc::default() })
    }

    /// The certificate that binds it, DER; empty: none does.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Signs a statement.
    #[must_use]
    pub fn sign(&self, statement: &Statement) -> Signature {
        let mut signature = Signature([0; 64]);
        let signed = self.key.sign(statement.as_str().as_bytes());
        signature.0.iter_mut().zip(signed.as_ref()).for_each(|(place, byte)| *place = *byte);
        signature
    }

    /// By what its signatures are verified.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut public = PublicKey([0; 32]);
        public.0.iter_mut().zip(self.key.public_key().as_ref()).for_each(|(place, byte)| *place = *byte);
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
