//! The short form of `zhijie simulate`: some seeds, those that ever failed, and that a seed is a run.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::expect_used)]

use std::{env, sync::OnceLock};

use zhijie_simulation::{Options, Rules, run};

/// Fresh seeds of every run, and their settlements; `ZHIJIE_SEEDS=7,8,9` chooses others.
const SEEDS: [u64; 5] = [1_001, 1_002, 1_003, 1_004, 1_005];
const SETTLEMENTS: usize = 40;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::read().expect("the shipped parameters are right"))
}

fn keeps_its_promises(seed: u64, settlements: usize) {
    let done = run(seed, rules(), Options { settlements, ..Options::default() });
    if let Some(broken) = done.broken {
        let command = format!("zhijie simulate --seeds 1 --start {seed} --settlements {settlements} --transcript");
        panic!("seed {seed}: {broken}\n{}\nagain: {command}", done.transcript);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let options = Options { settlements: SETTLEMENTS, ..Options::default() };
    let (first, second) = (run(3, rules(), options), run(3, rules(), options));
    assert_eq!(first, second, "seed 3 ran in two ways");
    assert_ne!(first.transcript, run(4, rules(), options).transcript, "another seed should give another run");
}

#[test]
fn with_any_seed_every_promise_is_kept() {
    let chosen = env::var("ZHIJIE_SEEDS").ok();
    let seeds = chosen.map_or(SEEDS.to_vec(), |chosen| {
        chosen.split(',').map(|seed| seed.trim().parse().expect("a number")).collect()
    });
    seeds.into_iter().for_each(|seed| keeps_its_promises(seed, SETTLEMENTS));
}

#[test]
fn without_faults_nothing_is_asked_twice() {
    let options = Options { settlements: SETTLEMENTS, with_faults: false, ..Options::default() };
    let done = run(1, rules(), options);
    assert_eq!(done.broken, None, "{}", done.transcript);
    assert!(!done.transcript.contains("again, "), "{}", done.transcript);
    assert!(!done.transcript.contains("WARN") && !done.transcript.contains("ERROR"), "{}", done.transcript);
}

#[test]
fn seeds_that_ever_failed_keep_every_promise() {
    for line in include_str!("failed_seeds.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse().ok()).expect("seed, settlements, what it showed");
        let (seed, settlements) = (number(), number());
        keeps_its_promises(seed, usize::try_from(settlements).expect("settlements"));
    }
}
