//! Channels to services: in plaintext, or as somebody with an identity to whom is expected.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint, Uri};
use zhijie_identity::{Identity, Live};

use crate::{Targets, run::RunError};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(3);
/// Interval of HTTP/2 keep-alive, and how long one may stay unanswered.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

impl Targets {
    /// A channel to a service, which connects when it is first used.
    pub(crate) fn channel(&self, url: &str, own: &Identity, service: Identity) -> Result<Channel, RunError> {
        let endpoint = Endpoint::from_shared(url.to_owned());
        let endpoint = endpoint.map_err(|error| RunError::Address(url.to_owned(), error))?;
        let endpoint = endpoint.connect_timeout(CONNECT).http2_keep_alive_interval(KEEP_ALIVE);
        let endpoint = endpoint.keep_alive_timeout(KEEP_ALIVE);
        let Some(folder) = &self.identities else { return Ok(endpoint.connect_lazy()) };
        let wrong = |error| RunError::Identity(own.to_string(), Box::new(error));
        let own = Live::open(&folder.join(own.folder())).map_err(wrong)?;
        Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |uri: Uri| {
            let (own, service) = (own.clone(), service.clone());
            async move {
                let stream = TcpStream::connect(uri.authority().map(ToString::to_string).unwrap_or_default()).await?;
                stream.set_nodelay(true)?;
                own.connect(stream, &service).await.map(TokioIo::new)
            }
        })))
    }

    /// A channel to the hub, as an officer of the national agency.
    pub(crate) fn national(&self) -> Result<Channel, RunError> {
        self.channel(&self.hub, &Identity::National, Identity::Hub)
    }
}
