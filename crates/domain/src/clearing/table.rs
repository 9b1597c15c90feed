//! The table of an ordered pair (跨省异地就医清算表): what one home province owes one care province for a period, gross,
//! by scheme and kind of service: the rule in force (按月全额清算). It is a fold of items, so that it can be made again.

use std::collections::BTreeMap;

use super::item::{Item, ItemKind, Verdict};
use crate::{
    calendar::Month,
    claim::Service,
    money::{Fen, Overflow},
    person::Scheme,
};

/// Items and their amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many.
    pub items: i64,
    /// Funds and accounts, fen.
    pub amount: Fen,
}

impl Sum {
    fn add(&mut self, amount: Fen) -> Result<(), Overflow> {
        self.items = self.items.checked_add(1).ok_or(Overflow)?;
        self.amount = self.amount.plus(amount)?;
        Ok(())
    }
}

/// One row: a scheme and a kind of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// 本期新发生: settlements of the period's own month.
    pub new: Sum,
    /// 结转下期: of them, carried to the next period.
    pub carried: Sum,
    /// 往期结转入: settlements of earlier months that come in now.
    pub late: Sum,
    /// 往期仍未入: settlements of earlier months that are carried again; not a part of the payable.
    pub waiting: Sum,
    /// 更正: negative records of settlements in earlier tables; the amount is negative.
    pub corrections: Sum,
    /// 审核扣款: what reviews take away; counted positive.
    pub deductions: Sum,
}

impl Row {
    /// Adds an item as the period's verdict has it.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add(&mut self, item: &Item, verdict: Verdict) -> Result<(), Overflow> {
        let amount = item.amount()?;
        let (late, enters) = match verdict {
            Verdict::Later => return Ok(()),
            Verdict::Enters { late } => (late, true),
            Verdict::Carried { late, .. } => (late, false),
        };
        match (item.kind, late, enters) {
            (ItemKind::Settlement, 0, true) => self.new.add(amount)?,
            (ItemKind::Settlement, 0, false) => {
                self.new.add(amount)?;
                self.carried.add(amount)?;
            }
            (ItemKind::Settlement, _, true) => self.late.add(amount)?,
            (ItemKind::Settlement | ItemKind::Correction | ItemKind::Deduction, _, false) => {
                self.waiting.add(amount)?
            }
            (ItemKind::Correction, _, true) => self.corrections.add(amount)?,
            (ItemKind::Deduction, _, true) => {}
        }
        if enters && item.deduction != Fen::ZERO {
            self.deductions.add(item.deduction)?;
        }
        Ok(())
    }

    /// 应付: new − carried + late + corrections − deductions, fen. Negative when deductions and corrections outweigh.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn payable(&self) -> Result<Fen, Overflow> {
        let own = self.new.amount.minus(self.carried.amount)?;
        own.plus(self.late.amount)?.plus(self.corrections.amount)?.minus(self.deductions.amount)
    }

    /// Adds another row to this one.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn plus(&self, other: &Row) -> Result<Row, Overflow> {
        let sum = |a: Sum, b: Sum| {
            let items = a.items.checked_add(b.items).ok_or(Overflow)?;
            Ok::<_, Overflow>(Sum { items, amount: a.amount.plus(b.amount)? })
        };
        Ok(Row {
            new: sum(self.new, other.new)?,
            carried: sum(self.carried, other.carried)?,
            late: sum(self.late, other.late)?,
            waiting: sum(self.waiting, other.waiting)?,
            corrections: sum(self.corrections, other.corrections)?,
            deductions: sum(self.deductions, other.deductions)?,
        })
    }
}

/// The table of an ordered pair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Rows by scheme and kind of service.
    pub rows: BTreeMap<(Scheme, Service), Row>,
    /// A negative payable of the period before, taken over (冲减); zero or negative, fen.
    pub credit: Fen,
}

