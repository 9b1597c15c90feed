//! The ceiling of the road: services that decide and store nothing, over the same hops, the same transport, the same
//! runtime and the same documents. What real services carry less than these is what deciding and storing costs.
//!
//! All that is known here of how services speak to each other is in [`served`] and [`forward`].

use std::{
    future::{Future, ready},
    io,
    process::ExitCode,
    sync::Arc,
};

use axum::routing::{MethodRouter, post};
use prost::Message;
use tonic::{Request, Response, Status, server::Grpc, service::Routes};
use tonic_prost::ProstCodec;
use zhijie_services::{
    node::{Credentials, Failure, Link, Net, Role, Served, Tcp, call, channel, limits, serve},
    pb::{self, home_client::HomeClient, hub_client::HubClient},
};

use super::sample;
use crate::run::{End, log_to_stderr};

/// Which service stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
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
    #[arg(long, value_name = "http://HOST:PORT")]
    peer: Option<String>,
}

/// Serves until it is let go.
pub(crate) async fn ceiling(options: &Options) -> anyhow::Result<ExitCode> {
    log_to_stderr("info");
    let end = End::listen(true)?;
    let served = served(options).await?;
    end.told().await;
    served.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The routes of a part, under the names of the real ones.
async fn served(options: &Options) -> io::Result<Served> {
    let net: Arc<dyn Net> = Arc::new(Tcp);
    let peer = |role| {
        let address = options.peer.as_deref().unwrap_or_default();
        let channel = channel(&net, address).map_err(io::Error::other)?;
        let credentials = Credentials::new(role, None, "ceiling").ok_or_else(|| io::Error::other("credentials"))?;
        Ok::<_, io::Error>(Link::new(channel, credentials))
    };
    let router = axum::Router::new();
    let router = match options.role {
        Part::Care => {
            let hub = HubClient::new(peer(Role::Care)?);
            let settle = move |request| forward(hub.clone(), request);
            router
                .route("/zhijie.v1.Care/SettleAtOnce", unary(settle))
                .route("/zhijie.v1.Care/DayTotals", given::<pb::DayTotalsRequest, pb::DayTotalsReply>())
        }
        Part::Hub => {
            let home = HomeClient::new(peer(Role::Hub)?);
            let settle = move |request: pb::ClaimRequest| {
                let mut home = home.clone();
                async move {
                    call("home", limits::RELAY_DEADLINE_MS, home.settle(request)).await.map_err(Failure::into_status)
                }
            };
            router
                .route("/zhijie.v1.Hub/Settle", unary(settle))
                .route("/zhijie.v1.Registry/Institution", unary(sample::open_for_all))
                .route("/zhijie.v1.Books/Reconcile", given::<pb::ReconcileRequest, pb::ReconcileReply>())
                .route("/zhijie.v1.National/Ledger", given::<pb::LedgerRequest, pb::LedgerReply>())
        }
        Part::Home => {
            let computation = sample::computation().map_err(io::Error::other)?;
            let settle = move |request| ready(Ok(sample::settled(request, computation.clone())));
            router
                .route("/zhijie.v1.Home/Settle", unary(settle))
                .route("/zhijie.v1.Home/Enrol", given::<pb::EnrolRequest, pb::PersonReply>())
                .route("/zhijie.v1.Home/File", unary(sample::filed))
                .route("/zhijie.v1.Home/DayTotals", given::<pb::DayTotalsRequest, pb::DayTotalsReply>())
        }
    };
    serve(&net, &options.listen, &["zhijie.v1.Ceiling"], Routes::from(router)).await
}

/// Sends a claim on as care does, and gives the hub's answer back.
async fn forward(mut hub: HubClient<Link>, request: pb::SettleAtOnceRequest) -> Result<pb::Answer, Status> {
    let claim = sample::claim(request);
    call("hub", limits::CALL_DEADLINE_MS, hub.settle(claim)).await.map_err(Failure::into_status)
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

/// What the generator asks before and after a run, answered by an empty document: there are no people and no books.
fn given<Q: Message + Default + Send + 'static, R: Message + Default + Send + 'static>() -> MethodRouter {
    unary(|_: Q| ready(Ok(R::default())))
}
