//! Mutual TLS over any network: whoever connects or is connected to has proved who it is, or there is no connection.

use std::{future::ready, io, sync::Arc, time::Duration};

use futures_util::StreamExt;
use zhijie_identity::{Identity, Live};

use super::{Conn, Incoming, Net, Pending, limits};

/// A network with an identity of our own, and one that is expected at the other end of what it opens.
pub struct Tls {
    net: Arc<dyn Net>,
    own: Arc<Live>,
    expected: Identity,
}

impl Tls {
    /// Secures a network; connections lead to whom is expected, and to nobody else.
    #[must_use]
    pub fn new(net: Arc<dyn Net>, own: Arc<Live>, expected: Identity) -> Tls {
        Tls { net, own, expected }
    }
}

impl Net for Tls {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        let (connecting, own, expected) = (self.net.connect(authority), Arc::clone(&self.own), self.expected.clone());
        Box::pin(async move {
            let secured = own.connect(connecting.await?, &expected).await?;
            Ok(Conn::proven(secured, expected))
        })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        let (listening, own) = (self.net.listen(authority), Arc::clone(&self.own));
        Box::pin(async move {
            let (address, incoming) = listening.await?;
            // Side by side, so that who is slow to prove itself keeps nobody waiting.
            let handshakes = incoming.map(move |conn| accepted(Arc::clone(&own), conn));
            let secured = handshakes.buffer_unordered(limits::HANDSHAKES_MAX).filter_map(ready);
            Ok((address, Box::pin(secured) as Incoming))
        })
    }
}

/// An accepted connection, secured; nothing where the other end did not prove who it is in time.
async fn accepted(own: Arc<Live>, conn: io::Result<Conn>) -> Option<io::Result<Conn>> {
    let conn = match conn {
        Ok(conn) => conn,
        Err(error) => return Some(Err(error)),
    };
    let limit = Duration::from_millis(limits::HANDSHAKE_MS);
    match tokio::time::timeout(limit, own.accept(conn)).await {
        Ok(Ok(secured)) => {
            let peer = secured.peer().clone();
            Some(Ok(Conn::proven(secured, peer)))
        }
        Ok(Err(error)) => {
            tracing::info!(error = &error as &dyn std::error::Error, "a connection that does not prove who it is");
            None
        }
        Err(_) => {
            tracing::info!("a connection that takes too long to prove who it is");
            None
        }
    }
}
