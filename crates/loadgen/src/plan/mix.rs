//! Mixes (业务构成; `data/mixes.toml`): the shares of visits, what their bills are like, and what is sent besides.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Kind, PlanError};

const DATA: &str = include_str!("../../data/mixes.toml");
/// Basis points of one.
const WHOLE: u32 = 10_000;

/// A mix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Source mark.
    pub source: String,
    /// Shares of the kinds, basis points.
    pub shares: BTreeMap<Kind, u32>,
    /// What is sent besides.
    #[serde(default)]
    pub besides: Besides,
    /// Visits outside the province of the filing, basis points.
    #[serde(default)]
    pub astray: u32,
    /// How uneven people and institutions come up.
    pub zipf: Zipf,
    /// Bills, by kind.
    #[serde(default)]
    pub bills: BTreeMap<Kind, Bills>,
}

/// What is sent besides, basis points of the visits that settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Besides {
    /// Registered and pre-settled first.
    pub presettled: u32,
    /// Cancelled.
    pub cancelled: u32,
    /// The message reversed.
    pub reversed: u32,
    /// The answer thrown away, the message reversed.
    pub lost: u32,
    /// The message sent again.
    pub again: u32,
    /// Of stays: the registration reversed.
    pub withdrawn: u32,
}

/// Exponents, hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zipf {
    /// Of people.
    pub people: u32,
    /// Of institutions.
    pub institutions: u32,
}

/// What bills are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bills {
    /// Lines, mean.
    pub lines: u32,
    /// That number exactly.
    #[serde(default)]
    pub exact: bool,
    /// Total, mean, yuan.
    pub yuan: u32,
    /// Coefficient of variation, percent.
    pub variation: u32,
}

impl Mix {
    /// The mix of a name.
    ///
    /// # Errors
    /// [`PlanError::Unknown`] with the names there are.
    pub fn shipped(name: &str) -> Result<Mix, PlanError> {
        let mut mixes = all()?;
        let names = mixes.keys().cloned().collect::<Vec<_>>().join(", ");
        let mix = mixes.remove(name).ok_or_else(|| PlanError::Unknown("mix", name.to_owned(), names))?;
        let whole: u32 = mix.shares.values().sum();
        let billed = mix.shares.keys().all(|kind| *kind == Kind::Filing || mix.bills.contains_key(kind));
        if whole != WHOLE || !billed {
            return Err(PlanError::Data("mixes.toml", format!("{name}: shares of {whole}, or a kind without bills")));
        }
        Ok(mix)
    }

    /// The names of all mixes.
    ///
    /// # Errors
    /// When the file does not read, which a test excludes.
    pub fn names() -> Result<Vec<String>, PlanError> {
        Ok(all()?.into_keys().collect())
    }

    /// Fee lines of a bill, mean over the visits that have one.
    #[must_use]
    pub fn lines(&self) -> u32 {
        let billed = || self.shares.iter().filter_map(|(kind, share)| Some((self.bills.get(kind)?.lines, share)));
        let whole: u32 = billed().map(|(_, share)| share).sum();
        let lines: u32 = billed().map(|(lines, share)| lines * share).sum();
        lines.checked_div(whole).unwrap_or(0)
    }
}

fn all() -> Result<BTreeMap<String, Mix>, PlanError> {
    toml::from_str(DATA).map_err(|error| PlanError::Data("mixes.toml", error.to_string()))
}
