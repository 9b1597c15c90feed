//! Helpers of the tests of the whole: a cluster over memory stores, and hospitals that speak to it.

pub mod copies;
pub mod hospital;
pub mod planter;
pub mod scripted;
pub mod sim;
mod world;

pub use world::{World, day_book};
