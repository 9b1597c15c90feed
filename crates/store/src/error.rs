//! What can go wrong. Every error keeps its source and none prints it twice.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::kind::EngineKind;

/// Why the store could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine was shut down, or lost its memory in a simulated crash, before it could answer.
    #[error("the store is closed")]
    Closed,
    /// The operating system refused.
    #[error("the store could not {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// An earlier write failed. What reached the disk is unknown until another process opens the store again.
    #[error("the store stopped when an earlier write failed")]
    Stopped {
        /// The failure that stopped it.
        source: Arc<StoreError>,
    },
    /// What was read back is not what was written.
    #[error(
        "the store is damaged: {what}. Put back a copy of its folder; where it still opens, `zhijie check` shows what is wrong"
    )]
    Damaged {
        /// Where and how.
        what: String,
    },
    /// Another process has the store open.
    #[error("the store in {} is open in another process", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The directory holds something else, or a format this program does not know.
    #[error("{} cannot be used as a store: {what}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What was found in it.
        what: String,
    },
    /// The directory holds a store of another engine than the one named.
    #[error("the store in {} was made by the engine {found}, and {wanted} was asked for", path.display())]
    OtherEngine {
        /// The store's directory.
        path: PathBuf,
        /// The engine that made it.
        found: EngineKind,
        /// The engine that was to open it.
        wanted: EngineKind,
    },
    /// A limit of [`crate::limits`] is exceeded.
    #[error("{what} is {found}, the limit is {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The largest size allowed.
        max: usize,
    },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        let source = Arc::new(source);
        Self::Io { doing, source }
    }
}

/// Why a commit did not happen, or may not have.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A key that was read has another version now. Nothing was written: read and decide again.
    #[error("a key that was read has changed since")]
    Conflict,
    /// The queue of waiting commits is full. Nothing was written: try again later.
    #[error("too many commits are waiting")]
    Busy,
    /// The store failed. Unless the source is [`StoreError::TooLarge`], the batch may or may not be found, whole,
    /// when the store is opened again.
    #[error("the commit failed")]
    Failed(#[from] StoreError),
}
