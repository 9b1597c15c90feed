//! A whole cluster in one process, for the demonstration and for tests: real services, real gRPC, loopback ports from
//! the system, services known by name, and links between them that can be muted or cut.

mod clients;

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zhijie_domain::{ids::RegionCode, parameters::Parameters};
use zhijie_store::{Batch, CommitError, Engine, Pending as StorePending, Record, Store, StoreError, Version};

use crate::{
    care::{self, CareSetup},
    home::{self, HomeSetup},
    hub::{self, HubSetup, RegionPeer},
    node::{Clock, Conn, Incoming, Net, Node, Pending, SeededIds, Served, Signer, Tcp},
};

pub use clients::Clients;

/// The hub's name in a cluster.
pub const HUB: &str = "hub";

/// The name of a province's care service.
#[must_use]
pub fn care_of(region: &RegionCode) -> String {
    format!("care-{region}")
}

/// The name of a province's home service.
#[must_use]
pub fn home_of(region: &RegionCode) -> String {
    format!("home-{region}")
}

/// How a link between two services behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkState {
    /// As it should.
    #[default]
    Whole,
    /// Requests arrive, answers do not come back.
    Muted,
    /// Nothing passes: connections break, new ones are refused.
    Cut,
}

#[derive(Default)]
struct Switchboard {
    addresses: BTreeMap<String, String>,
    links: BTreeMap<(String, String), LinkState>,
    /// Who reads on which connection, to be woken when its link changes.
    waiting: BTreeMap<u64, Waker>,
    connections: u64,
}

/// A network of names over loopback, as one service sees it.
#[derive(Clone)]
pub struct Loopback {
    own_name: String,
    board: Arc<Mutex<Switchboard>>,
}

impl Loopback {
    /// A network without services, as seen by an outsider: hospitals and operators.
    #[must_use]
    pub fn new() -> Loopback {
        Loopback { own_name: "outside".into(), board: Arc::default() }
    }

    /// The same network, as seen by a service.
    #[must_use]
    pub fn seen_by(&self, name: &str) -> Loopback {
        Loopback { own_name: name.into(), board: Arc::clone(&self.board) }
    }

    /// Gives a service that runs elsewhere a name; the address is `host:port`.
    pub fn register(&self, name: &str, address: &str) {
        lock(&self.board).addresses.insert(name.into(), address.into());
    }

    /// Where a service listens, `host:port`.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<String> {
        lock(&self.board).addresses.get(name).cloned()
    }

    /// Sets how the link from one service to another behaves, for open connections too.
    pub fn set(&self, from: &str, to: &str, state: LinkState) {
        let mut board = lock(&self.board);
        board.links.insert((from.into(), to.into()), state);
        std::mem::take(&mut board.waiting).into_values().for_each(Waker::wake);
    }

    fn state(&self, to: &str) -> LinkState {
        let link = (self.own_name.clone(), to.to_owned());
        lock(&self.board).links.get(&link).copied().unwrap_or_default()
    }
}

impl Default for Loopback {
    fn default() -> Self {
        Loopback::new()
    }
}

fn lock(board: &Mutex<Switchboard>) -> MutexGuard<'_, Switchboard> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Net for Loopback {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        let net = self.clone();
        Box::pin(async move {
            let address = lock(&net.board).addresses.get(&authority).cloned();
            let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            if net.state(&authority) == LinkState::Cut {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let inner = Tcp.connect(address).await?;
            let id = {
                let mut board = lock(&net.board);
                board.connections += 1;
                board.connections
            };
            Ok(Conn::new(Watched { id, inner, net, to: authority }))
        })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        let board = Arc::clone(&self.board);
        Box::pin(async move {
            let (address, incoming) = Tcp.listen("127.0.0.1:0".into()).await?;
            lock(&board).addresses.insert(authority, address.clone());
            Ok((address, incoming))
        })
    }
}

/// A connection that does as its link does.
struct Watched {
    id: u64,
    inner: Conn,
    net: Loopback,
    to: String,
}

