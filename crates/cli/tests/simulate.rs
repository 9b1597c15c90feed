//! `zhijie simulate` as a process: the same seed prints the same bytes in another process, and promises are kept.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::expect_used)]

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_zhijie")).arg("simulate").args(arguments).output();
    output.expect("the program runs")
}

/// What was printed of the seeds, before the line on time.
fn transcript(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.split("✓").next().unwrap_or_default().to_owned()
}

#[test]
fn two_processes_print_the_same_bytes() {
    let seeds = ["--seeds", "2", "--start", "7", "--settlements", "20", "--transcript"];
    let (first, second) = (simulate(&seeds), simulate(&seeds));
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stdout));
    assert_eq!(transcript(&first), transcript(&second));
    assert!(transcript(&first).contains("种子 seed 8"));
    // A seed is the same whatever ran before it.
    let alone = simulate(&["--seeds", "1", "--start", "8", "--settlements", "20", "--transcript"]);
    assert!(transcript(&first).ends_with(&transcript(&alone)));
}

#[test]
fn machines_read_what_came_of_it() {
    let output = simulate(&["--seeds", "1", "--settlements", "10", "--calm", "--json"]);
    assert!(output.status.success());
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((told["seeds"].as_u64(), told["failed"].as_array().map(Vec::len)), (Some(1), Some(0)));
}
