//! A cluster of processes of its own: each service is this program again, as an operator would run it, over loopback and
//! with its store on disk. None outlives the process that started it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::time::Instant;
use zhijie_identity::Live;
use zhijie_loadgen::{Targets, watch::Watched};
use zhijie_services::node::{Net, Tcp, Tls, is_serving};

use crate::certs;

/// How long a service may take until it serves, and until it has drained.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks at one that is waited for.
const PAUSE: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when its service failed.
const TAIL: usize = 12;

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Provinces with a home service, such as `340000`.
    pub(crate) homes: Vec<String>,
    /// Provinces with a care service.
    pub(crate) cares: Vec<String>,
    /// The store engine.
    pub(crate) engine: String,
    /// Everybody has a certificate; otherwise they speak in plaintext.
    pub(crate) tls: bool,
    /// Where configurations, identities and logs go.
    pub(crate) folder: PathBuf,
    /// Where stores go; the same folder will do.
    pub(crate) stores: PathBuf,
}

/// A cluster of processes of this program, which end when it is dropped.
pub(crate) struct Spawned {
    services: Vec<Service>,
    identities: Option<PathBuf>,
}

/// One service of a cluster.
struct Service {
    /// `hub`, `home 340000` or `care 310000`.
    name: String,
    role: &'static str,
    province: String,
    address: String,
    /// Its identity, where it has one.
    identity: Option<PathBuf>,
    store: PathBuf,
    process: Process,
}

impl Spawned {
    /// Starts a cluster, and waits until each of its services serves.
    ///
    /// # Errors
    /// When one of them does not come up: with the end of its log.
    pub(crate) async fn start(layout: &Layout) -> anyhow::Result<Spawned> {
        let mut services = services(layout)?;
        let texts: Vec<String> = services.iter().map(|one| configuration(one, &services, &layout.engine)).collect();
        for (service, text) in services.iter_mut().zip(texts) {
            let config = layout.folder.join(format!("{}.toml", file_name(&service.name)));
            fs::write(&config, text).with_context(|| format!("the configuration of {}", service.name))?;
            let arguments = [service.role.into(), "--config".into(), config.into(), "--stdin-is-a-leash".into()];
            service.process.arguments = arguments.into();
        }
        Spawned::run(services, identities(layout)).await
    }

    /// Starts the services of the benchmark's ceiling, which stand where those of a cluster would and have no stores.
    ///
    /// # Errors
    /// When one of them does not come up: with the end of its log.
    pub(crate) async fn ceiling(layout: &Layout) -> anyhow::Result<Spawned> {
        let mut services = services(layout)?;
        let url = |role| services.iter().find(|service| service.role == role).map(Service::url);
        let peers = [("care", url("hub")), ("hub", url("home"))];
        for service in &mut services {
            let (role, listen) = (service.role, &service.address);
            let mut arguments = vec!["bench-ceiling", "--role", role, "--listen", listen];
            let peer = peers.iter().find(|(of, _)| *of == role).and_then(|(_, peer)| peer.as_deref());
            arguments.extend(peer.iter().flat_map(|peer| ["--peer", peer]));
            service.process.arguments = arguments.into_iter().map(OsString::from).collect();
        }
        Spawned::run(services, None).await
    }

    async fn run(mut services: Vec<Service>, identities: Option<PathBuf>) -> anyhow::Result<Spawned> {
        for service in &mut services {
            service.process.start()?;
        }
        let mut spawned = Spawned { services, identities };
        for service in &mut spawned.services {
            service.wait_until_serving().await?;
        }
        Ok(spawned)
    }

    /// Where its services listen.
    pub(crate) fn targets(&self) -> Targets {
        let of = |role: &str| {
            let these = self.services.iter().filter(move |service| service.role == role);
            these.map(|service| (service.province.clone(), service.url())).collect::<Vec<_>>()
        };
        let hub = of("hub").pop().map(|(_, url)| url).unwrap_or_default();
        Targets { hub, homes: of("home"), cares: of("care"), identities: self.identities.clone() }
    }

    /// Its processes that run, and this one, which sends.
    pub(crate) fn watched(&self) -> Vec<Watched> {
        let watched = |service: &Service| {
            let (name, store) = (service.name.clone(), Some(service.store.clone()));
            service.process.id().map(|pid| Watched { name, pid, store })
        };
        self.services.iter().filter_map(watched).chain([Watched::generator()]).collect()
    }

