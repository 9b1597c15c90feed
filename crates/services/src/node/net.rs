//! The seam of the network: a way out and a way in, which tests replace.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tonic::transport::server::Connected;
use zhijie_identity::Identity;

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
}

impl Conn {
    /// Wraps a connection that proves nothing.
    pub fn new(io: impl Io) -> Conn {
        Conn { io: Box::new(io), peer: Peer::Plain }
    }

    /// Wraps a connection whose other end has proved who it is.
    pub fn proven(io: impl Io, peer: Identity) -> Conn {
        Conn { io: Box::new(io), peer: Peer::Proven(Arc::new(peer)) }
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
            let listener = Arc::new(TcpListener::bind(authority).await?);
            let bound = listener.local_addr()?.to_string();
            let incoming = stream::unfold(listener, |listener| async move {
                let accepted = listener.accept().await.and_then(|(stream, _)| {
                    // The server does not do this for connections that it is handed.
                    stream.set_nodelay(true)?;
                    Ok(Conn::new(stream))
                });
                Some((accepted, listener))
            });
            Ok((bound, Box::pin(incoming) as Incoming))
        })
    }
}
