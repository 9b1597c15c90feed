//! The shapes (待遇形态) a home policy is made of; each one occurs somewhere in China.
//! These types are read straight from `parameters/`; what types cannot say is in `check.rs`.
//!
//! Gap: some regions waive the deductible for listed diseases (psychiatric stays, repeated chemotherapy). A claim
//! carries no diagnosis of a stay, so no shape here can say so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    marker::PhantomData,
};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, value::MapAccessDeserializer},
};

use crate::{
    claim::{Level, Service},
    ids::DiseaseCode,
    money::{Bp, Fen},
    person::Assisted,
    source::Source,
};

use super::TreatmentClass;

/// One value per level of institution (医院级别). In files: one value for all, or
/// `{ primary = …, secondary = …, tertiary = … }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByLevel<T> {
    /// 一级及以下.
    pub primary: T,
    /// 二级.
    pub secondary: T,
    /// 三级.
    pub tertiary: T,
}

impl<T: Copy> ByLevel<T> {
    /// The same value for all.
    #[must_use]
    pub fn all(value: T) -> ByLevel<T> {
        ByLevel { primary: value, secondary: value, tertiary: value }
    }

    /// The value of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> T {
        match level {
            Level::Primary => self.primary,
            Level::Secondary => self.secondary,
            Level::Tertiary => self.tertiary,
        }
    }

    /// The three values.
    #[must_use]
    pub fn each(&self) -> [T; 3] {
        [self.primary, self.secondary, self.tertiary]
    }
}

impl<'de, T: Deserialize<'de> + Copy> Deserialize<'de> for ByLevel<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table<T> {
            primary: T,
            secondary: T,
            tertiary: T,
        }
        struct OneOrThree<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Copy> de::Visitor<'de> for OneOrThree<T> {
            type Value = ByLevel<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value, or a table with `primary`, `secondary` and `tertiary`")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                T::deserialize(number.into_deserializer()).map(ByLevel::all)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(ByLevel::all)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let Table { primary, secondary, tertiary } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ByLevel { primary, secondary, tertiary })
            }
        }
        deserializer.deserialize_any(OneOrThree(PhantomData))
    }
}

/// Stays (住院).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inpatient {
    /// The deductible of a stay.
    pub deductible: Deductible,
    /// What the basic fund pays.
    pub ratio: Ratios,
    /// The most the basic fund pays in a year (封顶线), fen; none: no cap.
    pub cap: Option<Fen>,
    /// Source mark.
    pub source: Source,
}

/// The deductible of a stay (起付线).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deductible {
    /// The deductible of the first stay of a year.
    pub amount: DeductibleAmount,
    /// The same for retired persons, fen, where it differs.
    pub retired: Option<ByLevel<Fen>>,
    /// Its own deductible for a class of treatment away from home ([`TreatmentClass::Local`] has none); it takes the
    /// place of the two above.
    #[serde(default)]
    pub away: BTreeMap<TreatmentClass, DeductibleAmount>,
    /// What later stays of the year are charged.
    #[serde(default)]
    pub next_stay: NextStay,
    /// One stay is charged again after so many days; none: once.
    pub again_after_days: Option<i64>,
}

/// How large a deductible is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DeductibleAmount {
    /// By the institution's level, fen.
    PerLevel(ByLevel<Fen>),
    /// A share of the whole bill (`medfee_sumamt`), own pay included.
    ShareOfBill {
        /// The share.
        ratio: Bp,
        /// At least, fen.
        floor: Fen,
        /// At most, fen.
        ceiling: Fen,
    },
}

/// How the deductible goes on with the second stay of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NextStay {
    /// Charged in full each time.
    #[default]
    Full,
    /// Half of it from the second stay on.
    Halved,
    /// Less by a fixed step each time.
    Falling {
        /// The step, fen.
        by: Fen,
        /// Never less than this, fen.
        floor: Fen,
    },
    /// One deductible a year, filled up over the stays.
    Yearly,
}

