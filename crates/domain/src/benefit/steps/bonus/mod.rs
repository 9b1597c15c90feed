//! What the person adds to the base ratio (人员待遇倾斜): retirement and age. A ratio may pass 100 % here:
//! the reduction works on the whole of it, and what is left above 100 % is cut off behind it.

mod age;
mod retired_points;
mod retired_share;

use crate::{
    benefit::{basic::Terms, run::Run, tiers::Slice},
    person::Category,
    policy::RetiredBonus,
    refusal::Refusal,
};

/// Raises the ratios of the slices.
pub(in crate::benefit) fn add(run: &mut Run<'_>, slices: &mut [Slice], terms: &Terms<'_>) -> Result<(), Refusal> {
    if run.case.person.category == Category::Retired {
        match &terms.ratios.retired {
            Some(RetiredBonus::Points(points)) => {
                retired_points::add(run, slices, points.of(terms.level), terms.source)?
            }
            Some(RetiredBonus::Pays(share)) => retired_share::lower(run, slices, *share, terms.source)?,
            None => {}
        }
    }
    age::add(run, slices, terms)
}