    /// Stops a service by its name, such as `home 340000`, and waits until it has drained.
    ///
    /// # Errors
    /// When there is none of that name, or it does not end well.
    pub(crate) async fn stop_one(&mut self, name: &str) -> anyhow::Result<()> {
        self.one(name)?.process.stop().await
    }

    /// Starts a stopped service again, as it was configured, and gives the id of its new process.
    ///
    /// # Errors
    /// When there is none of that name, or it does not come up.
    pub(crate) async fn start_one(&mut self, name: &str) -> anyhow::Result<u32> {
        self.start_again(&[name.to_owned()]).await?;
        self.one(name)?.process.id().context("it has just been started")
    }

    /// Starts services again side by side, as they were configured, and waits until each serves.
    ///
    /// # Errors
    /// When there is none of a name, or one does not come up.
    pub(crate) async fn start_again(&mut self, names: &[String]) -> anyhow::Result<()> {
        for name in names {
            self.one(name)?.process.start()?;
        }
        for name in names {
            self.one(name)?.wait_until_serving().await?;
        }
        Ok(())
    }

    /// Kills services at once, as a crash does.
    ///
    /// # Errors
    /// When there is none of a name, or one does not run.
    pub(crate) fn kill(&mut self, names: &[String]) -> anyhow::Result<()> {
        names.iter().try_for_each(|name| self.one(name)?.process.kill())
    }

    /// Sends a signal to services.
    ///
    /// # Errors
    /// When there is none of a name, or one does not run.
    pub(crate) fn signal(&mut self, names: &[String], signal: Signal) -> anyhow::Result<()> {
        names.iter().try_for_each(|name| self.one(name)?.process.signal(signal))
    }

    /// The names of its services, the hub first.
    pub(crate) fn names(&self) -> Vec<String> {
        self.services.iter().map(|service| service.name.clone()).collect()
    }

    /// Where a service's store lies, where it has such a service.
    pub(crate) fn store(&self, name: &str) -> Option<&Path> {
        self.services.iter().find(|service| service.name == name).map(|service| service.store.as_path())
    }

    /// Services that have ended by themselves, each with its last words. They can be started again.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Vec<(String, String)>> {
        let mut ended = Vec::new();
        for service in &mut self.services {
            if service.process.ended()?.is_some() {
                service.process.child = None;
                ended.push((service.name.clone(), service.process.tail()));
            }
        }
        Ok(ended)
    }

    /// Stops all, care first, so that nothing is on the road when the others end.
    ///
    /// # Errors
    /// When one does not end well.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.services.sort_by_key(|service| ["care", "hub", "home"].iter().position(|role| *role == service.role));
        for service in &mut self.services {
            service.process.stop().await?;
        }
        Ok(())
    }

    fn one(&mut self, name: &str) -> anyhow::Result<&mut Service> {
        self.services.iter_mut().find(|one| one.name == name).with_context(|| format!("there is no service `{name}`"))
    }
}

impl Service {
    fn url(&self) -> String {
        format!("{}://{}", if self.identity.is_some() { "https" } else { "http" }, self.address)
    }

    /// Waits until it serves. It is asked under its own identity.
    async fn wait_until_serving(&mut self) -> anyhow::Result<()> {
        let tcp: Arc<dyn Net> = Arc::new(Tcp);
        let net = match &self.identity {
            Some(folder) => {
                let own = Live::open(folder)?;
                let expected = own.own().identity().clone();
                Arc::new(Tls::new(tcp, own, expected))
            }
            None => tcp,
        };
        let url = self.url();
        self.process.wait_until_serving(&net, &url).await
    }
}

/// Where the identities of a cluster are.
fn identities(layout: &Layout) -> Option<PathBuf> {
    layout.tls.then(|| layout.folder.join("identities"))
}

/// Such as `home-340000`, for the service of that name.
fn file_name(name: &str) -> String {
    name.replace(' ', "-")
}

/// The services of a layout, each with a free port, and where it is asked for an identity of its own.
fn services(layout: &Layout) -> anyhow::Result<Vec<Service>> {
    for folder in [&layout.folder, &layout.stores] {
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    let identities = identities(layout);
    if let Some(folder) = &identities {
        certs::for_cluster(folder, &layout.homes, &layout.cares)?;
    }
    let named = |role: &'static str, provinces: &[String]| {
        provinces.iter().map(|code| (format!("{role} {code}"), role, code.clone())).collect::<Vec<_>>()
    };
    let mut names = vec![("hub".to_owned(), "hub", String::new())];
    names.extend(named("home", &layout.homes));
    names.extend(named("care", &layout.cares));
    // All are held at once, so that no two get the same port.
    let ports = names.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    names
        .into_iter()
        .zip(&ports)
        .map(|((name, role, province), port)| {
            let file = file_name(&name);
            let process = Process::new(&name, layout.folder.join(format!("{file}.log")));
            // An identity has the name of its service's files.
            let identity = identities.as_ref().map(|folder| folder.join(&file));
            let (address, store) = (port.local_addr()?.to_string(), layout.stores.join(file));
            Ok(Service { name, role, province, address, identity, store, process })
        })
        .collect()
}

