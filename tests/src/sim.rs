//! A simulated network under the real services: turmoil's hosts, links and time stand behind the seams of network and
//! clock, and what breaks is decided by dice. The same seed gives the same run, to the byte of its transcript.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::stream;
use tonic::transport::Channel;
use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};
use turmoil::net::{TcpListener, TcpStream};
use zhijie_services::{
    CareSetup, HomeSetup, HubSetup, RegionPeer, ServicePeer,
    cluster::{HUB, care_of, home_of, secret},
    domain::{calendar::Moment, ids::RegionCode},
    node::{Clock, Conn, Incoming, Net, Node, Pending, SeededIds, Served, channel},
    start_care, start_home, start_hub,
};
use zhijie_store::{Memory, Store};

use crate::world::{morning, parameters, region};

/// Where hospitals, operators and home agencies sit.
pub const OUTSIDE: &str = "outside";

/// Every service listens on this port of its own host.
const PORT: u16 = 7400;
/// Simulated time in one step.
const TICK_MS: u64 = 4;
/// A run that takes longer in simulated time hangs.
const RUN_S: u64 = 600;
/// How often a message breaks its link.
const FAIL_RATE: f64 = 0.003;
/// How often a message on a broken link repairs it.
const REPAIR_RATE: f64 = 0.2;
/// How long hospitals wait before an outcome is unknown, ms.
const ANSWER_DEADLINE_MS: u64 = 4_000;

/// Dice of a seed: splitmix64.
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number from `low` to `high`, neither left out.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low + 1)
    }

    /// One of several.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let last = u64::try_from(of.len()).expect("a short list") - 1;
        of[usize::try_from(self.between(0, last)).expect("an index")]
    }
}

/// What happens to the network and its hosts while a story runs.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A host loses its power: nobody hears of it, and its store loses what was not synced.
    Crash(String),
    /// It starts again over its store.
    Restart(String),
    /// A link loses everything.
    Cut(String, String),
    /// It works again.
    Mend(String, String),
    /// A link keeps everything back.
    Hold(String, String),
    /// It delivers what it kept.
    Release(String, String),
    /// The network is well from now on.
    Calm,
}

/// What a story and its simulation share.
#[derive(Clone)]
pub struct Stage {
    clock: Arc<SimClock>,
    lines: Arc<Mutex<String>>,
    faults: Arc<Mutex<Vec<(Duration, Fault)>>>,
}

impl Stage {
    /// Writes a line of the transcript, with the simulated time.
    pub fn say(&self, line: &str) {
        self.say_at(turmoil::sim_elapsed().unwrap_or_default(), line);
    }

    fn say_at(&self, at: Duration, line: &str) {
        let _ = writeln!(locked(&self.lines), "{:4}.{:03}  {line}", at.as_secs(), at.subsec_millis());
    }

    /// Lets a fault happen a little later.
    pub fn later(&self, ms: u64, fault: Fault) {
        let due = turmoil::sim_elapsed().unwrap_or_default() + Duration::from_millis(ms);
        locked(&self.faults).push((due, fault));
    }

