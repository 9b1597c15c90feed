//! turmoil's network behind the seam: real gRPC over simulated TCP.

use std::{io, sync::Arc};

use futures_util::stream;
use tonic::transport::Channel;
use turmoil::net::{TcpListener, TcpStream};
use zhijie_services::node::{Conn, Incoming, Net, Pending, channel};

/// Every service listens on this port of its own host.
pub(crate) const PORT: u16 = 7400;

/// The address of a service by its name.
#[must_use]
pub fn address(service: &str) -> String {
    format!("http://{service}:{PORT}")
}

/// A channel from the host that asks for it to a service.
///
/// # Errors
/// When the name makes no address.
pub fn channel_to(service: &str) -> Result<Channel, tonic::transport::Error> {
    let net: Arc<dyn Net> = Arc::new(SimNet);
    channel(&net, &address(service))
}

/// The network as every host sees it.
pub(crate) struct SimNet;

impl Net for SimNet {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        Box::pin(async move { TcpStream::connect(authority).await.map(Conn::new) })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        Box::pin(async move {
            let listener = TcpListener::bind(authority).await?;
            let bound = listener.local_addr()?.to_string();
            let incoming = stream::unfold(listener, |listener| async move {
                let accepted = listener.accept().await.map(|(stream, _)| Conn::new(stream));
                Some((accepted, listener))
            });
            Ok((bound, Box::pin(incoming) as Incoming))
        })
    }
}
