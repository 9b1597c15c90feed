//! What the types of a policy (参保地政策) cannot say: the order of segments, signs, floors and ceilings, lists that
//! must not be empty, codes that must be known, shapes that exclude one another. That no ratio exceeds 100 % and that
//! every source is marked is already said by types: see [`crate::money::Bp`] and [`crate::source::Source`].

use std::collections::BTreeSet;

use super::{
    Account, Assistance, Catastrophic, Chronic, CivilServant, DeductibleAmount, FilingRules, Inpatient, Known,
    LargeAmount, NextStay, Outpatient, Policy, Ratios, Reduction, ReductionMode, Several, TreatmentClass,
};
use crate::{
    claim::Service,
    ids::DiseaseCode,
    money::{Bp, Fen},
};

/// Problems: the path of the field inside the section, and what is wrong with it.
pub(super) type Found = Vec<(String, String)>;

/// A section that can be judged by itself.
pub(super) trait Checked {
    fn check(&self, known: &Known) -> Found;
}

#[derive(Default)]
struct Notes(Found);

impl Notes {
    fn require(&mut self, holds: bool, field: &str, what: &str) {
        if !holds {
            self.0.push((field.into(), what.into()));
        }
    }

    fn not_negative(&mut self, field: &str, amounts: impl IntoIterator<Item = Fen>) {
        self.require(!amounts.into_iter().any(Fen::is_negative), field, "an amount must not be negative");
    }

    fn not_empty<T>(&mut self, field: &str, set: &BTreeSet<T>) {
        self.require(!set.is_empty(), field, "names nothing: at least one is needed");
    }

    fn diseases(&mut self, field: &str, diseases: &BTreeSet<DiseaseCode>, known: &Known) {
        for (_, complaint) in diseases.iter().filter_map(|disease| known.diseases.complaint(disease)) {
            self.require(false, field, &complaint);
        }
    }

    fn ascending(&mut self, field: &str, ends: impl IntoIterator<Item = Option<Fen>>) {
        let ends: Vec<Option<Fen>> = ends.into_iter().collect();
        let Some(last) = ends.len().checked_sub(1) else {
            return self.require(false, field, "at least one is needed");
        };
        let mut before = Fen::ZERO;
        for (index, end) in ends.into_iter().enumerate() {
            let field = format!("{field}[{index}].upto");
            match end {
                Some(_) if index == last => self.require(false, &field, "the last one must be open: leave out `upto`"),
                None if index < last => self.require(false, &field, "every one but the last needs `upto`"),
                Some(end) => {
                    self.require(end > before, &field, "`upto` must be positive and rise");
                    before = end;
                }
                None => {}
            }
        }
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
        for (class, segments) in &ratios.away {
            let field = format!("{field}.away.{}", class.name());
            self.away(&field, *class);
            self.ascending(&field, segments.iter().map(|segment| segment.upto));
        }
    }

    fn away(&mut self, field: &str, class: TreatmentClass) {
        self.require(class != TreatmentClass::Local, field, "long-term filed persons have the terms at home");
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
    fn check(&self, known: &Known) -> Found {
        let mut notes = Notes::default();
        for (index, waiver) in self.waived.iter().enumerate() {
            let field = |name: &str| format!("waived[{index}].{name}");
            notes.not_empty(&field("provinces"), &waiver.provinces);
            notes.not_empty(&field("services"), &waiver.services);
            for province in waiver.provinces.iter().filter(|province| !known.provinces.contains(*province)) {
                notes.require(false, &field("provinces"), &format!("{province} is no province that takes part"));
            }
        }
        notes.0
    }
}

impl Checked for Reduction {
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        let only_prepay = !self.prepay_counts || self.mode == ReductionMode::Prepay;
        notes.require(only_prepay, "prepay_counts", "goes with mode \"prepay\" only");
        notes.0
    }
}

impl Checked for Inpatient {
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        let deductible = &self.deductible;
        notes.deductible_amount("deductible.amount", &deductible.amount);
        for (class, amount) in &deductible.away {
            let field = format!("deductible.away.{}", class.name());
            notes.away(&field, *class);
            notes.deductible_amount(&field, amount);
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
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        if let Some(deductible) = &self.deductible {
            notes.not_negative("deductible.amount", deductible.amount.each());
            notes.not_negative("deductible.retired", deductible.retired.iter().flat_map(|levels| levels.each()));
        }
        notes.not_empty("levels", &self.levels);
        notes.ratios("ratio", &self.ratio);
        notes.require(
            self.reduced_away || self.ratio.away.is_empty(),
            "ratio.away",
            "goes with `reduced_away = true`: else care away is paid as at home",
        );
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
    fn check(&self, known: &Known) -> Found {
        let mut notes = Notes::default();
        notes.require(!self.rules.is_empty(), "rule", "at least one is needed");
        let mut named = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let field = |name: &str| format!("rule[{index}].{name}");
            let last = index + 1 == self.rules.len();
            notes.require(last || !rule.diseases.is_empty(), &field("diseases"), "only the last rule may name none");
            notes.diseases(&field("diseases"), &rule.diseases, known);
            for disease in &rule.diseases {
                notes.require(named.insert(disease), &field("diseases"), &format!("{disease} has two rules"));
            }
            notes.not_negative(&field("deductible"), rule.deductible.iter().flat_map(|levels| levels.each()));
            notes.not_negative(&field("quota"), rule.quota);
        }
        match self.several {
            Several::Sum => {}
            Several::HighestPlus(amount) | Several::SumUpTo(amount) => notes.not_negative("several", [amount]),
        }
        notes.0
    }
}

impl Checked for Account {
    fn check(&self, _: &Known) -> Found {
        Notes::default().0
    }
}

impl Checked for Catastrophic {
    fn check(&self, known: &Known) -> Found {
        let mut notes = Notes::default();
        notes.not_empty("counts", &self.counts);
        notes.diseases("diseases", &self.diseases, known);
        notes.require(
            self.diseases.is_empty() || self.counts.contains(&Service::Chronic),
            "diseases",
            "goes with `chronic` among what counts",
        );
        notes.not_negative("line", [self.line]);
        notes.ascending("tiers", self.tiers.iter().map(|tier| tier.upto));
        let first = self.tiers.first().and_then(|tier| tier.upto);
        let above = self.tiers_above_line || first.is_none_or(|upto| upto > self.line);
        notes.require(above, "tiers", "the first tier must end above the line");
        notes.not_negative("cap", self.cap);
        if let Some(eased) = &self.eased {
            notes.not_empty("eased.groups", &eased.groups);
        }
        notes.0
    }
}

impl Checked for LargeAmount {
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        notes.not_empty("counts", &self.counts);
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
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        notes.not_empty("services", &self.services);
        notes.not_negative("cap", self.cap);
        notes.0
    }
}

impl Checked for Assistance {
    fn check(&self, _: &Known) -> Found {
        let mut notes = Notes::default();
        notes.not_empty("services", &self.services);
        notes.require(!self.groups.is_empty(), "group", "at least one is needed");
        let mut named = BTreeSet::new();
        for (index, group) in self.groups.iter().enumerate() {
            let field = |name: &str| format!("group[{index}].{name}");
            notes.not_empty(&field("who"), &group.who);
            notes.not_negative(&field("line"), [group.line]);
            notes.not_negative(&field("cap"), group.cap);
            notes.require(group.ratio > Bp::ZERO, &field("ratio"), "pays nothing");
            for who in &group.who {
                notes.require(named.insert(who), &field("who"), &format!("{who:?} stands in two groups"));
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