/// The ratios of the basic fund (支付比例): the base by segments, then what the person adds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratios {
    /// Segments of in-scope cost, ascending; the last is open. One segment is a flat ratio.
    /// The deductible lies inside: a first segment up to 30 000 under a deductible of 1 300 pays for 28 700.
    pub segments: Vec<Segment>,
    /// What a retired person has more.
    pub retired: Option<RetiredBonus>,
    /// What age adds; the highest age reached counts.
    #[serde(default)]
    pub age: Vec<AgeBonus>,
    /// Its own segments for a class of treatment away from home ([`TreatmentClass::Local`] has none), where the terms
    /// away apply to the service. They stand alone: no bonus is added, and the reduction is off for the class.
    #[serde(default)]
    pub away: BTreeMap<TreatmentClass, Vec<Segment>>,
}

/// A segment of in-scope cost (费用段).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Where it ends, fen; the last one is open.
    pub upto: Option<Fen>,
    /// The base ratio.
    pub ratio: ByLevel<Bp>,
    /// The base ratio of retired persons, where this segment has its own.
    pub retired: Option<ByLevel<Bp>>,
}

/// What a retired person's ratio has more than an active one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetiredBonus {
    /// So many points.
    Points(ByLevel<Bp>),
    /// The person pays this share of what an active one pays: 85 % with 60 % becomes 91 %.
    Pays(Bp),
}

/// Points added from an age on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeBonus {
    /// The age in whole years on the last day of service.
    pub from: u16,
    /// The points.
    pub points: ByLevel<Bp>,
}

/// Ordinary outpatient care (普通门诊).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outpatient {
    /// Levels at which the fund pays.
    #[serde(default = "every_level")]
    pub levels: BTreeSet<Level>,
    /// Whether pharmacies are paid as primary institutions; else only the account pays there.
    #[serde(default)]
    pub pharmacies: bool,
    /// The deductible, where there is one.
    pub deductible: Option<VisitDeductible>,
    /// What the fund pays; the segments run over the outpatient cost of the year.
    pub ratio: Ratios,
    /// The most the fund pays in a year, fen; none: no cap of its own.
    pub cap: Option<Fen>,
    /// The same for retired persons, fen, where it differs.
    pub retired_cap: Option<Fen>,
    /// Whether it is paid under the inpatient cap, together with stays.
    #[serde(default)]
    pub in_inpatient_cap: bool,
    /// Whether the terms for care away from home apply: the reduction, or the ratio's own segments for the class.
    #[serde(default)]
    pub reduced_away: bool,
    /// Source mark.
    pub source: Source,
}

fn every_level() -> BTreeSet<Level> {
    BTreeSet::from([Level::Primary, Level::Secondary, Level::Tertiary])
}

/// The deductible of ordinary outpatient care (门诊起付).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitDeductible {
    /// Once a year, or at each visit.
    pub per: Per,
    /// The amount, fen.
    pub amount: ByLevel<Fen>,
    /// The same for retired persons, fen, where it differs.
    pub retired: Option<ByLevel<Fen>>,
}

/// How often a deductible is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Once a year, filled up over the visits.
    Year,
    /// At each visit.
    Visit,
}

/// Outpatient chronic diseases (门诊慢特病).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chronic {
    /// Rules by disease; the first that names the disease, or names none, decides.
    #[serde(rename = "rule")]
    pub rules: Vec<ChronicRule>,
    /// What several diseases with quotas have together.
    #[serde(default)]
    pub several: Several,
    /// Whether it is paid under the inpatient cap, together with stays.
    #[serde(default)]
    pub in_inpatient_cap: bool,
    /// Whether the terms for care away from home apply: the reduction, or the ratio's own segments for the class.
    #[serde(default)]
    pub reduced_away: bool,
    /// Source mark.
    pub source: Source,
}

impl Chronic {
    /// The rule of a listed disease.
    #[must_use]
    pub fn rule(&self, disease: &DiseaseCode) -> Option<&ChronicRule> {
        self.rules.iter().find(|rule| rule.diseases.is_empty() || rule.diseases.contains(disease))
    }
}

/// What is paid for some chronic diseases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChronicRule {
    /// The diseases by listed national code; none named: all the others.
    #[serde(default)]
    pub diseases: BTreeSet<DiseaseCode>,
    /// What the fund pays.
    pub pays: ChronicPay,
    /// One deductible a year over all chronic diseases, fen, where there is one.
    pub deductible: Option<ByLevel<Fen>>,
    /// The most that is due for one disease in a year at this rule's ratio (限额), fen.
    pub quota: Option<Fen>,
}

