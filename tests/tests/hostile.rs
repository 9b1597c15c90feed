//! Bad input: real documents, records and parameters with something wrong in them, for some seconds each. The fuzz targets in
//! `fuzz/` run the same entries for as long as one likes.

use std::{fs, path::Path, time::Duration};

use tokio::time::Instant;
use zhijie_tests::{
    hostile::{Asked, mutate, parameters, records, right, runtime, wire},
    sim::Dice,
};

/// How long each entry is tried; another number of seconds with `ZHIJIE_HOSTILE_SECONDS`.
const SECONDS: u64 = 4;

fn budget() -> Duration {
    let asked = std::env::var("ZHIJIE_HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(SECONDS))
}

/// Calls with inputs that are right but for the bytes behind the first `head`, until the time is over.
fn tried(entry: &str, head: usize, mut call: impl FnMut(&[u8])) {
    let (right, began) = (right(entry), Instant::now());
    assert!(!right.is_empty());
    right.iter().for_each(|input| call(input));
    let (mut seed, mut inputs) = (0, right.len());
    while began.elapsed() < budget() {
        seed += 1;
        let mut dice = Dice::new(seed);
        let (choice, content) = right[dice.place(right.len())].split_at(head);
        let changed = match entry {
            "parameters" => mutate::text(&mut dice, &String::from_utf8_lossy(content)).into_bytes(),
            _ => mutate::document(&mut dice, content),
        };
        call(&[choice, &changed].concat());
        inputs += 1;
    }
    println!("{entry}: {inputs} inputs in {:?}", began.elapsed());
}

#[test]
fn documents_of_the_wire() {
    tried("wire", 1, wire);
}

#[test]
fn stored_records() {
    tried("records", 2, records);
}

#[test]
fn files_of_parameters() {
    tried("parameters", 1, parameters);
}

#[test]
fn services() {
    let runtime = runtime();
    let mut asked = runtime.block_on(Asked::new());
    tried("services", 2, |input| runtime.block_on(asked.ask(input)));
    runtime.block_on(asked.judge());
}

/// Writes what the fuzz targets begin with: `cargo test -p zhijie-tests --test hostile -- --ignored`.
#[test]
#[ignore = "it writes into fuzz/corpus"]
fn write_the_corpus() {
    for entry in ["wire", "records", "parameters", "services"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(entry);
        fs::create_dir_all(&folder).expect("a folder");
        for (number, input) in right(entry).iter().enumerate() {
            fs::write(folder.join(format!("right-{number}")), input).expect("written");
        }
    }
}
