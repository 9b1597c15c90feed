//! Which engine a store is of. A folder tells by what is in it, so that a store is always opened by the engine that made
//! it; a configuration only chooses the engine of a new one.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::StoreError;
use crate::{FjallEngine, SledEngine, Store};

/// An embedded engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// sled: one file, written in place.
    #[default]
    Sled,
    /// fjall: log-structured, with less CPU and disk for what is only added.
    Fjall,
}

/// Opens the store in a folder, or makes a new one there, and reads all of it: none of its records is damaged or missing.
///
/// # Errors
/// When another process has it, when it is damaged or foreign, or of another engine.
pub fn open(folder: &Path, kind: EngineKind) -> Result<Store, StoreError> {
    opened(folder, kind, true)
}

/// As [`open`], without reading it: to see what is left of a damaged one.
///
/// # Errors
/// As [`open`], where so much is damaged that it cannot be opened.
pub fn open_unread(folder: &Path, kind: EngineKind) -> Result<Store, StoreError> {
    opened(folder, kind, false)
}

fn opened(folder: &Path, kind: EngineKind, read: bool) -> Result<Store, StoreError> {
    match kind {
        EngineKind::Sled => SledEngine::open(folder)?.known(read),
        EngineKind::Fjall => FjallEngine::open(folder)?.known(read),
    }
}

impl EngineKind {
    /// All engines.
    pub const ALL: [EngineKind; 2] = [EngineKind::Sled, EngineKind::Fjall];

    /// The engine of the store in `folder`; `None` where there is no store.
    #[must_use]
    pub fn found_in(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| folder.join(kind.data()).exists())
    }

    /// The name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Fjall => "fjall",
        }
    }

    /// What an engine's store is known by: its file or folder inside the store's folder.
    pub(crate) const fn data(self) -> &'static str {
        match self {
            Self::Sled => "db",
            Self::Fjall => "fjall",
        }
    }

    /// Refuses a folder that holds a store of another engine.
    pub(crate) fn check(self, folder: &Path) -> Result<(), StoreError> {
        match Self::found_in(folder) {
            Some(found) if found != self => Err(StoreError::OtherEngine { path: folder.into(), found, wanted: self }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine is {0:?}; there are \"sled\" and \"fjall\"")]
pub struct UnknownEngine(String);

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}
