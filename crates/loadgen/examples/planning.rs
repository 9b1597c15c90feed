//! What it costs the generator to plan and write messages, without sending them: µs of one core for each.
#![allow(clippy::float_arithmetic, clippy::disallowed_methods)]

use std::{error::Error, time::Instant};

use zhijie_loadgen::plan::{
    mix::Mix,
    visits::Plan,
    world::{Places, World},
};

/// Visits planned of each mix.
const VISITS: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let world = World::shipped()?;
    for name in Mix::names()? {
        let places = Places::of(&world, &["340000".into(), "410000".into()], &["310000".into(), "110000".into()])?;
        let plan = Plan::of(&world, places, Mix::shipped(&name)?, 1, 100_000)?;
        let start = Instant::now();
        let planned = (0..VISITS).map(|number| plan.visit(number));
        let (lines, steps) =
            planned.fold((0, 0), |(lines, steps), visit| (lines + visit.bill.lines.len(), steps + visit.steps.len()));
        let each = start.elapsed().as_secs_f64() * 1e6 / VISITS as f64;
        let of = |count: usize| count as f64 / VISITS as f64;
        println!("{name}: {each:.2} µs a visit of {:.1} lines and {:.1} messages", of(lines), of(steps));
    }
    Ok(())
}
