//! Rules that change in the middle: from April on employees of Chengdu have another outpatient benefit. As an operator
//! would, the story lets services start again with the new parameters before that day, one after another.

use std::sync::Arc;

use zhijie_services::{
    domain::parameters::Parameters,
    node::{LoadError, embedded_parameters, embedded_with},
};

/// The file of Sichuan ends with the policies of Chengdu.
const FILE: &str = "regions/510000.toml";
/// The policy of employees, as shipped but for the outpatient benefit.
const POLICY: &str = include_str!("rules/chengdu.toml");
/// Its first day.
pub(crate) const FROM: &str = "2025-04-01";
/// The area, and what the steps of its outpatient benefit quote.
pub(crate) const AREA: &str = "510100";
pub(crate) const SOURCE: &str = "design: another benefit from April on";

/// The numbers of the rules, before and after they change.
#[derive(Debug, Clone)]
pub struct Rules {
    /// As shipped.
    pub(crate) shipped: Arc<Parameters>,
    /// With a policy of a later day.
    pub(crate) renewed: Arc<Parameters>,
}

impl Rules {
    /// Reads both.
    ///
    /// # Errors
    /// [`LoadError::Invalid`], which the tests of the build would have shown.
    pub fn read() -> Result<Rules, LoadError> {
        let (shipped, renewed) = (embedded_parameters()?, embedded_with(FILE, POLICY)?);
        Ok(Rules { shipped: shipped.into(), renewed: renewed.into() })
    }
}
