//! The part of a bill that belongs to one year (跨年度住院拆分). Source: 医保发〔2022〕22号 leaves the home region the choice.
//! A stay over 1 January goes whole to the year of discharge, or by days to its years, as the policy says.
//!
//! Both years are computed under the policy of the day of discharge: [`super::Case`] carries one. Where a new policy
//! begins on 1 January, the old year's part does not get the old one's numbers; only its accumulator is that year's.

use super::run::Run;
use crate::{
    accumulator::Accumulator,
    calendar::{Date, days_between},
    claim::{Claim, Service},
    money::{Fen, Overflow},
    policy::NewYear,
    refusal::Refusal,
};

/// One year's part of the bill.
pub(super) struct Portion {
    pub(super) year: i16,
    /// Whether other years have parts too.
    pub(super) one_of_many: bool,
    /// Its in-scope cost.
    pub(super) in_scope: Fen,
    /// What the year had used before the bill.
    pub(super) used: Accumulator,
    /// What the bill adds.
    pub(super) gained: Accumulator,
    /// First borne by the patient under the PREPAY reduction.
    pub(super) prepaid: Fen,
    /// The share of `prepaid` that the layers above the basic fund do not count.
    pub(super) uncounted: Fen,
    /// Cost above the yearly cap of the basic fund.
    pub(super) above_cap: Fen,
    /// Paid by the funds so far.
    pub(super) paid: Fen,
    /// Whether the policy pays for this service at all.
    pub(super) covered: bool,
}

impl Portion {
    /// What a ratio may work on: in-scope cost without what the patient bears first.
    pub(super) fn base(&self) -> Result<Fen, Overflow> {
        self.in_scope.minus(self.prepaid)
    }

    /// The in-scope burden still with the patient, as the layers above the basic fund count it.
    pub(super) fn left(&self) -> Result<Fen, Overflow> {
        self.in_scope.minus(self.uncounted)?.minus(self.paid)
    }
}

/// The bill by years, in their order; one portion where it is not split.
pub(super) fn portions(run: &mut Run<'_>) -> Result<Vec<Portion>, Refusal> {
    let case = run.case;
    let in_scope = case.claim.parts.in_scope;
    let days = match case.policy.new_year {
        NewYear::Split if case.claim.service == Service::Stay => days_by_year(case.claim),
        _ => vec![(case.claim.to.year(), 1)],
    };
    let weights: Vec<i64> = days.iter().map(|(_, days)| *days).collect();
    let shares = in_scope.allocate(&weights)?;
    let one_of_many = days.len() > 1;
    let mut portions = Vec::with_capacity(days.len());
    for ((year, days), share) in days.into_iter().zip(shares) {
        if one_of_many {
            run.step(
                "new-year.split",
                &case.policy.source,
                [in_scope, share],
                [
                    format!("跨年住院按天拆分：{year}年{days}天，{share}"),
                    format!("stay over New Year by days: {days} days in {year}, {share}"),
                ],
            )?;
        }
        portions.push(Portion {
            year,
            one_of_many,
            in_scope: share,
            used: case.used.of(case.policy.scheme, year),
            gained: Accumulator::default(),
            prepaid: Fen::ZERO,
            uncounted: Fen::ZERO,
            above_cap: Fen::ZERO,
            paid: Fen::ZERO,
            covered: true,
        });
    }
    Ok(portions)
}

/// Days by year; the day of admission counts, the day of discharge does not.
fn days_by_year(claim: &Claim) -> Vec<(i16, i64)> {
    let mut days = Vec::new();
    for year in claim.from.year()..=claim.to.year() {
        let first = Date::new(year, 1, 1).map_or(claim.from, |first| first.max(claim.from));
        let next = Date::new(year.saturating_add(1), 1, 1).map_or(claim.to, |next| next.min(claim.to));
        let in_year = days_between(first, next);
        if in_year > 0 {
            days.push((year, in_year));
        }
    }
    if days.is_empty() { vec![(claim.to.year(), 1)] } else { days }
}
