//! Tries seeds by hand.
use std::sync::Arc;
use zhijie_simulation::{Options, run};
fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse().unwrap()).collect();
    let parameters = Arc::new(zhijie_services::node::embedded_parameters().unwrap());
    let shows = std::env::var_os("SHOW").is_some();
    let with_faults = std::env::var_os("CALM").is_none();
    #[allow(clippy::disallowed_methods)]
    let began = std::time::Instant::now();
    let (mut failed, mut simulated) = (0, 0.0);
    for seed in arguments[0]..arguments[0] + arguments[1] {
        let run = run(seed, &parameters, Options { with_faults, ..Options::default() });
        simulated += run.elapsed.as_secs_f64();
        if shows {
            println!("{}", run.transcript);
        }
        if let Some(broken) = run.broken {
            failed += 1;
            println!("seed {seed} {:?}: {broken}", run.elapsed);
        }
    }
    println!("{failed} failed, {:?}, {simulated} s simulated", began.elapsed());
}
