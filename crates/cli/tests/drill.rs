//! The short form of the drill: ten rounds in which services die or stand still under load, with both engines.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use serde_json::Value;

const FAULTS: [&str; 5] = ["kill-hub", "kill-home", "kill-care", "kill-all", "stop-home"];

#[test]
fn nothing_acknowledged_is_lost_or_doubled_in_ten_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zhijie"));
    command.args(["drill", "--json", "--rounds", "5", "--faults", &FAULTS.join(","), "--folder"]).arg(folder.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
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
