//! The ceiling of the road: services that decide and store nothing, over the same hops, the same transport, the same
//! runtime and the same documents. What real services carry less than these is what deciding and storing costs.
//!
//! How services speak to each other is theirs (`node::road`); here are only three ends of it, without anything between.

use std::{
    future::{Future, ready},
    io,
    process::ExitCode,
    sync::Arc,
};

use axum::routing::{MethodRouter, post};
use prost::Message;
use tokio::sync::watch;
use tonic::{Extensions, Request, Response, Status, metadata::MetadataMap, server::Grpc, service::Routes};
use tonic_prost::ProstCodec;
use zhijie_services::{
    node::{
        Failure, Net, Served, Tcp, call, channel, limits,
        road::{Carrier, RoadClient, read_letter, road_server},
        serve,
    },
    pb,
};

use super::sample;
use crate::run::{End, SERVICE_LOG, log_to_stderr};

/// Which service stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Care,
    Hub,
    Home,
}

/// Options of a service of the ceiling.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    role: Part,
    /// Where it listens
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// Whom it forwards to; home forwards to nobody
    #[arg(long, value_name = "http://HOST:PORT", default_value = "")]
    peer: String,
}

/// Serves until it is let go.
pub(crate) async fn ceiling(options: &Options) -> anyhow::Result<ExitCode> {
    log_to_stderr(SERVICE_LOG);
    let end = End::listen(true)?;
    let served = served(options).await?;
    end.told().await;
    served.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Serves a part under the names of the real one.
async fn served(options: &Options) -> io::Result<Served> {
    let net: Arc<dyn Net> = Arc::new(Tcp);
    let stop = watch::Sender::new(false);
    let peer = |service| {
        let channel = channel(&net, &options.peer).map_err(io::Error::other)?;
        Ok::<_, io::Error>(RoadClient::new(channel, MetadataMap::new(), service))
    };
    // What the generator asks before and after a run is answered as well, though there are no people and no books.
    let routes = match options.role {
        Part::Care => {
            let role = Care { hub: peer("zhijie.v1.Hub")? };
            let router = axum::Router::new()
                .route("/zhijie.v1.Care/DayTotals", given::<pb::DayTotalsRequest, pb::DayTotalsReply>());
            Routes::from(router).add_service(road_server(Arc::new(role), stop.subscribe()))
        }
        Part::Hub => {
            let role = Hub { home: peer("zhijie.v1.Home")? };
            let router = axum::Router::new()
                .route("/zhijie.v1.Registry/Institution", unary(sample::open_for_all))
                .route("/zhijie.v1.Books/Reconcile", given::<pb::ReconcileRequest, pb::ReconcileReply>())
                .route("/zhijie.v1.National/Ledger", given::<pb::LedgerRequest, pb::LedgerReply>());
            Routes::from(router).add_service(road_server(Arc::new(role), stop.subscribe()))
        }
        Part::Home => {
            let computation = sample::computation().map_err(io::Error::other)?;
            let role = Home { computation };
            let router = axum::Router::new()
                .route("/zhijie.v1.Home/Enrol", given::<pb::EnrolRequest, pb::PersonReply>())
                .route("/zhijie.v1.Home/File", unary(sample::filed))
                .route("/zhijie.v1.Home/DayTotals", given::<pb::DayTotalsRequest, pb::DayTotalsReply>());
            Routes::from(router).add_service(road_server(Arc::new(role), stop.subscribe()))
        }
    };
    serve(&net, &options.listen, &["zhijie.v1.Ceiling"], routes, stop).await
}

/// Care: makes the claim, and gives the hub's answer back.
struct Care {
    hub: RoadClient,
}

impl Carrier for Care {
    type Caller = ();

    fn admit(&self, _: &Extensions, _: &MetadataMap) -> Result<(), Status> {
        Ok(())
    }

    async fn answer(&self, (): &(), letter: pb::Letter) -> Result<pb::Answer, Status> {
        let claim = sample::claim(read_letter(letter.request)?);
        asked("hub", limits::CALL_DEADLINE_MS, &self.hub, &claim).await
    }
}

async fn asked(
    name: &str,
    deadline_ms: u64,
    peer: &RoadClient,
    claim: &pb::ClaimRequest,
) -> Result<pb::Answer, Status> {
    call(name, deadline_ms, peer.ask(pb::RoadCall::Settle, claim)).await.map_err(Failure::into_status)
}

/// The hub: passes claims on without their lines, as home does not get them.
struct Hub {
    home: RoadClient,
}

impl Carrier for Hub {
    type Caller = ();

    fn admit(&self, _: &Extensions, _: &MetadataMap) -> Result<(), Status> {
        Ok(())
    }

    async fn answer(&self, (): &(), letter: pb::Letter) -> Result<pb::Answer, Status> {
        let mut request: pb::ClaimRequest = read_letter(letter.request)?;
        if let Some(claim) = &mut request.claim {
            claim.lines.clear();
        }
        asked("home", limits::RELAY_DEADLINE_MS, &self.home, &request).await
    }
}

/// Home: answers each claim by the same computation.
struct Home {
    computation: pb::Computation,
}

impl Carrier for Home {
    type Caller = ();

    fn admit(&self, _: &Extensions, _: &MetadataMap) -> Result<(), Status> {
        Ok(())
    }

    async fn answer(&self, (): &(), letter: pb::Letter) -> Result<pb::Answer, Status> {
        Ok(sample::settled(read_letter(letter.request)?, self.computation.clone()))
    }
}

/// A call with one document each way, served as generated code serves it.
fn unary<Q, R, F, A>(act: F) -> MethodRouter
where
    Q: Message + Default + Send + 'static,
    R: Message + Default + Send + 'static,
    F: Fn(Q) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<R, Status>> + Send + 'static,
{
    post(async move |request: axum::extract::Request| {
        let answer = tower::service_fn(move |request: Request<Q>| {
            let answer = act(request.into_inner());
            async move { answer.await.map(Response::new) }
        });
        let mut grpc = Grpc::new(ProstCodec::<R, Q>::default());
        grpc.unary(answer, request).await
    })
}

/// A call that is answered by an empty document.
fn given<Q: Message + Default + Send + 'static, R: Message + Default + Send + 'static>() -> MethodRouter {
    unary(|_: Q| ready(Ok(R::default())))
}
