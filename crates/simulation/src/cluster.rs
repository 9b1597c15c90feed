//! A hub, homes and cares on turmoil's hosts, and the loop that steps time and lets faults happen.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};
use zhijie_services::{
    CareSetup, HomeSetup, HubSetup, RegionPeer,
    cluster::{HUB, care_of, home_of},
    domain::{calendar::Moment, ids::RegionCode, parameters::Parameters},
    node::{Clock, Node, SeededIds, Served, Signer},
    start_care, start_home, start_hub,
};
use zhijie_store::{Memory, Store};

use crate::{
    clock::{SimClock, Sun},
    dice::Dice,
    disk::{Disk, Lie},
    network::{PORT, SimNet, address},
    stage::{Fault, OUTSIDE, Stage, locked},
};

/// A run that takes longer in simulated time hangs.
const RUN_S: u64 = 900;

/// What a simulation is made of.
pub struct Setting {
    /// All chance comes from it.
    pub seed: u64,
    /// When it begins.
    pub start: Moment,
    /// Provinces with a home service.
    pub homes: Vec<RegionCode>,
    /// Provinces with a care service.
    pub cares: Vec<RegionCode>,
    /// The numbers of the rules.
    pub parameters: Arc<Parameters>,
    /// The numbers after [`Fault::Renew`].
    pub renewed: Arc<Parameters>,
    /// How long hospitals wait before an outcome is unknown, ms.
    pub answer_deadline_ms: u64,
    /// The network.
    pub weather: Weather,
    /// From so long to so long a sync takes, ms.
    pub sync_ms: (u64, u64),
    /// How far clocks are apart at first, ms.
    pub apart_ms: BTreeMap<String, i64>,
    /// Whether regions sign.
    pub signed: bool,
    /// What all disks lie about.
    pub lie: Option<Lie>,
}

/// How a network is.
#[derive(Debug, Clone)]
pub struct Weather {
    /// Simulated time in one step, ms.
    pub tick_ms: u64,
    /// The longest time of a message on its way, ms.
    pub latency_max_ms: u64,
    /// How often a message breaks its link.
    pub fail_rate: f64,
    /// How often a message on a broken link repairs it.
    pub repair_rate: f64,
}

/// What came of a simulation.
pub struct Ended {
    /// What happened, line by line, and then what the services warned of.
    pub transcript: String,
    /// Why the story did not come to its end.
    pub trouble: Option<String>,
    /// Simulated time.
    pub elapsed: Duration,
    /// What is durable, by service.
    pub stores: BTreeMap<String, Memory>,
}

/// A service that may start more than once, over one disk.
#[derive(Clone)]
struct Service {
    name: String,
    peers: Arc<Vec<(RegionCode, bool, bool)>>,
    seed: u64,
    starts: Arc<AtomicU64>,
    disk: Disk,
    clock: SimClock,
    parameters: Arc<Mutex<Arc<Parameters>>>,
    answer_deadline_ms: u64,
    signed: bool,
}

impl Service {
    async fn start(&self) -> io::Result<Served> {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        let node = Node {
            store: Store::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()) as Arc<dyn Clock>,
            ids: Arc::new(SeededIds::new(format!("{}/{}/{start}", self.seed, self.name))),
            net: Arc::new(SimNet),
            identity: None,
            parameters: Arc::clone(&locked(&self.parameters)),
        };
        let signer = self.signed.then(|| Signer::seeded(&format!("{}/{}", self.seed, self.name))).flatten();
        let (listen, hub) = (format!("0.0.0.0:{PORT}"), address(HUB));
        let region = |code: &str| RegionCode::parse(code).map_err(|error| io::Error::other(format!("{error:?}")));
        match self.name.split_once('-') {
            Some(("care", code)) => {
                let (region, answer_deadline_ms) = (region(code)?, self.answer_deadline_ms);
                start_care(node, &CareSetup { region, listen, hub, signer, answer_deadline_ms }).await
            }
            Some((_, code)) => start_home(node, &HomeSetup { region: region(code)?, listen, hub, signer }).await,
            None => start_hub(node, &HubSetup { listen, regions: self.peers.iter().map(peer).collect() }).await,
        }
    }
}

fn peer((code, home, care): &(RegionCode, bool, bool)) -> RegionPeer {
    RegionPeer {
        code: code.clone(),
        home: home.then(|| address(&home_of(code))),
        care: care.then(|| address(&care_of(code))),
    }
}

impl Setting {
    /// The services by name.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let regions = self.cares.iter().map(care_of).chain(self.homes.iter().map(home_of));
        regions.chain([HUB.to_owned()]).collect()
    }

    fn peers(&self) -> Vec<(RegionCode, bool, bool)> {
        let mut codes: Vec<&RegionCode> = self.homes.iter().chain(&self.cares).collect();
        codes.sort();
        codes.dedup();
        let peer = |code: &&RegionCode| ((*code).clone(), self.homes.contains(code), self.cares.contains(code));
        codes.iter().map(peer).collect()
    }

    fn hosts(&self, sim: &mut turmoil::Sim<'_>, sun: &Arc<Sun>) -> BTreeMap<String, Service> {
        let peers = Arc::new(self.peers());
        let mut services = BTreeMap::new();
        for name in self.services() {
            let disk = Disk::new(Dice::of(self.seed, &name), self.sync_ms);
            self.lie.into_iter().for_each(|lie| disk.lie(lie));
            let service = Service {
                disk,
                peers: Arc::clone(&peers),
                seed: self.seed,
                starts: Arc::default(),
                clock: SimClock::under(sun, self.apart_ms.get(&name).copied().unwrap_or(0)),
                parameters: Arc::new(Mutex::new(Arc::clone(&self.parameters))),
                answer_deadline_ms: self.answer_deadline_ms,
                signed: self.signed,
                name: name.clone(),
            };
            services.insert(name, service);
        }
        for (name, service) in &services {
            let service = service.clone();
            sim.host(name.as_str(), move || {
                let service = service.clone();
                async move {
                    let _served = service.start().await?;
                    std::future::pending().await
                }
            });
        }
        services
    }
}

