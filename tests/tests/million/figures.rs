//! The figures: each step is done once through the services and told with its time, processor time and memory.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use tonic::transport::Channel;
use zhijie_services::{
    cluster::{Clients, HUB, Loopback},
    domain::ids::RegionCode,
    node::{EngineKind, Records, document, keys, open_store, open_store_of},
    pb::{self, agency_reply::Outcome, agency_request::Command, care_client::CareClient},
};
use zhijie_tests::{
    copies::{HOMES, MONTH, Visits, services},
    hospital::{NURSING, header, line, person, settled},
    planter::shift,
};

use crate::service::{Process, regions, start_all};

/// The day on which the tables of the month are made.
const TABLES_DAY: &str = "2025-04-21";
const HOSPITAL: &str = "H31010000001";
/// Records of a book that are changed, so that a difference is in every group.
const SHIFTED: usize = 200;

fn number(variable: &str, otherwise: usize) -> usize {
    env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

#[allow(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

static BEGAN: LazyLock<Instant> = LazyLock::new(now);

struct Run {
    /// Who settles while other things are done.
    patient: String,
    clients: Clients,
    address: String,
    processes: Vec<(String, Process)>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it plants a million settlements and takes minutes"]
async fn of_a_million_settlements() {
    let (count, days) = (number("ZHIJIE_SETTLEMENTS", 1_000_000), number("ZHIJIE_DAYS", 1));
    let (_kept, folder) = folder();
    if !folder.exists() {
        plant(&folder, count, u32::try_from(days).expect("days of a month")).await;
    }
    for service in services() {
        println!("{service}: {} MiB on disk", bytes(&folder.join(&service)) >> 20);
    }
    let wanted = env::var("ZHIJIE_STEPS").unwrap_or_else(|_| "reconcile differ idle metrics tables check".into());
    let wants = |step: &str| wanted.split_whitespace().any(|wanted| wanted == step);
    if wants("differ") {
        shift_at_home(&folder, 1).await;
        let run = Run::start(&folder).await;
        run.told("reconcile a day that differs", run.reconcile(&format!("{MONTH}-01"))).await;
        drop(run);
        shift_at_home(&folder, -1).await;
    }
    if ["reconcile", "idle", "metrics", "tables"].into_iter().any(wants) {
        let run = Run::start(&folder).await;
        if wants("reconcile") {
            run.told("reconcile a day", run.reconcile(&format!("{MONTH}-01"))).await;
        }
        if wants("idle") {
            run.told("ten seconds of nothing", tokio::time::sleep(Duration::from_secs(10))).await;
        }
        if wants("metrics") {
            run.told("metrics", run.metrics()).await;
        }
        if wants("tables") {
            run.told("tables of the month", run.tables()).await;
        }
    }
    if wants("check") {
        let began = now();
        Process::check(&folder);
        println!("check: {} ms", began.elapsed().as_millis());
    }
}

/// Where the stores are: a folder that is kept, or one that goes with the test.
fn folder() -> (Option<tempfile::TempDir>, PathBuf) {
    match env::var("ZHIJIE_FOLDER") {
        Ok(folder) => (None, folder.into()),
        Err(_) => {
            let made = tempfile::tempdir().expect("a folder");
            let folder = made.path().join("stores");
            (Some(made), folder)
        }
    }
}

fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let size = |entry: fs::DirEntry| {
        let data = entry.metadata().expect("its size");
        if data.is_dir() { bytes(&entry.path()) } else { data.len() }
    };
    entries.map(size).sum()
}

async fn plant(folder: &Path, count: usize, days: u32) {
    let began = now();
    let engine = env::var("ZHIJIE_ENGINE").map_or(EngineKind::default(), |name| name.parse().expect("an engine"));
    let visits = Visits::of_days(days).await;
    println!("visits to copy: {} ms", began.elapsed().as_millis());
    let plant = async |service: String| {
        let path = folder.join(&service);
        fs::create_dir_all(&path).expect("a folder");
        let store = open_store_of(&path, engine).expect("a store");
        visits.plant(&service, &store, count).await;
        if service == HUB {
            let mut txn = store.begin();
            txn.keep(keys::TURN.to_vec(), &pb::TurnRecord { day: TABLES_DAY.into() });
            txn.commit().await.expect("a commit");
        }
    };
    futures_util::future::join_all(services().into_iter().map(plant)).await;
    println!("{count} settlements planted: {} ms", began.elapsed().as_millis());
}

impl Run {
    async fn start(folder: &Path) -> Run {
        let began = now();
        let net = Loopback::new();
        let (mut processes, mut address, mut addresses) = (Vec::new(), String::new(), Vec::new());
        for (name, at, process) in start_all(folder, TABLES_DAY) {
            net.register(&name, &at);
            addresses.push(at.clone());
            if name == HUB {
                address = at;
            }
            processes.push((name, process));
        }
        let clients = Clients::over(&net, &regions(), None).expect("clients");
        let since = began.duration_since(*BEGAN).as_millis();
        let patient = format!("341200{:07}{since:07}", std::process::id());
        let run = Run { patient, clients, address, processes };
        for address in addresses {
            while tokio::net::TcpStream::connect(&address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        println!("the services are up: {} ms", began.elapsed().as_millis());
        run.told("nothing: the services have come up", async {}).await;
        run
    }

    fn home(&self) -> zhijie_services::pb::home_client::HomeClient<Channel> {
        self.clients.home[&RegionCode::parse("340000").expect("a region")].clone()
    }

    fn care(&self) -> CareClient<Channel> {
        self.clients.care[&RegionCode::parse("310000").expect("a region")].clone()
    }

    /// Does something, while a hospital settles one bill after the other, and tells what it took.
    async fn told(&self, what: &str, work: impl Future<Output = ()>) {
        let enrolled = pb::EnrolRequest {
            person: Some(person(&self.patient, pb::Scheme::Employee, pb::Category::Active)),
            purse: Some(pb::Purse::default()),
        };
        while self.home().enrol(enrolled.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let before: Vec<u64> = self.processes.iter().map(|(_, process)| process.cpu_ms()).collect();
        let began = now();
        let (mut took, mut work) = (Vec::new(), std::pin::pin!(work));
        loop {
            let mut settling = std::pin::pin!(self.settle_one(took.len(), what));
            tokio::select! {
                biased;
                () = &mut work => {
                    settling.await;
                    break;
                }
                ms = &mut settling => took.push(ms),
            }
        }
        println!("{what}: {} ms", began.elapsed().as_millis());
        for ((name, process), before) in self.processes.iter().zip(before) {
            let (cpu, peak) = (process.cpu_ms() - before, process.peak_mib());
            println!("    {name}: {cpu} ms of processor, {peak} MiB at most");
        }
        took.sort_unstable();
        if let (Some(last), Some(middle)) = (took.last(), took.get(took.len() / 2)) {
            println!("    meanwhile {} settlements, {middle} ms in the middle, {last} ms at most", took.len());
        }
    }

    async fn settle_one(&self, number: usize, what: &str) -> u128 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let began = now();
        let message = format!("{}-{}-{number}", std::process::id(), what.replace(' ', "-"));
        let request = pb::SettleAtOnceRequest {
            header: Some(header(HOSPITAL, &self.patient, &message)),
            person: self.patient.clone(),
            scheme: pb::Scheme::Employee.into(),
            service: pb::Service::Outpatient.into(),
            from: TABLES_DAY.into(),
            lines: vec![line(1, NURSING, 10)],
            account_use: pb::AccountUse::Own.into(),
            ..pb::SettleAtOnceRequest::default()
        };
        settled(&self.care().settle_at_once(request).await.expect("a reply").into_inner());
        began.elapsed().as_millis()
    }

    async fn reconcile(&self, day: &str) {
        let request = pb::ReconcileRequest { day: day.into() };
        let reply = self.clients.books.clone().reconcile(request).await.expect("a reply").into_inner();
        println!(
            "    {day}: {} records, equal: {}, {} differences",
            reply.hub.unwrap_or_default().records,
            reply.equal,
            reply.found
        );
        assert!(reply.missing.is_empty(), "{:?}", reply.missing);
    }

    async fn tables(&self) {
        let command = Some(Command::MakeTables(pb::MakeTables { period: MONTH.into() }));
        let request = pb::AgencyRequest { message_id: "tables".into(), officer: "n1".into(), command };
        let reply = self.clients.national.clone().perform(request).await.expect("a reply").into_inner();
        let Some(Outcome::Tables(reply)) = reply.outcome else { panic!("expected tables: {reply:?}") };
        let items: i64 =
            reply.tables.iter().flat_map(|table| &table.rows).map(|row| row.new.unwrap_or_default().items).sum();
        println!("    {} tables of {items} items", reply.tables.len());
    }

    async fn metrics(&self) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.expect("a connection");
        let head = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).await.expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("a reply");
        for line in text.lines().filter(|line| line.contains("items_waiting ") || line.contains("reconciled_day ")) {
            println!("    {line}");
        }
    }
}

/// Adds so many fen to the bills of the first settlements in the books of the home provinces.
async fn shift_at_home(folder: &Path, fen: i64) {
    for (province, _) in HOMES {
        let store = open_store(&folder.join(format!("home-{province}"))).expect("a store");
        let mut txn = store.begin();
        for (key, record) in store.scan_prefix(keys::BOOK, None, SHIFTED).await.expect("a scan") {
            let mut booked: pb::BookRecord = document(&key, &record.value).expect("a record");
            let settlement = booked.settlement.as_mut().expect("a settlement");
            if settlement.kind() == pb::EntryKind::Settled {
                shift(settlement, "total", fen);
                txn.keep(key.to_vec(), &booked);
            }
        }
        txn.commit().await.expect("a commit");
    }
}
