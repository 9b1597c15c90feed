//! `zhijie evidence` as its user sees it: out of a store of the demo, into a file, and verified without the store.

#![allow(clippy::expect_used, reason = "a test may expect")]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn zhijie(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_zhijie")).args(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Runs a verification: its exit code, and each finding's key with its verdict.
fn verified(file: &Path) -> (Option<i32>, Vec<(String, String)>) {
    let (code, said, errors) = zhijie(&["evidence", "--json", "--verify", &file.to_string_lossy()]);
    let Ok(said) = serde_json::from_str::<Value>(&said) else { panic!("no findings: {errors}") };
    let text = |finding: &Value, field: &str| finding[field].as_str().expect("a text").to_owned();
    let findings = said["findings"].as_array().expect("findings").iter();
    (code, findings.map(|finding| (text(finding, "key"), text(finding, "verdict"))).collect())
}

#[test]
fn evidence_is_written_from_a_store_and_verified_without_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept");
    let told = zhijie(&["demo", "--json", "--keep", &kept.to_string_lossy()]);
    assert_eq!(told.0, Some(0), "{}", told.2);
    let hub = kept.join("hub").to_string_lossy().into_owned();
    let settlement = settlement(&kept.join("hub"));
    let file = folder.path().join("evidence.json");
    let written = zhijie(&["evidence", "--store", &hub, &settlement, "--out", &file.to_string_lossy()]);
    assert_eq!(written, (Some(0), String::new(), String::new()));
    fs::remove_dir_all(&kept).expect("the stores go");

    // The demo's keys have no certificates: nothing is wrong, and whose they are stays open.
    let (code, findings) = verified(&file);
    assert_eq!(code, Some(4), "{findings:?}");
    for (key, verdict) in &findings {
        let expected = if ["home", "care", "day"].contains(&key.as_str()) { "unverified" } else { "verified" };
        assert_eq!(verdict, expected, "{key}");
    }
    let (_, shown, _) = zhijie(&["evidence", "--verify", &file.to_string_lossy()]);
    assert!(shown.contains(&format!("id: {settlement}")) && shown.contains("参保地签名"), "{shown}");

    let text = fs::read_to_string(&file).expect("the evidence");
    let fund = text.lines().find(|line| line.contains("\"fund: ")).expect("the fund").to_owned();
    fs::write(&file, text.replace(&fund, &fund.replace("fund: ", "fund: 1"))).expect("it is changed");
    let (code, findings) = verified(&file);
    assert_eq!(code, Some(1));
    assert!(findings.contains(&("home".into(), "wrong".into())), "{findings:?}");

    fs::write(&file, text.replace("  ", " ")).expect("it is changed");
    let (code, _, errors) = zhijie(&["evidence", "--verify", &file.to_string_lossy()]);
    assert_eq!((code, errors.contains("byte for byte")), (Some(3), true), "{errors}");
    for wrong in [&["evidence"][..], &["evidence", "--store", &hub], &["evidence", "--out", "x", "--verify", "y"]] {
        assert_eq!(zhijie(wrong).0, Some(2), "{wrong:?}");
    }
    assert_eq!(zhijie(&["evidence", "--store", &hub, &settlement]).0, Some(3), "a store that is not there");
}

/// A settlement of the hub's store that nothing has undone, from a day that is reconciled.
fn settlement(hub: &Path) -> String {
    use zhijie_services::{
        node::{document, open_store},
        pb,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = open_store(hub).expect("a store");
        let page = store.scan_prefix(b"b/", None, 100).await.expect("a page");
        let mut records =
            page.iter().map(|(key, record)| document::<pb::BookRecord>(key, &record.value).expect("it reads"));
        let record = records.find(|record| record.undone_by.is_empty()).expect("a settlement");
        record.settlement.expect("a settlement").id
    })
}
