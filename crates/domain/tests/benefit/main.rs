//! The benefit (待遇计算) to the fen: worked examples, every shape, every shipped policy.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod examples;
mod histories;
mod policies;
mod properties;
mod shapes;
#[path = "../shipped/mod.rs"]
mod shipped;
mod world;
