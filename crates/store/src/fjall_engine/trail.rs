//! The trail of groups (批次痕迹). fjall takes damage in a journal for its end, also where another journal comes after it, and
//! goes on without what was lost. So each group leaves a mark, which is kept at least until the group is in a table: a group
//! between two others that has none was lost.

use std::ops::Range;

use crate::error::StoreError;
use crate::keys::{MARK, number, two_numbers};

/// Marks that a group takes away, at most; it leaves one.
const TAKEN_MAX: usize = 2;

/// Which groups have marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trail {
    /// The oldest mark; where there is none, behind the last group.
    first: u64,
    /// The group written last, from 1 on.
    last: u64,
    /// The last group in a memtable that was closed.
    closed: u64,
    /// The last group that is known to be in a table.
    in_tables: u64,
}

impl Trail {
    /// That of a new store.
    pub(super) fn new() -> Trail {
        Trail { first: 1, last: 0, closed: 0, in_tables: 0 }
    }

    /// Reads what was kept with the last group.
    pub(super) fn parse(kept: &[u8]) -> Option<Trail> {
        let (first, rest) = number(kept)?;
        let (last, rest) = number(rest)?;
        (rest.is_empty() && first <= last.checked_add(1)?).then_some(Trail { first, last, closed: 0, in_tables: 0 })
    }

    /// What is kept with a group.
    pub(super) fn to_bytes(&self) -> [u8; 16] {
        two_numbers(self.first, self.last)
    }

    /// Where the marks lie.
    pub(super) fn range(&self) -> Range<[u8; 9]> {
        mark(self.first)..mark(self.last.saturating_add(1))
    }

    /// Holds the marks that are there, ascending, against those that should be.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a group has none, or what reading them says.
    pub(super) fn check<K: AsRef<[u8]>>(
        &self,
        found: impl Iterator<Item = Result<K, StoreError>>,
    ) -> Result<(), StoreError> {
        let mut found = found.map(|key| key.map(|key| key.as_ref().get(1..).and_then(number).map(|(group, _)| group)));
        for group in self.first..=self.last {
            if found.next().transpose()?.flatten() != Some(group) {
                return Err(StoreError::Damaged {
                    what: format!(
                        "group {group} of its commits is lost, and later ones are there: a journal, `fjall/*.jnl`"
                    ),
                });
            }
        }
        Ok(())
    }

    /// A group is written: the mark that it leaves, and those that it takes away.
    pub(super) fn step(&mut self) -> ([u8; 9], impl Iterator<Item = [u8; 9]> + use<>) {
        self.last = self.last.saturating_add(1);
        let taken = (self.first..=self.in_tables).take(TAKEN_MAX);
        self.first = taken.clone().last().map_or(self.first, |group| group.saturating_add(1));
        (mark(self.last), taken.map(mark))
    }

    /// The memtable was closed.
    pub(super) fn close(&mut self) {
        self.closed = self.last;
    }

    /// All closed memtables have been written out.
    pub(super) fn written_out(&mut self) {
        self.in_tables = self.closed;
    }
}

fn mark(group: u64) -> [u8; 9] {
    let mut key = [MARK; 9];
    if let Some(number) = key.last_chunk_mut() {
        *number = group.to_be_bytes();
    }
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(trail: &Trail, marks: &BTreeSet<[u8; 9]>) -> Result<(), StoreError> {
        trail.check(marks.range(trail.range()).map(Ok))
    }

    #[test]
    fn every_group_has_a_mark_until_it_is_in_a_table() {
        let (mut trail, mut marks) = (Trail::new(), BTreeSet::new());
        check(&trail, &marks).unwrap();
        for group in 1..=100 {
            let (left, taken) = trail.step();
            marks.insert(left);
            for gone in taken {
                assert!(marks.remove(&gone), "{gone:?}");
            }
            match group {
                20 | 40 => trail.close(),
                50 => trail.written_out(),
                _ => {}
            }
            let kept = Trail::parse(&trail.to_bytes()).unwrap();
            assert_eq!((kept.first, kept.last), (trail.first, trail.last));
            check(&kept, &marks).unwrap();
        }
        assert_eq!(marks, (41..=100).map(mark).collect());
        for lost in [41, 70, 100] {
            let mut less = marks.clone();
            less.remove(&mark(lost));
            let refused = check(&trail, &less).unwrap_err().to_string();
            assert!(refused.contains(&format!("group {lost} ")), "{refused}");
        }
    }

    #[test]
    fn what_was_kept_is_read_whole_or_not_at_all() {
        let bytes = |first: u64, last: u64| [first.to_be_bytes(), last.to_be_bytes()].concat();
        assert!(Trail::parse(&bytes(3, 2)).is_some(), "no mark is left");
        for kept in [&bytes(4, 2)[..], &bytes(1, u64::MAX), &bytes(1, 2)[1..], &[bytes(1, 2), vec![0]].concat()] {
            assert_eq!(Trail::parse(kept), None);
        }
    }
}
