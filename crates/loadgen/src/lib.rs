//! The load generator (压力测试): sends the road's messages at a stated rate, measures from the moment each was due, and
//! holds every answer and the three books against what they may be. It knows the protocol and none of the rules' code.

// Rates, shares and positions on a page; amounts of money are integers here as everywhere.
#![allow(clippy::float_arithmetic)]

mod drive;
pub mod fsync;
pub mod gate;
pub mod measure;
pub mod page;
pub mod plan;
mod prepare;
pub mod report;
mod run;
pub mod watch;

use std::path::PathBuf;

pub use drive::{Arrival, Look};
pub use run::{Down, Progress, RunError, Settled, Setup, run};

/// Where the services of a cluster listen: `http://host:port`, homes and cares with their provinces; or `https`, with
/// identities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// The national hub.
    pub hub: String,
    /// Home services: province and address.
    pub homes: Vec<(String, String)>,
    /// Care services: province and address.
    pub cares: Vec<(String, String)>,
    /// Folder with the identities of hospitals and officers, as `zhijie certs` makes it; nothing in plaintext.
    pub identities: Option<PathBuf>,
}
