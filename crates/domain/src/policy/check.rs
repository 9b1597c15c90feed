//! What the types of a policy (参保地政策) cannot say: the order of segments, signs, floors and ceilings, sources,
//! shapes that exclude one another. That no ratio exceeds 100 % is already the type's: see [`crate::money::Bp`].

use std::collections::BTreeSet;

use super::{
    Account, Assistance, Catastrophic, Chronic, CivilServant, DeductibleAmount, FilingRules, Inpatient, LargeAmount,
    NextStay, Outpatient, Policy, Ratios, Reduction, ReductionMode, Several,
};
use crate::money::{Bp, Fen};

/// The complaint about a missing source mark.
pub(super) const EMPTY_SOURCE: &str = "every step names its source; this one is empty";

/// Problems: the field, and what is wrong with it.
pub(super) type Found = Vec<(String, String)>;

/// A section that can be judged by itself.
pub(super) trait Checked {
    fn check(&self) -> Found;
}

#[derive(Default)]
struct Notes(Found);

impl Notes {
    fn on(source: &str) -> Notes {
        let mut notes = Notes::default();
        notes.require(!source.trim().is_empty(), "source", EMPTY_SOURCE);
        notes
    }

    fn require(&mut self, holds: bool, field: &str, what: &str) {
        if !holds {
            self.0.push((field.into(), what.into()));
        }
    }

    fn not_negative(&mut self, field: &str, amounts: impl IntoIterator<Item = Fen>) {
        self.require(!amounts.into_iter().any(Fen::is_negative), field, "an amount must not be negative");
    }

    fn ascending(&mut self, field: &str, ends: impl IntoIterator<Item = Option<Fen>>) {
        let ends: Vec<Option<Fen>> = ends.into_iter().collect();
        let Some((last, earlier)) = ends.split_last() else {
            return self.require(false, field, "at least one is needed");
        };
        self.require(last.is_none(), field, "the last one must be open: leave out `upto`");
        self.require(earlier.iter().all(Option::is_some), field, "every one but the last needs `upto`");
        let from_zero = std::iter::once(&Some(Fen::ZERO)).chain(earlier).collect::<Vec<_>>();
        self.require(from_zero.windows(2).all(|pair| pair[0] < pair[1]), field, "`upto` must be positive and rise");
    }

    fn ratios(&mut self, field: &str, ratios: &Ratios) {
        self.ascending(&format!("{field}.segments"), ratios.segments.iter().map(|segment| segment.upto));
        self.require(
            ratios.retired.is_none() || ratios.segments.iter().all(|segment| segment.retired.is_none()),
            &format!("{field}.retired"),
            "retired persons have either a bonus or ratios of their own in the segments",
        );
        let rising = ratios.age.windows(2).all(|pair| pair[0].from < pair[1].from);
        self.require(rising, &format!("{field}.age"), "ages must rise");
    }

    fn deductible_amount(&mut self, field: &str, amount: &DeductibleAmount) {
        match amount {
            DeductibleAmount::PerLevel(levels) => self.not_negative(field, levels.each()),
            DeductibleAmount::ShareOfBill { floor, ceiling, .. } => {
                self.not_negative(field, [*floor, *ceiling]);
                self.require(floor <= ceiling, field, "the floor must not exceed the ceiling");
            }
        }
    }
}

impl Checked for FilingRules {
    fn check(&self) -> Found {
        Notes::on(&self.source).0
    }
}

impl Checked for Reduction {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        let only_prepay = !self.prepay_counts || self.mode == ReductionMode::Prepay;
        notes.require(only_prepay, "prepay_counts", "goes with mode \"prepay\" only");
        notes.0
    }
}

