//! How long the domain's decisions take: `cargo bench -p zhijie-domain`.

// Benchmarks are as tests are: clippy.toml allows this in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod books;
mod decide;
#[path = "../../tests/shipped/mod.rs"]
mod shipped;
#[path = "../../tests/benefit/world.rs"]
#[allow(dead_code, reason = "the suite of the benefit needs more of it")]
mod world;

fn main() {
    divan::main();
}
