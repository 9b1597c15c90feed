//! The program as it is run: nine processes of four provinces and the hub, over stores on disk and TLS. The story survives the
//! sudden death of any of them; load is sent to them; a termination drains; what a user does wrong is answered with file and line.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zhijie");
const PROVINCES: [&str; 4] = ["310000", "340000", "500000", "510000"];
/// Where the people of the story are insured; a person's number begins with it.
const AREAS: [&str; 4] = ["341200", "510100", "340100", "310000"];
/// Digits of a person's number in the story.
const PERSON_DIGITS: usize = 20;
/// How often the world is looked at while it is waited for, and the pause between.
const LOOKS_MAX: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// The scene after which a service dies, and the service.
type Deaths = [(&'static str, &'static str)];

const HUB_DIES: &Deaths = &[("filing", "hub"), ("pre_settle", "hub"), ("outpatient", "hub"), ("emergency", "hub")];
const HOMES_DIE: &Deaths = &[
    ("opening", "home-340000"),
    ("pre_settle", "home-340000"),
    ("settle", "home-510000"),
    ("emergency", "home-510000"),
];
const CARES_DIE: &Deaths = &[
    ("filing", "care-310000"),
    ("pre_settle", "care-310000"),
    ("settle", "care-500000"),
    ("emergency", "care-500000"),
];
const ALL_DIE: &Deaths =
    &[("stay", "care-310000"), ("lost_answer", "home-510000"), ("cancel", "care-500000"), ("month", "hub")];

