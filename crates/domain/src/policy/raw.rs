//! Policies (参保地政策) as files hold them: `[[policy]]` of the national defaults, `[[area]]` of a region.
//! A policy may say `uses = "…"`; a section it writes itself takes the place of the default's whole section.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Account, Area, Assistance, Catastrophic, Chronic, CivilServant, FilingRules, Inpatient, Known, LargeAmount,
    NewYear, Outpatient, Policy, Reduction,
    check::{self, Checked},
};
use crate::{calendar::Date, ids::RegionCode, person::Scheme, source::Source};

/// A `[[area]]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawArea {
    /// Division code.
    pub code: RegionCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its policies.
    #[serde(default, rename = "policy")]
    pub policies: Vec<RawPolicy>,
}

/// An `[[area.policy]]` section, or a national `[[policy]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPolicy {
    /// Name of a national default; an area's policy has none.
    pub id: Option<String>,
    /// The default whose sections stand where this policy writes none.
    pub uses: Option<String>,
    /// The scheme.
    pub scheme: Scheme,
    /// First day.
    pub from: Date,
    /// Source mark.
    pub source: Source,
    /// See [`Policy::new_year`].
    pub new_year: Option<NewYear>,
    /// See [`Policy::filing`].
    pub filing: Option<FilingRules>,
    /// See [`Policy::reduction`].
    pub reduction: Option<Reduction>,
    /// See [`Policy::inpatient`].
    pub inpatient: Option<Inpatient>,
    /// See [`Policy::outpatient`].
    pub outpatient: Option<Outpatient>,
    /// See [`Policy::chronic`].
    pub chronic: Option<Chronic>,
    /// See [`Policy::account`].
    pub account: Option<Account>,
    /// See [`Policy::catastrophic`].
    pub catastrophic: Option<Catastrophic>,
    /// See [`Policy::large_amount`].
    pub large_amount: Option<LargeAmount>,
    /// See [`Policy::civil_servant`].
    pub civil_servant: Option<CivilServant>,
    /// See [`Policy::assistance`].
    pub assistance: Option<Assistance>,
}

/// Something wrong in a file, beyond what types can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field in the file, such as `area[0].policy[1].inpatient.cap`.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

/// The national default policies by id, and what policies may name.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    policies: BTreeMap<String, RawPolicy>,
    known: Known,
}

impl Defaults {
    /// Checks the `[[policy]]` sections of the national file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn read(policies: Vec<RawPolicy>, known: Known) -> Result<Defaults, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut defaults = Defaults { policies: BTreeMap::new(), known };
        for (index, policy) in policies.into_iter().enumerate() {
            let at = format!("policy[{index}]");
            let mut complain = |field: &str, what: &str| problems.push(problem(&at, field, what));
            if policy.uses.is_some() {
                complain("uses", "a national default stands alone");
            }
            for (missing, field) in [
                (policy.filing.is_none(), "filing"),
                (policy.reduction.is_none(), "reduction"),
                (policy.inpatient.is_none(), "inpatient"),
            ] {
                if missing {
                    complain(field, "every national default needs this section");
                }
            }
            match policy.id.clone() {
                None => complain("id", "a national default needs an id"),
                Some(id) if defaults.policies.contains_key(&id) => complain("id", "this id is taken"),
                Some(id) => {
                    check_sections(&at, &policy, &defaults.known, &mut problems);
                    defaults.policies.insert(id, policy);
                }
            }
        }
        if problems.is_empty() { Ok(defaults) } else { Err(problems) }
    }
}

