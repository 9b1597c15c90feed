//! A cluster of four provinces over memory stores, with a business clock that tests move.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use tonic::transport::Channel;
use zhijie_services::{
    cluster::{Clients, Cluster, ClusterSetup, HUB, care_of, home_of},
    domain::{
        calendar::{Date, Moment, parse_date},
        ids::RegionCode,
        parameters::Parameters,
    },
    node::{Clock, Introduction, Link, ManualClock, Net, Role, Signer, channel, embedded_parameters},
    pb::{
        self, agency_client::AgencyClient, books_client::BooksClient, care_client::CareClient, find_request::By,
        home_client::HomeClient, hub_client::HubClient, national_client::NationalClient,
        registry_client::RegistryClient,
    },
};
use zhijie_store::{Batch, CommitError, Engine, Memory, Pending, Record, Store, StoreError, Version};

use crate::silence::Silence;

/// Hospitals in tests wait so long before an outcome is unknown, ms.
const PATIENCE_MS: u64 = 400;

/// A cluster with its clients and its clock.
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    /// Hospitals' and operators' clients.
    pub clients: Clients,
    clock: Arc<ManualClock>,
    _silence: Silence,
}

pub(crate) fn parameters() -> Arc<Parameters> {
    static PARAMETERS: OnceLock<Arc<Parameters>> = OnceLock::new();
    Arc::clone(PARAMETERS.get_or_init(|| Arc::new(embedded_parameters().expect("the shipped parameters are right"))))
}

/// A region code.
pub(crate) fn region(code: &str) -> RegionCode {
    RegionCode::parse(code).expect("a region code")
}

fn date(text: &str) -> Date {
    parse_date(text).expect("a date")
}

impl World {
    /// Anhui, Shanghai, Chongqing and Sichuan at nine in the morning of a day.
    pub async fn at(day: &str) -> World {
        World::of(&["310000", "340000", "500000", "510000"], day).await
    }

    /// The same over stores whose every commit lets others run, as a disk does.
    pub async fn with_slow_commits(provinces: &[&str], day: &str) -> World {
        World::over(provinces, day, BTreeMap::new(), || Store::new(SlowCommits(Memory::new()))).await
    }

    /// Some provinces at nine in the morning of a day.
    pub async fn of(provinces: &[&str], day: &str) -> World {
        World::signing(provinces, day, BTreeMap::new()).await
    }

    /// Some provinces, of which those services sign that have a key.
    pub async fn signing(provinces: &[&str], day: &str, signers: BTreeMap<String, Signer>) -> World {
        World::over(provinces, day, signers, || Store::new(Memory::new())).await
    }

    async fn over(provinces: &[&str], day: &str, signers: BTreeMap<String, Signer>, store: fn() -> Store) -> World {
        let clock = Arc::new(ManualClock::at(morning(day)));
        let setup = ClusterSetup {
            regions: provinces.iter().map(|code| region(code)).collect(),
            parameters: parameters(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            seed: "tests".into(),
            answer_deadline_ms: PATIENCE_MS,
            signers,
        };
        let cluster = Cluster::start(setup, |_| Ok(store())).await.expect("the cluster starts");
        let clients = cluster.clients().expect("clients");
        let regions = provinces.iter().map(|code| region(code)).flat_map(|code| [care_of(&code), home_of(&code)]);
        let names: Vec<String> = regions.chain([HUB.to_owned()]).collect();
        let silence = Silence::over(&cluster, &names, clients.national.clone());
        World { cluster, clients, clock, _silence: silence }
    }

    #[cfg(test)]
    pub(crate) fn silence(&self) -> &Silence {
        &self._silence
    }

    /// Moves the clock to a later day.
    pub fn move_to(&self, day: &str) {
        self.clock.forward_to(morning(day));
    }

    /// The business day.
    #[must_use]
    pub fn today(&self) -> String {
        self.clock.now().day().to_string()
    }

    /// The clock of all services.
    #[must_use]
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// An officer of the national agency.
    #[must_use]
    pub fn national(&self) -> NationalClient<Channel> {
        self.clients.national.clone()
    }

    /// An officer of a province, through the office of its service, such as `care-310000`.
    #[must_use]
    pub fn agency(&self, service: &str) -> AgencyClient<Channel> {
        self.clients.agencies[service].clone()
    }

    /// A hospital's client.
    #[must_use]
    pub fn care(&self, province: &str) -> CareClient<Channel> {
        self.clients.care[&region(province)].clone()
    }

    /// A home agency's client.
    #[must_use]
    pub fn home(&self, province: &str) -> HomeClient<Channel> {
        self.clients.home[&region(province)].clone()
    }

    /// An operator's client.
    #[must_use]
    pub fn hub(&self) -> HubClient<Channel> {
        self.clients.hub.clone()
    }

    /// An operator's client of the registry.
    #[must_use]
    pub fn registry(&self) -> RegistryClient<Channel> {
        self.clients.registry.clone()
    }

    /// An operator's client of the three books.
    #[must_use]
    pub fn books(&self) -> BooksClient<Channel> {
        self.clients.books.clone()
    }

    /// A client that speaks to the hub as a province's care service does, past that service.
    #[must_use]
    pub fn hub_as_care(&self, province: &str) -> HubClient<Link> {
        let care = Introduction::of(&Role::Care.of(&region(province)));
        HubClient::with_interceptor(self.channel("hub"), care)
    }

    /// A client that speaks to a care service as the hub does, past the hub.
    #[must_use]
    pub fn care_as_hub(&self, province: &str) -> CareClient<Link> {
        let hub = Introduction::of(&Role::Hub.of(&region(province)));
        CareClient::with_interceptor(self.channel(&format!("care-{province}")), hub)
    }

    /// A client that speaks to a home service as the hub does, past the hub.
    #[must_use]
    pub fn home_as_hub(&self, province: &str) -> HomeClient<Link> {
        let hub = Introduction::of(&Role::Hub.of(&region(province)));
        HomeClient::with_interceptor(self.channel(&format!("home-{province}")), hub)
    }

    /// A channel to a service of the cluster, of an outsider or in the name of a role and its province.
    pub(crate) fn link(&self, to: &str, caller: Option<(Role, Option<&str>)>) -> Link {
        // Who says nothing in plaintext may be any hospital; a stranger says to be the care of a province that there is not.
        let (role, province) = caller.unwrap_or((Role::Care, Some("990000")));
        let identity = role.of(&region(province.unwrap_or("000000")));
        Link::new(self.channel(to), Introduction::of(&identity))
    }

    /// A channel of an outsider to a service of the cluster.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let net: Arc<dyn Net> = Arc::new(self.cluster.net().clone());
        channel(&net, &format!("http://{name}")).expect("an address")
    }

