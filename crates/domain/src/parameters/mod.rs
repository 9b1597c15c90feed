//! Parameters (参数) as data: every number of the rules, read from TOML text and validated before anything runs.
//! A problem names the file, the line and the field. Reading files is somebody else's; this is pure.

mod catalogue;
mod national;
mod region;

use std::{collections::BTreeMap, fmt, ops::Range};

use serde::de::DeserializeOwned;

use crate::{
    calendar::Date,
    catalogue::Catalogue,
    chronic::ChronicList,
    ids::{InstitutionCode, RegionCode},
    institution::Institution,
    person::Scheme,
    policy::{self, Area, Policy},
    refusal::{Code, Refusal},
};

pub use national::Rules;

/// A file of parameters: its path below `parameters/`, and its text.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Such as `regions/310000.toml`.
    pub path: &'a str,
    /// TOML.
    pub text: &'a str,
}

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// The field, such as `catalogue.difference.self`; empty where the message names it.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl<'a> File<'a> {
    /// A problem in this file, at a span of its text.
    fn problem(&self, span: Option<Range<usize>>, field: &str, what: impl fmt::Display) -> Problem {
        let line = span.map(|span| self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        Problem { file: self.path.into(), line, field: field.into(), what: what.to_string() }
    }

    fn policy_problems(&self, found: Vec<policy::raw::Problem>) -> Vec<Problem> {
        found.into_iter().map(|p| self.problem(p.span, &p.field, p.what)).collect()
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(self.text).map_err(|error| self.problem(error.span(), "", error.message()))
    }
}

/// A province that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its code.
    pub code: RegionCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
}

/// Everything the rules need to know.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// National numbers.
    pub rules: Rules,
    /// The chronic list.
    pub chronic: ChronicList,
    /// The provinces by code.
    pub regions: BTreeMap<RegionCode, Region>,
    /// The networked institutions by code.
    pub institutions: BTreeMap<InstitutionCode, Institution>,
    catalogues: BTreeMap<RegionCode, Catalogue>,
    areas: BTreeMap<RegionCode, Area>,
}

impl Parameters {
    /// Reads and validates all files.
    ///
    /// # Errors
    /// Every [`Problem`] found, not only the first.
    pub fn parse(files: &[File<'_>]) -> Result<Parameters, Vec<Problem>> {
        let national = national::National::parse(files)?;
        let mut problems = Vec::new();
        let (mut catalogues, mut areas) = (BTreeMap::new(), BTreeMap::new());
        for code in national.regions.keys() {
            match region::parse(files, code, &national) {
                Ok(region) => {
                    catalogues.insert(code.clone(), region.catalogue);
                    // An area's code lies in its province, and a region's parser refuses it twice.
                    areas.extend(region.areas.into_iter().map(|area| (area.code.clone(), area)));
                }
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let national::National { rules, chronic, regions, institutions, .. } = national;
        Ok(Parameters { rules, chronic, regions, institutions, catalogues, areas })
    }

    /// The catalogue of a province.
    ///
    /// # Errors
    /// [`Code::RegionUnknown`].
    pub fn catalogue(&self, province: &RegionCode) -> Result<&Catalogue, Refusal> {
        self.catalogues.get(province).ok_or_else(|| unknown_region("care", province))
    }

    /// The pooling areas by code.
    #[must_use]
    pub fn areas(&self) -> &BTreeMap<RegionCode, Area> {
        &self.areas
    }

    /// The policy of a pooling area and scheme on a day.
    ///
    /// # Errors
    /// [`Code::RegionUnknown`] where there is none.
    pub fn policy(&self, area: &RegionCode, scheme: Scheme, day: Date) -> Result<&Policy, Refusal> {
        self.areas.get(area).and_then(|area| area.policy(scheme, day)).ok_or_else(|| unknown_region("home", area))
    }

    /// The institution of a code.
    ///
    /// # Errors
    /// [`Code::InstitutionNotOpened`] where it is not on the network.
    pub fn institution(&self, code: &InstitutionCode) -> Result<&Institution, Refusal> {
        self.institutions.get(code).ok_or_else(|| {
            Refusal::new(Code::InstitutionNotOpened, "22/2022 art. 14: networked institutions", "institution")
                .with(format!("{code} 未联网"), format!("{code} is not on the network"))
        })
    }
}

/// The refusal of a region that does not take part.
#[must_use]
pub fn unknown_region(field: &str, code: &RegionCode) -> Refusal {
    Refusal::new(Code::RegionUnknown, "regions that take part", field).with(code, code)
}