#[test]
fn the_story_survives_any_death_and_a_termination_drains() {
    let mut cluster = Cluster::start();
    for deaths in [HUB_DIES, HOMES_DIE, CARES_DIE, ALL_DIE] {
        cluster.tell_while_dying(deaths);
    }
    let addresses = cluster.folder.path().join("cluster.toml");
    let sent = ["load", "--cluster", addresses.to_str().unwrap(), "--rate", "10", "--seconds", "3", "--people", "50"];
    let sent = run(&[&sent[..], &["--json"]].concat());
    assert!(sent.status.success(), "{sent:?}");
    let report: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert!(report["gate"]["passed"] == true && report["acts"][0]["sent"].as_u64() > Some(10), "{report}");
    for name in cluster.names() {
        let log = cluster.terminate(&name);
        if let Some(line) = log.lines().find(|line| names_a_person(line) || line.contains("PRIVATE KEY")) {
            panic!("the log of {name} names a person or shows a key: {line}");
        }
        for line in log.lines() {
            assert!(!line.contains("\"WARN\"") && !line.contains("\"ERROR\""), "{name} complains: {line}");
        }
        assert!(log.lines().last().unwrap_or_default().contains("stopped"), "{name} says that it stopped");
    }
    let checked = run(&["check", cluster.folder.path().to_str().unwrap()]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_wrong_configuration_names_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    fs::write(&file, "[care]\nregion = \"310000\"\nlisten = \"127.0.0.1:0\"\nstorr = \"here\"\n").unwrap();
    let output = run(&["care", "--config", file.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    for needed in [file.to_str().unwrap(), "line 4", "storr"] {
        assert!(told.contains(needed), "`{needed}` is missing in: {told}");
    }
    let home = |engine: &str| {
        let store = folder.path().join("home").display().to_string();
        let text =
            "[home]\nregion = \"340000\"\nlisten = \"127.0.0.1:0\"\nhub = \"http://127.0.0.1:1\"\nplaintext = true\n";
        fs::write(&file, format!("{text}store = \"{store}\"\nengine = \"{engine}\"\n")).unwrap();
        let output = run(&["home", "--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = home("rocksdb");
    assert!(told.contains("line 7") && told.contains("rocksdb") && told.contains("fjall"), "{told}");
    fs::create_dir(folder.path().join("home")).unwrap();
    fs::write(folder.path().join("home/db"), []).unwrap();
    let told = home("fjall");
    assert!(told.contains("was made by the engine sled"), "{told}");
    let output = run(&["hub", "--config", folder.path().join("none.toml").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.toml"));
}

#[test]
fn certificates_are_made_once_and_renewed_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let certs = |more: &[&str]| {
        let output = run(&[&["certs", folder.path().to_str().unwrap(), "--json", "--region", "310000"], more].concat());
        assert!(output.status.success(), "{output:?}");
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        let made = made["identities"].as_array().unwrap().clone();
        let new = made.iter().filter(|one| one["new"] == true).count();
        (made.len(), new, made.iter().map(|one| one["until"].as_str().unwrap().to_owned()).max().unwrap())
    };
    let read = |file: &str| fs::read(folder.path().join(file)).unwrap();
    let (all, new, until) = certs(&[]);
    assert!(all > 5 && new == all, "{new} of {all}");
    let (authority, care) = (read("authority/tls.key"), read("care-310000/tls.crt"));
    assert_eq!(certs(&[]), (all, 0, until.clone()));
    assert_eq!(read("care-310000/tls.crt"), care);
    let (one, new, longer) = certs(&["--only", "care-310000", "--days", "200"]);
    assert!((one, new) == (1, 1) && longer > until, "{longer}");
    assert!(read("care-310000/tls.crt") != care && read("authority/tls.key") == authority);
    let wrong = run(&["certs", folder.path().to_str().unwrap(), "--region", "310000", "--only", "nobody"]);
    assert_eq!(wrong.status.code(), Some(3));
}

#[test]
fn the_worked_example_is_quoted_to_the_fen() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quote.toml");
    let output = run(&["quote", file.to_str().unwrap(), "--json"]);
    assert!(output.status.success());
    let quoted: Value = serde_json::from_slice(&output.stdout).unwrap();
    let amount = |payer: &str| {
        let rows = quoted["amounts"].as_array().unwrap();
        let row = rows.iter().find(|row| row["payer"].as_str().unwrap().contains(payer));
        row.unwrap()["amount"].as_i64().unwrap()
    };
    assert_eq!((amount("all funds"), amount("cash"), amount("the bill")), (4_856_540, 4_343_460, 9_200_000));
}

#[test]
fn a_number_of_a_person_would_be_noticed() {
    assert!(names_a_person("{\"person\":\"34120025031009000001\"}"));
    assert!(!names_a_person("message H31010000001202503100900000001, settlement 01957d90e6ce7993afe38e0d696eab61"));
}

/// True where a run of digits stands that could be the number of a person of the story.
fn names_a_person(text: &str) -> bool {
    let mut runs = text.split(|char: char| !char.is_ascii_digit());
    runs.any(|run| run.len() == PERSON_DIGITS && AREAS.iter().any(|area| run.starts_with(area)))
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A service: its role, its configuration, its log and its process.
struct Service {
    role: &'static str,
    config: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Service {
    fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg(self.role).arg("--config").arg(&self.config).env("RUST_LOG", "debug,h2=info,hyper=info,tower=info");
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn wait_until_serving(&mut self) {
        for _ in 0..LOOKS_MAX {
            if run(&["health", "--config", self.config.to_str().unwrap()]).status.success() {
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert_eq!(ended, None, "it ended: {}", self.told());
            thread::sleep(PAUSE);
        }
        panic!("it does not serve: {}", self.told());
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A hub, and a care and a home service of each province, each a process of its own.
struct Cluster {
    folder: TempDir,
    services: BTreeMap<String, Service>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.services.values_mut().filter(|service| service.child.is_some()).for_each(Service::kill);
    }
}

impl Cluster {
    fn start() -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let names = PROVINCES.iter().flat_map(|code| [format!("care-{code}"), format!("home-{code}")]);
        let names: Vec<String> = names.chain(["hub".to_owned()]).collect();
        // All are held at once, so that no two get the same port.
        let ports: Vec<TcpListener> = names.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = ports.iter().map(|port| port.local_addr().unwrap().to_string());
        let addresses: BTreeMap<String, String> = names.iter().cloned().zip(addresses).collect();
        drop(ports);
        let certs = folder.path().join("certs");
        let regions = PROVINCES.iter().flat_map(|code| ["--region", code]);
        let arguments: Vec<&str> = ["certs", certs.to_str().unwrap()].into_iter().chain(regions).collect();
        let made = run(&arguments);
        assert!(made.status.success(), "{made:?}");
        let mut services = BTreeMap::new();
        for name in addresses.keys() {
            let role = ["care", "home", "hub"].into_iter().find(|role| name.starts_with(role)).unwrap();
            let config = folder.path().join(format!("{name}.toml"));
            fs::write(&config, configuration(folder.path(), name, &addresses)).unwrap();
            let log = folder.path().join(format!("{name}.log"));
            services.insert(name.clone(), Service { role, config, log, child: None });
        }
        fs::write(folder.path().join("cluster.toml"), cluster_file(&certs, &addresses)).unwrap();
        let mut cluster = Cluster { folder, services };
        cluster.services.values_mut().for_each(Service::start);
        cluster.services.values_mut().for_each(Service::wait_until_serving);
        cluster
    }

    fn names(&self) -> Vec<String> {
        self.services.keys().cloned().collect()
    }

    /// Tells the story; services die and come back as soon as their scenes have been told. The story checks the books.
    fn tell_while_dying(&mut self, deaths: &Deaths) {
        let file = self.folder.path().join("cluster.toml");
        let errors = self.folder.path().join("demo.log");
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--json", "--cluster"]).arg(file).stdin(Stdio::null());
        let mut demo = command.stdout(Stdio::piped()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let (mut scenes, mut died) = (Vec::new(), 0);
        for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
            let scene: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let key = scene["key"].as_str().unwrap();
            for (_, name) in deaths.iter().filter(|(after, _)| *after == key) {
                let service = self.services.get_mut(*name).unwrap();
                service.kill();
                service.start();
                died += 1;
            }
            scenes.push(scene);
        }
        let status = demo.wait().unwrap();
        let told = scenes.last().map(Value::to_string).unwrap_or_default();
        let errors = fs::read_to_string(errors).unwrap();
        assert!(status.success(), "{deaths:?}: {status}: {errors}\nlast scene: {told}");
        assert_eq!(died, deaths.len(), "every scene with a death was told");
        assert!(!names_a_person(&errors), "{errors}");
    }

    /// Terminates a service and gives what it logged.
    fn terminate(&mut self, name: &str) -> String {
        let service = self.services.get_mut(name).unwrap();
        service.wait_until_serving();
        let mut child = service.child.take().unwrap();
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{name}: {}", service.told());
        service.told()
    }
}

fn configuration(folder: &Path, name: &str, addresses: &BTreeMap<String, String>) -> String {
    let (store, identity) = (folder.join(name), folder.join("certs").join(name));
    let (store, identity, listen) = (store.display(), identity.display(), &addresses[name]);
    let common = format!("listen = \"{listen}\"\nstore = \"{store}\"\nidentity = \"{identity}\"\n");
    let Some((role, code)) = name.split_once('-') else {
        let mut text = format!("[hub]\n{common}");
        for code in PROVINCES {
            for role in ["care", "home"] {
                let _ = writeln!(text, "regions.{code}.{role} = \"https://{}\"", addresses[&format!("{role}-{code}")]);
            }
        }
        return text;
    };
    // Both engines play in one story.
    let engine = if role == "home" { "engine = \"fjall\"\n" } else { "" };
    format!("[{role}]\n{engine}region = \"{code}\"\n{common}hub = \"https://{}\"\n", addresses["hub"])
}

fn cluster_file(certs: &Path, addresses: &BTreeMap<String, String>) -> String {
    let mut text = format!("hub = \"{}\"\nidentities = \"{}\"\n", addresses["hub"], certs.display());
    for code in PROVINCES {
        let (care, home) = (&addresses[&format!("care-{code}")], &addresses[&format!("home-{code}")]);
        let _ = write!(text, "[regions.{code}]\ncare = \"{care}\"\nhome = \"{home}\"\n");
    }
    text
}