    /// Waits until every fault has happened, and calms the network.
    pub async fn calm(&self) {
        while !locked(&self.faults).is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.later(0, Fault::Calm);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    /// Lets days pass.
    pub fn pass_days(&self, days: i64) {
        self.clock.passed_ms.fetch_add(days * 86_400_000, Ordering::SeqCst);
    }

    /// A channel from where the story runs to a service.
    #[must_use]
    pub fn channel(&self, service: &str) -> Channel {
        let net: Arc<dyn Net> = Arc::new(SimNet);
        channel(&net, &address(service)).expect("an address")
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(service: &str) -> String {
    format!("http://{service}:{PORT}")
}

/// Business time: a morning, the simulated time since, and the days that the story let pass.
struct SimClock {
    start: Moment,
    passed_ms: AtomicI64,
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        let since = turmoil::sim_elapsed().unwrap_or_default().as_millis();
        self.start.plus_ms(i64::try_from(since).expect("a short run") + self.passed_ms.load(Ordering::SeqCst))
    }
}

/// turmoil's network behind the seam.
struct SimNet;

impl Net for SimNet {
    fn connect(&self, authority: String) -> Pending<io::Result<Conn>> {
        Box::pin(async move { TcpStream::connect(authority).await.map(Conn::new) })
    }

    fn listen(&self, authority: String) -> Pending<io::Result<(String, Incoming)>> {
        Box::pin(async move {
            let listener = TcpListener::bind(authority).await?;
            let bound = listener.local_addr()?.to_string();
            let incoming = stream::unfold(listener, |listener| async move {
                let accepted = listener.accept().await.map(|(stream, _)| Conn::new(stream));
                Some((accepted, listener))
            });
            Ok((bound, Box::pin(incoming) as Incoming))
        })
    }
}

/// A service that may start more than once, over one store.
#[derive(Clone)]
struct Service {
    name: String,
    regions: Vec<RegionCode>,
    seed: u64,
    starts: Arc<AtomicU64>,
    memory: Memory,
    clock: Arc<SimClock>,
}

impl Service {
    async fn start(&self) -> io::Result<Served> {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        let node = Node {
            store: Store::new(self.memory.clone()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ids: Arc::new(SeededIds::new(format!("{}/{}/{start}", self.seed, self.name))),
            net: Arc::new(SimNet),
            parameters: parameters(),
        };
        let (listen, hub) = (format!("0.0.0.0:{PORT}"), address(HUB));
        match self.name.split_once('-') {
            Some(("care", code)) => {
                let (region, answer_deadline_ms) = (region(code), ANSWER_DEADLINE_MS);
                let secret = secret(&self.name);
                start_care(node, &CareSetup { region, listen, hub, secret, answer_deadline_ms }).await
            }
            Some((_, code)) => {
                let region = region(code);
                let secret = secret(&self.name);
                start_home(node, &HomeSetup { region, listen, hub, secret }).await
            }
            None => start_hub(node, &HubSetup { listen, regions: self.regions.iter().map(peer).collect() }).await,
        }
    }
}

fn peer(code: &RegionCode) -> RegionPeer {
    let service = |name: String| ServicePeer { address: address(&name), secret: secret(&name) };
    RegionPeer { code: code.clone(), home: Some(service(home_of(code))), care: Some(service(care_of(code))) }
}

/// Runs a story from outside against a hub and the regions' services on a network that fails by a seed. Gives the
/// transcript; the services' warnings and errors stand at its end.
///
/// # Panics
/// When the story does, or hangs, with its seed and its transcript.
pub fn simulate<F>(seed: u64, day: &str, regions: &[&str], story: impl FnOnce(Stage) -> F) -> String
where
    F: Future<Output = ()> + 'static,
{
    let log = Arc::new(Mutex::new(Vec::new()));
    let _logging = logging_to(&log);
    let mut dice = Dice::new(seed);
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(RUN_S))
        .tick_duration(Duration::from_millis(TICK_MS))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(dice.between(4, 40)))
        .fail_rate(FAIL_RATE)
        .repair_rate(REPAIR_RATE)
        .enable_random_order()
        .build();
    let clock = Arc::new(SimClock { start: morning(day), passed_ms: AtomicI64::new(0) });
    let stage = Stage { clock: Arc::clone(&clock), lines: Arc::default(), faults: Arc::default() };
    let regions: Vec<RegionCode> = regions.iter().map(|code| region(code)).collect();
    let names: Vec<String> =
        regions.iter().flat_map(|code| [care_of(code), home_of(code)]).chain([HUB.to_owned()]).collect();
    let memories: BTreeMap<String, Memory> =
        names.iter().map(|name| (name.clone(), Memory::with_manual_sync())).collect();
    for (name, memory) in &memories {
        let (name, memory, starts) = (name.clone(), memory.clone(), Arc::default());
        let (regions, clock) = (regions.clone(), Arc::clone(&clock));
        let service = Service { name, regions, seed, starts, memory, clock };
        sim.host(service.name.clone(), move || {
            let service = service.clone();
            async move {
                let _served = service.start().await?;
                std::future::pending().await
            }
        });
    }
    let told = story(stage.clone());
    sim.client(OUTSIDE, async move {
        told.await;
        Ok(())
    });
    let hosts: Vec<String> = names.into_iter().chain([OUTSIDE.to_owned()]).collect();
    let sync_ms = u128::from(dice.between(1, 5) * TICK_MS);
    loop {
        happen(&mut sim, &stage, &hosts, &memories);
        if sim.elapsed().as_millis() % sync_ms == 0 {
            memories.values().for_each(Memory::sync);
        }
        match sim.step() {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => panic!("seed {seed}: {error}\n{}", locked(&stage.lines)),
        }
    }
    let log = String::from_utf8_lossy(&locked(&log)).into_owned();
    let lines = locked(&stage.lines);
    format!("{lines}{log}")
}

/// Lets the faults happen that are due.
fn happen(sim: &mut turmoil::Sim<'_>, stage: &Stage, hosts: &[String], memories: &BTreeMap<String, Memory>) {
    let now = sim.elapsed();
    let due: Vec<Fault> =
        locked(&stage.faults).extract_if(.., |(due, _)| *due <= now).map(|(_, fault)| fault).collect();
    let others = |host: &str| hosts.iter().filter(move |other| *other != host).map(String::as_str).collect::<Vec<_>>();
    for fault in due {
        stage.say_at(now, &format!("    {fault:?}"));
        match fault {
            Fault::Crash(host) => {
                // The links go first. What a dying host still sends leaves in the order in which tokio drops its
                // tasks, and that depends on how many tasks the process had before.
                others(&host).into_iter().for_each(|other| sim.partition(host.as_str(), other));
                memories.get(&host).into_iter().for_each(Memory::crash);
                sim.crash(host);
            }
            Fault::Restart(host) => {
                others(&host).into_iter().for_each(|other| sim.repair(host.as_str(), other));
                sim.bounce(host);
            }
            Fault::Cut(a, b) => sim.partition(a, b),
            Fault::Mend(a, b) => sim.repair(a, b),
            Fault::Hold(a, b) => sim.hold(a, b),
            Fault::Release(a, b) => sim.release(a, b),
            Fault::Calm => {
                sim.set_fail_rate(0.0);
                for host in hosts {
                    others(host).into_iter().for_each(|other| sim.release(host.as_str(), other));
                }
            }
        }
    }
}

/// Collects the services' warnings and errors, as long as the guard lives.
fn logging_to(log: &Arc<Mutex<Vec<u8>>>) -> impl Drop {
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            locked(&self.0).write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Arc::clone(log);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("zhijie_services=warn"))
        .without_time()
        .with_ansi(false)
        .with_writer(move || Log(Arc::clone(&log)))
        .finish()
        .set_default()
}
