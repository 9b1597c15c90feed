//! Parameters (参数) as data: every number of the rules, read from TOML text and validated before anything runs.
//! A problem names the file, the line and the field. Reading files is somebody else's; this is pure.

mod catalogue;
mod national;
mod region;
mod registry;
mod screening;
mod workdays;

use std::{collections::BTreeMap, fmt};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::{
    audit::screening::Screening,
    calendar::Date,
    catalogue::Catalogue,
    chronic::ChronicList,
    ids::{InstitutionCode, RegionCode},
    institution::Institution,
    person::Scheme,
    policy::{self, Area, Policy},
    refusal::{Code, Refusal},
    related::RelatedItems,
    workdays::Workdays,
};

pub use national::{Calendar, Designs, Prepayment, Rules};

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
    /// The field, such as `catalogue.difference.self`; empty where the text is no TOML or the whole file is meant.
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

impl File<'_> {
    /// A problem in this file at the path of a field, such as `area[0].policy[1].inpatient.cap`.
    fn problem(&self, path: &str, what: impl fmt::Display) -> Problem {
        Problem {
            file: self.path.into(),
            line: self.line_of(path),
            field: without_indices(path),
            what: what.to_string(),
        }
    }

    fn policy_problems(&self, found: Vec<policy::raw::Problem>) -> Vec<Problem> {
        found.into_iter().map(|found| self.problem(&found.path, found.what)).collect()
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let unread = |path: &str, error: &toml::de::Error| {
            let line = error.span().map(|span| self.line_at(span.start)).or_else(|| self.line_of(path));
            Problem { line, ..self.problem(path, error.message()) }
        };
        let document = toml::Deserializer::parse(self.text).map_err(|error| unread("", &error))?;
        serde_path_to_error::deserialize(document).map_err(|error| unread(&error.path().to_string(), error.inner()))
    }

    fn line_at(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
    }

    /// The line of the path's last part that the text holds: where a field is missing, that of its table.
    fn line_of(&self, path: &str) -> Option<usize> {
        let document = DeTable::parse(self.text).ok()?;
        let (mut table, mut place) = (Some(document.get_ref()), None);
        for part in path.split('.') {
            let (name, index) = part.split_once('[').unwrap_or((part, ""));
            let Some((key, mut value)) = table.and_then(|table| table.get_key_value(name)) else { break };
            place = Some(key.span().start);
            let index = index.trim_end_matches(']').parse::<usize>().ok();
            if let (Some(index), DeValue::Array(elements)) = (index, value.get_ref())
                && let Some(element) = elements.get(index)
            {
                place = Some(element.span().start);
                value = element;
            }
            table = if let DeValue::Table(inner) = value.get_ref() { Some(inner) } else { None };
        }
        place.map(|byte| self.line_at(byte))
    }
}

/// `area[0].policy[1].inpatient.cap` → `area.policy.inpatient.cap`.
fn without_indices(path: &str) -> String {
    let names = path.split('.').map(|part| part.split_once('[').map_or(part, |(name, _)| name));
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(".")
}

/// Problems of one file, as they are found.
struct Findings<'a> {
    file: File<'a>,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    fn of(file: File<'a>) -> Findings<'a> {
        Findings { file, problems: Vec::new() }
    }

    fn require(&mut self, holds: bool, path: &str, what: impl fmt::Display) {
        if !holds {
            self.problems.push(self.file.problem(path, what));
        }
    }

    /// The value, if nothing was found.
    fn into_result<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
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
    /// What bills are screened by.
    pub screening: Screening,
    /// The working days.
    pub workdays: Workdays,
    /// The chronic list with which the hub begins; what it publishes since is in its store.
    pub chronic: ChronicList,
    /// The items of each chronic disease.
    pub related: RelatedItems,
    /// The provinces by code.
    pub regions: BTreeMap<RegionCode, Region>,
    /// The networked institutions by code, as long as the hub's registry holds nothing newer of them.
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
        let mut problems: Vec<Problem> = strays(files, &national.regions);
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
        let national::National { rules, screening, workdays, chronic, related, regions, institutions, .. } = national;
        Ok(Parameters { rules, screening, workdays, chronic, related, regions, institutions, catalogues, areas })
    }

    /// The catalogue of a province.
    ///
    /// # Errors
    /// [`Code::RegionUnknown`].
    pub fn catalogue(&self, province: &RegionCode) -> Result<&Catalogue, Refusal> {
        self.catalogues.get(province).ok_or_else(|| unknown_region("header.care", province))
    }

    /// The pooling areas by code.
    #[must_use]
    pub fn areas(&self) -> &BTreeMap<RegionCode, Area> {
        &self.areas
    }

    /// The policy of a pooling area and scheme on a day.
    ///
    /// # Errors
    /// [`Code::RegionUnknown`] where there is no such area, [`Code::FieldInvalid`] for a day before its first policy.
    pub fn policy(&self, area: &RegionCode, scheme: Scheme, day: Date) -> Result<&Policy, Refusal> {
        let known = self.areas.get(area).ok_or_else(|| unknown_region("header.home", area))?;
        known.policy(scheme, day).ok_or_else(|| {
            let (zh, en) = (
                format!("{area} 在 {day} 尚无政策参数"),
                format!("a day for which {area} has a policy; {day} is none"),
            );
            Refusal::malformed("from", zh, en)
        })
    }
}

/// Files of regions that do not take part.
fn strays(files: &[File<'_>], regions: &BTreeMap<RegionCode, Region>) -> Vec<Problem> {
    let of_region = |file: &File<'_>| regions.keys().any(|code| file.path == region::path(code));
    let stray = files.iter().filter(|file| file.path.starts_with("regions/") && !of_region(file));
    stray.map(|file| file.problem("region.code", "no such region stands in national/regions.toml")).collect()
}

/// The refusal of a region that does not take part.
#[must_use]
pub fn unknown_region(field: &str, code: &RegionCode) -> Refusal {
    Refusal::new(Code::RegionUnknown, "regions that take part", field).with(code, code)
}
