//! Mistakes on purpose: the simulation finds each, and says after how many seeds and by what. The table is printed with
//! `cargo test --release -p zhijie-simulation --features planted --test planted -- --nocapture`.

#![cfg(feature = "planted")]
// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::expect_used)]

use std::fmt::Write as _;

use zhijie_services::node::planted::{Bug, plant};
use zhijie_simulation::{Lie, Options, Rules, run};

/// A mistake that is not found by then is not found.
const SEEDS_MAX: u64 = 400;

/// A mistake in a service, or in what a disk promises.
#[derive(Debug, Clone, Copy)]
enum Mistake {
    Service(Bug),
    Disk(Lie),
}

const MISTAKES: [(Mistake, &str); 16] = [
    (Mistake::Disk(Lie::EarlyAnswer), "a store acknowledges before it syncs"),
    (Mistake::Disk(Lie::NoVersions), "a store skips the version check"),
    (Mistake::Service(Bug::ForgetAnswers), "hub and home forget the idempotency record"),
    (Mistake::Service(Bug::AnyContent), "a message id is taken again for other content"),
    (Mistake::Service(Bug::LateSettle), "a late settle is accepted after its reversal"),
    (Mistake::Service(Bug::NoTombstone), "home leaves no tombstone"),
    (Mistake::Service(Bug::DoubleCancel), "home posts a cancel twice"),
    (Mistake::Service(Bug::AnyOrder), "home undoes a settlement that is not the last"),
    (Mistake::Service(Bug::KeepPurse), "home gives nothing back to the purse"),
    (Mistake::Service(Bug::OtherAmounts), "the hub books other amounts"),
    (Mistake::Service(Bug::ClearUndone), "the hub clears what was undone"),
    (Mistake::Service(Bug::ClearTwice), "the hub clears an item in every table"),
    (Mistake::Service(Bug::UnbookedReversal), "the hub does not book a reversal"),
    (Mistake::Service(Bug::ForgetAgency), "the hub takes an officer's message again"),
    (Mistake::Service(Bug::DropIntent), "care drops its intent after a restart"),
    (Mistake::Service(Bug::UnknownIsNo), "care says no where it does not know"),
];

#[test]
fn every_planted_mistake_is_found() {
    let rules = Rules::read().expect("the shipped parameters are right");
    let (mut table, mut missed) = (String::new(), Vec::new());
    for (mistake, what) in MISTAKES {
        let (bug, lie) = match mistake {
            Mistake::Service(bug) => (Some(bug), None),
            Mistake::Disk(lie) => (None, Some(lie)),
        };
        plant(bug);
        let found = (1..=SEEDS_MAX).find_map(|seed| {
            let broken = run(seed, &rules, Options { lie, ..Options::default() }).broken?;
            Some((seed, broken))
        });
        match found {
            Some((seed, broken)) => {
                let broken: String = broken.chars().take(110).collect();
                let _ = writeln!(table, "| {what} | {seed} | {broken} |");
            }
            None => missed.push(what),
        }
    }
    plant(None);
    println!("| mistake | seeds until it was found | how it showed |\n| --- | --- | --- |\n{table}");
    assert!(missed.is_empty(), "not found in {SEEDS_MAX} seeds: {missed:?}");
}
