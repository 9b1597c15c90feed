//! The three services of cross-province settlement. Each role is a private module: hub code cannot call home code
//! except over the wire. [`node`] holds what any role needs from the world; [`config`] starts roles.

mod care;
pub mod check;
pub mod cluster;
pub mod config;
pub mod evidence;
mod home;
mod hub;
pub mod node;
pub mod quote;
pub mod wire;

pub use care::{CareSetup, start as start_care};
pub use home::{HomeSetup, start as start_home};
pub use hub::{HubSetup, RegionPeer, start as start_hub};
pub use zhijie_domain as domain;
pub use zhijie_protocol::{DESCRIPTORS, v1 as pb};
