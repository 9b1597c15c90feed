//! The national files: regions, rules, the chronic list, the national catalogue, institutions, default policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::{File, Problem, Region, catalogue};
use crate::{
    calendar::Date,
    catalogue::Item,
    chronic::{ChronicList, Disease, Version},
    claim::{Level, Service},
    filing::FilingTerms,
    ids::{DiseaseCode, InstitutionCode, ItemCode, RegionCode},
    institution::Institution,
    money::{Bp, Fen},
    policy::raw::{Defaults, RawPolicy},
};

/// National numbers, from `national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Filings (备案).
    pub filing: FilingTerms,
    /// Verification of expensive stays (费用协查).
    pub verification: Verification,
    /// The clearing calendar (清算日程).
    pub calendar: Calendar,
    /// Prepayment (预付金).
    pub prepayment: Prepayment,
}

/// Verification of expensive stays (费用协查).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// A single stay above this total can be verified.
    pub stay_above: Fen,
    /// Day of the next month by which a month's requests are answered.
    pub answer_day: u8,
    /// Source mark.
    pub source: String,
}

/// Days of the month after the service month, and working days behind them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "named and explained in rules.toml")]
pub struct Calendar {
    pub reconciled_by: u8,
    pub agreed_by: u8,
    pub tables_on: u8,
    pub confirmed_by: u8,
    pub submit_working_days: u8,
    pub pay_working_days: u8,
    pub late_months_max: u8,
    pub source: String,
}

/// Prepayment (预付金).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepayment {
    /// Quota in mean months of last year's fourth quarter.
    pub quota_months: u8,
    /// Use rate of the yellow warning.
    pub yellow: Bp,
    /// Use rate of the red warning.
    pub red: Bp,
    /// Source mark.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    filing: Spanned<FilingTerms>,
    verification: Spanned<Verification>,
    calendar: Spanned<Calendar>,
    prepayment: Spanned<Prepayment>,
}

/// The head of a file whose rows share one source mark.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    source: String,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegions {
    about: About,
    region: Vec<Spanned<RawRegion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the shares are for readers and for load, not for rules")]
