//! The running state of one computation: money moves between payers here, and after every move
//! and every step (每步校验) the identities of the settlement are asserted, in release builds too.

use std::collections::BTreeMap;

use super::{Case, portion::Portion};
use crate::{
    accumulator::Accumulator,
    money::{Bp, Fen},
    refusal::{Code, Refusal},
    settlement::{Amounts, Computation, Step},
};

/// A fund that a layer pays from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fund {
    /// 统筹.
    Basic,
    /// 大病.
    Catastrophic,
    /// 大额.
    LargeAmount,
    /// 公务员补助.
    CivilServant,
    /// 医疗救助.
    Assistance,
}

pub(super) struct Run<'a> {
    pub(super) case: &'a Case<'a>,
    amounts: Amounts,
    ratio: Option<Bp>,
    steps: Vec<Step>,
    differences: BTreeMap<i16, Accumulator>,
    /// The year that steps name, where the bill belongs to several.
    year: Option<i16>,
}

impl<'a> Run<'a> {
    /// Opens with the whole bill on the person, in cash.
    pub(super) fn open(case: &'a Case<'a>) -> Result<Run<'a>, Refusal> {
        let parts = case.claim.parts;
        let amounts = Amounts {
            parts,
            personal: parts.total,
            cash: parts.total,
            balance: case.purse.account,
            ..Amounts::default()
        };
        let run = Run { case, amounts, ratio: None, steps: Vec::new(), differences: BTreeMap::new(), year: None };
        run.check()?;
        Ok(run)
    }

    pub(super) fn enter(&mut self, portion: &Portion) {
        self.year = portion.one_of_many.then_some(portion.year);
    }

    /// Adds what the portion's year gains.
    pub(super) fn leave(&mut self, mut portion: Portion) -> Result<(), Refusal> {
        self.year = None;
        portion.gained.in_scope = portion.in_scope;
        if portion.gained != Accumulator::default() {
            self.differences.insert(portion.year, portion.gained);
        }
        self.check()
    }

    /// Moves an amount from the person to a fund.
    pub(super) fn pay(&mut self, fund: Fund, portion: &mut Portion, amount: Fen) -> Result<(), Refusal> {
        let funds = &mut self.amounts.funds;
        let (paid, gained) = match fund {
            Fund::Basic => (&mut funds.basic, None),
            Fund::Catastrophic => (&mut funds.catastrophic, Some(&mut portion.gained.catastrophic)),
            Fund::LargeAmount => (&mut funds.large_amount, Some(&mut portion.gained.large_amount)),
            Fund::CivilServant => (&mut funds.civil_servant, Some(&mut portion.gained.civil_servant)),
            Fund::Assistance => (&mut funds.assistance, Some(&mut portion.gained.assistance)),
        };
        *paid = paid.plus(amount)?;
        if let Some(gained) = gained {
            *gained = gained.plus(amount)?;
        }
        portion.paid = portion.paid.plus(amount)?;
        self.amounts.fund_total = self.amounts.fund_total.plus(amount)?;
        self.amounts.personal = self.amounts.personal.minus(amount)?;
        self.amounts.cash = self.amounts.cash.minus(amount)?;
        if portion.left()?.is_negative() {
            return Err(above_scope(portion.paid, portion.in_scope));
        }
        self.check()
    }

    /// Records what the patient bears first, outside the ratios.
    pub(super) fn prepay(&mut self, amount: Fen) -> Result<(), Refusal> {
        self.amounts.out_prepay = self.amounts.out_prepay.plus(amount)?;
        Ok(())
    }

    /// Records a deductible that was charged.
    pub(super) fn charge(&mut self, amount: Fen) -> Result<(), Refusal> {
        self.amounts.deductible = self.amounts.deductible.plus(amount)?;
        Ok(())
    }

    /// Moves an amount from cash to the account of the person, or of the family.
    pub(super) fn draw(&mut self, amount: Fen, family: bool) -> Result<(), Refusal> {
        self.amounts.cash = self.amounts.cash.minus(amount)?;
        self.amounts.account = self.amounts.account.plus(amount)?;
        if family {
            self.amounts.family = self.amounts.family.plus(amount)?;
        } else {
            self.amounts.balance = self.amounts.balance.minus(amount)?;
        }
        self.check()
    }

    /// The ratio to report: the first one that paid.
    pub(super) fn report(&mut self, ratio: Bp) {
        self.ratio.get_or_insert(ratio);
    }

    /// Explains a step and asserts the identities behind it.
    pub(super) fn step(
        &mut self,
        rule: &str,
        source: &str,
        [before, after]: [Fen; 2],
        [zh, en]: [String; 2],
    ) -> Result<(), Refusal> {
        let (zh, en) = match self.year {
            Some(year) => (format!("{year}年：{zh}"), format!("{year}: {en}")),
            None => (zh, en),
        };
        self.steps.push(Step { rule: rule.into(), source: self.case.policy.mark(source), zh, en, before, after });
        self.check()
    }

    pub(super) fn amounts(&self) -> &Amounts {
        &self.amounts
    }

    /// The finished computation.
    pub(super) fn close(self) -> Result<Computation, Refusal> {
        self.check()?;
        let ratio = self.ratio.unwrap_or_default();
        Ok(Computation {
            class: self.case.class,
            amounts: self.amounts,
            ratio,
            steps: self.steps,
            differences: self.differences,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        self.amounts.check()?;
        if self.amounts.fund_total > self.amounts.parts.in_scope {
            return Err(above_scope(self.amounts.fund_total, self.amounts.parts.in_scope));
        }
        Ok(())
    }
}

fn above_scope(paid: Fen, in_scope: Fen) -> Refusal {
    let shown = format!("{paid} > {in_scope}");
    Refusal::new(Code::SplitBroken, "identity: funds never exceed the in-scope cost", "amounts.funds")
        .with(&shown, &shown)
}
