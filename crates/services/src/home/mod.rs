//! The home region (参保地): keeps persons, filings and accumulators, and decides what is paid.
//! Everything that moves with a person stands in one record, so that the store's versions serialise a person.

mod cancel;
mod filing;
mod judge;
mod list;
pub(crate) mod member;
mod mirror;
mod pre_settle;
mod refuse;
mod register;
mod register_visit;
mod reverse;
mod settle;
mod undo;

use std::{io, pin::Pin, sync::Arc};

use tokio::sync::{Notify, watch};
use tonic::{Extensions, Request, Response, Status, metadata::MetadataMap, service::Routes};
use zhijie_domain::{
    author::{Author, Side},
    ids::RegionCode,
    refusal::{Code, Refusal},
};
use zhijie_identity::Identity;
use zhijie_protocol::v1::{home_server, hub_client::HubClient, registry_client::RegistryClient};

use crate::{
    node::{
        Book, Caller, Entries, Failure, Introduction, Link, Node, Office, Role, Served, Signatory, Signer, channel,
        claim, limits, reflection,
        road::{Carrier, ROAD, no_such_call, read_letter, road_server},
        serve,
    },
    wire::pb,
};

/// The services' names on the wire; health speaks of the first.
const SERVICES: &[&str] = &["zhijie.v1.Home", ROAD, "zhijie.v1.Agency"];

/// What the home role needs to know of itself.
pub struct HomeSetup {
    /// Its province.
    pub region: RegionCode,
    /// Where it listens.
    pub listen: String,
    /// The hub's address.
    pub hub: String,
    /// The key with which it signs what it answers; without one it signs nothing.
    pub signer: Option<Signer>,
}

/// The home service.
pub(crate) struct Home {
    node: Node,
    region: RegionCode,
    book: Book,
    hub: HubClient<Link>,
    signatory: Signatory,
    chronic: list::KnownList,
    to_mirror: Notify,
}

/// Starts the home service.
///
/// # Errors
/// When the address cannot be listened on, or the configuration holds no usable address.
pub async fn start(node: Node, setup: &HomeSetup) -> io::Result<Served> {
    claim(&node.store, Role::Home, Some(&setup.region)).await?;
    let author = Author { side: Side::Home, region: setup.region.clone() };
    let signatory = Signatory::open(&node.store, author, setup.signer.clone(), node.now()).await?;
    let own = Role::Home.of(&setup.region);
    let (net, introduction) = (node.net_to(own.clone()), Introduction::of(&own));
    let hub = channel(&node.net_to(Identity::Hub), &setup.hub).map_err(io::Error::other)?;
    let office = Office::open(&hub, &introduction, &setup.region);
    let home = Arc::new(Home {
        book: Book::new(node.store.clone()),
        region: setup.region.clone(),
        chronic: list::KnownList::new(
            node.parameters.chronic.clone(),
            RegistryClient::with_interceptor(hub.clone(), introduction.clone())
                .max_decoding_message_size(limits::DOCUMENT_BYTES_MAX),
        ),
        hub: HubClient::with_interceptor(hub, introduction),
        signatory,
        to_mirror: Notify::new(),
        node,
    });
    let service =
        home_server::HomeServer::from_arc(Arc::clone(&home)).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
    let stop = watch::Sender::new(false);
    let road = road_server(Arc::clone(&home), stop.subscribe());
    let routes = reflection(Routes::new(service).add_service(road).add_service(office), SERVICES)?;
    let served = serve(&net, &setup.listen, SERVICES, routes, stop).await?;
    let mirroring = tokio::spawn(mirror::run(home, served.stopping()));
    Ok(served.with_task(mirroring))
}

impl Home {
    /// Refuses what is not for this home region.
    fn serves(&self, area: &RegionCode, field: &str) -> Result<(), Refusal> {
        if area.province() == self.region {
            return Ok(());
        }
        Err(Refusal::new(Code::RegionUnknown, "regions served here", field)
            .with(format!("{area} 不属于 {}", self.region), format!("{area} is not of {}", self.region)))
    }
}

