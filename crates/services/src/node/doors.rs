//! The doors of a service (接入): how many connections it keeps, in all and from one address, and how long it bears with
//! one that does not open, or does not take what it is sent.

use std::{
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};
use tonic::transport::server::Connected;

use super::{Conn, Place, Places, limits};

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The connections of a listener.
#[derive(Default)]
pub(super) struct Doors {
    places: Places<IpAddr>,
    /// When it was last said that one could not be taken.
    said: Mutex<Option<Instant>>,
}

impl Doors {
    /// A place for a connection from an address; nothing where there is none.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Place<IpAddr>> {
        let free = |all, own| all < limits::CONNECTIONS_MAX && own < limits::CONNECTIONS_OF_ADDRESS_MAX;
        let place = self.places.take(peer, free);
        if place.is_none() && self.may_say() {
            tracing::warn!(%peer, "connections are turned away: too many are open");
        }
        place
    }

    /// True once in a while, so that nobody fills the log by knocking.
    pub(super) fn may_say(&self) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = Duration::from_millis(limits::TURNED_AWAY_SAID_MS);
        let due = said.is_none_or(|said| said.elapsed() >= pause);
        if due {
            *said = Some(Instant::now());
        }
        due
    }
}

/// How long a service bears with a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the preface of HTTP/2 has come. One that speaks HTTP/1 never sends it: it lives no longer than this.
    pub(super) opening: Duration,
    /// While the peer takes nothing of what it is sent.
    pub(super) stalled: Duration,
}

impl Patience {
    /// By the limits.
    pub(super) const USUAL: Patience = Patience {
        opening: Duration::from_millis(limits::OPENING_MS),
        stalled: Duration::from_millis(limits::STALLED_MS),
    };
}

/// A connection that is borne with for so long, and then fails.
pub(super) struct Guarded {
    conn: Conn,
    /// How much of the preface has come, and until when the rest may; nothing when all has.
    opening: Option<(usize, Pin<Box<Sleep>>)>,
    /// Until when the peer may take nothing; nothing while it takes what it is sent.
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Patience,
}

impl Guarded {
    pub(super) fn new(conn: Conn, patience: Patience) -> Guarded {
        Guarded { conn, opening: Some((0, Box::pin(sleep(patience.opening)))), stalled: None, patience }
    }

    /// Passes on how a write ended, unless it has waited for too long.
    fn borne<T>(&mut self, cx: &mut Context<'_>, ended: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if ended.is_ready() {
            self.stalled = None;
            return ended;
        }
        let patience = self.patience.stalled;
        let until = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        until.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.conn).poll_read(cx, buf);
        let Some((known, until)) = &mut self.opening else { return read };
        let came = buf.filled().get(before..).unwrap_or_default();
        let missing = PREFACE.get(*known..).unwrap_or_default();
        *known += came.iter().zip(missing).take_while(|(came, missing)| came == missing).count();
        if *known == PREFACE.len() {
            self.opening = None;
        } else if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the connection does not open")));
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.conn).poll_write(cx, buf);
        self.borne(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.conn).poll_flush(cx);
        self.borne(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.conn).poll_shutdown(cx);
        self.borne(cx, shut)
    }
}

impl Connected for Guarded {
    type ConnectInfo = <Conn as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.conn.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const SHORT: Patience = Patience { opening: Duration::from_millis(100), stalled: Duration::from_millis(100) };

    fn connected() -> (DuplexStream, Guarded) {
        let (there, here) = duplex(64);
        (there, Guarded::new(Conn::new(here), SHORT))
    }

    #[test]
    fn one_address_leaves_room_for_others_and_all_together_have_a_bound() {
        let doors = Doors::default();
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap()));
        let mut open = Vec::new();
        while let Some(place) = doors.admit(address(0)) {
            open.push(place);
        }
        assert_eq!(open.len(), limits::CONNECTIONS_OF_ADDRESS_MAX);
        open.extend((1..).map_while(|number| doors.admit(address(number))));
        assert_eq!(open.len(), limits::CONNECTIONS_MAX);
        open.pop();
        assert!(doors.admit(address(0)).is_none() && doors.admit(address(9)).is_some());
        drop(open);
        assert_eq!(doors.places.held(), 0);
    }

    #[tokio::test]
    async fn what_does_not_open_as_http_2_ends_however_busy_it_is() {
        for sent in [&b""[..], &PREFACE[..23], b"GET / HTTP/1.1\r\nx: ", b"PRI * HTTP/2.0\r\n\r\nSM\r\nX\r\n"] {
            let (mut there, mut here) = connected();
            there.write_all(sent).await.unwrap();
            let mut heard = Vec::new();
            let ended = here.read_to_end(&mut heard).await.unwrap_err();
            assert_eq!((ended.kind(), heard.as_slice()), (io::ErrorKind::TimedOut, sent));
        }
        let (mut there, mut here) = connected();
        for part in [&PREFACE[..5], &PREFACE[5..], b"frames"] {
            there.write_all(part).await.unwrap();
            here.read_exact(&mut vec![0; part.len()]).await.unwrap();
        }
        tokio::time::sleep(SHORT.opening * 2).await;
        there.write_all(b"more").await.unwrap();
        here.read_exact(&mut [0; 4]).await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_ends_the_connection_and_a_slow_one_does_not() {
        let (mut there, mut here) = connected();
        let slow = tokio::spawn(async move {
            for _ in 0..4 {
                tokio::time::sleep(SHORT.stalled / 2).await;
                there.read_exact(&mut [0; 64]).await.unwrap();
            }
            there
        });
        here.write_all(&[0; 5 * 64]).await.unwrap();
        let _there = slow.await.unwrap();
        assert_eq!(here.write_all(&[0; 65]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
