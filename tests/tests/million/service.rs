//! A service in a process of its own: this test program, started again with the name of a service.

use std::{
    env, fs,
    io::Read,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use zhijie_services::{
    CareSetup, HomeSetup, HubSetup, RegionPeer,
    check::{Stores, check},
    cluster::{HUB, care_of, home_of},
    domain::{
        calendar::{Moment, parse_date},
        ids::RegionCode,
    },
    node::{ManualClock, Node, RandomIds, Role, Tcp, embedded_parameters, open_store, owner},
    start_care, start_home, start_hub,
};

/// What the other program is to do: a service's name, or this word.
const TASK: &str = "ZHIJIE_TASK";
const CHECK: &str = "check";
const FOLDER: &str = "ZHIJIE_TASK_FOLDER";
const DAY: &str = "ZHIJIE_TASK_DAY";
/// `name=host:port,…` of all services.
const ADDRESSES: &str = "ZHIJIE_TASK_ADDRESSES";

/// The four provinces.
pub(crate) fn regions() -> Vec<RegionCode> {
    ["310000", "340000", "500000", "510000"].map(|code| RegionCode::parse(code).expect("a region")).to_vec()
}

/// All services of the four provinces.
pub(crate) fn names() -> Vec<String> {
    regions().iter().flat_map(|region| [care_of(region), home_of(region)]).chain([HUB.to_owned()]).collect()
}

/// A process that ends with its owner.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(task: &str, folder: &Path, day: &str, addresses: &str) -> Process {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args(["--ignored", "--exact", "--nocapture", "service::in_a_process_of_its_own"]);
        command.env(TASK, task).env(FOLDER, folder).env(DAY, day).env(ADDRESSES, addresses);
        let shown = if task == CHECK { Stdio::inherit() } else { Stdio::null() };
        Process(command.stdin(Stdio::piped()).stdout(shown).spawn().expect("a process"))
    }

    /// The check of all stores in a folder, to its end.
    pub(crate) fn check(folder: &Path) {
        let mut process = Process::start(CHECK, folder, "", "");
        assert!(process.0.wait().expect("an end").success(), "the stores agree");
    }

    /// The most memory that it held, MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        peak_mib(&self.0.id().to_string())
    }

    /// Processor time since it began, ms.
    pub(crate) fn cpu_ms(&self) -> u64 {
        cpu_ms(&self.0.id().to_string())
    }
}

fn peak_mib(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn cpu_ms(process: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    // The kernel counts in hundredths of a second.
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}

/// Starts every service over its store in a folder; their processes and addresses by name.
pub(crate) fn start_all(folder: &Path, day: &str) -> Vec<(String, String, Process)> {
    let ports: Vec<TcpListener> =
        names().iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let addresses: Vec<(String, String)> = names()
        .into_iter()
        .zip(&ports)
        .map(|(name, port)| (name, port.local_addr().expect("an address").to_string()))
        .collect();
    drop(ports);
    let all: Vec<String> = addresses.iter().map(|(name, address)| format!("{name}={address}")).collect();
    let start = |(name, address): (String, String)| {
        let process = Process::start(&name, &folder.join(&name), day, &all.join(","));
        (name, address, process)
    };
    addresses.into_iter().map(start).collect()
}

#[test]
#[ignore = "it is started by the figures"]
fn in_a_process_of_its_own() {
    let Ok(task) = env::var(TASK) else { return };
    let folder = env::var(FOLDER).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match task.as_str() {
            CHECK => checked(Path::new(&folder)).await,
            name => serve(name, Path::new(&folder)).await,
        }
    });
}

async fn serve(name: &str, folder: &Path) {
    let day = parse_date(&env::var(DAY).expect("a day")).expect("a date");
    let addresses = env::var(ADDRESSES).expect("addresses");
    let address = |wanted: &str| {
        let found = addresses.split(',').find_map(|one| one.strip_prefix(wanted)?.strip_prefix('='));
        found.expect("the address of a service").to_owned()
    };
    let node = Node {
        store: open_store(folder).expect("a store"),
        clock: Arc::new(ManualClock::at(Moment::start_of(day).plus_ms(9 * 3_600_000))),
        ids: Arc::new(RandomIds),
        net: Arc::new(Tcp),
        identity: None,
        parameters: Arc::new(embedded_parameters().expect("the shipped parameters are right")),
    };
    let hub = format!("http://{}", address(HUB));
    let (listen, region) =
        (address(name), |role: &str| name.strip_prefix(role).map(|code| RegionCode::parse(code).expect("a region")));
    let served = if let Some(region) = region("care-") {
        start_care(node, &CareSetup { region, listen, hub, signer: None, answer_deadline_ms: 8_000 }).await
    } else if let Some(region) = region("home-") {
        start_home(node, &HomeSetup { region, listen, hub, signer: None }).await
    } else {
        let peer = |name: String| format!("http://{}", address(&name));
        let peers = regions().into_iter().map(|code| RegionPeer {
            home: Some(peer(home_of(&code))),
            care: Some(peer(care_of(&code))),
            code,
        });
        start_hub(node, &HubSetup { listen, regions: peers.collect() }).await
    };
    let served = served.expect("a service");
    let ended = std::thread::spawn(|| std::io::stdin().read_to_end(&mut Vec::new()));
    while !ended.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    served.stop().await;
}

async fn checked(folder: &Path) {
    let mut stores = Stores::default();
    for entry in fs::read_dir(folder).expect("a folder") {
        let store = open_store(&entry.expect("an entry").path()).expect("a store");
        let owner = owner(&store).await.expect("a read").expect("a service's store");
        assert!(stores.add(owner, store), "one store of a service");
    }
    let report = check(&stores).await.expect("a report");
    for subject in &report.subjects {
        println!("    {} {}: {} looked at, {} differ", subject.key, subject.zh, subject.checked, subject.differences);
        if let Some(first) = &subject.first {
            println!("    {first:?}");
        }
    }
    let stores = stores.owners().filter(|owner| owner.role == Role::Hub).count();
    assert_eq!(stores, 1, "one hub");
    println!("    {} MiB at most, {} ms of processor", peak_mib("self"), cpu_ms("self"));
    assert!(report.is_equal(), "the stores agree");
}