/// Makes an area of its section, which stands at `at` in the region's file: joins it with the defaults and checks it.
///
/// # Errors
/// Every problem found.
pub fn area(raw: RawArea, at: &str, region: &RegionCode, defaults: &Defaults) -> Result<Area, Vec<Problem>> {
    let mut problems = Vec::new();
    let RawArea { code, zh, en, policies } = raw;
    if !region.holds(&code) {
        problems.push(problem(at, "code", &format!("{code} does not lie in region {region}")));
    }
    for (field, name) in [("zh", &zh), ("en", &en)] {
        if name.trim().is_empty() {
            problems.push(problem(at, field, "an area has a name"));
        }
    }
    for scheme in [Scheme::Employee, Scheme::Resident] {
        let mut days = BTreeMap::new();
        for (index, policy) in policies.iter().enumerate().filter(|(_, policy)| policy.scheme == scheme) {
            if days.insert(policy.from, index).is_some() {
                let what = format!("two policies for scheme {scheme:?} from the same day");
                problems.push(problem(at, &format!("policy[{index}].from"), &what));
            }
        }
        if days.is_empty() {
            problems.push(problem(at, "policy", &format!("no policy for scheme {scheme:?}")));
        }
    }
    let joined = policies.iter().enumerate();
    let mut policies: Vec<Policy> = joined
        .filter_map(|(index, own)| join(&code, &format!("{at}.policy[{index}]"), own, defaults, &mut problems))
        .collect();
    policies.sort_by_key(|policy| (policy.from, policy.scheme));
    if problems.is_empty() { Ok(Area { code, zh, en, policies }) } else { Err(problems) }
}

fn join(
    area: &RegionCode,
    at: &str,
    own: &RawPolicy,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) -> Option<Policy> {
    if own.id.is_some() {
        problems.push(problem(at, "id", "only a national default has an id"));
    }
    let base = own.uses.as_ref().and_then(|uses| {
        let found = defaults.policies.get(uses).filter(|base| base.scheme == own.scheme);
        if found.is_none() {
            problems.push(problem(at, "uses", &format!("no national default `{uses}` for this scheme")));
        }
        found
    });
    check_sections(at, own, &defaults.known, problems);
    let mut missing = |field: &str| problems.push(problem(at, field, "neither written here nor in the default used"));
    macro_rules! section {
        ($field:ident) => {
            own.$field.as_ref().or(base.and_then(|base| base.$field.as_ref())).cloned()
        };
        ($field:ident, needed) => {{
            let found = section!($field);
            if found.is_none() {
                missing(stringify!($field));
            }
            found
        }};
    }
    let (filing, reduction, inpatient) =
        (section!(filing, needed), section!(reduction, needed), section!(inpatient, needed));
    let policy = Policy {
        area: area.clone(),
        scheme: own.scheme,
        from: own.from,
        source: own.source.clone(),
        new_year: own.new_year.or(base.and_then(|base| base.new_year)).unwrap_or_default(),
        filing: filing?,
        reduction: reduction?,
        inpatient: inpatient?,
        outpatient: section!(outpatient),
        chronic: section!(chronic),
        account: section!(account),
        catastrophic: section!(catastrophic),
        large_amount: section!(large_amount),
        civil_servant: section!(civil_servant),
        assistance: section!(assistance),
    };
    problems.extend(check::whole(&policy).into_iter().map(|(field, what)| problem(at, &field, &what)));
    Some(policy)
}

fn check_sections(at: &str, policy: &RawPolicy, known: &Known, problems: &mut Vec<Problem>) {
    let mut section = |name: &str, section: Option<&dyn Checked>| {
        let found = section.map(|section| section.check(known)).unwrap_or_default();
        problems.extend(found.into_iter().map(|(field, what)| problem(at, &format!("{name}.{field}"), &what)));
    };
    macro_rules! sections {
        ($($field:ident)*) => { $(section(stringify!($field), policy.$field.as_ref().map(|s| s as &dyn Checked));)* };
    }
    sections!(filing reduction inpatient outpatient chronic account catastrophic large_amount civil_servant assistance);
}

fn problem(at: &str, field: &str, what: &str) -> Problem {
    Problem { path: format!("{at}.{field}"), what: what.into() }
}
