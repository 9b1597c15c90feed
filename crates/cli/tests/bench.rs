//! The benchmark as it is run: it measures what it should, and none of its services outlives it, however it ends.

#![cfg(target_os = "linux")]
// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zhijie");
const LOOKS_MAX: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);

#[test]
fn a_quick_look_measures_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["bench", "--quick", "--json", "--engine", "sled", "--folder"]).arg(folder.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = measured["results"].as_array().unwrap();
    let places: Vec<_> =
        results.iter().map(|row| (row["name"].as_str().unwrap(), row["at"].as_str().unwrap())).collect();
    let sled = [("sled", "knee"), ("sled", "half"), ("sled", "triple"), ("sled + TLS", "half")];
    assert_eq!(places, [sled.as_slice(), &[("ceiling", "knee"), ("ceiling", "half")]].concat());
    for row in results {
        let figures = &row["medians"]["figures"];
        for key in ["settled_per_s", "p99_us", "cpu_us.all", "memory_bytes.hub"] {
            assert!(figures[key].as_f64().unwrap() > 0.0, "{key} in {row}");
        }
        // One of them may take less than the system counts.
        for key in ["cpu_us.care", "cpu_us.hub", "cpu_us.home", "cpu_us.generator"] {
            assert!(figures[key].is_number(), "{key} in {row}");
        }
        assert!(row["medians"]["rounds"] == 1 && row["settled_per_sync"].as_f64().unwrap() > 0.0, "{row}");
        // The ceiling has no stores.
        assert_eq!(figures["disk_bytes.all"].is_null(), row["name"] == "ceiling", "{row}");
    }
    assert!(measured["disk"]["figures"]["syncs_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "its stores are gone");
}

#[test]
fn no_service_outlives_what_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["bench", "--quick", "--folder"]).arg(folder.path()).stdin(Stdio::null());
    let mut bench = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| services(folder.path()) == 3, "its services run");
    // Nothing of it can run any more.
    bench.kill().unwrap();
    bench.wait().unwrap();
    wait_until(|| services(folder.path()) == 0, "its services are gone");
}

fn wait_until(done: impl Fn() -> bool, what: &str) {
    for _ in 0..LOOKS_MAX {
        if done() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("not in time: {what}");
}

/// Processes whose configuration is in a folder.
fn services(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let commands =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).into_owned());
    commands.filter(|command| command.contains(folder) && command.contains("--config")).count()
}
