//! The demo as its user sees it: the transcript is the golden one, byte for byte, and no line is wider than the stage.

#![allow(clippy::expect_used, reason = "a test may expect")]

use std::{path::Path, process::Command};

/// Set to write the golden transcript anew, after reading what changed in it.
const BLESS: &str = "ZHIJIE_BLESS";

fn demo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zhijie")).arg("demo").args(arguments).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    assert_eq!(errors, "", "no warning, no error in its log");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_transcript_is_the_golden_one() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/demo.jsonl");
    let told = demo(&["--json"]);
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&golden, &told).expect("the golden transcript is written");
    }
    let expected = std::fs::read_to_string(&golden).expect("the golden transcript");
    for (number, (told, expected)) in told.lines().zip(expected.lines()).enumerate() {
        assert_eq!(told, expected, "scene {}; run with {BLESS}=1 to accept", number + 1);
    }
    assert_eq!(told.lines().count(), expected.lines().count());
}

#[test]
fn its_tables_fit_a_hundred_columns() {
    for line in demo(&[]).lines() {
        assert!(textwrap::core::display_width(line) <= 100, "{} columns: {line}", textwrap::core::display_width(line));
    }
}