impl Home {
    /// Refuses a caller that is no officer of this province.
    fn window<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::admitted(request.extensions(), request.metadata(), |caller| caller.is_officer_of(&self.region))
    }

    /// Refuses a caller that is neither such an officer nor the hub.
    fn reader<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        self.admit(request.extensions(), request.metadata()).or_else(|_| self.window(request))
    }
}

/// Answers a road call of the hub, or says who may call.
macro_rules! road {
    ($self:ident, $request:ident, $act:path) => {{
        $self.admit($request.extensions(), $request.metadata())?;
        reply($act($self, $request.into_inner()).await)
    }};
}

impl Carrier for Home {
    type Caller = Caller;

    fn admit(&self, extensions: &Extensions, metadata: &MetadataMap) -> Result<Caller, Status> {
        Caller::admitted(extensions, metadata, Caller::is_hub)
    }

    async fn answer(&self, _: &Caller, letter: pb::Letter) -> Result<pb::Answer, Status> {
        let (call, request) = (letter.call(), letter.request);
        // Each in a box of its own, so that the others do not make it larger.
        let answering: Pin<Box<dyn Future<Output = _> + Send>> = match call {
            pb::RoadCall::RegisterVisit => Box::pin(register_visit::register_visit(self, read_letter(request)?)),
            pb::RoadCall::PreSettle => Box::pin(pre_settle::pre_settle(self, read_letter(request)?)),
            pb::RoadCall::Settle => Box::pin(settle::settle(self, read_letter(request)?)),
            pb::RoadCall::Cancel => Box::pin(cancel::cancel(self, read_letter(request)?)),
            pb::RoadCall::Reverse => Box::pin(reverse::reverse(self, read_letter(request)?)),
            pb::RoadCall::Refuse => Box::pin(refuse::refuse(self, read_letter(request)?)),
            pb::RoadCall::SettleAtOnce | pb::RoadCall::Unspecified => return Err(no_such_call()),
        };
        answering.await.map_err(Failure::into_status)
    }
}

fn reply<T>(result: Result<T, Failure>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(Failure::into_status)
}

#[tonic::async_trait]
impl home_server::Home for Home {
    async fn enrol(&self, request: Request<pb::EnrolRequest>) -> Result<Response<pb::PersonReply>, Status> {
        self.window(&request)?;
        reply(register::enrol(self, request.into_inner()).await)
    }

    async fn look_up(&self, request: Request<pb::LookUpRequest>) -> Result<Response<pb::PersonReply>, Status> {
        self.window(&request)?;
        reply(register::look_up(self, request.into_inner()).await)
    }

    async fn file(&self, request: Request<pb::FileRequest>) -> Result<Response<pb::FilingReply>, Status> {
        self.window(&request)?;
        reply(filing::file(self, request.into_inner()).await)
    }

    async fn change_filing(
        &self,
        request: Request<pb::ChangeFilingRequest>,
    ) -> Result<Response<pb::FilingReply>, Status> {
        self.window(&request)?;
        reply(filing::change(self, request.into_inner()).await)
    }

    async fn register_visit(&self, request: Request<pb::RegisterRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, register_visit::register_visit)
    }

    async fn pre_settle(&self, request: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, pre_settle::pre_settle)
    }

    async fn settle(&self, request: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, settle::settle)
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, cancel::cancel)
    }

    async fn reverse(&self, request: Request<pb::ReverseRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, reverse::reverse)
    }

    async fn refuse(&self, request: Request<pb::RefuseRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, refuse::refuse)
    }

    async fn find(&self, request: Request<pb::FindRequest>) -> Result<Response<pb::Answer>, Status> {
        self.reader(&request)?;
        reply(self.book.find(&request.into_inner()).await)
    }

    type DayBookStream = Entries;

    async fn day_book(&self, request: Request<pb::DayBookRequest>) -> Result<Response<Entries>, Status> {
        self.reader(&request)?;
        self.book.stream(&request.into_inner()).map(Response::new)
    }

    async fn day_totals(&self, request: Request<pb::DayTotalsRequest>) -> Result<Response<pb::DayTotalsReply>, Status> {
        let signatory = self.reader(&request)?.is_hub().is_ok().then_some(&self.signatory);
        reply(self.book.day_totals(&request.into_inner(), signatory).await)
    }
}
