//! Calls to peers: a channel over the network seam, an introduction with every call, a deadline on each.

use std::{future::Future, io, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use tonic::{
    Response, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint, Uri},
};

use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::{Failure, Introduction, Net, limits};

/// A channel over which a service introduces itself.
pub type Link = InterceptedService<Channel, Introduction>;

/// A channel to `http://host:port`, or `https` over a network that secures it; it connects when it is first used, and again after a break.
///
/// # Errors
/// When the address is no address.
pub fn channel(net: &Arc<dyn Net>, address: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(address.to_owned())?
        .connect_timeout(Duration::from_millis(limits::CONNECT_MS))
        .http2_keep_alive_interval(Duration::from_millis(limits::KEEP_ALIVE_MS))
        .keep_alive_timeout(Duration::from_millis(limits::KEEP_ALIVE_TIMEOUT_MS))
        .keep_alive_while_idle(false);
    let net = Arc::clone(net);
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |uri: Uri| {
        let connecting = net.connect(uri.authority().map(ToString::to_string).unwrap_or_default());
        async move { connecting.await.map(TokioIo::new) }
    })))
}

/// Waits for an answer, but not for ever.
///
/// # Errors
/// [`Failure::Peer`] when there is none.
pub async fn call<T>(
    peer: &str,
    deadline_ms: u64,
    answering: impl Future<Output = Result<Response<T>, Status>> + Send,
) -> Result<T, Failure> {
    let deadline = Duration::from_millis(deadline_ms);
    let answered = tokio::time::timeout(deadline, answering).await;
    let answered = answered.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
    answered
        .map(Response::into_inner)
        .map_err(|status| Failure::Peer { peer: peer.to_owned(), status: Box::new(status) })
}

/// True when the service at an address says that it serves, over a network.
///
/// # Errors
/// When the address is none, or nobody answers.
pub async fn is_serving(net: &Arc<dyn Net>, address: &str) -> io::Result<bool> {
    let mut health = HealthClient::new(channel(net, address).map_err(io::Error::other)?);
    let answered = health.check(HealthCheckRequest { service: String::new() }).await.map_err(io::Error::other)?;
    Ok(answered.into_inner().status() == ServingStatus::Serving)
}
