//! What rustls is told: TLS 1.3 only, both ends prove themselves on every connection anew, and a server by its name in the
//! certificate. Sessions are not resumed, as a resumed one would outlive the certificate it began with.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError, ServerConfig,
    SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::SingleCertAndKey,
    version::TLS13,
};
use webpki::KeyUsage;

use crate::{Authorities, Identity, IdentityError};

/// How a service accepts connections.
pub(crate) fn server(authorities: &Authorities, own: Arc<SingleCertAndKey>) -> Result<ServerConfig, IdentityError> {
    let provider = Arc::new(ring::default_provider());
    let clients = Arc::new(Clients(Verifier::new(authorities, &provider)));
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13])?;
    let mut config = config.with_client_cert_verifier(clients).with_cert_resolver(own);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // Metrics are asked for over plain HTTP.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// How somebody connects to whom is expected.
pub(crate) fn client(
    authorities: &Authorities,
    expected: Identity,
    own: Arc<SingleCertAndKey>,
) -> Result<ClientConfig, IdentityError> {
    let provider = Arc::new(ring::default_provider());
    let servers = Arc::new(Servers { verifier: Verifier::new(authorities, &provider), expected });
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13])?;
    let mut config = config.dangerous().with_custom_certificate_verifier(servers).with_client_cert_resolver(own);
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// What both directions check.
#[derive(Debug)]
struct Verifier {
    authorities: Authorities,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(authorities: &Authorities, provider: &CryptoProvider) -> Verifier {
        Verifier { authorities: authorities.clone(), algorithms: provider.signature_verification_algorithms }
    }

    fn proven(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        at: UnixTime,
        usage: KeyUsage,
    ) -> Result<Identity, Error> {
        self.authorities.prove(leaf, between, at, usage).map(|proven| proven.identity).map_err(told)
    }
}

/// What the other end is told of it.
fn told(error: IdentityError) -> Error {
    Error::InvalidCertificate(match error {
        IdentityError::Refused(webpki::Error::CertExpired { .. }) => CertificateError::Expired,
        IdentityError::Refused(webpki::Error::CertNotValidYet { .. }) => CertificateError::NotValidYet,
        // Of an authority of the same name.
        IdentityError::Refused(webpki::Error::InvalidSignatureForPublicKey) => CertificateError::BadSignature,
        IdentityError::Refused(webpki::Error::UnknownIssuer) => CertificateError::UnknownIssuer,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    })
}

macro_rules! signatures {
    ($($to:tt)*) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, leaf, signed, &self.$($to)*.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, leaf, signed, &self.$($to)*.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.$($to)*.algorithms.supported_schemes()
        }
    };
}

/// A service asks its clients.
#[derive(Debug)]
struct Clients(Verifier);

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.proven(leaf, between, at, KeyUsage::client_auth()).map(|_| ClientCertVerified::assertion())
    }

    signatures!(0);
}

/// A client asks its service.
#[derive(Debug)]
struct Servers {
    verifier: Verifier,
    expected: Identity,
}

impl ServerCertVerifier for Servers {
    /// The name is not looked at: addresses change, and the authority is private.
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        at: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = self.verifier.proven(leaf, between, at, KeyUsage::server_auth())?;
        if found == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(told(IdentityError::SomebodyElse { expected: self.expected.clone(), found }))
    }

    signatures!(verifier);
}
