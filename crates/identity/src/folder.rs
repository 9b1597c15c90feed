//! An identity in files: a folder with the names that Kubernetes gives to the same things.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use webpki::KeyUsage;

use crate::{Authorities, Identity, IdentityError, handshake, now, trust::at};

/// The own certificate, PEM, and what stands between it and the authority.
pub const CERTIFICATE: &str = "tls.crt";
/// Its private key, PEM, PKCS#8.
pub const KEY: &str = "tls.key";
/// The authorities that are trusted, PEM.
pub const AUTHORITIES: &str = "ca.crt";

/// The bytes of the three files.
#[derive(PartialEq, Eq)]
pub(crate) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Vec<u8>,
}

impl Files {
    pub(crate) fn read(folder: &Path) -> Result<Files, IdentityError> {
        let read = |name| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| IdentityError::File { path, source })
        };
        Ok(Files { certificate: read(CERTIFICATE)?, key: read(KEY)?, authorities: read(AUTHORITIES)? })
    }
}

/// An own identity as its files were at one moment: the key is the certificate's, and the certificate was valid.
pub struct Own {
    pub(crate) files: Files,
    identity: Identity,
    until: i64,
    key: PrivatePkcs8KeyDer<'static>,
    authorities: Authorities,
    certified: Arc<CertifiedKey>,
    pub(crate) server: Arc<rustls::ServerConfig>,
}

impl Own {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`IdentityError`] where a file is missing or wrong, the key is of another certificate, or the certificate does not
    /// hold now.
    pub fn read(folder: &Path) -> Result<Own, IdentityError> {
        Own::of(Files::read(folder)?)
    }

    pub(crate) fn of(files: Files) -> Result<Own, IdentityError> {
        let unread = |name: &'static str| {
            move |error: rustls::pki_types::pem::Error| IdentityError::Invalid(format!("{name} does not read: {error}"))
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&files.certificate).collect();
        let chain = chain.map_err(unread(CERTIFICATE))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&files.key).map_err(unread(KEY))?;
        let authorities = Authorities::parse(&files.authorities)?;
        let (leaf, between) =
            chain.split_first().ok_or_else(|| IdentityError::Invalid(format!("{CERTIFICATE} holds no certificate")))?;
        let proven = authorities.prove(leaf, between, at(now()), KeyUsage::client_auth())?;
        let provider = ring::default_provider();
        let certified = CertifiedKey::from_der(chain, PrivateKeyDer::Pkcs8(key.clone_key()), &provider)?;
        let certified = Arc::new(certified);
        let server = handshake::server(&authorities, Arc::new(SingleCertAndKey::from(Arc::clone(&certified))))?;
        let (identity, until) = (proven.identity, proven.until);
        Ok(Own { files, identity, until, key, authorities, certified, server: Arc::new(server) })
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Until when the certificate is valid, s since 1970.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.until
    }

    /// The own certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.certified.cert.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The private key, PKCS#8 DER.
    #[must_use]
    pub fn private_key(&self) -> &[u8] {
        self.key.secret_pkcs8_der()
    }

    /// The authorities that are trusted.
    #[must_use]
    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// How it connects to somebody.
    pub(crate) fn client(&self, expected: &Identity) -> Result<rustls::ClientConfig, IdentityError> {
        let own = SingleCertAndKey::from(Arc::clone(&self.certified));
        handshake::client(&self.authorities, expected.clone(), Arc::new(own))
    }
}
