//! A whole cluster in one process under one seed: simulated network, clocks and disks, faults at any moment, and a model
//! that keeps the books by the protocol alone. The same seed gives the same run, to the byte of its transcript.

mod chronic;
mod clerk;
mod clock;
mod cluster;
mod compare;
mod desk;
mod dice;
mod disk;
mod errands;
mod faults;
mod model;
mod network;
mod officers;
mod prepayments;
mod registry;
mod rest;
mod rules;
mod run;
mod stage;

pub use clock::{SimClock, Sun};
pub use cluster::{Ended, Setting, Weather, simulate};
pub use dice::Dice;
pub use disk::{Disk, Lie, Mood};
pub use network::{address, channel_to};
pub use rules::Rules;
pub use run::{Options, Run, run};
pub use stage::{Fault, OUTSIDE, Planned, Stage};
