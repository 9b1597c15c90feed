//! What breaks, and when, by a seed: crashes, links, disks and clocks, each for a while.

use zhijie_services::cluster::HUB;

use crate::{
    cluster::{Setting, Weather},
    dice::Dice,
    disk::Mood,
    stage::{Fault, OUTSIDE, Planned},
};

/// Least and most faults of a seed.
const FAULTS: (u64, u64) = (4, 10);
/// An armed power cut comes within so many operations of the store.
const OPERATIONS_MAX: u64 = 60;
/// How far a clock may jump, ms: minutes. What days apart would mean is an operator's matter.
const APART_MS_MAX: i64 = 240_000;

/// The network of a seed.
pub(crate) fn weather(dice: &mut Dice, tick_ms: u64) -> Weather {
    const FAIL_RATES: [f64; 4] = [0.0, 0.0, 0.000_3, 0.001];
    Weather {
        tick_ms,
        latency_max_ms: dice.between(5, 45),
        fail_rate: FAIL_RATES[dice.place(FAIL_RATES.len())],
        repair_rate: 0.2,
    }
}

/// How far a clock is apart, ms.
pub(crate) fn apart(dice: &mut Dice) -> i64 {
    let span = u64::try_from(2 * APART_MS_MAX).unwrap_or(0);
    i64::try_from(dice.between(0, span)).unwrap_or(0) - APART_MS_MAX
}

/// The faults of a seed, within a story of so many acts.
pub(crate) fn faults(dice: &mut Dice, setting: &Setting, acts: usize) -> Vec<Planned> {
    let services = setting.services();
    let count = dice.between(FAULTS.0, FAULTS.1);
    (0..count).flat_map(|_| fault(dice, &services, acts)).collect()
}

/// A fault and what ends it.
fn fault(dice: &mut Dice, services: &[String], acts: usize) -> Vec<Planned> {
    let act = dice.place(acts);
    let after_ms = dice.between(0, 90);
    let host = services[dice.place(services.len())].clone();
    let (a, b) = link(dice, services);
    let kind = dice.between(0, 99);
    let longest_ms = if kind < 50 { 1_500 } else { 3_000 };
    let for_ms = dice.between(100, longest_ms);
    let (breaks, heals) = match kind {
        0..20 => (Fault::Crash(host.clone()), Fault::Restart(host)),
        20..42 => (Fault::CrashAt(host.clone(), dice.between(0, OPERATIONS_MAX)), Fault::Restart(host)),
        42..50 => {
            let mood = if dice.percent(50) { Mood::Full } else { Mood::Broken };
            (Fault::Disk(host.clone(), mood), Fault::Restart(host))
        }
        50..62 => (Fault::Cut(a.clone(), b.clone()), Fault::Mend(a, b)),
        62..74 => {
            let (from, to) = if dice.percent(50) { (a, b) } else { (b, a) };
            (Fault::CutOneWay(from.clone(), to.clone()), Fault::Mend(from, to))
        }
        74..82 => (Fault::Hold(a.clone(), b.clone()), Fault::Release(a, b)),
        82..87 => (Fault::Latency(dice.between(100, 800)), Fault::Latency(dice.between(5, 45))),
        87..93 => (Fault::Sync(host.clone(), 30, dice.between(60, 400)), Fault::Sync(host, 1, 4)),
        _ => {
            let planned = Planned { act, after_ms, fault: Fault::Jump(host, apart(dice)) };
            return vec![planned];
        }
    };
    let planned = |after_ms, fault| Planned { act, after_ms, fault };
    vec![planned(after_ms, breaks), planned(after_ms + for_ms, heals)]
}

/// A link that is used: from outside to a service, or from a province to the hub.
fn link(dice: &mut Dice, services: &[String]) -> (String, String) {
    let host = services[dice.place(services.len())].clone();
    let other = if host == HUB || dice.percent(30) { OUTSIDE } else { HUB };
    (host, other.to_owned())
}
