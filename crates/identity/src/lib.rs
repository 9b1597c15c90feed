//! Who is at the other end (身份): a certificate of the private authority binds one role and one region, both ends of a
//! connection prove theirs, and the proof becomes a value. A server is known by the role and the region that its client
//! expects, not by where it stands.

pub mod authority;
mod folder;
mod handshake;
mod live;
mod name;
mod secured;
mod trust;

use std::{io, path::PathBuf};

pub use folder::{AUTHORITIES, CERTIFICATE, KEY, Own};
pub use live::Live;
pub use name::Identity;
pub use secured::Secured;
pub use trust::{Authorities, Proven};

/// What stands in the way of an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or a document does not hold what it should.
    #[error("{0}")]
    Invalid(String),
    /// A certificate does not hold: expired, of another authority, damaged.
    #[error("the certificate does not hold: {0}")]
    Refused(webpki::Error),
    /// The other end is somebody else.
    #[error("expected {expected} at the other end, and found {found}")]
    SomebodyElse {
        /// Who was expected.
        expected: Identity,
        /// Who it is.
        found: Identity,
    },
    /// The machinery of TLS.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// The machine's time, s since 1970: certificates are valid by it, whatever business day it is.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the validity of certificates has nothing to do with the business clock")]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
