//! The home policy (参保地政策) of a pooling area, scheme and time: shapes here, numbers in `parameters/`.
//! Source: the frame of the 待遇清单 (2021); each shape is one that really occurs somewhere.

mod check;
pub mod raw;
mod shapes;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    calendar::Date, chronic::ChronicList, claim::Service, ids::RegionCode, money::Bp, person::Scheme, source::Source,
};

pub use shapes::{
    AboveBurden, AboveCap, Account, AccountScope, AgeBonus, Assistance, AssistanceGroup, ByLevel, Catastrophic,
    Chronic, ChronicPay, ChronicRule, CivilServant, Deductible, DeductibleAmount, Eased, Inpatient, LargeAmount,
    NextStay, Outpatient, Per, Ratios, RetiredBonus, Segment, Several, Tier, VisitDeductible,
};

/// How a person counts away from home (备案类别对应的待遇).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreatmentClass {
    /// Long-term filed, in the filed place: as at home.
    Local,
    /// Referred (转诊).
    Referred,
    /// Emergency or rescue (急诊抢救), deemed filed.
    Emergency,
    /// Other temporary stay away (其他临时外出).
    Other,
    /// No filing.
    Unfiled,
}

impl TreatmentClass {
    /// Its name in files and in the ids of rules: `referred`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TreatmentClass::Local => "local",
            TreatmentClass::Referred => "referred",
            TreatmentClass::Emergency => "emergency",
            TreatmentClass::Other => "other",
            TreatmentClass::Unfiled => "unfiled",
        }
    }
}

/// What a home region does with a person who did not file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfiled {
    /// No direct settlement.
    Refuse,
    /// Settled as [`TreatmentClass::Unfiled`] with its own cut.
    Settle,
}

/// A cluster in which no filing is asked for, such as the Yangtze delta.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Care provinces.
    pub provinces: BTreeSet<RegionCode>,
    /// Services for which nothing is asked.
    pub services: BTreeSet<Service>,
}

/// What a policy may name: the national chronic list, and the provinces that take part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The chronic list.
    pub diseases: ChronicList,
    /// The provinces.
    pub provinces: BTreeSet<RegionCode>,
}

/// What a home region asks of filings. Validity is national; see [`crate::filing::FilingTerms`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilingRules {
    /// Services that need a filing; the others count as [`TreatmentClass::Local`] without one.
    pub required_for: BTreeSet<Service>,
    /// Clusters without filing.
    #[serde(default)]
    pub waived: Vec<Waiver>,
    /// What happens without a filing.
    pub unfiled: Unfiled,
    /// Source mark.
    pub source: Source,
}

/// How a temporary stay away lowers the benefit (异地降低待遇的方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReductionMode {
    /// 降点: the ratio loses the cut in points, 65 % − 10 points = 55 %.
    Points,
    /// 打折: the ratio loses the cut as its share, 65 % × (100 % − 10 %) = 58.5 %.
    Factor,
    /// 先行自付: the patient first bears the cut as a share of the in-scope cost, then the full ratio applies.
    Prepay,
}

/// The reduction for care away from home; [`TreatmentClass::Local`] is never reduced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduction {
    /// The arithmetic.
    pub mode: ReductionMode,
    /// The cut of referred persons.
    pub referred: Bp,
    /// The cut of emergencies.
    pub emergency: Bp,
    /// The cut of other temporary stays.
    pub other: Bp,
    /// The cut without a filing, where such claims are settled.
    pub unfiled: Bp,
    /// Whether what [`ReductionMode::Prepay`] leaves to the patient counts for the layers above the basic fund.
    #[serde(default)]
    pub prepay_counts: bool,
    /// Source mark.
    pub source: Source,
}

impl Reduction {
    /// The cut of a class.
    #[must_use]
    pub fn of(&self, class: TreatmentClass) -> Bp {
        match class {
            TreatmentClass::Local => Bp::ZERO,
            TreatmentClass::Referred => self.referred,
            TreatmentClass::Emergency => self.emergency,
            TreatmentClass::Other => self.other,
            TreatmentClass::Unfiled => self.unfiled,
        }
    }
}

/// The year to which a stay over 1 January belongs (跨年度住院).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewYear {
    /// All of it to the year of discharge.
    #[default]
    Whole,
    /// By days; the day of admission counts, the day of discharge does not.
    Split,
}

/// The policy of one pooling area and scheme from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The pooling area (统筹区).
    pub area: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// First day.
    pub from: Date,
    /// Source mark of the whole.
    pub source: Source,
    /// What is asked of filings.
    pub filing: FilingRules,
    /// The reduction away from home.
    pub reduction: Reduction,
    /// Stays over New Year.
    pub new_year: NewYear,
    /// Stays.
    pub inpatient: Inpatient,
    /// Ordinary outpatient care; without it only the account pays.
    pub outpatient: Option<Outpatient>,
    /// Outpatient chronic diseases.
    pub chronic: Option<Chronic>,
    /// Personal account and family sharing.
    pub account: Option<Account>,
    /// Resident catastrophic insurance.
    pub catastrophic: Option<Catastrophic>,
    /// Employee large-amount aid.
    pub large_amount: Option<LargeAmount>,
    /// Civil-servant supplement.
    pub civil_servant: Option<CivilServant>,
    /// Medical assistance.
    pub assistance: Option<Assistance>,
}

impl Policy {
    /// The place of a section in the parameters with its source mark: `341200/resident: found: …`.
    #[must_use]
    pub fn mark(&self, source: &str) -> String {
        let scheme = match self.scheme {
            Scheme::Employee => "employee",
            Scheme::Resident => "resident",
        };
        format!("{}/{scheme}: {source}", self.area)
    }
}

/// A pooling area (统筹区) with its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Its division code, such as `341200`.
    pub code: RegionCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Policies of both schemes, oldest first.
    pub policies: Vec<Policy>,
}

impl Area {
    /// The scheme's newest policy that began on or before the day.
    #[must_use]
    pub fn policy(&self, scheme: Scheme, day: Date) -> Option<&Policy> {
        self.policies.iter().rev().find(|policy| policy.scheme == scheme && policy.from <= day)
    }
}
