//! Visits (就诊): the n-th of a run, with its person, its institution, its bill and the messages that belong to it.

use std::collections::BTreeMap;

use rand::{
    RngExt,
    distr::{Distribution, weighted::WeightedIndex},
};
use rand_distr::Zipf;
use zhijie_protocol::v1 as pb;

use super::{
    Kind, PlanError, Tag, Wheel,
    bill::{Bill, Billing},
    mix::Mix,
    population::{CHRONIC_EACH, DISEASES, Population, Someone},
    wheel,
    world::{Places, World},
};

/// Basis points of one.
const WHOLE: u32 = 10_000;
/// Emergencies among stays, percent.
const EMERGENCIES_PERCENT: u32 = 8;
/// Longest stay, days; nine on average.
pub(crate) const DAYS_MAX: usize = 17;
/// Uploads of a stay's lines, at most.
const UPLOADS_MAX: usize = 3;

/// A message of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// 备案 at home.
    File,
    /// 登记.
    Register,
    /// 明细上传: lines from one index to another.
    Upload(usize, usize),
    /// 预结算.
    PreSettle,
    /// 出院.
    Discharge,
    /// 结算; true: the answer is thrown away.
    Settle(bool),
    /// 一次办结: registered, split and settled in one message; true: the answer is thrown away.
    AtOnce(bool),
    /// The last settle once more, with the same message id.
    Again,
    /// 撤销.
    Cancel,
    /// 冲正 of the last settle.
    Reverse,
    /// 冲正 of the registration.
    Withdraw,
}

/// A visit as planned.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitPlan {
    /// From 0.
    pub number: u64,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub person: Someone,
    /// Index of the care province.
    pub care: usize,
    /// Index of the institution in it.
    pub institution: usize,
    /// The disease of a chronic visit.
    pub disease: &'static str,
    /// An emergency.
    pub emergency: bool,
    /// Outside the province of the person's filing.
    pub astray: bool,
    /// Days of a stay until today.
    pub days: usize,
    /// Whether the account pays.
    pub account: pb::AccountUse,
    /// The bill.
    pub bill: Bill,
    /// Its messages, in order.
    pub steps: Vec<Step>,
}

/// Plans visits.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where people go.
    pub places: Places,
    /// Who goes.
    pub people: Population,
    /// What for.
    pub mix: Mix,
    kinds: Vec<Kind>,
    kind: WeightedIndex<u32>,
    person: Zipf<f64>,
    billing: Billing,
    /// Institutions of a care province that take a kind and a disease.
    open: BTreeMap<(usize, Kind, &'static str), Vec<usize>>,
}

impl Plan {
    /// The plan of a seed.
    ///
    /// # Errors
    /// [`PlanError`], for data that do not fit together.
    pub fn of(world: &World, places: Places, mix: Mix, seed: u64, people: u32) -> Result<Plan, PlanError> {
        let wrong = |what: &str| PlanError::Data("mixes.toml", what.to_owned());
        let kinds: Vec<Kind> = mix.shares.keys().copied().collect();
        let kind = WeightedIndex::new(mix.shares.values().copied()).map_err(|_| wrong("shares"))?;
        let person = Zipf::new(f64::from(people.max(1)), f64::from(mix.zipf.people) / 100.0);
        let mut open = BTreeMap::new();
        for (care, province) in places.cares.iter().enumerate() {
            for &kind in kinds.iter().filter(|kind| **kind != Kind::Filing) {
                for disease in if kind == Kind::Chronic { DISEASES } else { &[""] } {
                    let takes = province.institutions.iter().enumerate().filter(|(_, one)| one.takes(kind, disease));
                    let takes: Vec<usize> = takes.map(|(index, _)| index).collect();
                    if takes.is_empty() {
                        let what = format!("no institution of {} for {} {disease}", province.code, kind.service());
                        return Err(PlanError::Data("world.toml", what));
                    }
                    open.insert((care, kind, *disease), takes);
                }
            }
        }
        Ok(Plan {
            people: Population::of(seed, people.max(1), &places),
            billing: Billing::of(world, &mix.bills, DISEASES)?,
            person: person.map_err(|_| wrong("zipf"))?,
            places,
            mix,
            kinds,
            kind,
            open,
        })
    }

