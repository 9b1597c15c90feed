//! The care region (就医地): hospitals and pharmacies speak to it. It splits bills by its catalogue and drives every
//! message to an end: the intent is committed before the first send, and goes on across restarts.

mod admission;
mod adopt;
mod cancel;
mod claim;
mod details;
mod discharge;
mod drive;
mod find;
mod levels;
mod lines;
mod pre_settle;
mod register_visit;
mod reverse;
mod settle;
mod settle_at_once;
mod visits;

use std::{
    collections::BTreeSet,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, watch};
use tonic::{Extensions, Request, Response, Status, metadata::MetadataMap, service::Routes};
use zhijie_domain::{
    author::{Author, Side},
    calendar::Date,
    catalogue::Catalogue,
    ids::RegionCode,
    refusal::{Code, Refusal},
};
use zhijie_identity::Identity;
use zhijie_protocol::v1::{care_server, hub_client::HubClient, registry_client::RegistryClient};

use crate::{
    node::{
        Book, Caller, Entries, Failure, Introduction, Key, Link, Node, Office, Role, Served, Signatory, Signer,
        answer_of, channel, claim, limits, reflection,
        road::{Carrier, ROAD, RoadClient, no_such_call, read_letter, road_server},
        serve,
    },
    wire::{
        claim::{Header, parse_header},
        pb,
    },
};

/// The services' names on the wire; health speaks of the first.
const SERVICES: &[&str] = &["zhijie.v1.Care", ROAD, "zhijie.v1.Agency"];

/// What the care role needs to know of itself.
pub struct CareSetup {
    /// Its province.
    pub region: RegionCode,
    /// Where it listens.
    pub listen: String,
    /// The hub's address.
    pub hub: String,
    /// The key with which it signs what it sends; without one it signs nothing.
    pub signer: Option<Signer>,
    /// How long a hospital waits before the answer is "unknown", ms; see [`limits::ANSWER_DEADLINE_MS`].
    pub answer_deadline_ms: u64,
}

/// The care service.
pub(crate) struct Care {
    node: Node,
    region: RegionCode,
    book: Book,
    hub: HubClient<Link>,
    road: RoadClient,
    signatory: Signatory,
    levels: levels::Levels,
    answer_deadline_ms: u64,
    admission: admission::Admission,
    /// Messages that a hospital waits for just now; the sweep leaves them alone.
    driven: Mutex<BTreeSet<Key>>,
    /// A message was left on its way with nobody to drive it; so it is taken to be when the service starts.
    left: AtomicBool,
    to_sweep: Notify,
    to_upload: Notify,
}

/// Starts the care service.
///
/// # Errors
/// When the address cannot be listened on, or the configuration holds no usable address.
pub async fn start(node: Node, setup: &CareSetup) -> io::Result<Served> {
    node.parameters.catalogue(&setup.region).map_err(|refusal| io::Error::other(refusal.en))?;
    claim(&node.store, Role::Care, Some(&setup.region)).await?;
    let author = Author { side: Side::Care, region: setup.region.clone() };
    let signatory = Signatory::open(&node.store, author, setup.signer.clone(), node.now()).await?;
    let own = Role::Care.of(&setup.region);
    let (net, introduction) = (node.net_to(own.clone()), Introduction::of(&own));
    let hub = channel(&node.net_to(Identity::Hub), &setup.hub).map_err(io::Error::other)?;
    let office = Office::open(&hub, &introduction, &setup.region);
    let levels = levels::Levels::new(RegistryClient::with_interceptor(hub.clone(), introduction.clone()));
    let road = RoadClient::new(hub.clone(), introduction.metadata(), "zhijie.v1.Hub");
    let hub = HubClient::with_interceptor(hub, introduction).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
    let care = Arc::new(Care {
        book: Book::new(node.store.clone()),
        region: setup.region.clone(),
        hub,
        road,
        signatory,
        levels,
        answer_deadline_ms: setup.answer_deadline_ms,
        admission: admission::Admission::default(),
        driven: Mutex::default(),
        left: AtomicBool::new(true),
        to_sweep: Notify::new(),
        to_upload: Notify::new(),
        node,
    });
    let service =
        care_server::CareServer::from_arc(Arc::clone(&care)).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
    let stop = watch::Sender::new(false);
    let road = road_server(Arc::clone(&care), stop.subscribe());
    let routes = reflection(Routes::new(service).add_service(road).add_service(office), SERVICES)?;
    let served = serve(&net, &setup.listen, SERVICES, routes, stop).await?;
    let sweeping = tokio::spawn(drive::sweep(Arc::clone(&care), served.stopping()));
    let uploading = tokio::spawn(details::run(care, served.stopping()));
    Ok(served.with_task(sweeping).with_task(uploading))
}

impl Care {
    /// Tells the sweep that a message is left on its way.
    fn abandoned(&self) {
        self.left.store(true, Ordering::Relaxed);
        self.to_sweep.notify_one();
    }

    /// Reads the head of a hospital's request, and refuses one that is not for this region.
    fn header(&self, header: Option<&pb::Header>) -> Result<Header, Refusal> {
        let header = parse_header(header)?;
        self.serves(&header.care, "header.care")?;
        Ok(header)
    }

    /// Refuses what is not for this care region.
    fn serves(&self, place: &RegionCode, field: &str) -> Result<(), Refusal> {
        if place.province() == self.region {
            return Ok(());
        }
        Err(Refusal::new(Code::RegionUnknown, "regions served here", field)
            .with(format!("{place} 不属于 {}", self.region), format!("{place} is not of {}", self.region)))
    }

