//! Policies (参保地政策) as files hold them: `[[policy]]` of the national defaults, `[[area]]` of a region.
//! A policy may say `uses = "…"`; a section it writes itself takes the place of the default's whole section.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use super::{
    Account, Area, Assistance, Catastrophic, Chronic, CivilServant, FilingRules, Inpatient, LargeAmount, NewYear,
    Outpatient, Policy, Reduction,
    check::{self, Checked},
};
use crate::{calendar::Date, ids::RegionCode, person::Scheme};

/// A `[[area]]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawArea {
    /// Division code.
    pub code: Spanned<RegionCode>,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its policies.
    #[serde(default, rename = "policy")]
    pub policies: Vec<Spanned<RawPolicy>>,
}

/// An `[[area.policy]]` section, or a national `[[policy]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPolicy {
    /// Name of a national default; an area's policy has none.
    pub id: Option<String>,
    /// The default whose sections stand where this policy writes none.
    pub uses: Option<Spanned<String>>,
    /// The scheme.
    pub scheme: Scheme,
    /// First day.
    pub from: Date,
    /// Source mark.
    pub source: Spanned<String>,
    /// See [`Policy::new_year`].
    pub new_year: Option<NewYear>,
    /// See [`Policy::filing`].
    pub filing: Option<Spanned<FilingRules>>,
    /// See [`Policy::reduction`].
    pub reduction: Option<Spanned<Reduction>>,
    /// See [`Policy::inpatient`].
    pub inpatient: Option<Spanned<Inpatient>>,
    /// See [`Policy::outpatient`].
    pub outpatient: Option<Spanned<Outpatient>>,
    /// See [`Policy::chronic`].
    pub chronic: Option<Spanned<Chronic>>,
    /// See [`Policy::account`].
    pub account: Option<Spanned<Account>>,
    /// See [`Policy::catastrophic`].
    pub catastrophic: Option<Spanned<Catastrophic>>,
    /// See [`Policy::large_amount`].
    pub large_amount: Option<Spanned<LargeAmount>>,
    /// See [`Policy::civil_servant`].
    pub civil_servant: Option<Spanned<CivilServant>>,
    /// See [`Policy::assistance`].
    pub assistance: Option<Spanned<Assistance>>,
}

/// Something wrong in a file, beyond what types can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the file.
    pub span: Option<Range<usize>>,
    /// The field, such as `inpatient.ratio.segments`.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

/// The national default policies by id.
#[derive(Debug, Clone, Default)]
pub struct Defaults(BTreeMap<String, RawPolicy>);

impl Defaults {
    /// Checks the `[[policy]]` sections of the national file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn read(policies: Vec<Spanned<RawPolicy>>) -> Result<Defaults, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut defaults = BTreeMap::new();
        for spanned in policies {
            let span = spanned.span();
            let policy = spanned.into_inner();
            let mut complain = |field: &str, what: &str| problems.push(problem(Some(span.clone()), field, what));
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
                Some(id) if defaults.contains_key(&id) => complain("id", "this id is taken"),
                Some(id) => {
                    check_sections(&policy, &mut problems);
                    defaults.insert(id, policy);
                }
            }
        }
        if problems.is_empty() { Ok(Defaults(defaults)) } else { Err(problems) }
    }
}

/// Makes an area of its section: joins it with the defaults and checks it.
///
/// # Errors
/// Every problem found; a span points into the region's file.
pub fn area(raw: RawArea, region: &RegionCode, defaults: &Defaults) -> Result<Area, Vec<Problem>> {
    let mut problems = Vec::new();
    let span = raw.code.span();
    let code = raw.code.into_inner();
    if !region.holds(&code) {
        problems.push(problem(Some(span.clone()), "area.code", &format!("{code} does not lie in region {region}")));
    }
    for scheme in [Scheme::Employee, Scheme::Resident] {
        let mut days: Vec<Date> =
            raw.policies.iter().map(Spanned::get_ref).filter(|p| p.scheme == scheme).map(|p| p.from).collect();
        days.sort();
        if days.is_empty() {
            problems.push(problem(Some(span.clone()), "area.policy", &format!("no policy for scheme {scheme:?}")));
        }
        if days.windows(2).any(|pair| pair[0] == pair[1]) {
            let what = format!("two policies for scheme {scheme:?} from the same day");
            problems.push(problem(Some(span.clone()), "area.policy.from", &what));
        }
    }
    let mut policies: Vec<Policy> =
        raw.policies.iter().filter_map(|policy| join(&code, policy, defaults, &mut problems)).collect();
    policies.sort_by_key(|policy| (policy.from, policy.scheme));
    let area = Area { code, zh: raw.zh, en: raw.en, policies };
    if problems.is_empty() { Ok(area) } else { Err(problems) }
}

fn join(
    area: &RegionCode,
    spanned: &Spanned<RawPolicy>,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) -> Option<Policy> {
    let own = spanned.get_ref();
    if own.id.is_some() {
        problems.push(problem(Some(spanned.span()), "id", "only a national default has an id"));
    }
    let base = own.uses.as_ref().and_then(|uses| {
        let found = defaults.0.get(uses.get_ref()).filter(|base| base.scheme == own.scheme);
        if found.is_none() {
            let what = format!("no national default `{}` for this scheme", uses.get_ref());
            problems.push(problem(Some(uses.span()), "uses", &what));
        }
        found
    });
    check_sections(own, problems);
    let mut missing = |field: &str| {
        problems.push(problem(Some(spanned.span()), field, "neither written here nor in the default used"))
    };
    macro_rules! section {
        ($field:ident) => {
            own.$field.as_ref().or(base.and_then(|base| base.$field.as_ref())).map(|section| section.get_ref().clone())
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
        source: own.source.get_ref().clone(),
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
    problems
        .extend(check::whole(&policy).into_iter().map(|(field, what)| problem(Some(spanned.span()), &field, &what)));
    Some(policy)
}

fn check_sections(policy: &RawPolicy, problems: &mut Vec<Problem>) {
    fn section<T: Checked>(name: &str, section: Option<&Spanned<T>>, problems: &mut Vec<Problem>) {
        if let Some(section) = section {
            let found = section.get_ref().check();
            problems.extend(
                found.into_iter().map(|(field, what)| problem(Some(section.span()), &format!("{name}.{field}"), &what)),
            );
        }
    }
    if policy.source.get_ref().trim().is_empty() {
        problems.push(problem(Some(policy.source.span()), "source", check::EMPTY_SOURCE));
    }
    section("filing", policy.filing.as_ref(), problems);
    section("reduction", policy.reduction.as_ref(), problems);
    section("inpatient", policy.inpatient.as_ref(), problems);
    section("outpatient", policy.outpatient.as_ref(), problems);
    section("chronic", policy.chronic.as_ref(), problems);
    section("account", policy.account.as_ref(), problems);
    section("catastrophic", policy.catastrophic.as_ref(), problems);
    section("large_amount", policy.large_amount.as_ref(), problems);
    section("civil_servant", policy.civil_servant.as_ref(), problems);
    section("assistance", policy.assistance.as_ref(), problems);
}

fn problem(span: Option<Range<usize>>, field: &str, what: &str) -> Problem {
    Problem { span, field: field.into(), what: what.into() }
}
