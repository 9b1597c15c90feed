//! Serving a role: health, reflection, bounded streams, and a graceful end.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::select_all};
use tokio::{sync::watch, task::JoinHandle};
use tonic::{service::Routes, transport::Server};
use tonic_health::server::{HealthReporter, health_reporter};
use zhijie_store::{Store, StoreError};

use super::{
    Net,
    doors::{Guarded, Patience},
    limits,
};

/// The name of reflection on the wire.
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";

/// A service that runs.
pub struct Served {
    /// Where it listens, `host:port`.
    pub address: String,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Without it, the service is of no use.
    store: Option<Store>,
}

impl Served {
    /// Ends the service: no new calls, those begun are finished, background work ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let drain = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(Duration::from_millis(limits::DRAIN_MS), drain).await.is_err() {
            tracing::warn!("calls were still open when the service stopped");
        }
    }

    /// Ends the service at once. Connections that are open end by themselves; a crash cuts them as well.
    pub fn kill(self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    /// What background work watches to know that the service ends.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Says over which store it serves.
    #[must_use]
    pub fn over(mut self, store: Store) -> Served {
        self.store = Some(store);
        self
    }

    /// Ends when the store of one of several services has stopped for good, with the reason.
    pub async fn store_stopped(served: &[Served]) -> StoreError {
        let stores = served.iter().filter_map(|one| one.store.as_ref());
        let stopped: Vec<_> = stores.map(|store| Box::pin(store.stopped())).collect();
        if stopped.is_empty() {
            return std::future::pending().await;
        }
        select_all(stopped).await.0
    }

    /// Adds background work, which is waited for at the end.
    pub fn with_task(mut self, task: JoinHandle<()>) -> Served {
        self.tasks.push(task);
        self
    }
}

/// Starts to serve routes on `listen`; the services of these names are reported healthy. `stop` tells everyone who watches
/// it that the service ends.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(
    net: &Arc<dyn Net>,
    listen: &str,
    names: &[&str],
    routes: Routes,
    stop: watch::Sender<bool>,
) -> io::Result<Served> {
    let (address, incoming) = net.listen(listen.to_owned()).await?;
    let incoming = incoming.map(|conn| conn.map(|conn| Guarded::new(conn, Patience::USUAL)));
    let (reporter, health) = health_reporter();
    set_serving(&reporter, names).await;
    let mut stopping = stop.subscribe();
    let server = Server::builder()
        // Metrics are asked for over plain HTTP.
        .accept_http1(true)
        .timeout(Duration::from_millis(limits::REQUEST_MS))
        .max_concurrent_streams(Some(limits::STREAMS_MAX))
        .http2_max_header_list_size(limits::HEAD_BYTES_MAX)
        .http2_keepalive_interval(Some(Duration::from_millis(limits::KEEP_ALIVE_MS)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits::KEEP_ALIVE_TIMEOUT_MS)))
        .add_routes(routes)
        .add_service(health);
    let task = tokio::spawn(async move {
        let stopped = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if let Err(error) = server.serve_with_incoming_shutdown(incoming, stopped).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the server ended");
        }
    });
    tracing::info!(address, services = names.join(" "), "serving");
    Ok(Served { address, stop, tasks: vec![task], store: None })
}

async fn set_serving(reporter: &HealthReporter, names: &[&str]) {
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
    }
}

/// Adds reflection of services to their routes, so that any client can read the documents from the running service.
/// What it shows is made once: to read all descriptors is most of what a start costs.
///
/// # Errors
/// When the descriptors do not read, which a build would have shown.
pub fn reflection(routes: Routes, names: &[&str]) -> io::Result<Routes> {
    static MADE: Mutex<BTreeMap<String, axum::Router>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = match made.entry(names.join(" ")) {
        Entry::Occupied(known) => known.get().clone(),
        Entry::Vacant(new) => new.insert(reflecting(names)?).clone(),
    };
    Ok(routes.into_axum_router().merge(shown).into())
}

fn reflecting(names: &[&str]) -> io::Result<axum::Router> {
    let builder = tonic_reflection::server::Builder::configure().with_service_name("grpc.health.v1.Health");
    let builder = names.iter().fold(builder, |builder, name| builder.with_service_name(*name));
    let service = builder
        .register_encoded_file_descriptor_set(zhijie_protocol::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(io::Error::other)?;
    Ok(axum::Router::new().route_service(&format!("/{REFLECTION}/{{*rest}}"), service))
}