    /// Refuses a day of service that is still to come: nothing is registered ahead of time.
    fn has_come(&self, day: Date) -> Result<(), Refusal> {
        let today = self.node.today();
        if day <= today {
            return Ok(());
        }
        Err(Refusal::malformed("from", format!("不得晚于今日 {today}"), format!("not after today, {today}")))
    }

    fn catalogue(&self) -> Result<&Catalogue, Refusal> {
        self.node.parameters.catalogue(&self.region)
    }
}

fn reply<T>(result: Result<T, Failure>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(Failure::into_status)
}

/// Answers a message of the road, which is the caller's own: that comes before anything else is looked at.
macro_rules! own {
    ($self:ident, $caller:ident, $request:expr, $act:path) => {{
        let request = $request;
        let institution = request.header.as_ref().map(|header| header.institution.as_str());
        let own = $caller.is_institution(institution.unwrap_or_default(), "header.institution");
        async move {
            match own {
                Ok(()) => $act($self, request).await,
                Err(refusal) => answer_of(Err(refusal.into())),
            }
        }
    }};
}

/// The same for a call of its own.
macro_rules! road {
    ($self:ident, $request:ident, $act:path) => {{
        let caller = $self.admit($request.extensions(), $request.metadata())?;
        reply(own!($self, caller, $request.into_inner(), $act).await)
    }};
}

impl Care {
    /// Refuses a caller that is neither the hub nor an officer of this province.
    fn reads_all(&self, caller: &Caller) -> Result<(), Refusal> {
        caller.is_hub().or_else(|_| caller.is_officer_of(&self.region))
    }

    /// The caller of a request, where it may read all.
    fn reader<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::admitted(request.extensions(), request.metadata(), |caller| self.reads_all(caller))
    }
}

impl Carrier for Care {
    type Caller = Caller;

    fn admit(&self, extensions: &Extensions, metadata: &MetadataMap) -> Result<Caller, Status> {
        Caller::admitted(extensions, metadata, |caller| caller.is_treating_in(&self.region))
    }

    async fn answer(&self, caller: &Caller, letter: pb::Letter) -> Result<pb::Answer, Status> {
        let (call, request) = (letter.call(), letter.request);
        // Each in a box of its own, so that the others do not make it larger.
        let answering: Pin<Box<dyn Future<Output = _> + Send>> = match call {
            pb::RoadCall::RegisterVisit => Box::pin(own!(
                self,
                caller,
                read_letter::<pb::RegisterVisitRequest>(request)?,
                register_visit::register_visit
            )),
            pb::RoadCall::PreSettle => {
                Box::pin(own!(self, caller, read_letter::<pb::SettleRequest>(request)?, pre_settle::pre_settle))
            }
            pb::RoadCall::Settle => {
                Box::pin(own!(self, caller, read_letter::<pb::SettleRequest>(request)?, settle::settle))
            }
            pb::RoadCall::SettleAtOnce => Box::pin(own!(
                self,
                caller,
                read_letter::<pb::SettleAtOnceRequest>(request)?,
                settle_at_once::settle_at_once
            )),
            pb::RoadCall::Cancel => {
                Box::pin(own!(self, caller, read_letter::<pb::CancelRequest>(request)?, cancel::cancel))
            }
            pb::RoadCall::Reverse => {
                Box::pin(own!(self, caller, read_letter::<pb::ReverseRequest>(request)?, reverse::reverse))
            }
            pb::RoadCall::Refuse | pb::RoadCall::Unspecified => return Err(no_such_call()),
        };
        answering.await.map_err(Failure::into_status)
    }
}

#[tonic::async_trait]
impl care_server::Care for Care {
    async fn register_visit(&self, request: Request<pb::RegisterVisitRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, register_visit::register_visit)
    }

    async fn upload_lines(
        &self,
        request: Request<pb::UploadLinesRequest>,
    ) -> Result<Response<pb::UploadLinesReply>, Status> {
        let caller = self.admit(request.extensions(), request.metadata())?;
        reply(lines::upload(self, &caller, request.into_inner()).await)
    }

    async fn withdraw_lines(
        &self,
        request: Request<pb::WithdrawLinesRequest>,
    ) -> Result<Response<pb::VisitReply>, Status> {
        let caller = self.admit(request.extensions(), request.metadata())?;
        reply(lines::withdraw(self, &caller, request.into_inner()).await)
    }

    async fn discharge(&self, request: Request<pb::DischargeRequest>) -> Result<Response<pb::VisitReply>, Status> {
        let caller = self.admit(request.extensions(), request.metadata())?;
        reply(discharge::discharge(self, &caller, request.into_inner()).await)
    }

    async fn pre_settle(&self, request: Request<pb::SettleRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, pre_settle::pre_settle)
    }

    async fn settle(&self, request: Request<pb::SettleRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, settle::settle)
    }

    async fn settle_at_once(&self, request: Request<pb::SettleAtOnceRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, settle_at_once::settle_at_once)
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, cancel::cancel)
    }

    async fn reverse(&self, request: Request<pb::ReverseRequest>) -> Result<Response<pb::Answer>, Status> {
        road!(self, request, reverse::reverse)
    }

    async fn find(&self, request: Request<pb::FindRequest>) -> Result<Response<pb::Answer>, Status> {
        let finds = |caller: &Caller| self.reads_all(caller).or_else(|_| caller.is_treating_in(&self.region));
        let caller = Caller::admitted(request.extensions(), request.metadata(), finds)?;
        reply(find::find(self, &caller, request.into_inner()).await)
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

    async fn adopt(&self, request: Request<pb::AdoptRequest>) -> Result<Response<pb::AdoptReply>, Status> {
        Caller::admitted(request.extensions(), request.metadata(), Caller::is_hub)?;
        reply(adopt::adopt(self, request.into_inner()).await)
    }
}