    /// Reconciles a day.
    pub async fn reconcile(&self, day: &str) -> pb::ReconcileReply {
        self.books().reconcile(pb::ReconcileRequest { day: day.into() }).await.expect("a reply").into_inner()
    }

    /// Asserts that the three books of a day agree and hold so many records.
    pub async fn assert_books_equal(&self, day: &str, records: i64) {
        let reply = self.reconcile(day).await;
        assert!(reply.equal, "{reply:?}");
        assert_eq!(reply.hub.clone().unwrap_or_default().records, records, "records in each book");
        assert_eq!(reply.care, reply.hub);
        assert_eq!(reply.home, reply.hub);
    }

    /// A person as the home region has them, money and accumulators with them.
    pub async fn member(&self, province: &str, person: &str) -> pb::PersonReply {
        let request = pb::LookUpRequest { person: person.into() };
        self.home(province).look_up(request).await.expect("a reply").into_inner()
    }

    /// What the hub knows of a message.
    pub async fn found_at_hub(&self, header: &pb::Header, act: pb::Act) -> pb::Answer {
        self.hub().find(find(header, act)).await.expect("a reply").into_inner()
    }

    /// What a care region knows of a message.
    pub async fn found_at_care(&self, province: &str, header: &pb::Header, act: pb::Act) -> pb::Answer {
        self.care(province).find(find(header, act)).await.expect("a reply").into_inner()
    }

    /// Waits until a condition holds; it is looked at again whenever the runtime gets to it.
    pub async fn until<F, A>(&self, what: &str, mut holds: F)
    where
        F: FnMut() -> A,
        A: Future<Output = bool>,
    {
        for _ in 0..200_000 {
            if holds().await {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never came true: {what}");
    }
}

fn find(header: &pb::Header, act: pb::Act) -> pb::FindRequest {
    let message = pb::MessageKey {
        institution: header.institution.clone(),
        act: act.into(),
        message_id: header.message_id.clone(),
    };
    pb::FindRequest { by: Some(By::Message(message)) }
}

pub(crate) fn morning(day: &str) -> Moment {
    Moment::start_of(date(day)).plus_ms(9 * 3_600_000)
}

/// Reads a streamed day book into a map by settlement id.
pub async fn day_book(mut stream: tonic::Streaming<pb::BookEntry>) -> BTreeMap<String, pb::BookEntry> {
    let mut book = BTreeMap::new();
    while let Some(entry) = stream.message().await.expect("an entry") {
        book.insert(entry.id.clone(), entry);
    }
    book
}

/// A store whose every commit lets other tasks run first.
struct SlowCommits(Memory);

impl Engine for SlowCommits {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        self.0.get(key)
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        self.0.scan(start, end, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.0.commit(batch).await
        })
    }
}
