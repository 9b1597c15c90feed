//! What waits for clearing (待清分费用), and whether the next table takes it: agreed with the institution, not under
//! review, not disputed. Source: 医保发〔2022〕22号, annex: by the 20th of the next month, at most two periods late.

use crate::{
    calendar::{Date, Month},
    claim::Service,
    ids::{RegionCode, SettlementId},
    money::{Fen, Overflow},
    person::Scheme,
    reconcile::Entry,
};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A settlement that nothing undid before its table.
    Settlement,
    /// The negative record of a settlement that an earlier table holds.
    Correction,
    /// A deduction (审核扣款) on a settlement that an earlier table holds; negative where one is given back.
    Deduction,
}

/// One item that waits for a table. A settlement that is undone before its table never enters one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The record; for a deduction the settlement it is taken from.
    pub id: SettlementId,
    /// What it is.
    pub kind: ItemKind,
    /// Accounting day of the record; for a deduction that of its settlement.
    pub day: Date,
    /// The home province, which pays.
    pub home: RegionCode,
    /// The care province, which receives.
    pub care: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// The kind of service.
    pub service: Service,
    /// The bill, fen.
    pub total: Fen,
    /// Fund payments, fen; negative in a correction, zero in a deduction.
    pub fund: Fen,
    /// Personal-account payments, fen, cleared as well.
    pub account: Fen,
    /// What the review takes away, fen.
    pub deduction: Fen,
    /// A case on it is open (审核中).
    pub under_review: bool,
    /// A province disputes it (争议).
    pub disputed: bool,
    /// The care agency excepted it from the month it agreed.
    pub excepted: bool,
}

/// Why an item stays out of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// The care agency has not agreed it with the institution.
    NotAgreed,
    /// Its review is not closed.
    UnderReview,
    /// A province disputes it.
    Disputed,
}

/// What the table of a period does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It belongs to a later period.
    Later,
    /// It is in, so many periods late.
    Enters {
        /// Periods behind its own.
        late: u16,
    },
    /// It is carried over to the next period.
    Carried {
        /// Why.
        why: Carried,
        /// Periods behind its own, so far.
        late: u16,
    },
}

impl Item {
    /// A booked record as it waits for a table.
    #[must_use]
    pub fn of(entry: &Entry, day: Date) -> Item {
        Item {
            id: entry.id.clone(),
            kind: ItemKind::Settlement,
            day,
            home: entry.home.clone(),
            care: entry.care.clone(),
            scheme: entry.scheme,
            service: entry.service,
            total: entry.total,
            fund: entry.fund,
            account: entry.account,
            deduction: Fen::ZERO,
            under_review: false,
            disputed: false,
            excepted: false,
        }
    }

    /// What is cleared for it before deductions, fen.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn amount(&self) -> Result<Fen, Overflow> {
        self.fund.plus(self.account)
    }

    /// Judges the item for the table of a period; `agreed` says whether the care agency has agreed the item's month.
    /// Corrections and deductions need no agreement: what they correct was agreed.
    #[must_use]
    pub fn judge(&self, period: Month, agreed: bool) -> Verdict {
        let Ok(late) = u16::try_from(months_between(Month::of(self.day), period)) else { return Verdict::Later };
        let why = match self.kind {
            _ if self.disputed => Carried::Disputed,
            ItemKind::Settlement if self.under_review => Carried::UnderReview,
            ItemKind::Settlement if self.excepted || !agreed => Carried::NotAgreed,
            _ => return Verdict::Enters { late },
        };
        Verdict::Carried { why, late }
    }
}

/// Whole months from one to another; negative when the other is earlier.
fn months_between(from: Month, to: Month) -> i32 {
    let index = |month: Month| i32::from(month.year) * 12 + i32::from(month.month);
    index(to) - index(from)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::calendar::parse_date;

    pub(crate) fn item(kind: ItemKind, day: &str, fund: i64) -> Item {
        let region = |text| RegionCode::parse(text).unwrap();
        Item {
            id: SettlementId::parse("S1").unwrap(),
            kind,
            day: parse_date(day).unwrap(),
            home: region("340000"),
            care: region("310000"),
            scheme: Scheme::Resident,
            service: Service::Stay,
            total: Fen(2 * fund),
            fund: Fen(fund),
            account: Fen::ZERO,
            deduction: Fen::ZERO,
            under_review: false,
            disputed: false,
            excepted: false,
        }
    }

    /// Flags: `r` under review, `d` disputed, `x` excepted, `a` its month agreed.
    fn check(kind: ItemKind, day: &str, flags: &str, expected: &str) {
        let mut item = item(kind, day, 100);
        item.under_review = flags.contains('r');
        item.disputed = flags.contains('d');
        item.excepted = flags.contains('x');
        let verdict = item.judge(Month::parse("2024-06").unwrap(), flags.contains('a'));
        let shown = match verdict {
            Verdict::Later => "later".to_owned(),
            Verdict::Enters { late } => format!("enters {late}"),
            Verdict::Carried { why, late } => format!("{why:?} {late}"),
        };
        assert_eq!(shown, expected, "{kind:?} {day} {flags}");
    }

    #[test]
    fn an_item_enters_when_nothing_stands_against_it() {
        use ItemKind::{Correction, Deduction, Settlement};
        for (kind, day, flags, expected) in [
            (Settlement, "2024-06-30", "a", "enters 0"),
            (Settlement, "2024-07-01", "a", "later"),
            (Settlement, "2024-05-31", "a", "enters 1"),
            (Settlement, "2023-12-31", "a", "enters 6"),
            (Settlement, "2024-06-30", "", "NotAgreed 0"),
            (Settlement, "2024-05-01", "ax", "NotAgreed 1"),
            (Settlement, "2024-06-01", "ar", "UnderReview 0"),
            (Settlement, "2024-06-01", "arxd", "Disputed 0"),
            (Settlement, "2024-07-01", "d", "later"),
            (Correction, "2024-06-01", "", "enters 0"),
            (Correction, "2024-06-01", "d", "Disputed 0"),
            (Deduction, "2024-04-01", "r", "enters 2"),
        ] {
            check(kind, day, flags, expected);
        }
    }
}
