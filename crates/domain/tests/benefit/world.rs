//! The shipped policies, cases written as rows of text, and the one `check` of this suite.

use std::sync::OnceLock;

use serde::Deserialize;
use zhijie_domain::{
    accumulator::{Accumulator, Accumulators},
    benefit::{Case, compute},
    calendar::{Date, parse_date},
    catalogue::FeeCategory,
    chronic::{ChronicList, Listed},
    claim::{AccountUse, Claim, Level, Service},
    ids::{DiseaseCode, InstitutionCode, PersonId, RegionCode, VisitId},
    money::{Bp, Fen},
    parameters::{File, Parameters},
    person::{Assisted, Category, Person, Purse, Qualification, Scheme},
    policy::{
        Area, Known, Policy, TreatmentClass,
        raw::{self, Defaults, RawArea, RawPolicy},
    },
    refusal::Refusal,
    settlement::Computation,
    split::{CategoryParts, Parts},
};

#[derive(Deserialize)]
struct NationalFile {
    policy: Vec<RawPolicy>,
}

#[derive(Deserialize)]
struct RegionFile {
    #[serde(default)]
    area: Vec<RawArea>,
}

/// The shipped parameters, read once.
pub(crate) fn shipped() -> &'static Parameters {
    static ALL: OnceLock<Parameters> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = crate::shipped::files();
        let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
        Parameters::parse(&files).unwrap_or_else(|problems| panic!("{problems:#?}"))
    })
}

/// The national chronic list.
pub(crate) fn list() -> &'static ChronicList {
    &shipped().chronic
}

fn defaults() -> Defaults {
    let files = crate::shipped::files();
    let (_, text) = files.iter().find(|(path, _)| path == "national/policies.toml").unwrap();
    let known = Known { diseases: list().clone(), provinces: shipped().regions.keys().cloned().collect() };
    Defaults::read(toml::from_str::<NationalFile>(text).unwrap().policy, known).unwrap()
}

/// Areas written as TOML, in a region.
pub(crate) fn areas_of(text: &str, region: &str) -> Result<Vec<Area>, Vec<raw::Problem>> {
    let file: RegionFile = toml::from_str(text).unwrap_or_else(|error| panic!("{region}: {error}"));
    let region = RegionCode::parse(region).unwrap();
    let defaults = defaults();
    let areas = file.area.into_iter().enumerate();
    areas.map(|(index, area)| raw::area(area, &format!("area[{index}]"), &region, &defaults)).collect()
}

/// The shipped policy of an area and scheme on a day.
pub(crate) fn shipped_policy(area: &str, scheme: Scheme, day: &str) -> Policy {
    let area = RegionCode::parse(area).unwrap();
    shipped().policy(&area, scheme, parse_date(day).unwrap()).unwrap().clone()
}

/// A policy of sections that take the place of the national default's.
pub(crate) fn policy_of(scheme: Scheme, sections: &str) -> Policy {
    let head = |name: &str| {
        format!(
            "[[area.policy]]\nscheme = \"{name}\"\nuses = \"default-{name}\"\nfrom = \"2023-01-01\"\nsource = \"design\"\n"
        )
    };
    let (own, other) = if scheme == Scheme::Employee { ("employee", "resident") } else { ("resident", "employee") };
    let text = format!(
        "[[area]]\ncode = \"990100\"\nzh = \"试\"\nen = \"Test\"\n{}\n{}\n{sections}\n",
        head(other),
        head(own),
    );
    let areas = areas_of(&text, "990000").unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    areas[0].policy(scheme, parse_date("2025-06-01").unwrap()).unwrap().clone()
}

/// A case, with everything that a row of text can say.
pub(crate) struct Scenario {
    pub(crate) person: Person,
    pub(crate) purse: Purse,
    pub(crate) class: TreatmentClass,
    pub(crate) claim: Claim,
    pub(crate) used: Accumulators,
    pub(crate) listed: Option<Listed>,
}

