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

/// A connection of any network.
pub struct Conn(Box<dyn Io>);

impl Conn {
    /// Wraps a connection.
    pub fn new(io: impl Io) -> Conn {
        Conn(Box::new(io))
    }
}

impl AsyncRead for Conn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Connected for Conn {
    type ConnectInfo = ();

    fn connect_info(&self) {}
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