impl Watched {
    fn broken(&self) -> io::Result<()> {
        if self.net.state(&self.to) == LinkState::Cut { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        lock(&self.net.board).waiting.remove(&self.id);
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Registered first, so that a change of the link between the look and the wait wakes the task.
        lock(&self.net.board).waiting.insert(self.id, cx.waker().clone());
        self.broken()?;
        if self.net.state(&self.to) == LinkState::Muted {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.broken()?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What stands between a service and the world, so that its end can be a crash: once blown, its store takes nothing
/// and its connections break.
#[derive(Clone, Default)]
struct Fuse(Arc<AtomicBool>);

impl Fuse {
    fn blow(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_blown(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn store(&self, store: &Store) -> Store {
        Store::new(FusedStore { engine: store.engine(), fuse: self.clone() })
    }

    fn net(&self, net: Loopback) -> FusedNet {
        FusedNet { net, fuse: self.clone() }
    }

    fn io(&self) -> io::Result<()> {
        if self.is_blown() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

struct FusedStore {
    engine: Arc<dyn Engine>,
    fuse: Fuse,
}

impl FusedStore {
    fn open(&self) -> Result<&Arc<dyn Engine>, StoreError> {
        if self.fuse.is_blown() { Err(StoreError::Closed) } else { Ok(&self.engine) }
    }
}

impl Engine for FusedStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> StorePending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move { self.open()?.get(key).await })
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> StorePending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        Box::pin(async move { self.open()?.scan(start, end, limit).await })
    }

    fn commit(&self, batch: Batch) -> StorePending<'_, Result<Version, CommitError>> {
        Box::pin(async move { self.open().map_err(CommitError::Failed)?.commit(batch).await })
    }
}

struct FusedNet {
    net: Loopback,
    fuse: Fuse,
}

impl Net for FusedNet {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        let (connecting, fuse) = (self.net.connect(authority), self.fuse.clone());
        Box::pin(async move {
            fuse.io()?;
            Ok(Conn::new(FusedConn { inner: connecting.await?, fuse }))
        })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        let (listening, fuse) = (self.net.listen(authority), self.fuse.clone());
        Box::pin(async move {
            let (address, incoming) = listening.await?;
            let fused = incoming.map(move |conn| Ok(Conn::new(FusedConn { inner: conn?, fuse: fuse.clone() })));
            Ok((address, Box::pin(fused) as Incoming))
        })
    }
}

struct FusedConn {
    inner: Conn,
    fuse: Fuse,
}

impl AsyncRead for FusedConn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.fuse.io()?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for FusedConn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.fuse.io()?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fuse.io()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What a cluster is made of.
pub struct ClusterSetup {
    /// The provinces; each plays care and home.
    pub regions: Vec<RegionCode>,
    /// The numbers of the rules.
    pub parameters: Arc<Parameters>,
    /// The clock of all services.
    pub clock: Arc<dyn Clock>,
    /// The seed of all ids.
    pub seed: String,
    /// How long hospitals wait before an answer is "unknown", ms.
    pub answer_deadline_ms: u64,
    /// With what services sign, by their names; one that has no key signs nothing.
    pub signers: BTreeMap<String, Signer>,
}

/// Keys for the services of some provinces, which follow from a seed.
#[must_use]
pub fn seeded_signers(regions: &[RegionCode], seed: &str) -> BTreeMap<String, Signer> {
    let names = regions.iter().flat_map(|region| [care_of(region), home_of(region)]);
    names.filter_map(|name| Some((name.clone(), Signer::seeded(&format!("{seed}/{name}"))?))).collect()
}

/// A cluster that runs.
pub struct Cluster {
    setup: ClusterSetup,
    net: Loopback,
    stores: BTreeMap<String, Store>,
    running: BTreeMap<String, (Served, Fuse)>,
    starts: u64,
}

impl Cluster {
    /// Starts a hub, and a care and a home service of every province, each over its own store.
    ///
    /// # Errors
    /// When a service cannot be started.
    pub async fn start(setup: ClusterSetup, store: impl Fn(&str) -> io::Result<Store>) -> io::Result<Cluster> {
        let regions = setup.regions.iter().flat_map(|region| [care_of(region), home_of(region)]);
        let names: Vec<String> = regions.chain([HUB.to_owned()]).collect();
        let stores = names.iter().map(|name| Ok((name.clone(), store(name)?))).collect::<io::Result<_>>()?;
        let mut cluster = Cluster { setup, net: Loopback::new(), stores, running: BTreeMap::new(), starts: 0 };
        for name in names {
            cluster.start_service(&name).await?;
        }
        Ok(cluster)
    }

    /// Starts one service by its name, over the store it had.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be started.
    pub async fn start_service(&mut self, name: &str) -> io::Result<()> {
        let unknown = || io::Error::other(format!("no service {name} in this cluster"));
        self.starts += 1;
        let fuse = Fuse::default();
        let node = Node {
            store: fuse.store(self.stores.get(name).ok_or_else(unknown)?),
            clock: Arc::clone(&self.setup.clock),
            ids: Arc::new(SeededIds::new(format!("{}/{name}/{}", self.setup.seed, self.starts))),
            net: Arc::new(fuse.net(self.net.seen_by(name))),
            identity: None,
            parameters: Arc::clone(&self.setup.parameters),
        };
        let (listen, hub_address) = (name.to_owned(), format!("http://{HUB}"));
        let signer = self.setup.signers.get(name).cloned();
        let region = |role: &str| name.strip_prefix(role).and_then(|code| RegionCode::parse(code).ok());
        let served = if name == HUB {
            hub::start(node, &HubSetup { listen, regions: self.peers() }).await?
        } else if let Some(region) = region("care-") {
            let answer_deadline_ms = self.setup.answer_deadline_ms;
            care::start(node, &CareSetup { region, listen, hub: hub_address, signer, answer_deadline_ms }).await?
        } else if let Some(region) = region("home-") {
            home::start(node, &HomeSetup { region, listen, hub: hub_address, signer }).await?
        } else {
            return Err(unknown());
        };
        self.running.insert(name.to_owned(), (served, fuse));
        Ok(())
    }

    fn peers(&self) -> Vec<RegionPeer> {
        let peer = |code: &RegionCode| RegionPeer {
            code: code.clone(),
            home: Some(format!("http://{}", home_of(code))),
            care: Some(format!("http://{}", care_of(code))),
        };
        self.setup.regions.iter().map(peer).collect()
    }

    /// Ends one service as a crash would: from this moment it stores nothing and says nothing, whatever is under way.
    pub fn kill(&mut self, name: &str) {
        if let Some((served, fuse)) = self.running.remove(name) {
            fuse.blow();
            served.kill();
        }
    }

    /// Ends all services gracefully.
    pub async fn stop(mut self) {
        while let Some((_, (served, _))) = self.running.pop_first() {
            served.stop().await;
        }
    }

    /// The network between the services.
    #[must_use]
    pub fn net(&self) -> &Loopback {
        &self.net
    }

    /// The store of a service.
    #[must_use]
    pub fn store(&self, name: &str) -> Option<&Store> {
        self.stores.get(name)
    }

    /// Clients of hospitals and operators.
    ///
    /// # Errors
    /// When a name makes no address.
    pub fn clients(&self) -> io::Result<Clients> {
        Clients::over(&self.net, &self.setup.regions, None)
    }
}
