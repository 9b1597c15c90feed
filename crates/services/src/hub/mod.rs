//! The national hub (国家平台): routes between regions, enforces the national rules, keeps the third book,
//! reconciles every day, reviews expensive claims and clears every month. On the road care drives; the calendar drives
//! the rest.

mod agency;
mod audit;
mod books;
mod cancel;
pub(crate) mod clearing;
mod details;
mod duties;
mod enforce;
mod events;
mod feed;
mod indicators;
pub(crate) mod keep;
mod latency;
pub(crate) mod ledger;
mod metrics;
mod mirror;
mod pre_settle;
pub(crate) mod prepayment;
mod register_visit;
mod registry;
mod relay;
mod reverse;
mod road;
pub(crate) mod screening;
mod settle;
pub(crate) mod tickets;

use std::{collections::BTreeMap, future::Future, io, pin::Pin, sync::Arc};

use tokio::{
    sync::{Mutex, Notify, watch},
    time::Instant,
};
use tonic::{
    Extensions, Request, Response, Status, Streaming,
    metadata::MetadataMap,
    service::{Routes, interceptor::InterceptedService},
};
use zhijie_domain::{
    calendar::Month,
    clearing::schedule::{Schedule, schedule},
    ids::RegionCode,
    parameters::unknown_region,
    refusal::Refusal,
};
use zhijie_identity::Identity;
use zhijie_protocol::v1::{
    agency_server, books_server, care_client::CareClient, home_client::HomeClient, hub_server, national_server,
};

use crate::{
    node::{
        Book, Caller, Entries, Failure, Introduction, Link, Node, Role, Served, channel, claim, limits, not_yours,
        only, reflection,
        road::{Carrier, ROAD, RoadClient, no_such_call, read_letter, road_server},
        serve,
    },
    wire::pb,
};

/// The services' names on the wire; health speaks of the first.
const SERVICES: &[&str] =
    &["zhijie.v1.Hub", ROAD, "zhijie.v1.Books", registry::SERVICE, "zhijie.v1.Agency", "zhijie.v1.National"];

/// What the hub needs to know of itself.
pub struct HubSetup {
    /// Where it listens.
    pub listen: String,
    /// The regions it knows.
    pub regions: Vec<RegionPeer>,
}

/// A province at the hub.
pub struct RegionPeer {
    /// Its code.
    pub code: RegionCode,
    /// The address of its home service, if it has one: `http://host:port`, or `https`.
    pub home: Option<String>,
    /// The same of its care service.
    pub care: Option<String>,
}

/// The hub service.
pub(crate) struct Hub {
    node: Node,
    book: Book,
    chronic: registry::Published,
    homes: BTreeMap<RegionCode, HomeClient<Link>>,
    roads: BTreeMap<RegionCode, RoadClient>,
    cares: BTreeMap<RegionCode, CareClient<Link>>,
    sent: relay::Sent,
    feed: feed::Feed,
    metrics: metrics::Metrics,
    /// Tables are made by one at a time.
    closing: Mutex<()>,
    /// The duties of a day are done by one at a time.
    turning: Mutex<()>,
    to_screen: Notify,
}

