//! The files with which the hub's registry begins: the chronic list, the items of each disease, the institutions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, de};

use super::{File, Findings, Problem, national::About};
use crate::{
    calendar::Date,
    catalogue::{FeeCategory, Item},
    chronic::{ChronicList, Disease, SubCode, Version},
    claim::{Level, Service},
    ids::{DiseaseCode, InstitutionCode, ItemCode, RegionCode},
    institution::{Institution, Opening, Term},
    policy::Known,
    related::{RelatedItems, begins_with},
    source::Source,
};

pub(super) const LIST: &str = "national/chronic.toml";
pub(super) const RELATED: &str = "national/chronic_items.toml";
pub(super) const INSTITUTIONS: &str = "national/institutions.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChronic {
    #[serde(rename = "about")]
    _about: About,
    version: Vec<RawVersion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVersion {
    name: String,
    from: Date,
    diseases: Vec<RawDisease>,
    #[serde(default)]
    sub_codes: Vec<RawSubCode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDisease {
    code: DiseaseCode,
    zh: String,
    en: String,
    #[serde(rename = "source")]
    _source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubCode {
    code: DiseaseCode,
    parent: DiseaseCode,
    region: Option<RegionCode>,
    #[serde(rename = "zh")]
    _zh: String,
    #[serde(rename = "en")]
    _en: String,
    #[serde(rename = "source")]
    _source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelated {
    #[serde(rename = "about")]
    _about: About,
    always: Vec<FeeCategory>,
    disease: Vec<RawRelatedDisease>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRelatedDisease {
    code: DiseaseCode,
    items: Vec<String>,
    #[serde(rename = "source")]
    _source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstitutions {
    #[serde(rename = "about")]
    _about: About,
    institution: Vec<RawInstitution>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInstitution {
    code: InstitutionCode,
    zh: String,
    en: String,
    level: RawLevel,
    services: BTreeSet<Service>,
    #[serde(default)]
    diseases: Vec<RawOpened>,
    from: Option<Date>,
}

/// A disease an institution is opened for, or `"*"` for every one in force.
enum RawOpened {
    Every,
    One(DiseaseCode),
}

impl<'de> Deserialize<'de> for RawOpened {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "*" {
            return Ok(RawOpened::Every);
        }
        DiseaseCode::parse(&text).map(RawOpened::One).map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawLevel {
    None,
    Primary,
    Secondary,
    Tertiary,
}

pub(super) fn chronic(
    file: File<'_>,
    raw: RawChronic,
    takes_part: impl Fn(&RegionCode) -> bool,
) -> Result<ChronicList, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut versions = Vec::new();
    for (index, RawVersion { name, from, diseases, sub_codes }) in raw.version.into_iter().enumerate() {
        let diseases = diseases.into_iter().map(|RawDisease { code, zh, en, .. }| Disease { code, zh, en }).collect();
        let sub_code = |RawSubCode { code, parent, region, .. }: RawSubCode| SubCode { code, parent, region };
        let sub_codes = sub_codes.into_iter().map(sub_code).collect();
        match Version::new(name, from, diseases, sub_codes, &takes_part) {
            Ok(version) => versions.push(version),
            Err(complaints) => {
                for complaint in complaints {
                    findings.require(false, &format!("version[{index}].{}", complaint.field), complaint.en);
                }
            }
        }
    }
    let mut findings = findings.into_result(()).map(|()| Findings::of(file))?;
    let list = ChronicList::new(versions).unwrap_or_else(|index| {
        let rises = "versions have names of their own and stand in the order of their first days";
        findings.require(false, &format!("version[{index}].from"), rises);
        ChronicList::default()
    });
    findings.into_result(list)
}

pub(super) fn related(
    file: File<'_>,
    raw: RawRelated,
    list: &ChronicList,
    items: &BTreeMap<ItemCode, Item>,
) -> Result<RelatedItems, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut related = RelatedItems { always: raw.always.into_iter().collect(), diseases: BTreeMap::new() };
    for (index, RawRelatedDisease { code, items: stems, .. }) in raw.disease.into_iter().enumerate() {
        let field = |name: &str| format!("disease[{index}].{name}");
        if let Some((_, complaint)) = list.complaint(&code) {
            findings.require(false, &field("code"), complaint);
        }
        let mut named = BTreeSet::new();
        for (row, stem) in stems.into_iter().enumerate() {
            let known = !stem.is_empty() && items.keys().any(|item| begins_with(item, &stem));
            let field = field(&format!("items[{row}]"));
            findings.require(known, &field, format!("no item of the national catalogue begins with `{stem}`"));
            findings.require(named.insert(stem), &field, "the item stands here twice");
        }
        findings.require(
            !named.is_empty(),
            &field("items"),
            "names nothing: leave the disease out to accept every item",
        );
        let new = related.diseases.insert(code, named).is_none();
        findings.require(new, &field("code"), "the disease stands here twice");
    }
    findings.into_result(related)
}

pub(super) fn institutions(
    file: File<'_>,
    raw: RawInstitutions,
    known: &Known,
) -> Result<BTreeMap<InstitutionCode, Institution>, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut institutions = BTreeMap::new();
    for (index, row) in raw.institution.into_iter().enumerate() {
        let field = |name: &str| format!("institution[{index}].{name}");
        let RawInstitution { code, zh, en, level, services, diseases, from } = row;
        let level = match level {
            RawLevel::None | RawLevel::Primary => Level::Primary,
            RawLevel::Secondary => Level::Secondary,
            RawLevel::Tertiary => Level::Tertiary,
        };
        let province = code.division().province();
        findings.require(known.provinces.contains(&province), &field("code"), "its province does not take part");
        findings.require(!services.is_empty(), &field("services"), "names nothing: at least one is needed");
        let chronic = services.contains(&Service::Chronic);
        findings.require(chronic != diseases.is_empty(), &field("diseases"), "given with `chronic` and only with it");
        let mut openings = BTreeMap::new();
        for service in services.into_iter().filter(|service| *service != Service::Chronic) {
            openings.insert(Opening { service, disease: None, from }, Term::default());
        }
        let mut every = false;
        for (row, disease) in diseases.into_iter().enumerate() {
            let field = field(&format!("diseases[{row}]"));
            let disease = match disease {
                RawOpened::Every => None,
                RawOpened::One(disease) => Some(disease),
            };
            findings.require(!every, &field, "\"*\" is every disease already");
            every |= disease.is_none();
            if let Some((_, complaint)) = disease.as_ref().and_then(|disease| known.diseases.complaint(disease)) {
                findings.require(false, &field, complaint);
            }
            let opening = Opening { service: Service::Chronic, disease, from };
            let new = openings.insert(opening, Term::default()).is_none();
            findings.require(new, &field, "the disease stands here twice");
        }
        let institution = Institution { code: code.clone(), zh, en, level, openings };
        let new = institutions.insert(code, institution).is_none();
        findings.require(new, &field("code"), "the institution stands here twice");
    }
    findings.into_result(institutions)
}
