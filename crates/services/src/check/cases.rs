//! What a review (审核) decided is what waits to be deducted or was: a closed case's deduction is on its settlement, an
//! open case holds its settlement out of tables, and nothing else is deducted but what a dispute took away.

use zhijie_domain::{
    audit::case::{Case, Stage},
    money::Fen,
    reconcile::Entry,
    refusal::Refusal,
    settlement::Kind,
};
use zhijie_store::Store;

use super::Subject;
use crate::{
    hub::clearing::trail::{Dates, Trail},
    node::{Failure, Owner, Pages, document, keys, stored},
    wire::{case, pb},
};

/// What is looked at.
pub(super) fn subject() -> Subject {
    Subject::new("cases", "审核扣款", "deductions are what reviews decided")
}

/// The cases of a hub.
pub(super) struct Reviews<'a> {
    pub(super) owner: &'a Owner,
    pub(super) store: &'a Store,
    pub(super) dates: &'a Dates,
    pub(super) subject: &'a mut Subject,
}

impl Reviews<'_> {
    /// Looks at a booked record, at its case, where it has one, and at its trail, where that reads.
    pub(super) async fn look(&mut self, booked: &Entry, trail: Option<&Trail>) -> Result<(), Failure> {
        if booked.kind != Kind::Settled {
            return Ok(());
        }
        let (owner, subject) = (self.owner, &mut *self.subject);
        let key = keys::case(&booked.id);
        let kept = self.store.get(&key).await?;
        let read = kept.map(|record| document::<pb::Case>(&key, &record.value)).transpose();
        let Some(kept) = subject.read(owner, &key, read)? else { return Ok(()) };
        if let Some(case) = &kept {
            subject.look();
            if booked.undone_by.is_some() == case.lapsed.is_empty() {
                subject.differs(owner, &key, "lapsed", "a case lapses when its settlement is undone, and only then");
            }
        }
        if booked.undone_by.is_some() {
            return Ok(());
        }
        let parsed = kept.as_ref().map(|kept| stored(case::parse(kept), &key)).transpose();
        let Some(case) = subject.read(owner, &key, parsed)? else { return Ok(()) };
        // A trail that does not read is named where records are placed.
        let Some(trail) = trail else { return Ok(()) };
        match case.as_ref().map(|case| (case, case.closed())) {
            Some((_, Some(closed))) => deducted(subject, owner, &key, closed.deduction, trail),
            Some((case, None)) => held(subject, owner, &key, case, self.dates, trail),
            None => deducted(subject, owner, &key, Fen::ZERO, trail),
        }
    }

    /// Every case is of a booked settlement.
    pub(super) async fn unbooked(&mut self) -> Result<(), Failure> {
        let mut pages = Pages::of(self.store, keys::CASES);
        while let Some(page) = pages.next().await? {
            for (key, _) in &page {
                let pointer = key.strip_prefix(keys::CASES).map(|id| [b"s/", id].concat()).unwrap_or_default();
                if self.store.get(&pointer).await?.is_none() {
                    self.subject.differs(self.owner, key, "settlement", "the book does not hold it");
                }
            }
        }
        Ok(())
    }
}

/// A closed case took so much away. A dispute may have taken more, once a table had held the settlement.
fn deducted(subject: &mut Subject, owner: &Owner, key: &[u8], decided: Fen, trail: &Trail) -> Result<(), Failure> {
    let found = match (&trail.waiting, &trail.cleared) {
        (Some(waiting), _) => {
            if waiting.under_review {
                subject.differs(owner, key, "stage", "it is closed, and its settlement is held for it");
            }
            Ok(Fen(waiting.deduction))
        }
        (None, Some(cleared)) => {
            let waits = trail.deduction.as_ref().map_or(0, |waiting| waiting.deduction);
            Fen(cleared.deducted).plus(Fen(waits))
        }
        (None, None) => return Ok(()),
    };
    let Some(found) = subject.read(owner, key, found.map_err(Refusal::from))? else { return Ok(()) };
    let right = if trail.was_disputed() { found >= decided } else { found == decided };
    if !right {
        let what = format!("{decided} was decided, and {found} waits to be deducted or was");
        subject.differs(owner, key, "deduction", what);
    }
    Ok(())
}

/// An open case holds its settlement, unless a table held it before the case was opened again or at all.
fn held(
    subject: &mut Subject,
    owner: &Owner,
    key: &[u8],
    case: &Case,
    dates: &Dates,
    trail: &Trail,
) -> Result<(), Failure> {
    if let Some(waiting) = &trail.waiting
        && !waiting.under_review
    {
        subject.differs(owner, key, "stage", "it is open, and its settlement is not held for it");
    }
    let closed_before = case.reopened || matches!(case.stage, Stage::Appealed { .. });
    for (period, _) in trail.entered() {
        if !closed_before && dates.tables.get(period) > Some(&case.opened) {
            subject.differs(owner, key, "stage", format!("it is open, and the table of {period} holds its settlement"));
        }
    }
    Ok(())
}
