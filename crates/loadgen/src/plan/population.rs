//! People (参保人群): who is insured where, and where each is treated; all from the seed, so that the same people come
//! again. All are made up.

use rand::{RngExt, seq::IndexedRandom};
use zhijie_protocol::v1 as pb;

use super::{Tag, Wheel, wheel, world::Places};

/// Each so many-th person has a chronic disease.
pub(super) const CHRONIC_EACH: u32 = 5;
/// The diseases they have; all are listed since 2024, and each is treated in every province.
pub const DISEASES: &[&str] = &["M03900", "M01600", "M05300", "M06900", "M04600", "M00200"];
/// Two of three settlements are of employees.
const EMPLOYEES_PERCENT: u32 = 67;
/// Kinds of filing that people hold, percent; the rest are other temporary ones.
const LONG_TERM_PERCENT: u32 = 49;
/// See [`LONG_TERM_PERCENT`].
const REFERRED_PERCENT: u32 = 27;

/// A person, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Someone {
    /// Number from 0.
    pub number: u32,
    /// Index of the home province.
    pub home: u16,
    /// Index of the pooling area in it.
    area: u16,
    /// Index of the care province where the person is usually treated, and has a filing for.
    pub care: u16,
    /// True for the employees' scheme.
    pub employee: bool,
    category: pb::Category,
    /// Index of the chronic disease, if there is one.
    disease: Option<u8>,
    filing: pb::FilingKind,
    /// Age, years.
    age: u8,
    female: bool,
}

/// All people.
#[derive(Debug, Clone)]
pub struct Population {
    seed: u64,
    people: Vec<Someone>,
}

impl Population {
    /// So many people of a seed.
    #[must_use]
    pub fn of(seed: u64, count: u32, places: &Places) -> Population {
        let people =
            (0..count).map(|number| Someone::draw(number, places, &mut wheel(seed, Tag::Person, number.into())));
        Population { seed, people: people.collect() }
    }

    /// All of them.
    #[must_use]
    pub fn people(&self) -> &[Someone] {
        &self.people
    }

    /// The seed they are of.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }
}

impl Someone {
    fn draw(number: u32, places: &Places, wheel: &mut Wheel) -> Someone {
        let home = places.draw_home(wheel);
        let care = places.draw_care(home, wheel);
        let areas = places.homes.get(home).map_or(1, |home| home.areas.len().max(1));
        let employee = wheel.random_ratio(EMPLOYEES_PERCENT, 100);
        let age: u8 = if employee { wheel.random_range(22..85) } else { wheel.random_range(1..90) };
        let category = match (employee, age) {
            (true, ..60) => pb::Category::Active,
            (true, _) => pb::Category::Retired,
            (false, ..18) => pb::Category::Minor,
            (false, 18..60) => pb::Category::Adult,
            (false, _) => pb::Category::Elderly,
        };
        let filing = match wheel.random_range(0..100) {
            of if of < LONG_TERM_PERCENT => match category {
                pb::Category::Retired => pb::FilingKind::ResettledRetiree,
                pb::Category::Active => pb::FilingKind::PostedWorker,
                _ => pb::FilingKind::LongTermResident,
            },
            of if of < LONG_TERM_PERCENT + REFERRED_PERCENT => pb::FilingKind::Referred,
            _ => pb::FilingKind::OtherTemporary,
        };
        let sick = number.is_multiple_of(CHRONIC_EACH);
        let index = |index: usize| u16::try_from(index).unwrap_or_default();
        Someone {
            number,
            home: index(home),
            area: index(wheel.random_range(0..areas)),
            care: index(care),
            employee,
            category,
            disease: sick.then(|| wheel.random_range(0..DISEASES.len()) as u8),
            filing,
            age,
            female: wheel.random_bool(0.5),
        }
    }

    /// The pooling area.
    #[must_use]
    pub fn area<'a>(&self, places: &'a Places) -> &'a str {
        let home = places.homes.get(usize::from(self.home));
        home.and_then(|home| home.areas.get(usize::from(self.area))).map_or("", String::as_str)
    }

    /// The number in the register: area, seed and number, so that another seed's people are others.
    #[must_use]
    pub fn id(&self, seed: u64, places: &Places) -> String {
        format!("{}{:010}{:08}", self.area(places), seed % 10_000_000_000, self.number)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> pb::Scheme {
        if self.employee { pb::Scheme::Employee } else { pb::Scheme::Resident }
    }

    /// The chronic disease, or nothing.
    #[must_use]
    pub fn disease(&self) -> &'static str {
        self.disease.and_then(|index| DISEASES.get(usize::from(index))).copied().unwrap_or("")
    }

    /// The entry in the register, on a day of that year.
    #[must_use]
    pub fn enrolment(&self, seed: u64, places: &Places, year: i16) -> pb::EnrolRequest {
        let mut draw = wheel(seed, Tag::Purse, self.number.into());
        let since =
            |disease: &str| pb::Qualification { disease: disease.into(), from: "2024-12-01".into(), to: String::new() };
        let person = pb::Person {
            id: self.id(seed, places),
            area: self.area(places).to_owned(),
            scheme: self.scheme().into(),
            category: self.category.into(),
            birth: format!("{:04}-06-15", year - i16::from(self.age)),
            insured_from: "2015-01-01".into(),
            qualifications: Some(self.disease()).filter(|disease| !disease.is_empty()).map(since).into_iter().collect(),
            sex: if self.female { pb::Sex::Female } else { pb::Sex::Male }.into(),
            civil_servant: self.employee && draw.random_ratio(1, 20),
            ..pb::Person::default()
        };
        let account = if self.employee { draw.random_range(0..500_000) } else { 0 };
        let family = [0, 0, 0, 50_000].choose(&mut draw).copied().unwrap_or(0);
        pb::EnrolRequest { person: Some(person), purse: Some(pb::Purse { account, family }) }
    }

    /// The filing for the province in which the person is usually treated.
    #[must_use]
    pub fn filing(&self, seed: u64, places: &Places, today: &str) -> pb::FileRequest {
        pb::FileRequest {
            person: self.id(seed, places),
            kind: self.filing.into(),
            place: places.cares.get(usize::from(self.care)).map(|care| care.code.clone()).unwrap_or_default(),
            from: today.into(),
            needs_review: false,
            message_id: format!("first-{today}"),
        }
    }
}