impl Scenario {
    /// An active adult's stay of ten days in a tertiary hospital, as far as nothing else is said.
    pub(crate) fn plain(scheme: Scheme) -> Scenario {
        let (from, to) = (date("2025-03-01"), date("2025-03-11"));
        let category = if scheme == Scheme::Employee { Category::Active } else { Category::Adult };
        Scenario {
            person: Person {
                id: PersonId::parse("P1").unwrap(),
                area: RegionCode::parse("990100").unwrap(),
                scheme,
                category,
                birth: date("1980-01-01"),
                civil_servant: false,
                assisted: None,
                sex: None,
                insured_from: date("2020-01-01"),
                waiting_until: None,
                paused_from: None,
                qualifications: Vec::new(),
            },
            purse: Purse::default(),
            class: TreatmentClass::Local,
            claim: Claim {
                visit: VisitId::parse("V1").unwrap(),
                person: PersonId::parse("P1").unwrap(),
                home: RegionCode::parse("990000").unwrap(),
                care: RegionCode::parse("310000").unwrap(),
                scheme,
                institution: InstitutionCode::parse("H31010000001").unwrap(),
                level: Level::Tertiary,
                service: Service::Stay,
                disease: None,
                emergency: false,
                injury: false,
                third_party: false,
                from,
                to,
                parts: Parts::default(),
                categories: Vec::new(),
                account_use: AccountUse::None,
            },
            used: Accumulators::default(),
            listed: None,
        }
    }

    /// Reads a row such as `in=70470 own=6500 class=referred used.burden=100`.
    pub(crate) fn parse(scheme: Scheme, row: &str) -> Scenario {
        let mut s = Scenario::plain(scheme);
        let mut used = Accumulator::default();
        for token in row.split_whitespace() {
            let (key, value) = token.split_once('=').unwrap_or_else(|| panic!("{token}"));
            match key {
                "in" => s.claim.parts.in_scope = yuan(value),
                "own" => s.claim.parts.own = yuan(value),
                "over" => s.claim.parts.over = yuan(value),
                "pre" => s.claim.parts.pre = yuan(value),
                "class" => s.class = word::<TreatmentClass>(value),
                "level" => s.claim.level = word::<Level>(value),
                "service" => s.claim.service = word::<Service>(value),
                "use" => s.claim.account_use = word::<AccountUse>(value),
                "category" => s.person.category = word::<Category>(value),
                "assisted" => s.person.assisted = Some(word::<Assisted>(value)),
                "servant" => s.person.civil_servant = value == "yes",
                "birth" => s.person.birth = date(value),
                "from" => s.claim.from = date(value),
                "to" => s.claim.to = date(value),
                "account" => s.purse.account = yuan(value),
                "family" => s.purse.family = yuan(value),
                "disease" => s.suffer(value),
                "qualified" => s.qualify(value),
                "used.admissions" => used.admissions = value.parse().unwrap(),
                _ => match key.strip_prefix("used.") {
                    Some(code) if code.starts_with('M') => {
                        used.chronic.insert(DiseaseCode::parse(code).unwrap(), yuan(value));
                    }
                    Some(field) => assert!(used.set(field, yuan(value)), "{field}"),
                    None => panic!("{token}"),
                },
            }
        }
        if s.claim.service != Service::Stay {
            s.claim.from = s.claim.to;
        }
        let p = &mut s.claim.parts;
        p.total = Fen::sum([p.own, p.over, p.pre, p.in_scope]).unwrap();
        s.claim.categories = vec![CategoryParts { category: FeeCategory::new(9).unwrap(), parts: *p }];
        s.used.0.insert((scheme, s.claim.to.year()), used);
        s
    }

    fn suffer(&mut self, code: &str) {
        let code = DiseaseCode::parse(code).unwrap();
        self.listed = Some(list().listed(&code, date("2025-03-01"), &[]).unwrap());
        self.claim.service = Service::Chronic;
        self.claim.disease = Some(code);
    }

    fn qualify(&mut self, codes: &str) {
        for code in codes.split(',') {
            let disease = DiseaseCode::parse(code).unwrap();
            self.person.qualifications.push(Qualification { disease, from: date("2020-01-01"), to: None });
        }
    }

