//! A connection whose other end has proved who it is, for as long as its certificate holds.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use tokio_rustls::TlsStream;

use crate::{Identity, Proven, now};

/// A secured connection. It ends with the certificate of its other end: what is under way then is not answered, and is
/// asked again over the next one.
pub struct Secured<S> {
    stream: TlsStream<S>,
    peer: Identity,
    end: Pin<Box<Sleep>>,
}

impl<S> Secured<S> {
    pub(crate) fn new(stream: TlsStream<S>, peer: Proven) -> Secured<S> {
        let left = Duration::from_secs(peer.until.saturating_sub(now()).try_into().unwrap_or(0));
        Secured { stream, peer: peer.identity, end: Box::pin(sleep(left)) }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Identity {
        &self.peer
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.end.as_mut().poll(cx).is_ready() {
            let what = format!("the certificate of {} has expired", self.peer);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