struct RawRegion {
    code: RegionCode,
    zh: String,
    en: String,
    kind: String,
    inflow_percent: Bp,
    outflow_percent: Bp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChronic {
    about: About,
    version: Vec<Spanned<RawVersion>>,
    sub_code: Vec<Spanned<RawSubCode>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVersion {
    name: String,
    from: Date,
    diseases: Vec<RawDisease>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDisease {
    code: DiseaseCode,
    zh: String,
    en: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubCode {
    code: DiseaseCode,
    parent: DiseaseCode,
    #[serde(rename = "zh")]
    _zh: String,
    #[serde(rename = "en")]
    _en: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    about: About,
    item: Vec<Spanned<catalogue::RawItem>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInstitutions {
    about: About,
    institution: Vec<Spanned<RawInstitution>>,
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
    diseases: Vec<String>,
    from: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicies {
    policy: Vec<Spanned<RawPolicy>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawLevel {
    None,
    Primary,
    Secondary,
    Tertiary,
}

/// The national files, read.
pub(super) struct National {
    pub(super) rules: Rules,
    pub(super) chronic: ChronicList,
    pub(super) regions: BTreeMap<RegionCode, Region>,
    pub(super) institutions: BTreeMap<InstitutionCode, Institution>,
    pub(super) items: BTreeMap<ItemCode, Item>,
    pub(super) catalogue_version: String,
    pub(super) policies: Defaults,
}

impl National {
    pub(super) fn parse(files: &[File<'_>]) -> Result<National, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let regions = file(files, "national/regions.toml").and_then(regions).map_err(&mut keep);
        let rules = file(files, "national/rules.toml").and_then(rules).map_err(&mut keep);
        let chronic = file(files, "national/chronic.toml").and_then(chronic).map_err(&mut keep);
        let catalogue = file(files, "national/catalogue.toml").and_then(items).map_err(&mut keep);
        let institutions = file(files, "national/institutions.toml").and_then(institutions).map_err(&mut keep);
        let policies =
            file(files, "national/policies.toml").and_then(|f| Ok((f, f.read::<RawPolicies>()?))).map_err(&mut keep);
        let (
            Ok(regions),
            Ok(rules),
            Ok(chronic),
            Ok((catalogue_version, items)),
            Ok(institutions),
            Ok((file, policies)),
        ) = (regions, rules, chronic, catalogue, institutions, policies)
        else {
            return Err(problems);
        };
        let policies = Defaults::read(policies.policy).map_err(|found| file.policy_problems(found))?;
        Ok(National { rules, chronic, regions, institutions, items, catalogue_version, policies })
    }
}

/// The file of a path.
pub(super) fn file<'a>(files: &[File<'a>], path: &str) -> Result<File<'a>, Problem> {
    let found = files.iter().find(|file| file.path == path).copied();
    found.ok_or_else(|| Problem {
        file: path.into(),
        line: None,
        field: String::new(),
        what: "the file is missing".into(),
    })
}

/// Refuses an empty source mark: every number says where it is from.
pub(super) fn marked(
    file: File<'_>,
    span: Option<std::ops::Range<usize>>,
    field: &str,
    source: &str,
) -> Result<(), Problem> {
    let known = ["rule: ", "found: ", "remembered", "derived: ", "design"];
    if known.iter().any(|mark| source.starts_with(mark)) {
        return Ok(());
    }
    Err(file.problem(span, field, "a source mark begins with rule:, found:, remembered, derived: or design"))
}

fn regions(file: File<'_>) -> Result<BTreeMap<RegionCode, Region>, Problem> {
    let raw: RawRegions = file.read()?;
    marked(file, None, "about.source", &raw.about.source)?;
    let mut regions = BTreeMap::new();
    for row in raw.region {
        let span = row.span();
        let RawRegion { code, zh, en, .. } = row.into_inner();
        if !code.is_province() {
            return Err(file.problem(Some(span), "region.code", "a province ends in 0000"));
        }
        if regions.insert(code.clone(), Region { code, zh, en }).is_some() {
            return Err(file.problem(Some(span), "region.code", "the region stands here twice"));
        }
    }
    Ok(regions)
}

fn rules(file: File<'_>) -> Result<Rules, Problem> {
    let raw: RawRules = file.read()?;
    let marks = [
        ("filing.source", raw.filing.span(), &raw.filing.as_ref().source),
        ("verification.source", raw.verification.span(), &raw.verification.as_ref().source),
        ("calendar.source", raw.calendar.span(), &raw.calendar.as_ref().source),
        ("prepayment.source", raw.prepayment.span(), &raw.prepayment.as_ref().source),
    ];
    for (field, span, source) in marks {
        marked(file, Some(span), field, source)?;
    }
    let terms = raw.filing.as_ref();
    if terms.temporary_months < 1 || terms.long_term_lock_days < 0 {
        return Err(file.problem(
            Some(raw.filing.span()),
            "filing",
            "validity is at least a month, the lock not negative",
        ));
    }
    if raw.prepayment.as_ref().yellow > raw.prepayment.as_ref().red {
        return Err(file.problem(Some(raw.prepayment.span()), "prepayment.yellow", "yellow comes before red"));
    }
    Ok(Rules {
        filing: raw.filing.into_inner(),
        verification: raw.verification.into_inner(),
        calendar: raw.calendar.into_inner(),
        prepayment: raw.prepayment.into_inner(),
    })
}

fn chronic(file: File<'_>) -> Result<ChronicList, Problem> {
    let raw: RawChronic = file.read()?;
    marked(file, None, "about.source", &raw.about.source)?;
    let mut list = ChronicList::default();
    for row in raw.version {
        let span = row.span();
        let RawVersion { name, from, diseases } = row.into_inner();
        if list.versions.last().is_some_and(|last: &Version| last.from >= from) {
            return Err(file.problem(Some(span), "version.from", "versions stand in the order of their first days"));
        }
        for disease in &diseases {
            marked(file, Some(span.clone()), "version.diseases.source", &disease.source)?;
        }
        let diseases = diseases.into_iter().map(|RawDisease { code, zh, en, .. }| Disease { code, zh, en }).collect();
        list.versions.push(Version { name, from, diseases });
    }
    for row in raw.sub_code {
        let span = row.span();
        let RawSubCode { code, parent, source, .. } = row.into_inner();
        marked(file, Some(span.clone()), "sub_code.source", &source)?;
        if list.disease(&parent).is_none() {
            return Err(file.problem(Some(span), "sub_code.parent", format!("{parent} is on no version of the list")));
        }
        list.sub_codes.insert(code, parent);
    }
    Ok(list)
}

fn items(file: File<'_>) -> Result<(String, BTreeMap<ItemCode, Item>), Problem> {
    let raw: RawCatalogue = file.read()?;
    marked(file, None, "about.source", &raw.about.source)?;
    let version =
        raw.about.version.ok_or_else(|| file.problem(None, "about.version", "the catalogue has a version"))?;
    Ok((version, catalogue::items(file, "item", raw.item)?))
}

fn institutions(file: File<'_>) -> Result<BTreeMap<InstitutionCode, Institution>, Problem> {
    let raw: RawInstitutions = file.read()?;
    marked(file, None, "about.source", &raw.about.source)?;
    let mut institutions = BTreeMap::new();
    for row in raw.institution {
        let span = row.span();
        let RawInstitution { code, zh, en, level, services, diseases, from } = row.into_inner();
        let level = match level {
            RawLevel::None | RawLevel::Primary => Level::Primary,
            RawLevel::Secondary => Level::Secondary,
            RawLevel::Tertiary => Level::Tertiary,
        };
        let every = diseases.iter().any(|disease| disease == "*");
        let named = diseases.iter().filter(|disease| *disease != "*").map(|disease| DiseaseCode::parse(disease));
        let named: BTreeSet<DiseaseCode> = named
            .collect::<Result<_, _>>()
            .map_err(|malformed| file.problem(Some(span.clone()), "institution.diseases", malformed))?;
        let institution =
            Institution { code: code.clone(), zh, en, level, services, diseases: (!every).then_some(named), from };
        if institutions.insert(code, institution).is_some() {
            return Err(file.problem(Some(span), "institution.code", "the institution stands here twice"));
        }
    }
    Ok(institutions)
}