impl Table {
    /// Adds an item as the period's verdict has it.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add(&mut self, item: &Item, verdict: Verdict) -> Result<(), Overflow> {
        self.rows.entry((item.scheme, item.service)).or_default().add(item, verdict)
    }

    /// All rows in one.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn total(&self) -> Result<Row, Overflow> {
        self.rows.values().try_fold(Row::default(), |total, row| total.plus(row))
    }

    /// What the home province owes, fen: the rows' payable and the credit taken over.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn payable(&self) -> Result<Fen, Overflow> {
        self.total()?.payable()?.plus(self.credit)
    }
}

/// What becomes of a payable when the period is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Home pays care so much, fen.
    HomePays(Fen),
    /// Care pays back so much, fen: a negative payable of December, as a year is cleared in full.
    CarePays(Fen),
    /// A negative payable is taken over by the next period (冲减参保地费用), fen, negative.
    Credit(Fen),
    /// Nothing is owed.
    Nothing,
}

/// What becomes of the payable of a period.
///
/// # Errors
/// [`Overflow`] for an amount without a negative.
pub fn outcome(period: Month, payable: Fen) -> Result<Outcome, Overflow> {
    Ok(match payable {
        Fen::ZERO => Outcome::Nothing,
        payable if !payable.is_negative() => Outcome::HomePays(payable),
        payable if period.month == 12 => Outcome::CarePays(payable.negated()?),
        payable => Outcome::Credit(payable),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearing::item::{Carried, tests::item};

    /// Adds items and expects `new carried late waiting corrections deductions payable`.
    fn check(items: &[(ItemKind, i64, i64, Verdict)], credit: i64, expected: &str) {
        let mut table = Table { credit: Fen(credit), ..Table::default() };
        for (kind, fund, deduction, verdict) in items {
            let item = Item { deduction: Fen(*deduction), ..item(*kind, "2024-06-10", *fund) };
            table.add(&item, *verdict).unwrap();
        }
        let row = table.total().unwrap();
        let sums = [row.new, row.carried, row.late, row.waiting, row.corrections, row.deductions];
        let shown: Vec<String> = sums.map(|sum| sum.amount.0.to_string()).to_vec();
        assert_eq!(format!("{} {}", shown.join(" "), table.payable().unwrap().0), expected);
    }

    #[test]
    fn a_table_is_the_fold_of_its_items() {
        use ItemKind::{Correction, Deduction, Settlement};
        let enters = |late| Verdict::Enters { late };
        let carried = |late| Verdict::Carried { why: Carried::NotAgreed, late };
        check(&[(Settlement, 900, 0, enters(0)), (Settlement, 100, 0, carried(0))], 0, "1000 100 0 0 0 0 900");
        check(&[(Settlement, 900, 30, enters(0)), (Settlement, 70, 0, enters(2))], 0, "900 0 70 0 0 30 940");
        check(&[(Settlement, 70, 0, carried(1)), (Settlement, 5, 0, Verdict::Later)], 0, "0 0 0 70 0 0 0");
        check(&[(Correction, -40, 0, enters(1)), (Deduction, 0, 25, enters(3))], 0, "0 0 0 0 -40 25 -65");
        check(&[(Settlement, 900, 0, enters(0)), (Deduction, 0, -25, enters(1))], -65, "900 0 0 0 0 -25 860");
        // What is carried keeps its deduction for the table it enters.
        check(&[(Settlement, 900, 30, carried(0))], 0, "900 900 0 0 0 0 0");
    }

    #[test]
    fn a_negative_payable_is_taken_over_but_for_december() {
        let month = |text| Month::parse(text).unwrap();
        assert_eq!(outcome(month("2024-06"), Fen(5)).unwrap(), Outcome::HomePays(Fen(5)));
        assert_eq!(outcome(month("2024-06"), Fen(-5)).unwrap(), Outcome::Credit(Fen(-5)));
        assert_eq!(outcome(month("2024-12"), Fen(-5)).unwrap(), Outcome::CarePays(Fen(5)));
        assert_eq!(outcome(month("2024-12"), Fen::ZERO).unwrap(), Outcome::Nothing);
    }
}
