//! The national files: regions, rules, holidays, the national catalogue, default policies; see `registry` for the others.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use super::{File, Findings, Problem, Region, catalogue, registry, screening, workdays};
use crate::{
    audit::{Cluster, DetailTerms, Verification, screening::Screening},
    catalogue::Item,
    chronic::ChronicList,
    filing::FilingTerms,
    ids::{InstitutionCode, ItemCode, RegionCode},
    institution::Institution,
    money::{Bp, Fen},
    policy::{
        Known,
        raw::{Defaults, RawPolicy},
    },
    related::RelatedItems,
    source::Source,
    ticket::TicketTerms,
    workdays::Workdays,
};

/// So many parties take part as provinces: 31 province-level units and the Xinjiang Corps.
const REGIONS: usize = 32;
/// The last day that every month has.
const DAY_OF_EVERY_MONTH: u8 = 28;
/// Rounds that the queue of a clearing design may work, so that a comparison ends.
const QUEUE_ROUNDS_MAX: u32 = 1_000;

/// National numbers, from `national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Filings (备案).
    pub filing: FilingTerms,
    /// Verification of expensive stays (费用协查).
    pub verification: Verification,
    /// Detail lines of stays at the hub (住院费用明细上传).
    pub details: DetailTerms,
    /// The clearing calendar (清算日程).
    pub calendar: Calendar,
    /// Prepayment (预付金).
    pub prepayment: Prepayment,
    /// Problem coordination (问题协同).
    pub ticket: TicketTerms,
    /// The comparison of clearing designs (清算方案比较).
    pub designs: Designs,
}

/// The terms on which clearing designs are compared (清算方案比较).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Designs {
    /// The money with which each province enters the queue, basis points of all that it has to pay.
    pub liquidity: Bp,
    /// The last round in which the queue works on its own.
    pub rounds: u32,
    /// Source mark.
    pub source: Source,
}

/// Days of the month after the service month, and working days behind them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Reconciliation (对账) is closed, day of the month.
    pub reconciled_by: u8,
    /// Bills are agreed with institutions, day of the month.
    pub agreed_by: u8,
    /// The clearing tables (清算表) are made, day of the month.
    pub tables_on: u8,
    /// Provinces have confirmed, day of the month.
    pub confirmed_by: u8,
    /// Working days from the notice until it is handed to finance.
    pub submit_working_days: u8,
    /// Working days from there until finance has paid.
    pub pay_working_days: u8,
    /// Working days from there until payment and receipt are told to the hub.
    pub feedback_working_days: u8,
    /// Service months by which a late item may slip.
    pub late_months_max: u8,
    /// Source mark.
    pub source: Source,
}

/// Prepayment (预付金).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepayment {
    /// Quota in mean months of last year's fourth quarter.
    pub quota_months: u8,
    /// Use rate of the yellow warning, basis points of the quota.
    pub yellow: Bp,
    /// Use rate of the red warning, basis points of the quota.
    pub red: Bp,
    /// Working days after the confirmation of a red month in which an emergency increase may be asked for.
    pub ask_working_days: u8,
    /// Quota of a pair without a fourth quarter, in forecast months.
    pub months_without_history: u8,
    /// The least quota of such a pair, fen.
    pub floor: Fen,
    /// Source mark.
    pub source: Source,
}

