//! The seam of the network: a way out and a way in, which tests replace.

use std::{
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tonic::transport::server::Connected;
use zhijie_identity::Identity;

use super::{Place, doors::Doors, limits};

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Something to wait for.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connections as they come in.
pub type Incoming = Pin<Box<dyn Stream<Item = io::Result<Conn>> + Send>>;

/// A network.
pub trait Net: Send + Sync + 'static {
    /// Connects to `host:port`.
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>>;

    /// Listens on `host:port` and says where; port 0 lets the system choose.
    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>>;
}

/// What a connection says of whoever is at its other end.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Nothing: it is plaintext.
    Plain,
    /// Who it is, as its certificate proves.
    Proven(Arc<Identity>),
}

/// A connection of any network.
pub struct Conn {
    io: Box<dyn Io>,
    peer: Peer,
    /// Its place among those of the listener that took it.
    _place: Option<Place<IpAddr>>,
}

impl Conn {
    /// Wraps a connection that proves nothing.
    pub fn new(io: impl Io) -> Conn {
        Conn { io: Box::new(io), peer: Peer::Plain, _place: None }
    }

    /// Wraps a connection whose other end has proved who it is.
    pub fn proven(io: impl Io, peer: Identity) -> Conn {
        Conn { io: Box::new(io), peer: Peer::Proven(Arc::new(peer)), _place: None }
    }
}

impl AsyncRead for Conn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl Connected for Conn {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// The machine's network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Net for Tcp {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        Box::pin(async move {
            let stream = TcpStream::connect(authority).await?;
            stream.set_nodelay(true)?;
            Ok(Conn::new(stream))
        })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        Box::pin(async move {
            let listener = TcpListener::bind(authority).await?;
            let bound = listener.local_addr()?.to_string();
            let incoming = stream::unfold((listener, Doors::default()), |(listener, doors)| async move {
                let conn = accept(&listener, &doors).await;
                Some((Ok(conn), (listener, doors)))
            });
            Ok((bound, Box::pin(incoming) as Incoming))
        })
    }
}

/// The next connection that there is a place for; one without is closed.
async fn accept(listener: &TcpListener, doors: &Doors) -> Conn {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The server does not set the delay for connections that it is handed; one that is closed already says so.
                let Some(place) = doors.admit(peer.ip()).filter(|_| stream.set_nodelay(true).is_ok()) else { continue };
                return Conn { _place: Some(place), ..Conn::new(stream) };
            }
            Err(error) => {
                if doors.may_say() {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no connection can be taken");
                }
                tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}
