//! The storage port: bytes in, bytes out. An engine answers `get` and `scan`, and makes one [`Batch`] at a time
//! atomic and durable; [`Store`] and [`Txn`] are what services hold. Knows nothing of the domain or of the wire.

#[doc(hidden)]
pub mod conformance;
mod disk;
mod error;
mod fjall_engine;
mod group;
mod keys;
mod kind;
pub mod limits;
mod memory;
mod note;
mod port;
mod sled_engine;
mod sum;
mod txn;

pub use bytes::Bytes;
pub use error::{CommitError, StoreError};
pub use fjall_engine::FjallEngine;
pub use group::panics_are_caught;
pub use kind::{EngineKind, UnknownEngine, open, open_unread};
pub use memory::Memory;
pub use port::{Batch, Engine, Pending, Record, Version};
pub use sled_engine::SledEngine;
pub use txn::{Store, Txn, prefix_end};