/// Runs a story from outside against a hub and the services of provinces.
pub fn simulate<F>(setting: &Setting, story: impl FnOnce(Stage) -> F) -> Ended
where
    F: Future<Output = Result<(), String>> + 'static,
{
    let log = Arc::new(Mutex::new(Vec::new()));
    let _logging = logging_to(&log);
    let weather = &setting.weather;
    let mut sim = turmoil::Builder::new()
        .rng_seed(setting.seed)
        .simulation_duration(Duration::from_secs(RUN_S))
        .tick_duration(Duration::from_millis(weather.tick_ms))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(weather.latency_max_ms))
        .fail_rate(weather.fail_rate)
        .repair_rate(weather.repair_rate)
        .enable_random_order()
        .build();
    let sun = Arc::new(Sun::from(setting.start));
    let stage = Stage::new(Arc::clone(&sun));
    let services = setting.hosts(&mut sim, &sun);
    let told = story(stage.clone());
    sim.client(OUTSIDE, async move { Ok(told.await?) });
    let hosts: Vec<String> = services.keys().cloned().chain([OUTSIDE.to_owned()]).collect();
    let mut world = World { sim, stage: stage.clone(), renewed: Arc::clone(&setting.renewed), hosts, services };
    let trouble = loop {
        world.happen();
        match world.sim.step() {
            Ok(true) => break None,
            Ok(false) => {}
            Err(error) => break Some(error.to_string()),
        }
    };
    let log = String::from_utf8_lossy(&locked(&log)).into_owned();
    Ended {
        transcript: format!("{}{log}", stage.lines()),
        trouble,
        elapsed: world.sim.elapsed(),
        stores: world.services.iter().map(|(name, service)| (name.clone(), service.disk.durable())).collect(),
    }
}

/// The network with its hosts.
struct World<'a> {
    sim: turmoil::Sim<'a>,
    stage: Stage,
    renewed: Arc<Parameters>,
    hosts: Vec<String>,
    services: BTreeMap<String, Service>,
}

impl World<'_> {
    /// Lets the faults happen that are due, and the power go where a write point was reached.
    fn happen(&mut self) {
        let now = self.sim.elapsed();
        let mut dark = Vec::new();
        for (name, service) in &self.services {
            if service.disk.is_dark() && self.sim.is_host_running(name.as_str()) {
                dark.push(Fault::Crash(name.clone()));
            }
        }
        for fault in dark.into_iter().chain(self.stage.due(now)) {
            self.stage.say_at(now, format_args!("    ⚡ {fault}"));
            self.strike(fault);
        }
    }

    fn others(&self, host: &str) -> Vec<&str> {
        self.hosts.iter().filter(|other| *other != host).map(String::as_str).collect()
    }

    fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Crash(host) => self.crash(&host),
            Fault::CrashAt(host, operations) => self.disk(&host, |disk| disk.arm(operations)),
            Fault::Restart(host) => self.restart(&host),
            Fault::Renew(host) => self.renew(&host),
            Fault::Cut(a, b) => self.sim.partition(a, b),
            Fault::CutOneWay(from, to) => self.sim.partition_oneway(from, to),
            Fault::Mend(a, b) => self.sim.repair(a, b),
            Fault::Hold(a, b) => self.sim.hold(a, b),
            Fault::Release(a, b) => self.sim.release(a, b),
            Fault::Latency(ms) => self.sim.set_max_message_latency(Duration::from_millis(ms)),
            Fault::Disk(host, mood) => self.disk(&host, |disk| disk.turn(mood)),
            Fault::Sync(host, low, high) => self.disk(&host, |disk| disk.take((low, high))),
            Fault::Jump(host, ms) => {
                if let Some(service) = self.services.get(&host) {
                    service.clock.jump(ms);
                }
            }
            Fault::Calm => {
                self.sim.set_fail_rate(0.0);
                for host in self.services.keys().cloned().collect::<Vec<_>>() {
                    self.restart(&host);
                }
                for host in &self.hosts {
                    self.others(host).into_iter().for_each(|other| {
                        self.sim.repair(host.as_str(), other);
                        self.sim.release(host.as_str(), other);
                    });
                }
            }
        }
    }

    fn disk(&self, host: &str, change: impl FnOnce(&Disk)) {
        if let Some(service) = self.services.get(host) {
            change(&service.disk);
        }
    }

    fn crash(&mut self, host: &str) {
        if !self.sim.is_host_running(host) {
            return;
        }
        // The links go first. What a dying host still sends leaves in the order in which tokio drops its
        // tasks, and that depends on how many tasks the process had before.
        self.others(host).into_iter().for_each(|other| self.sim.partition(host, other));
        self.disk(host, Disk::crash);
        self.sim.crash(host);
    }

    fn renew(&mut self, host: &str) {
        if let Some(service) = self.services.get(host) {
            *locked(&service.parameters) = Arc::clone(&self.renewed);
        }
        self.crash(host);
        self.restart(host);
    }

    fn restart(&mut self, host: &str) {
        let Some(service) = self.services.get(host) else { return };
        let disk = service.disk.clone();
        if self.sim.is_host_running(host) {
            if disk.is_well() {
                return disk.disarm();
            }
            self.crash(host);
        }
        disk.power_up();
        self.others(host).into_iter().for_each(|other| self.sim.repair(host, other));
        self.sim.bounce(host);
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
