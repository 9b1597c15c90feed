//! Watching the hub: refusals, differences and what is overdue become tickets that are answered, escalated and closed;
//! the month's errors and indicators come out to the figure; the feed tells a story in order; metrics over plain HTTP.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod live;
mod month;
mod stage;
mod tickets;