/// Starts the hub.
///
/// # Errors
/// When the address cannot be listened on, or the configuration holds no usable address.
pub async fn start(node: Node, setup: &HubSetup) -> io::Result<Served> {
    let (mut homes, mut roads, mut cares) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let introduction = Introduction::of(&Identity::Hub);
    for RegionPeer { code, home, care } in &setup.regions {
        let link = |role: Role, address: &str| channel(&node.net_to(role.of(code)), address).map_err(io::Error::other);
        if let Some(address) = home {
            let channel = link(Role::Home, address)?;
            roads.insert(code.clone(), RoadClient::new(channel.clone(), introduction.metadata(), "zhijie.v1.Home"));
            homes.insert(code.clone(), HomeClient::with_interceptor(channel, introduction.clone()));
        }
        if let Some(address) = care {
            let channel = link(Role::Care, address)?;
            cares.insert(code.clone(), CareClient::with_interceptor(channel, introduction.clone()));
        }
    }
    let net = node.net_to(Identity::Hub);
    claim(&node.store, Role::Hub, None).await?;
    registry::seed(&node).await.map_err(io::Error::other)?;
    let hub = Arc::new(Hub {
        book: Book::new(node.store.clone()),
        chronic: registry::Published::default(),
        homes,
        roads,
        cares,
        sent: relay::Sent::default(),
        feed: feed::Feed::default(),
        metrics: metrics::Metrics::default(),
        closing: Mutex::default(),
        turning: Mutex::default(),
        to_screen: Notify::new(),
        node,
    });
    let road = hub_server::HubServer::from_arc(Arc::clone(&hub)).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
    let stop = watch::Sender::new(false);
    let nation = only(Caller::is_national);
    let books = books_server::BooksServer::from_arc(Arc::clone(&hub));
    let national = national_server::NationalServer::new(agency::Nation(Arc::clone(&hub)));
    let routes = Routes::new(road)
        .add_service(road_server(Arc::clone(&hub), stop.subscribe()))
        .add_service(InterceptedService::new(books, nation.clone()))
        .add_service(registry::server(Arc::clone(&hub)))
        .add_service(agency_server::AgencyServer::new(agency::Provinces(Arc::clone(&hub))))
        .add_service(InterceptedService::new(national, nation));
    let routes = metrics::route(reflection(routes, SERVICES)?, Arc::clone(&hub));
    let served = serve(&net, &setup.listen, SERVICES, routes, stop).await?;
    let duties = tokio::spawn(duties::run(Arc::clone(&hub), served.stopping()));
    let screening = tokio::spawn(screening::run(Arc::clone(&hub), served.stopping()));
    let mut stopping = served.stopping();
    // Watchers would keep a service that ends waiting for them.
    let closing = tokio::spawn(async move {
        let _ = stopping.wait_for(|stop| *stop).await;
        hub.feed.close();
    });
    Ok(served.with_task(duties).with_task(screening).with_task(closing))
}

impl Hub {
    /// The days of a period's clearing.
    fn schedule(&self, period: Month) -> Schedule {
        let parameters = &self.node.parameters;
        schedule(period, &parameters.rules.calendar, &parameters.workdays)
    }

    /// Refuses a caller that is no service of a province that takes part.
    fn takes_part(&self, caller: &Caller) -> Result<(), Refusal> {
        let known = match caller.place() {
            Some((Role::Care, region)) => self.cares.contains_key(&region),
            Some((_, region)) => self.roads.contains_key(&region),
            None => false,
        };
        match known {
            true => Ok(()),
            false => {
                Err(not_yours("caller", "须为参与结算省份的服务", "it is for services of provinces that take part"))
            }
        }
    }

    /// Refuses a caller that is no officer of the national agency.
    fn national<T>(request: &Request<T>) -> Result<(), Status> {
        Caller::admitted(request.extensions(), request.metadata(), Caller::is_national).map(|_| ())
    }

    /// The home service of a pooling area.
    fn home(&self, area: &RegionCode) -> Result<RoadClient, Refusal> {
        self.roads.get(&area.province()).cloned().ok_or_else(|| unknown_region("header.home", area))
    }

    /// The home service of an area that a message went to before: without it there is no answer, and no refusal.
    fn home_again(&self, area: &RegionCode) -> Result<RoadClient, Failure> {
        self.home(area).map_err(|refusal| relay::outside(&refusal.to_string()))
    }
}

/// Answers a road call of a care region, which a handler checks to be the one the message names.
macro_rules! road {
    ($self:ident, $request:ident, $name:literal, $act:path $(, $first:literal)?) => {
        {
            let caller = $self.admit($request.extensions(), $request.metadata())?;
            $self.timed($name, $act($self, &caller, $request.into_inner() $(, $first)?)).await.map(Response::new)
        }
    };
}

