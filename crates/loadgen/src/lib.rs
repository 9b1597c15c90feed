//! The load generator (压力测试): sends the road's messages at a stated rate, measures from the moment each was due, and
//! holds every answer and the three books against what they may be. It knows the protocol and none of the rules' code.

// Rates, shares and positions on a page; amounts of money are integers here as everywhere.
#![allow(clippy::float_arithmetic)]

pub mod page;
pub mod report;
