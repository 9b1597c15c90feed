//! What a role needs from the world, handed in: storage, time, ids, network, parameters. And what all roles do alike:
//! answer a message once, keep a book, know their caller, serve.

mod book;
mod caller;
mod clock;
mod day_book;
mod doors;
mod failure;
pub(crate) mod heads;
mod ids;
mod inbox;
pub(crate) mod keyring;
pub mod keys;
pub mod limits;
mod lines;
mod net;
mod office;
mod owner;
mod pages;
mod parameters;
mod peer;
mod places;
pub mod planted;
mod records;
mod serve;
mod sign;
mod signatory;
mod tls;

use std::{path::Path, sync::Arc};

use zhijie_domain::{
    calendar::{Date, Moment},
    ids::PersonId,
    parameters::Parameters,
};
use zhijie_identity::Live;
pub use zhijie_road as road;
use zhijie_store::StoreError;
pub use zhijie_store::{EngineKind, Store, panics_are_caught};

pub use book::{Book, Booked, Undone};
pub(crate) use book::{booked, parse_undone, unknown_settlement};
pub use caller::{Caller, Introduction, Role};
pub(crate) use caller::{not_yours, only};
pub use clock::{Clock, ManualClock, SystemClock};
pub use day_book::{Day, Entries};
pub(crate) use day_book::{Tally, entry, fact};
pub use failure::{Failure, Stop, answer_of};
pub use ids::{Ids, RandomIds, SeededIds, token};
pub use inbox::{Act, Key, MessageState, answer_once, digest};
pub(crate) use inbox::{is_transient, is_unknown, kept};
pub(crate) use lines::stored_lines;
pub use net::{Conn, Incoming, Io, Net, Peer, Pending, Tcp};
pub use office::Office;
pub use owner::{Owner, claim, owner};
pub(crate) use pages::Pages;
pub use parameters::{LoadError, embedded_parameters, embedded_with, load_parameters};
pub use peer::{Link, call, channel, is_serving};
pub(crate) use places::{Place, Places};
pub use records::Records;
pub(crate) use records::{Committed, commit, damaged, stored};
pub use records::{content, document, sealed, sealed_content};
pub use serve::{Served, reflection, serve};
pub use sign::{Signer, verifies};
pub(crate) use signatory::Signatory;
pub use tls::Tls;

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
    /// Its identity; without one it speaks in plaintext, proves nothing and is shown nothing.
    pub identity: Option<Arc<Live>>,
    /// The rules' numbers.
    pub parameters: Arc<Parameters>,
}

impl Node {
    /// The network on the way to a peer, and for those who come to us.
    #[must_use]
    pub fn net_to(&self, peer: zhijie_identity::Identity) -> Arc<dyn Net> {
        match &self.identity {
            Some(own) => Arc::new(Tls::new(Arc::clone(&self.net), Arc::clone(own), peer)),
            None => Arc::clone(&self.net),
        }
    }

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

    /// The word that stands for a person in this service's log; see [`token`].
    #[must_use]
    pub fn token(&self, person: &PersonId) -> String {
        token(&self.ids.key(), person)
    }

    /// A new id, ordered by time.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.ids.next(self.now())
    }
}

/// Opens the durable store in a folder, with the engine that made it; a new one is made with the default engine.
///
/// # Errors
/// When another process has it, or it is damaged or foreign; the error says which and what to do.
pub fn open_store(folder: &Path) -> Result<Store, StoreError> {
    open_store_of(folder, EngineKind::found_in(folder).unwrap_or_default())
}

/// Opens the durable store of a role in a folder, or makes a new one there, with the engine named.
///
/// # Errors
/// As [`open_store`], and when another engine has made the store.
pub fn open_store_of(folder: &Path, engine: EngineKind) -> Result<Store, StoreError> {
    zhijie_store::open(folder, engine)
}

/// As [`open_store`], without reading it first: to see what is left of a damaged one.
///
/// # Errors
/// As [`open_store`], where so much is damaged that it cannot be opened.
pub fn open_store_unread(folder: &Path) -> Result<Store, StoreError> {
    zhijie_store::open_unread(folder, EngineKind::found_in(folder).unwrap_or_default())
}

/// Whether a folder is a store, of whatever engine.
#[must_use]
pub fn is_store(folder: &Path) -> bool {
    EngineKind::found_in(folder).is_some()
}
