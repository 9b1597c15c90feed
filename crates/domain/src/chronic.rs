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
    /// Sub-code or class code → listed code.
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
        let parent = code.parent();
        let candidates =
            [Some(code.clone()), self.sub_codes.get(code).cloned(), self.sub_codes.get(&parent).cloned(), Some(parent)];
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

    /// What is wrong with a code where only a listed one may stand: rules are compared by listed codes.
    #[must_use]
    pub fn complaint(&self, code: &DiseaseCode) -> Option<String> {
        match self.sub_codes.get(code) {
            _ if self.disease(code).is_some() => None,
            Some(listed) => Some(format!("{code} is settled under {listed}: write that")),
            None => Some(format!("{code} is on no version of the national list")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_date;

    /// Two versions: M00500 and M07801 from 2022-12-31, M00200 too from 2024-12-01; M07803 and M07800 stand for M07801.
    fn check(code: &str, day: &str, expected: &str) {
        let code_of = |text: &str| DiseaseCode::parse(text).unwrap();
        let disease = |text: &str| Disease { code: code_of(text), zh: "病".into(), en: "disease".into() };
        let version = |name: &str, from: &str, codes: &[&str]| Version {
            name: name.into(),
            from: parse_date(from).unwrap(),
            diseases: codes.iter().map(|code| disease(code)).collect(),
        };
        let list = ChronicList {
            versions: vec![
                version("2022", "2022-12-31", &["M00500", "M07801"]),
                version("2024", "2024-12-01", &["M00500", "M07801", "M00200"]),
            ],
            sub_codes: ["M07803", "M07800"].map(|sub| (code_of(sub), code_of("M07801"))).into(),
        };
        let found = match list.listed(&code_of(code), parse_date(day).unwrap()) {
            Ok(listed) => listed.code().to_string(),
            Err(refusal) => format!("{} {}", refusal.code, refusal.rule.rsplit(' ').next().unwrap_or_default()),
        };
        assert_eq!(found, expected, "{code} on {day}");
    }

    #[test]
    fn codes_stand_for_the_disease_listed_on_the_day() {
        for (code, day, expected) in [
            ("M00500", "2025-03-01", "M00500"),
            ("M00503", "2025-03-01", "M00500"),
            ("M07801", "2025-03-01", "M07801"),
            ("M07803", "2025-03-01", "M07801"),
            ("M07800", "2025-03-01", "M07801"),
            ("M07899", "2025-03-01", "M07801"),
            ("M00200", "2024-12-01", "M00200"),
            ("M00201", "2024-12-01", "M00200"),
            ("M00200", "2024-11-30", "E303 2022"),
            ("M00500", "2022-12-30", "E303 none"),
            ("M99900", "2025-03-01", "E303 2024"),
        ] {
            check(code, day, expected);
        }
    }
}
