//! An authority for development (开发用认证机构): one key that signs the certificates of a cluster. Who runs more than a
//! desk has an authority already, and gives out folders with the same three files.

use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use pkcs8::{LineEnding, PrivateKeyInfoRef, SecretDocument, der::pem::PemLabel};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, SanType, string::Ia5String,
};
use time::OffsetDateTime;

use crate::{AUTHORITIES, Authorities, CERTIFICATE, Identity, IdentityError, KEY, now};

/// How far clocks may run apart, s: certificates are valid from so long before they are made.
const APART_S: i64 = 300;
/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// An authority with its private key.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
    key: String,
}

impl Authority {
    /// A new one, valid for so long.
    ///
    /// # Errors
    /// [`IdentityError::Make`].
    pub fn new(valid: Duration) -> Result<Authority, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let (from, until) = from_now(valid);
        let mut params = params()?;
        (params.not_before, params.not_after) = (moment(from)?, moment(until)?);
        let certificate = params.self_signed(&key)?.pem();
        let pem = private(&key)?;
        Ok(Authority { certificate, issuer: Issuer::new(params, key), key: pem })
    }

    /// The authority whose files are in a folder.
    ///
    /// # Errors
    /// [`IdentityError`] where there is none, it has expired, or it was not made here.
    pub fn open(folder: &Path) -> Result<Authority, IdentityError> {
        let read = |name| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| IdentityError::File { path, source })
        };
        let (certificate, pem) = (read(CERTIFICATE)?, read(KEY)?);
        let authority = Authority { certificate, issuer: Issuer::new(params()?, KeyPair::from_pem(&pem)?), key: pem };
        // One that was not made here has another name or another key than its certificate says.
        let (at, trial) = (now(), authority.signed(&Identity::National, &[], (now() - APART_S, now() + DAY_S))?.0);
        Authorities::parse(authority.certificate.as_bytes())?.verify(trial.der(), at)?;
        Ok(authority)
    }

    /// Writes its files into a folder, which only its owner may enter.
    ///
    /// # Errors
    /// [`IdentityError::File`], also where there is an authority already.
    pub fn keep(&self, folder: &Path) -> Result<(), IdentityError> {
        make_folder(folder)?;
        let path = folder.join(KEY);
        if path.exists() {
            return Err(IdentityError::File { path, source: io::ErrorKind::AlreadyExists.into() });
        }
        write(&folder.join(CERTIFICATE), self.certificate.as_bytes())?;
        write(&path, self.key.as_bytes())
    }

    /// Makes a key and a certificate for somebody, valid between two moments, and puts them into its folder, also over
    /// former ones. Hosts are for clients that know a server by where it stands: names or addresses.
    ///
    /// # Errors
    /// [`IdentityError`] where it cannot be made or written.
    pub fn issue(
        &self,
        identity: &Identity,
        hosts: &[String],
        valid: (i64, i64),
        folder: &Path,
    ) -> Result<(), IdentityError> {
        let (certificate, key) = self.signed(identity, hosts, valid)?;
        make_folder(folder)?;
        write(&folder.join(AUTHORITIES), self.certificate.as_bytes())?;
        write(&folder.join(CERTIFICATE), certificate.pem().as_bytes())?;
        write(&folder.join(KEY), private(&key)?.as_bytes())
    }

    /// The same from now on, for so long.
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub fn issue_for(
        &self,
        identity: &Identity,
        hosts: &[String],
        valid: Duration,
        folder: &Path,
    ) -> Result<(), IdentityError> {
        self.issue(identity, hosts, from_now(valid), folder)
    }

    fn signed(
        &self,
        identity: &Identity,
        hosts: &[String],
        (from, until): (i64, i64),
    ) -> Result<(Certificate, KeyPair), IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(&identity.to_string());
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(identity.to_string())?)];
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if identity.is_service() {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
            for host in hosts {
                params.subject_alt_names.push(match host.parse::<IpAddr>() {
                    Ok(address) => SanType::IpAddress(address),
                    Err(_) => SanType::DnsName(Ia5String::try_from(host.as_str())?),
                });
            }
        }
        (params.not_before, params.not_after) = (moment(from)?, moment(until)?);
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }
}

/// A private key in the form that every client reads: PKCS#8 of version 1, PEM.
fn private(key: &KeyPair) -> Result<String, IdentityError> {
    let invalid = |error: pkcs8::Error| IdentityError::Invalid(format!("a new key: {error}"));
    let made = key.serialize_der();
    let mut document = PrivateKeyInfoRef::try_from(made.as_slice()).map_err(invalid)?;
    document.public_key = None;
    let secret = SecretDocument::try_from(document).map_err(invalid)?;
    let pem = secret.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF);
    Ok(pem.map_err(|error| invalid(error.into()))?.to_string())
}

/// From when and until when, where it begins now.
fn from_now(valid: Duration) -> (i64, i64) {
    let (now, seconds) = (now(), i64::try_from(valid.as_secs()).unwrap_or(i64::MAX));
    (now.saturating_sub(APART_S), now.saturating_add(seconds))
}

/// What the certificate of an authority says, but for its validity.
fn params() -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = subject("Zhijie development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn moment(at: i64) -> Result<OffsetDateTime, IdentityError> {
    OffsetDateTime::from_unix_timestamp(at)
        .map_err(|_| IdentityError::Invalid("a certificate cannot be valid until then".into()))
}

fn make_folder(folder: &Path) -> Result<(), IdentityError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| IdentityError::File { path: folder.to_owned(), source })
}

/// Writes a file that only its owner may read, as a whole: whoever reads it meanwhile reads the old one.
fn write(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    let beside = path.with_extension("new");
    let written = || {
        // What a broken attempt has left may have other rights.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|source| IdentityError::File { path: path.to_owned(), source })
}
