//! The review of expensive stays (大额费用审核, 费用协查): its life, what always holds of it, and the screening of bills.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod life;
mod properties;
mod screening;
#[path = "../shipped/mod.rs"]
mod shipped;
mod world;
