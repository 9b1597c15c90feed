//! The benefit (待遇计算): what the home policy makes of a bill that the care region has split.
//! Order of the layers: basic fund → catastrophic or large amount → civil servant → assistance → account.
//! Every layer rounds half up to the fen, tier by tier; a layer never pays more than the earlier ones left.

mod basic;
mod portion;
mod run;
mod steps;
mod tiers;

use crate::{
    accumulator::Accumulators,
    chronic::Listed,
    claim::{Claim, Service},
    person::{Person, Purse},
    policy::{Policy, TreatmentClass},
    refusal::Refusal,
    settlement::Computation,
};

use run::Run;

/// Everything the computation looks at; it looks at nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The person.
    pub person: &'a Person,
    /// The person's own money inside the insurance.
    pub purse: Purse,
    /// How the person counts away from home.
    pub class: TreatmentClass,
    /// The bill.
    pub claim: &'a Claim,
    /// What was used before, by scheme and year.
    pub used: &'a Accumulators,
    /// The disease, for a chronic visit; diseases are compared by the listed codes of its version.
    pub listed: Option<&'a Listed>,
}

/// What the policy makes of the claim. Books nothing.
///
/// # Errors
/// [`crate::refusal::Code::DiseaseNotQualified`] when the policy pays nothing for the disease,
/// [`crate::refusal::Code::SplitBroken`] when the bill or our own arithmetic does not add up,
/// [`crate::refusal::Code::AmountOverflow`].
pub fn compute(case: &Case<'_>) -> Result<Computation, Refusal> {
    let mut run = Run::open(case)?;
    steps::class::explain(&mut run)?;
    let mut owed = None;
    for mut portion in portion::portions(&mut run)? {
        run.enter(&portion);
        match case.claim.service {
            Service::Stay => owed = Some(steps::stay::pay(&mut run, &mut portion, owed)?),
            Service::Outpatient | Service::Pharmacy => steps::outpatient::pay(&mut run, &mut portion)?,
            Service::Chronic => steps::chronic::pay(&mut run, &mut portion)?,
        }
        if portion.covered {
            steps::catastrophic::pay(&mut run, &mut portion)?;
            steps::large_amount::pay(&mut run, &mut portion)?;
            steps::civil_servant::pay(&mut run, &mut portion)?;
            steps::assistance::pay(&mut run, &mut portion)?;
        }
        run.leave(portion)?;
    }
    steps::account::pay(&mut run)?;
    run.close()
}
