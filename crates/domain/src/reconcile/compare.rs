//! The walk through three books at once (逐笔比对), each ascending by id: of each book one record is held at a time.

use std::iter::{self, Peekable};

use super::{Entry, Three};

/// Which of three books show the lowest id at their heads; nothing where all are at their ends.
#[must_use]
pub fn lowest(heads: &Three<Option<&Entry>>) -> Option<Three<bool>> {
    let lowest = heads.each().into_iter().flatten().map(|entry| &entry.id).min()?;
    Some(heads.map(|head| head.is_some_and(|entry| entry.id == *lowest)))
}

/// True where the three are not one and the same record.
#[must_use]
pub fn differs(found: &Three<Option<Entry>>) -> bool {
    found.care != found.hub || found.hub != found.home
}

/// The records that are not the same in three books, in the order of their ids.
pub fn compare<I>(books: Three<I>) -> impl Iterator<Item = Three<Option<Entry>>>
where
    I: Iterator<Item = Entry>,
{
    let mut books = books.map(Iterator::peekable);
    let records = iter::from_fn(move || {
        let heads = Three { care: books.care.peek(), hub: books.hub.peek(), home: books.home.peek() };
        let shown = lowest(&heads)?;
        let take = |book: &mut Peekable<I>, shown| if shown { book.next() } else { None };
        Some(Three {
            care: take(&mut books.care, shown.care),
            hub: take(&mut books.hub, shown.hub),
            home: take(&mut books.home, shown.home),
        })
    });
    records.filter(differs)
}