impl Hub {
    /// Answers a message of the road, and measures how long it took.
    async fn timed(
        &self,
        name: &'static str,
        answering: impl Future<Output = Result<pb::Answer, Failure>>,
    ) -> Result<pb::Answer, Status> {
        let begun = Instant::now();
        let answer = answering.await;
        self.metrics.answered(name, begun.elapsed(), &answer);
        answer.map_err(Failure::into_status)
    }
}

impl Carrier for Hub {
    type Caller = Caller;

    fn admit(&self, extensions: &Extensions, metadata: &MetadataMap) -> Result<Caller, Status> {
        Caller::admitted(extensions, metadata, |caller| self.takes_part(caller))
    }

    async fn answer(&self, caller: &Caller, letter: pb::Letter) -> Result<pb::Answer, Status> {
        let (call, request, first) = (letter.call(), letter.request, letter.first);
        // Each in a box of its own, so that the others do not make it larger.
        let (name, answering): (_, Pin<Box<dyn Future<Output = _> + Send>>) = match call {
            pb::RoadCall::RegisterVisit => {
                let request = read_letter(request)?;
                ("register", Box::pin(register_visit::register_visit(self, caller, request, first)))
            }
            pb::RoadCall::PreSettle => {
                ("pre_settle", Box::pin(pre_settle::pre_settle(self, caller, read_letter(request)?)))
            }
            pb::RoadCall::Settle => ("settle", Box::pin(settle::settle(self, caller, read_letter(request)?, first))),
            pb::RoadCall::Cancel => ("cancel", Box::pin(cancel::cancel(self, caller, read_letter(request)?, first))),
            pb::RoadCall::Reverse => ("reverse", Box::pin(reverse::reverse(self, caller, read_letter(request)?))),
            pb::RoadCall::Refuse | pb::RoadCall::SettleAtOnce | pb::RoadCall::Unspecified => {
                return Err(no_such_call());
            }
        };
        self.timed(name, answering).await
    }
}

fn reply<T>(result: Result<T, Failure>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(Failure::into_status)
}

/// Refuses a caller that is not the care service of the place.
fn from_care(caller: &Caller, care: &RegionCode) -> Result<(), Refusal> {
    caller.speaks_as(Role::Care, care)
}

#[tonic::async_trait]
impl hub_server::Hub for Hub {
    async fn register_visit(&self, request: Request<pb::RegisterRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, "register", register_visit::register_visit, false)
    }

    async fn pre_settle(&self, request: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, "pre_settle", pre_settle::pre_settle)
    }

    async fn settle(&self, request: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, "settle", settle::settle, false)
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, "cancel", cancel::cancel, false)
    }

    async fn reverse(&self, request: Request<pb::ReverseRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, "reverse", reverse::reverse)
    }

    async fn upload_details(
        &self,
        request: Request<Streaming<pb::UploadDetailsRequest>>,
    ) -> Result<Response<pb::UploadDetailsReply>, Status> {
        let caller = self.admit(request.extensions(), request.metadata())?;
        reply(details::upload(self, &caller, request.into_inner()).await)
    }

    async fn mirror_filing(
        &self,
        request: Request<pb::MirrorFilingRequest>,
    ) -> Result<Response<pb::MirrorFilingReply>, Status> {
        let caller = self.admit(request.extensions(), request.metadata())?;
        reply(mirror::mirror_filing(self, &caller, request.into_inner()).await)
    }

    async fn find(&self, request: Request<pb::FindRequest>) -> Result<Response<pb::Answer>, Status> {
        Hub::national(&request)?;
        reply(self.book.find(&request.into_inner()).await)
    }

    type DayBookStream = Entries;

    async fn day_book(&self, request: Request<pb::DayBookRequest>) -> Result<Response<Entries>, Status> {
        Hub::national(&request)?;
        self.book.stream(&request.into_inner()).map(Response::new)
    }
}