/// The head of a file whose rows share one source mark.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    #[serde(rename = "source")]
    _source: Source,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegions {
    #[serde(rename = "about")]
    _about: About,
    region: Vec<RawRegion>,
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
struct RawCatalogue {
    about: About,
    item: Vec<catalogue::RawItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicies {
    policy: Vec<RawPolicy>,
}

/// The national files, read.
pub(super) struct National {
    pub(super) rules: Rules,
    pub(super) workdays: Workdays,
    pub(super) chronic: ChronicList,
    pub(super) related: RelatedItems,
    pub(super) regions: BTreeMap<RegionCode, Region>,
    pub(super) institutions: BTreeMap<InstitutionCode, Institution>,
    pub(super) items: BTreeMap<ItemCode, Item>,
    pub(super) catalogue_version: String,
    pub(super) policies: Defaults,
    pub(super) screening: Screening,
}

impl National {
    pub(super) fn parse(files: &[File<'_>]) -> Result<National, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |found: Vec<Problem>| problems.extend(found);
        let regions = read(files, "national/regions.toml", regions).map_err(&mut keep);
        let rules = read(files, "national/rules.toml", rules).map_err(&mut keep);
        let workdays = read(files, "national/holidays.toml", workdays::workdays).map_err(&mut keep);
        let takes_part = |code: &RegionCode| regions.as_ref().ok().is_none_or(|regions| regions.contains_key(code));
        let chronic =
            read(files, registry::LIST, |file, raw| registry::chronic(file, raw, takes_part)).map_err(&mut keep);
        let catalogue = read(files, "national/catalogue.toml", items).map_err(&mut keep);
        let policies = read(files, "national/policies.toml", |_, raw: RawPolicies| Ok(raw.policy)).map_err(&mut keep);
        let screening = read(files, "national/screening.toml", |_, raw| Ok(raw)).map_err(&mut keep);
        let (Ok(regions), Ok(rules), Ok(workdays), Ok(chronic)) = (regions, rules, workdays, chronic) else {
            return Err(problems);
        };
        let (Ok((catalogue_version, items)), Ok(policies), Ok(screening)) = (catalogue, policies, screening) else {
            return Err(problems);
        };
        let mut keep = |found: Vec<Problem>| problems.extend(found);
        let known = Known { diseases: chronic.clone(), provinces: regions.keys().cloned().collect() };
        let institutions = read(files, registry::INSTITUTIONS, |file, raw| registry::institutions(file, raw, &known));
        let institutions = institutions.map_err(&mut keep);
        let related = read(files, registry::RELATED, |file, raw| registry::related(file, raw, &chronic, &items));
        let related = related.map_err(&mut keep);
        let policies_file = file(files, "national/policies.toml").map_err(|problem| vec![problem])?;
        let rules_file = file(files, "national/rules.toml").map_err(|problem| vec![problem])?;
        let screening_file = file(files, "national/screening.toml").map_err(|problem| vec![problem])?;
        let clusters = clusters(rules_file, &rules, &known).map_err(&mut keep);
        let screening = screening::numbers(screening_file, screening, &items).map_err(&mut keep);
        let policies = Defaults::read(policies, known).map_err(|found| keep(policies_file.policy_problems(found)));
        let (Ok(()), Ok(screening), Ok(institutions), Ok(related), Ok(policies)) =
            (clusters, screening, institutions, related, policies)
        else {
            return Err(problems);
        };
        Ok(National {
            rules,
            workdays,
            chronic,
            related,
            regions,
            institutions,
            items,
            catalogue_version,
            policies,
            screening,
        })
    }
}

/// Reads a file and makes of its text what `make` makes.
fn read<T: DeserializeOwned, U>(
    files: &[File<'_>],
    path: &str,
    make: impl FnOnce(File<'_>, T) -> Result<U, Vec<Problem>>,
) -> Result<U, Vec<Problem>> {
    let file = file(files, path).map_err(|problem| vec![problem])?;
    make(file, file.read().map_err(|problem| vec![problem])?)
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

fn regions(file: File<'_>, raw: RawRegions) -> Result<BTreeMap<RegionCode, Region>, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let mut regions = BTreeMap::new();
    for (index, RawRegion { code, zh, en, .. }) in raw.region.into_iter().enumerate() {
        let field = |name: &str| format!("region[{index}].{name}");
        findings.require(code.is_province(), &field("code"), "a province ends in 0000");
        findings.require(!zh.trim().is_empty(), &field("zh"), "a region has a name");
        findings.require(!en.trim().is_empty(), &field("en"), "a region has a name");
        let new = regions.insert(code.clone(), Region { code, zh, en }).is_none();
        findings.require(new, &field("code"), "the region stands here twice");
    }
    findings.require(regions.len() == REGIONS, "region", format!("{} regions, not {REGIONS}", regions.len()));
    findings.into_result(regions)
}

fn rules(file: File<'_>, rules: Rules) -> Result<Rules, Vec<Problem>> {
    let mut findings = Findings::of(file);
    let Rules { filing, verification, details, calendar, prepayment, ticket, designs } = &rules;
    findings.require(filing.temporary_months >= 1, "filing.temporary_months", "at least a month");
    findings.require(filing.long_term_lock_days >= 0, "filing.long_term_lock_days", "not negative");
    findings.require(!verification.stay_above.is_negative(), "verification.stay_above", "not negative");
    findings.require((1..=31).contains(&verification.answer_day), "verification.answer_day", "a day from 1 to 31");
    let appeal = "verification.appeal_working_days";
    findings.require(verification.appeal_working_days >= 1, appeal, "at least a day");
    findings.require(details.upload_days >= 1, "details.upload_days", "at least a day");
    let days = [
        ("calendar.reconciled_by", calendar.reconciled_by),
        ("calendar.agreed_by", calendar.agreed_by),
        ("calendar.tables_on", calendar.tables_on),
        ("calendar.confirmed_by", calendar.confirmed_by),
    ];
    let mut before = 0;
    for (field, day) in days {
        findings.require((1..=DAY_OF_EVERY_MONTH).contains(&day), field, "a day that every month has, 1 to 28");
        findings.require(day > before, field, "the days of the calendar rise");
        before = day;
    }
    findings.require(prepayment.quota_months >= 1, "prepayment.quota_months", "at least a month");
    findings.require(prepayment.yellow <= prepayment.red, "prepayment.yellow", "yellow comes before red");
    let months = prepayment.months_without_history;
    findings.require(months >= 1, "prepayment.months_without_history", "at least a month");
    findings.require(!prepayment.floor.is_negative(), "prepayment.floor", "not negative");
    let days = ticket.answer_working_days;
    findings.require(days >= 1, "ticket.answer_working_days", "at least a day: nobody answers before the question");
    findings.require((1..=QUEUE_ROUNDS_MAX).contains(&designs.rounds), "designs.rounds", "rounds from 1 to 1,000");
    findings.into_result(rules)
}

fn clusters(file: File<'_>, rules: &Rules, known: &Known) -> Result<(), Vec<Problem>> {
    let mut findings = Findings::of(file);
    for (index, Cluster { zh, en, provinces, .. }) in rules.verification.clusters.iter().enumerate() {
        let field = |name: &str| format!("verification.cluster[{index}].{name}");
        findings.require(!zh.trim().is_empty(), &field("zh"), "a cluster has a name");
        findings.require(!en.trim().is_empty(), &field("en"), "a cluster has a name");
        findings.require(provinces.len() >= 2, &field("provinces"), "a cluster has two provinces or more");
        for province in provinces.difference(&known.provinces) {
            findings.require(false, &field("provinces"), format!("{province} does not take part"));
        }
    }
    findings.into_result(())
}

fn items(file: File<'_>, raw: RawCatalogue) -> Result<(String, BTreeMap<ItemCode, Item>), Vec<Problem>> {
    let items = catalogue::items(file, "item", raw.item)?;
    let version =
        raw.about.version.ok_or_else(|| vec![file.problem("about.version", "the catalogue has a version")])?;
    Ok((version, items))
}
