//! Whom to believe: the authorities, and what a certificate of theirs proves at a moment.

use std::{sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime, pem::PemObject};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::{Certificate, der::Decode};

use crate::{Identity, IdentityError};

/// All keys are Ed25519.
static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[webpki::ring::ED25519];

/// Authorities (认证机构) that are trusted: usually one, two while one takes the place of the other.
#[derive(Debug, Clone)]
pub struct Authorities(Arc<[CertificateDer<'static>]>);

/// A certificate that chains to an authority (证明).
#[derive(Debug, Clone)]
pub struct Proven {
    /// Whose it is.
    pub identity: Identity,
    /// From when it is valid, s since 1970.
    pub from: i64,
    /// Until when, s since 1970.
    pub until: i64,
    certificate: CertificateDer<'static>,
}

impl Authorities {
    /// Reads their certificates.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] where there is none, or one of them does not read.
    pub fn parse(pem: &[u8]) -> Result<Authorities, IdentityError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        Authorities::of(read.map_err(|error| IdentityError::Invalid(format!("certificates of authorities: {error}")))?)
    }

    /// The same from DER, each in a document of its own.
    ///
    /// # Errors
    /// As [`Authorities::parse`].
    pub fn of_der(certificates: &[Vec<u8>]) -> Result<Authorities, IdentityError> {
        Authorities::of(certificates.iter().cloned().map(CertificateDer::from).collect())
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Result<Authorities, IdentityError> {
        let authorities = Authorities(certificates.into());
        match authorities.anchors()?.is_empty() {
            true => Err(IdentityError::Invalid("no certificate of an authority".into())),
            false => Ok(authorities),
        }
    }

    /// Their certificates, DER.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    fn anchors(&self) -> Result<Vec<TrustAnchor<'_>>, IdentityError> {
        self.0.iter().map(|one| anchor_from_trusted_cert(one).map_err(IdentityError::Refused)).collect()
    }

    /// What a certificate, DER, proves at a moment, s since 1970.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] where it was not valid then or is of no such authority, [`IdentityError::Invalid`] where it
    /// names nobody.
    pub fn verify(&self, certificate: &[u8], at: i64) -> Result<Proven, IdentityError> {
        self.prove(&certificate.into(), &[], self::at(at), KeyUsage::client_auth())
    }

    /// What a certificate, DER, proves at the first moment from `at` on, s since 1970, at which it was valid: for what was
    /// signed at `at` or later.
    ///
    /// # Errors
    /// As [`Authorities::verify`], where it was no longer valid at `at`.
    pub fn verify_from(&self, certificate: &[u8], at: i64) -> Result<Proven, IdentityError> {
        let (from, _) = validity(&certificate.into())?;
        self.verify(certificate, at.max(from))
    }

    /// The same with what stands between, for a use.
    pub(crate) fn prove(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        at: UnixTime,
        usage: KeyUsage,
    ) -> Result<Proven, IdentityError> {
        let leaf = EndEntityCert::try_from(certificate).map_err(IdentityError::Refused)?;
        let anchors = self.anchors()?;
        leaf.verify_for_usage(ALGORITHMS, &anchors, between, at, usage, None, None).map_err(IdentityError::Refused)?;
        let names: Vec<&str> = leaf.valid_uri_names().collect();
        let [name] = names[..] else {
            return Err(IdentityError::Invalid("a certificate binds one name, as a URI".into()));
        };
        let (from, until) = validity(certificate)?;
        Ok(Proven { identity: name.parse()?, from, until, certificate: certificate.clone().into_owned() })
    }
}

impl Proven {
    /// True where the certificate is of this key, 32 bytes.
    #[must_use]
    pub fn has_key(&self, public: &[u8]) -> bool {
        read(&self.certificate).is_ok_and(|certificate| {
            certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes() == public
        })
    }

    /// Whether a signature over a message is by the key of this certificate.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] where it is not.
    pub fn verify_signature(&self, message: &[u8], signature: &[u8]) -> Result<(), IdentityError> {
        let leaf = EndEntityCert::try_from(&self.certificate).map_err(IdentityError::Refused)?;
        leaf.verify_signature(webpki::ring::ED25519, message, signature).map_err(IdentityError::Refused)
    }
}

/// A moment, s since 1970, as rustls has it.
pub(crate) fn at(moment: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(moment.try_into().unwrap_or(0)))
}

/// From when and until when a certificate is valid, s since 1970.
fn validity(certificate: &CertificateDer<'_>) -> Result<(i64, i64), IdentityError> {
    let read = read(certificate)?;
    let validity = read.tbs_certificate().validity();
    let seconds = |time: &x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Ok((seconds(&validity.not_before), seconds(&validity.not_after)))
}

fn read(certificate: &CertificateDer<'_>) -> Result<Certificate, IdentityError> {
    Certificate::from_der(certificate)
        .map_err(|error| IdentityError::Invalid(format!("a certificate does not read: {error}")))
}