/// The ratio for a chronic disease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChronicPay {
    /// As a stay; a year of treatment counts as one stay.
    LikeInpatient,
    /// Its own ratio.
    Ratio(ByLevel<Bp>),
}

/// What a person with several quota diseases may be paid in a year, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// The quotas add up.
    #[default]
    Sum,
    /// The highest quota, and this much for each further disease, fen.
    HighestPlus(Fen),
    /// The quotas add up, but not above this, fen.
    SumUpTo(Fen),
}

/// Personal account (个人账户) and family sharing (家庭共济). Residents have no account of their own; family may share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What it may pay.
    pub pays: AccountScope,
    /// Source mark.
    pub source: Source,
}

/// What a personal account may pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountScope {
    /// What is left of the in-scope cost.
    InScope,
    /// Everything left, own pay included.
    Everything,
}

/// A tier of accumulated burden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Where it ends, fen; the last one is open.
    pub upto: Option<Fen>,
    /// The ratio.
    pub ratio: Bp,
}

/// Resident catastrophic insurance (大病保险): pays on the in-scope burden of the year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catastrophic {
    /// Services whose burden counts.
    pub counts: BTreeSet<Service>,
    /// Chronic diseases whose burden counts, by listed national code; none named: all. Other services are not touched.
    #[serde(default)]
    pub diseases: BTreeSet<DiseaseCode>,
    /// The yearly line (起付标准), fen.
    pub line: Fen,
    /// Tiers, ascending; the last is open.
    pub tiers: Vec<Tier>,
    /// Whether the tiers are measured from the line on; else from the first fen of burden.
    #[serde(default)]
    pub tiers_above_line: bool,
    /// The most it pays in a year, fen.
    pub cap: Option<Fen>,
    /// What poor persons have better.
    pub eased: Option<Eased>,
    /// Source mark.
    pub source: Source,
}

/// Catastrophic insurance for poor persons (大病保险倾斜): lower line, more points, no cap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eased {
    /// Who.
    pub groups: BTreeSet<Assisted>,
    /// Their line as a share of the line.
    pub line: Bp,
    /// Points more in every tier.
    pub points: Bp,
}

/// Employee large-amount aid (职工大额补助).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargeAmount {
    /// Services whose burden counts for [`LargeAmount::above_burden`].
    pub counts: BTreeSet<Service>,
    /// Pays in-scope cost above the cap of the basic fund.
    pub above_cap: Option<AboveCap>,
    /// Pays burden of the year above a line.
    pub above_burden: Option<AboveBurden>,
    /// The most it pays in a year, fen.
    pub cap: Option<Fen>,
    /// The most it and the basic fund under its cap pay together in a year, fen.
    pub total: Option<Fen>,
    /// Source mark.
    pub source: Source,
}

/// Large-amount aid above the basic cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboveCap {
    /// The ratio.
    pub ratio: Bp,
    /// The ratio of retired persons, where it differs.
    pub retired: Option<Bp>,
}

/// Large-amount aid above a line of burden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboveBurden {
    /// The yearly line, fen.
    pub line: Fen,
    /// The ratio above it.
    pub ratio: Bp,
}

/// Civil-servant supplement (公务员医疗补助).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CivilServant {
    /// Services it pays for.
    pub services: BTreeSet<Service>,
    /// The ratio of what is left of the in-scope cost.
    pub ratio: Bp,
    /// The most it pays in a year, fen.
    pub cap: Option<Fen>,
    /// Source mark.
    pub source: Source,
}

/// Medical assistance (医疗救助).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assistance {
    /// Services it pays for.
    pub services: BTreeSet<Service>,
    /// Whether persons who left without referral go without it.
    pub needs_referral: bool,
    /// Who has what.
    #[serde(rename = "group")]
    pub groups: Vec<AssistanceGroup>,
    /// Source mark.
    pub source: Source,
}

/// What some assisted persons have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssistanceGroup {
    /// Who.
    pub who: BTreeSet<Assisted>,
    /// The yearly line of burden left by the earlier layers, fen.
    pub line: Fen,
    /// The ratio above it.
    pub ratio: Bp,
    /// The most it pays in a year, fen.
    pub cap: Option<Fen>,
}
