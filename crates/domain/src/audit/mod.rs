//! Review of expensive stays (大额费用审核) and verification asked for by home (费用协查): what was wrongly charged is taken
//! off what the home region pays. The patient is never delayed: a case holds a settlement out of clearing, nobody at a counter.
//! Source: 医保发〔2022〕22号, annex, remembered; joint review (联审) is a pilot of two clusters of provinces.

pub mod case;
pub mod screening;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    calendar::{Date, add_days},
    claim::Service,
    ids::RegionCode,
    money::Fen,
    source::Source,
};

/// Numbers of verification (费用协查), from `parameters/national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// A single stay whose bill is above this total is reviewed, fen.
    pub stay_above: Fen,
    /// Day of the next month by which a month's cases are answered, 1 to 31.
    pub answer_day: u8,
    /// Working days in which the care region may appeal a deduction.
    pub appeal_working_days: u8,
    /// Provinces that review jointly.
    #[serde(rename = "cluster")]
    pub clusters: Vec<Cluster>,
    /// Source mark.
    pub source: Source,
}

/// Terms of the detail lines of stays (住院费用明细上传), from `parameters/national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailTerms {
    /// Days after the settlement within which care uploads the lines to the hub.
    pub upload_days: u8,
    /// Source mark.
    pub source: Source,
}

impl DetailTerms {
    /// The last day on which the lines of a stay settled on a day are in time.
    #[must_use]
    pub fn due(&self, settled: Date) -> Date {
        add_days(settled, i64::from(self.upload_days))
    }
}

/// Provinces that review expensive stays jointly (联审).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// The provinces.
    pub provinces: BTreeSet<RegionCode>,
    /// Source mark.
    pub source: Source,
}

/// True where a bill is expensive enough to be reviewed unasked: a stay strictly above the threshold.
#[must_use]
pub fn opens(total: Fen, service: Service, rules: &Verification) -> bool {
    service == Service::Stay && total > rules.stay_above
}

/// True where both places lie in one cluster, so that home has its say before a case closes.
#[must_use]
pub fn joint(home: &RegionCode, care: &RegionCode, rules: &Verification) -> bool {
    let (home, care) = (home.province(), care.province());
    rules.clusters.iter().any(|cluster| cluster.provinces.contains(&home) && cluster.provinces.contains(&care))
}
