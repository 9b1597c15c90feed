//! All records under a prefix, a page at a time, so that a store of any size is read in bounded memory.

use zhijie_store::{Bytes, Record, Store};

use super::{Failure, limits};

/// A reading of the records under a prefix.
pub(crate) struct Pages<'a> {
    store: &'a Store,
    prefix: Vec<u8>,
    /// The last key of the page before; `None` once the last page was read.
    after: Option<Option<Bytes>>,
}

impl<'a> Pages<'a> {
    /// Begins with the first record under a prefix.
    pub(crate) fn of(store: &'a Store, prefix: impl Into<Vec<u8>>) -> Pages<'a> {
        Pages::after(store, prefix, None)
    }

    /// Begins behind a key, where one is given.
    pub(crate) fn after(store: &'a Store, prefix: impl Into<Vec<u8>>, key: Option<Vec<u8>>) -> Pages<'a> {
        Pages { store, prefix: prefix.into(), after: Some(key.map(Bytes::from)) }
    }

    /// The next page, ascending by key.
    ///
    /// # Errors
    /// [`Failure`] of the store.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(Bytes, Record)>>, Failure> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let page = self.store.scan_prefix(&self.prefix, after.as_deref(), limits::PAGE).await?;
        self.after = (page.len() == limits::PAGE).then(|| page.last().map(|(key, _)| key.clone()));
        // A store of a million records is read without holding up the calls of others.
        tokio::task::yield_now().await;
        Ok(Some(page))
    }
}