    /// The n-th visit.
    #[must_use]
    pub fn visit(&self, number: u64) -> VisitPlan {
        let wheel = &mut wheel(self.people.seed(), Tag::Visit, number);
        let kind = self.kinds.get(self.kind.sample(wheel)).copied().unwrap_or(Kind::Outpatient);
        let person = self.someone(kind, wheel);
        let usual = usize::from(person.care);
        let strays = kind != Kind::Filing && wheel.random_ratio(self.mix.astray, WHOLE);
        let elsewhere = if strays { self.places.draw_other_care(person.home.into(), usual, wheel) } else { None };
        let care = elsewhere.unwrap_or(usual);
        let disease = if kind == Kind::Chronic { person.disease() } else { "" };
        let stay = kind == Kind::Stay;
        let account = match (person.employee, wheel.random_range(0..4)) {
            (true, 0) => pb::AccountUse::OwnAndFamily,
            (true, 1..=2) => pb::AccountUse::Own,
            (false, 0) => pb::AccountUse::OwnAndFamily,
            _ => pb::AccountUse::Unspecified,
        };
        let mut visit = VisitPlan {
            number,
            kind,
            person,
            care,
            institution: self.institution(care, kind, disease, wheel),
            disease,
            emergency: stay && wheel.random_ratio(EMERGENCIES_PERCENT, 100),
            astray: elsewhere.is_some(),
            days: if stay { wheel.random_range(1..=DAYS_MAX) } else { 0 },
            account,
            bill: if kind == Kind::Filing { Bill::default() } else { self.billing.draw(kind, disease, wheel) },
            steps: Vec::new(),
        };
        visit.steps = self.steps(kind, visit.bill.lines.len(), wheel);
        visit
    }

    fn someone(&self, kind: Kind, wheel: &mut Wheel) -> Someone {
        let people = self.people.people();
        let index = match kind {
            // Who files, or goes to hospital, is not who comes most often.
            Kind::Filing | Kind::Stay => wheel.random_range(0..people.len()),
            _ => (self.person.sample(wheel) as usize).clamp(1, people.len()) - 1,
        };
        let index = if kind == Kind::Chronic { index - index % CHRONIC_EACH as usize } else { index };
        people.get(index).copied().unwrap_or_default()
    }

    fn institution(&self, care: usize, kind: Kind, disease: &'static str, wheel: &mut Wheel) -> usize {
        let Some(open) = self.open.get(&(care, kind, disease)) else { return 0 };
        let exponent = f64::from(self.mix.zipf.institutions) / 100.0;
        let rank = Zipf::new(open.len() as f64, exponent).map_or(1, |zipf| zipf.sample(wheel) as usize);
        open.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }

    fn steps(&self, kind: Kind, lines: usize, wheel: &mut Wheel) -> Vec<Step> {
        let besides = self.mix.besides;
        let stay = kind == Kind::Stay;
        if kind == Kind::Filing {
            return vec![Step::File];
        }
        if stay && wheel.random_ratio(besides.withdrawn, WHOLE) {
            return vec![Step::Register, Step::Withdraw];
        }
        // One of: cancelled, reversed, lost, again, or none of them.
        let turn = wheel.random_range(0..WHOLE);
        let edges = [besides.cancelled, besides.reversed, besides.lost, besides.again];
        let ends = edges.iter().scan(0, |end, share| {
            *end += share;
            Some(*end)
        });
        let which = ends.into_iter().position(|end| turn < end);
        let lost = which == Some(2);
        let mut steps = Vec::new();
        if stay {
            steps.push(Step::Register);
            let uploads = wheel.random_range(1..=UPLOADS_MAX).min(lines.max(1));
            steps.extend((0..uploads).map(|nth| Step::Upload(lines * nth / uploads, lines * (nth + 1) / uploads)));
            steps.extend([Step::PreSettle, Step::Discharge, Step::Settle(lost)]);
        } else if wheel.random_ratio(besides.presettled, WHOLE) {
            steps.extend([Step::Register, Step::Upload(0, lines), Step::PreSettle, Step::Settle(lost)]);
        } else {
            steps.push(Step::AtOnce(lost));
        }
        match which {
            Some(0) => steps.push(Step::Cancel),
            Some(1 | 2) => steps.push(Step::Reverse),
            Some(_) => steps.push(Step::Again),
            None => {}
        }
        // A stay that was undone is open again, and is settled in the end.
        if stay && matches!(which, Some(0..=2)) {
            steps.push(Step::Settle(false));
        }
        steps
    }
}
