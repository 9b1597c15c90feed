//! What a role needs from the world, handed in: storage, time, ids, network, parameters. And what all roles do alike:
//! answer a message once, keep a book, know their caller, serve.

mod book;
mod clock;
mod day_book;
mod failure;
mod gate;
mod identity;
mod ids;
mod inbox;
pub mod keys;
pub mod limits;
mod lines;
mod net;
mod office;
mod pages;
mod parameters;
mod peer;
mod records;
mod serve;

use std::{path::Path, sync::Arc};

use zhijie_domain::{
    calendar::{Date, Moment},
    parameters::Parameters,
};
pub use zhijie_store::Store;
use zhijie_store::{SledEngine, StoreError};

pub use book::{Book, Booked, Undone};
pub(crate) use book::{parse_undone, unknown_settlement};
pub use clock::{Clock, ManualClock, SystemClock};
pub(crate) use day_book::entry;
pub use day_book::{Day, Entries};
pub use failure::{Failure, Stop, answer_of};
pub use gate::{Caller, Credentials, Gate, Role};
pub use identity::{Identity, claim, identity};
pub use ids::{Ids, RandomIds, SeededIds};
pub use inbox::{Act, Key, MessageState, answer_once, digest};
pub(crate) use inbox::{is_transient, is_unknown};
pub(crate) use lines::stored_lines;
pub use net::{Conn, Incoming, Io, Net, Pending, Tcp};
pub use office::Office;
pub(crate) use pages::Pages;
pub use parameters::{LoadError, embedded_parameters, load_parameters};
pub use peer::{Link, call, channel, is_serving};
pub use records::Records;
pub(crate) use records::{Committed, commit, damaged, stored};
pub use records::{content, document, sealed, sealed_content};
pub use serve::{Served, reflection, serve};

/// The world of one role.
#[derive(Clone)]
pub struct Node {
    /// Its store.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its source of ids.
    pub ids: Arc<dyn Ids>,
    /// Its network.
    pub net: Arc<dyn Net>,
    /// The rules' numbers.
    pub parameters: Arc<Parameters>,
}

impl Node {
    /// The moment, by the node's clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The moment, for what runs by itself; see [`Clock::glance`].
    #[must_use]
    pub fn glance(&self) -> Moment {
        self.clock.glance()
    }

    /// The business day, by the node's clock.
    #[must_use]
    pub fn today(&self) -> Date {
        self.clock.today()
    }

    /// A new id, ordered by time.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.ids.next(self.now())
    }
}

/// Opens the durable store of a role in a folder.
///
/// # Errors
/// When another process has it, or it is damaged or foreign; the error says which and what to do.
pub fn open_store(folder: &Path) -> Result<Store, StoreError> {
    SledEngine::open(folder).map(Store::new)
}