/// The configuration of a service, as in deploy/.
fn configuration(service: &Service, services: &[Service], engine: &str) -> String {
    let Service { role, province, address, identity, store, .. } = service;
    // A JSON string is a TOML string.
    let text = |value: &str| json!(value).to_string();
    let speaks = match identity {
        Some(folder) => format!("identity = {}", text(&folder.to_string_lossy())),
        None => "plaintext = true".into(),
    };
    let mut lines = vec![
        format!("[{role}]"),
        format!("listen = {}", text(address)),
        speaks,
        format!("store = {}", text(&store.to_string_lossy())),
        format!("engine = {}", text(engine)),
    ];
    if *role == "hub" {
        for peer in services.iter().filter(|peer| peer.role != "hub") {
            // Dotted keys, as a province may have one role or both.
            lines.push(format!("regions.{}.{} = {}", peer.province, peer.role, text(&peer.url())));
        }
    } else {
        let hub = services.iter().find(|peer| peer.role == "hub").map(Service::url).unwrap_or_default();
        lines.push(format!("region = {}\nhub = {}", text(province), text(&hub)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// This program again, in a process of its own. It ends when this process does, whatever the reason: it holds its
/// standard input as a leash, and a terminal's Ctrl-C does not reach it.
#[derive(Debug)]
struct Process {
    name: String,
    log: PathBuf,
    arguments: Vec<OsString>,
    child: Option<Child>,
}

impl Process {
    /// One that does not run yet; what it tells goes to a file.
    fn new(name: &str, log: PathBuf) -> Process {
        Process { name: name.to_owned(), log, arguments: Vec::new(), child: None }
    }

    /// Its id, while it runs.
    fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it, again too.
    ///
    /// # Errors
    /// When it runs, or cannot be started.
    fn start(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("{} runs already", self.name);
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::from(File::try_clone(&log)?)).stderr(log);
        self.child =
            Some(command.process_group(0).spawn().with_context(|| format!("{} cannot be started", self.name))?);
        Ok(())
    }

    /// Waits until it serves at an address, over a network.
    ///
    /// # Errors
    /// When it ends before, or takes too long: with the end of its log.
    async fn wait_until_serving(&mut self, net: &Arc<dyn Net>, url: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let asked = tokio::time::timeout(PATIENCE, is_serving(net, url)).await;
            if matches!(asked, Ok(Ok(true))) {
                return Ok(());
            }
            if let Some(status) = self.ended()? {
                bail!("{} ended before it served ({status})\n{}", self.name, self.tail());
            }
            if Instant::now() > until {
                bail!("{} does not serve after {} s\n{}", self.name, PATIENCE.as_secs(), self.tail());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Lets it go, and waits until it has drained what it had begun.
    ///
    /// # Errors
    /// When it does not run, does not end in time, or ends badly: with the end of its log.
    async fn stop(&mut self) -> anyhow::Result<()> {
        let child = self.child.as_mut().with_context(|| format!("{} does not run", self.name))?;
        drop(child.stdin.take());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.ended()? {
                self.child = None;
                if status.success() {
                    return Ok(());
                }
                bail!("{} ended badly ({status})\n{}", self.name, self.tail());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("{} does not stop after {} s\n{}", self.name, PATIENCE.as_secs(), self.tail())
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// When it does not run.
    fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().with_context(|| format!("{} does not run", self.name))?;
        // One that has ended already cannot be killed, which is well.
        let _ = child.kill();
        child.wait()?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.child.as_ref().with_context(|| format!("{} does not run", self.name))?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    /// The end of its log.
    fn tail(&self) -> String {
        let told = fs::read(&self.log).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        let lines: Vec<&str> = told.lines().collect();
        let end = lines.iter().skip(lines.len().saturating_sub(TAIL));
        end.map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Stores are made for a sudden end.
        let _ = self.kill();
    }
}