    pub(crate) fn compute(&self, policy: &Policy) -> Result<Computation, Refusal> {
        compute(&Case {
            policy,
            person: &self.person,
            purse: self.purse,
            class: self.class,
            claim: &self.claim,
            used: &self.used,
            listed: self.listed.as_ref(),
        })
    }
}

/// Computes a row under a policy and compares the amounts that `expected` names, such as
/// `basic=38208.50 steps=segment,catastrophic.tier 2025.burden=32261.50`.
pub(crate) fn check(policy: &Policy, row: &str, expected: &str) {
    let scenario = Scenario::parse(policy.scheme, row);
    let computed = scenario.compute(policy).unwrap_or_else(|refusal| panic!("{row}: {refusal}"));
    sound(&scenario, &computed, row);
    let a = &computed.amounts;
    for token in expected.split_whitespace() {
        let (key, value) = token.split_once('=').unwrap_or_else(|| panic!("{token}"));
        let found = match key {
            "basic" => a.funds.basic,
            "catastrophic" => a.funds.catastrophic,
            "large" => a.funds.large_amount,
            "civil" => a.funds.civil_servant,
            "assistance" => a.funds.assistance,
            "fund" => a.fund_total,
            "personal" => a.personal,
            "deductible" => a.deductible,
            "prepay" => a.out_prepay,
            "account" => a.account,
            "family" => a.family,
            "cash" => a.cash,
            "balance" => a.balance,
            "ratio" => {
                assert_eq!(Some(computed.ratio), Bp::parse_percent(value), "{row}: ratio");
                continue;
            }
            "steps" => {
                for rule in value.split(',') {
                    assert!(
                        computed.steps.iter().any(|step| step.rule == rule),
                        "{row}: no {rule} in {:#?}",
                        computed.steps
                    );
                }
                continue;
            }
            "without" => {
                assert!(computed.steps.iter().all(|step| step.rule != value), "{row}: {value}");
                continue;
            }
            _ => gained(&computed, key),
        };
        assert_eq!(found, yuan(value), "{row}: {key} is {found}, not {value}; {:#?}", computed.steps);
    }
}

/// What must hold of every computation.
pub(crate) fn sound(scenario: &Scenario, computed: &Computation, row: &str) {
    computed.amounts.check().unwrap_or_else(|refusal| panic!("{row}: {refusal}"));
    assert!(computed.amounts.fund_total <= scenario.claim.parts.in_scope, "{row}: funds exceed the scope");
    for step in &computed.steps {
        assert!(!step.source.is_empty() && !step.zh.is_empty() && !step.en.is_empty(), "{row}: {step:?}");
    }
    let booked = scenario.used.plus(scenario.person.scheme, &computed.differences).unwrap();
    let back = booked.minus(scenario.person.scheme, &computed.differences).unwrap();
    let clean =
        Accumulators(scenario.used.0.clone().into_iter().filter(|(_, a)| *a != Accumulator::default()).collect());
    assert_eq!(back, clean, "{row}: a reversal gives back what was booked");
}

fn gained(computed: &Computation, key: &str) -> Fen {
    let (year, field) = key.split_once('.').unwrap_or_else(|| panic!("{key}"));
    let difference = computed.differences.get(&year.parse().unwrap()).cloned().unwrap_or_default();
    if field == "admissions" {
        return Fen(difference.admissions * 100);
    }
    if field.starts_with('M') {
        return difference.chronic.get(&DiseaseCode::parse(field).unwrap()).copied().unwrap_or_default();
    }
    difference.amounts().into_iter().find(|(name, _)| *name == field).unwrap_or_else(|| panic!("{field}")).1
}

pub(crate) fn yuan(text: &str) -> Fen {
    Fen::parse_yuan(text).unwrap_or_else(|| panic!("{text}"))
}

pub(crate) fn date(text: &str) -> Date {
    parse_date(text).unwrap_or_else(|| panic!("{text}"))
}

fn word<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    use serde::de::{IntoDeserializer, value::Error};
    T::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).unwrap_or_else(|error| panic!("{error}"))
}
