//! An identity that is followed: whoever puts new files into its folder has them used by the next connection.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use webpki::KeyUsage;

use crate::{Identity, IdentityError, Own, Secured, folder::Files, now, trust::at};

/// How old the last look at the files may be.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Where a name is asked for and none is looked at.
const NO_NAME: &str = "zhijie";

/// An identity in a folder, as it stands there.
pub struct Live {
    folder: PathBuf,
    seen: Mutex<Seen>,
}

struct Seen {
    own: Arc<Own>,
    looked: Instant,
    /// What was wrong at the last look.
    wrong: Option<String>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({})", self.folder.display())
    }
}

impl Live {
    /// Reads a folder, and follows it.
    ///
    /// # Errors
    /// As [`Own::read`].
    pub fn open(folder: &Path) -> Result<Arc<Live>, IdentityError> {
        let seen = Seen { own: Arc::new(Own::read(folder)?), looked: Instant::now(), wrong: None };
        Ok(Arc::new(Live { folder: folder.to_owned(), seen: Mutex::new(seen) }))
    }

    /// The identity as it is now. Every few seconds that looks at the files; where they do not hold together, or are of
    /// somebody else, what held before goes on.
    #[must_use]
    pub fn own(&self) -> Arc<Own> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.looked.elapsed() >= LOOK_AGAIN {
            seen.looked = Instant::now();
            let wrong = self.look(&mut seen).err().map(|error| error.to_string());
            if let Some(wrong) = wrong.as_ref().filter(|wrong| seen.wrong.as_ref() != Some(wrong)) {
                tracing::warn!(folder = %self.folder.display(), wrong, "new files of the identity are not taken up");
            }
            seen.wrong = wrong;
        }
        Arc::clone(&seen.own)
    }

    fn look(&self, seen: &mut Seen) -> Result<(), IdentityError> {
        let files = Files::read(&self.folder)?;
        if files == seen.own.files {
            return Ok(());
        }
        let own = Own::of(files)?;
        if own.identity() != seen.own.identity() {
            let (expected, found) = (seen.own.identity().clone(), own.identity().clone());
            return Err(IdentityError::SomebodyElse { expected, found });
        }
        tracing::info!(identity = %own.identity(), until = own.until(), "new files of the identity are taken up");
        seen.own = Arc::new(own);
        Ok(())
    }

    /// Secures a connection that was accepted.
    ///
    /// # Errors
    /// Where the other end does not prove who it is.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, io: S) -> io::Result<Secured<S>> {
        let own = self.own();
        let stream = TlsAcceptor::from(Arc::clone(&own.server)).accept(io).await?;
        secured(&own, TlsStream::Server(stream), KeyUsage::client_auth())
    }

    /// Secures a connection to whom is expected at its other end. What the other end thinks of our own certificate
    /// shows when it is first read from.
    ///
    /// # Errors
    /// Where the other end is somebody else, or does not prove who it is.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: S,
        expected: &Identity,
    ) -> io::Result<Secured<S>> {
        let own = self.own();
        let config = own.client(expected).map_err(io::Error::other)?;
        let name = ServerName::try_from(NO_NAME).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, io).await?;
        secured(&own, TlsStream::Client(stream), KeyUsage::server_auth())
    }
}

/// The connection with what its other end proved, which the handshake has verified.
fn secured<S>(own: &Own, stream: TlsStream<S>, usage: KeyUsage) -> io::Result<Secured<S>> {
    let chain: &[CertificateDer<'_>] = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let (leaf, between) = chain.split_first().ok_or_else(|| io::Error::other("the other end has no certificate"))?;
    let proven = own.authorities().prove(leaf, between, at(now()), usage).map_err(io::Error::other)?;
    Ok(Secured::new(stream, proven))
}
