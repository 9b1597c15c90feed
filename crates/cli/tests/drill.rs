//! The short form of the drill: ten rounds in which services die or stand still under load, with both engines.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use serde_json::Value;

const FAULTS: [&str; 5] = ["kill-hub", "kill-home", "kill-care", "kill-all", "stop-home"];

/// What the drill says with `--json`, and whether it was content.
fn drill(rounds: &[&str], faults: &[&str]) -> (bool, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zhijie"));
    command.args(["drill", "--json", "--faults", &faults.join(","), "--folder"]).arg(folder.path()).args(rounds);
    let output = command.stdin(Stdio::null()).env("TMPDIR", folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    (output.status.success(), report)
}

/// A drill that finds nothing would find nothing if something were lost, unless this one does.
#[test]
fn a_store_that_lost_what_it_acknowledged_is_noticed() {
    let (passed, report) = drill(&["--rounds", "1", "--engines", "sled"], &["old-copy"]);
    assert!(!passed, "{report}");
    assert_eq!(report["passed"], false);
    let wrong = report["wrong"].as_str().unwrap();
    assert!(wrong.starts_with("sled, old-copy: "), "{wrong}");
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_in_ten_rounds() {
    let (passed, report) = drill(&["--rounds", "5"], &FAULTS);
    assert!(passed, "{report}");
    assert_eq!(report["passed"], true, "{report}");
    let rounds = report["rounds"].as_array().unwrap();
    let made: Vec<(&str, &str)> =
        rounds.iter().map(|round| (round["engine"].as_str().unwrap(), round["fault"].as_str().unwrap())).collect();
    let wanted: Vec<(&str, &str)> =
        ["sled", "fjall"].iter().flat_map(|engine| FAULTS.map(|fault| (*engine, fault))).collect();
    assert_eq!(made, wanted);
    for round in rounds {
        let number = |field: &str| round[field].as_u64().unwrap();
        assert!(number("settlements") > 0 && number("settles_ms") > 0 && number("known_ms") > 0, "{round}");
    }
    let unknown: u64 = rounds.iter().filter_map(|round| round["unknown"].as_u64()).sum();
    assert!(unknown > 0, "the faults were felt: {report}");
}
