//! Outpatient chronic diseases settled across provinces (门诊慢特病): the dated national list and its sub-codes.
//! Source: the notices of 2021 (five diseases) and 2024 (five more); a claim is judged by the list of its service date.

use std::collections::BTreeMap;

use crate::{
    calendar::Date,
    ids::DiseaseCode,
    refusal::{Code, Refusal},
};

/// A disease on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disease {
    /// The national code.
    pub code: DiseaseCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
}

/// One version of the list: everything in force from its first day until the next version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name, quoted by refusals.
    pub name: String,
    /// First day.
    pub from: Date,
    /// The diseases.
    pub diseases: Vec<Disease>,
}

/// All versions, oldest first, with the sub-codes that stand for a listed disease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChronicList {
    /// Versions by first day, ascending.
    pub versions: Vec<Version>,
    /// Sub-code → listed code.
    pub sub_codes: BTreeMap<DiseaseCode, DiseaseCode>,
}

/// A disease that the list of a date holds. Only [`ChronicList::listed`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    code: DiseaseCode,
}

impl Listed {
    /// The national code that the sent code stands for.
    #[must_use]
    pub fn code(&self) -> &DiseaseCode {
        &self.code
    }
}

impl ChronicList {
    /// The listed disease that a code stands for on a day.
    ///
    /// # Errors
    /// [`Code::DiseaseNotListed`] naming the list's version.
    pub fn listed(&self, code: &DiseaseCode, day: Date) -> Result<Listed, Refusal> {
        let version = self.versions.iter().rev().find(|version| version.from <= day);
        let candidates = [Some(code.clone()), self.sub_codes.get(code).cloned(), Some(code.parent())];
        let found = version.and_then(|version| {
            candidates.into_iter().flatten().find(|c| version.diseases.iter().any(|d| d.code == *c))
        });
        found.map(|code| Listed { code }).ok_or_else(|| {
            let name = version.map_or("none", |version| version.name.as_str());
            Refusal::new(Code::DiseaseNotListed, &format!("national chronic list, version {name}"), "disease")
                .with(format!("{code}，{day}，目录版本 {name}"), format!("{code} on {day}, list version {name}"))
        })
    }

    /// The disease of a listed code, from the newest version.
    #[must_use]
    pub fn disease(&self, code: &DiseaseCode) -> Option<&Disease> {
        self.versions.iter().rev().flat_map(|version| &version.diseases).find(|disease| disease.code == *code)
    }
}
