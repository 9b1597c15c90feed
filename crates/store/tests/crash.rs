//! kill -9 at random moments: every acknowledged batch is found, and every batch is found whole or not at all.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dice;
mod witness;

use std::env;
use std::path::Path;

use dice::Dice;
use witness::{LANES, Writer};
use zhijie_store::EngineKind;

const ROUNDS: usize = 40;

/// The child; does nothing in an ordinary run.
#[test]
fn writer() {
    if let Some(path) = env::var_os(witness::CHILD) {
        witness::write_until_stopped(Path::new(&path));
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing() {
    for kind in EngineKind::ALL {
        kill_again_and_again(kind).await;
    }
}

async fn kill_again_and_again(kind: EngineKind) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut dice = Dice::new();
    let mut found = [0; LANES];
    for round in 0..ROUNDS {
        let mut writer = Writer::start("writer", kind, &path, found).unwrap();
        // The first rounds also hit the moment when the store is made or recovered.
        writer.listen(dice.below(200).saturating_sub(20)).unwrap();
        dice.moment();
        writer.kill().unwrap();
        writer.hear_out().unwrap();
        assert_eq!(writer.stopped, None, "{kind}, round {round}");

        let store = zhijie_store::open(&path, kind).unwrap();
        let examined = witness::examine(&store, &writer).await;
        found = examined.unwrap_or_else(|fault| panic!("{kind}, round {round}: {fault}"));
    }
    let batches: u64 = found.iter().sum();
    eprintln!("{kind}: {ROUNDS} kills, {batches} batches, none lost or torn");
    assert!(batches > ROUNDS as u64);
}
