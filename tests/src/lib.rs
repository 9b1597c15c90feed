//! Helpers of the tests of the whole: a cluster over memory stores, and hospitals that speak to it.

pub mod copies;
pub mod hospital;
pub mod hostile;
pub mod planter;
pub mod scripted;
mod silence;
pub mod sim;
mod world;

pub use world::{World, day_book};