impl Checked for Inpatient {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        let deductible = &self.deductible;
        notes.deductible_amount("deductible.amount", &deductible.amount);
        for amount in deductible.away.values() {
            notes.deductible_amount("deductible.away", amount);
        }
        notes.not_negative("deductible.retired", deductible.retired.iter().flat_map(|levels| levels.each()));
        notes.require(
            deductible.retired.is_none() || matches!(deductible.amount, DeductibleAmount::PerLevel(_)),
            "deductible.retired",
            "goes with an amount per level only",
        );
        if let NextStay::Falling { by, floor } = deductible.next_stay {
            notes.not_negative("deductible.next_stay", [by, floor]);
        }
        if let Some(days) = deductible.again_after_days {
            notes.require(days > 0, "deductible.again_after_days", "must be positive");
            let yearly = deductible.next_stay == NextStay::Yearly;
            notes.require(!yearly, "deductible.again_after_days", "a yearly deductible is not charged again");
        }
        notes.ratios("ratio", &self.ratio);
        notes.not_negative("cap", self.cap);
        notes.0
    }
}

impl Checked for Outpatient {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        if let Some(deductible) = &self.deductible {
            notes.not_negative("deductible.amount", deductible.amount.each());
            notes.not_negative("deductible.retired", deductible.retired.iter().flat_map(|levels| levels.each()));
        }
        notes.ratios("ratio", &self.ratio);
        notes.not_negative("cap", self.cap.into_iter().chain(self.retired_cap));
        notes.require(self.retired_cap.is_none() || self.cap.is_some(), "retired_cap", "goes with `cap` only");
        notes.require(
            !(self.in_inpatient_cap && self.cap.is_some()),
            "cap",
            "paid under the inpatient cap: no cap of its own",
        );
        notes.0
    }
}

impl Checked for Chronic {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        notes.require(!self.rules.is_empty(), "rule", "at least one is needed");
        let mut named = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let last = index + 1 == self.rules.len();
            notes.require(last || !rule.diseases.is_empty(), "rule.diseases", "only the last rule may name none");
            for disease in &rule.diseases {
                notes.require(named.insert(disease), "rule.diseases", &format!("{disease} has two rules"));
            }
            notes.not_negative("rule.deductible", rule.deductible.iter().flat_map(|levels| levels.each()));
            notes.not_negative("rule.quota", rule.quota);
        }
        match self.several {
            Several::Sum => {}
            Several::HighestPlus(amount) | Several::SumUpTo(amount) => notes.not_negative("several", [amount]),
        }
        notes.0
    }
}

impl Checked for Account {
    fn check(&self) -> Found {
        Notes::on(&self.source).0
    }
}

impl Checked for Catastrophic {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        notes.not_negative("line", [self.line]);
        notes.ascending("tiers", self.tiers.iter().map(|tier| tier.upto));
        let first = self.tiers.first().and_then(|tier| tier.upto);
        let above = self.tiers_above_line || first.is_none_or(|upto| upto > self.line);
        notes.require(above, "tiers", "the first tier must end above the line");
        notes.not_negative("cap", self.cap);
        notes.0
    }
}

impl Checked for LargeAmount {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        notes.require(
            self.above_cap.is_some() || self.above_burden.is_some(),
            "above_cap",
            "either `above_cap` or `above_burden` is needed",
        );
        notes.not_negative("above_burden.line", self.above_burden.map(|above| above.line));
        notes.not_negative("cap", self.cap);
        notes.not_negative("total", self.total);
        notes.0
    }
}

impl Checked for CivilServant {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        notes.not_negative("cap", self.cap);
        notes.0
    }
}

impl Checked for Assistance {
    fn check(&self) -> Found {
        let mut notes = Notes::on(&self.source);
        let mut named = BTreeSet::new();
        for group in &self.groups {
            notes.not_negative("group.line", [group.line]);
            notes.not_negative("group.cap", group.cap);
            notes.require(group.ratio > Bp::ZERO, "group.ratio", "pays nothing");
            for who in &group.who {
                notes.require(named.insert(who), "group.who", &format!("{who:?} stands in two groups"));
            }
        }
        notes.0
    }
}

/// What only the joined sections can tell.
pub(super) fn whole(policy: &Policy) -> Found {
    let mut notes = Notes::default();
    notes.require(
        policy.catastrophic.is_none() || policy.large_amount.is_none(),
        "large_amount",
        "a policy has either catastrophic insurance or large-amount aid: both count the same burden",
    );
    notes.0
}
