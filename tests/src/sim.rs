//! The simulation's network, clocks and disks for a story of a test: regions that play both roles, and a panic that tells
//! the seed and the transcript.

pub use zhijie_simulation::{Dice, Fault, OUTSIDE, Stage, channel_to};
use zhijie_simulation::{Ended, Setting, Weather};

use crate::world::{morning, parameters, region};

/// Simulated time in one step.
const TICK_MS: u64 = 4;
/// How often a message breaks its link.
const FAIL_RATE: f64 = 0.003;
/// How often a message on a broken link repairs it.
const REPAIR_RATE: f64 = 0.2;
/// How long hospitals wait before an outcome is unknown, ms.
const ANSWER_DEADLINE_MS: u64 = 4_000;

/// Runs a story from outside against a hub and the regions' services on a network that fails by a seed. Gives the
/// transcript; the services' warnings and errors stand at its end.
///
/// # Panics
/// When the story does, or hangs, with its seed and its transcript.
pub fn simulate<F>(seed: u64, day: &str, regions: &[&str], story: impl FnOnce(Stage) -> F) -> String
where
    F: Future<Output = ()> + 'static,
{
    let mut dice = Dice::new(seed);
    let regions: Vec<_> = regions.iter().map(|code| region(code)).collect();
    let setting = Setting {
        seed,
        start: morning(day),
        homes: regions.clone(),
        cares: regions,
        parameters: parameters(),
        renewed: parameters(),
        answer_deadline_ms: ANSWER_DEADLINE_MS,
        weather: Weather {
            tick_ms: TICK_MS,
            latency_max_ms: dice.between(4, 40),
            fail_rate: FAIL_RATE,
            repair_rate: REPAIR_RATE,
        },
        sync_ms: (TICK_MS, dice.between(1, 5) * TICK_MS),
        apart_ms: Default::default(),
        signed: true,
        lie: None,
    };
    let told = |stage: Stage| {
        let told = story(stage);
        async move {
            told.await;
            Ok(())
        }
    };
    let Ended { transcript, trouble, .. } = zhijie_simulation::simulate(&setting, told);
    match trouble {
        None => transcript,
        Some(trouble) => panic!("seed {seed}: {trouble}\n{transcript}"),
    }
}
