//! The insured person (参保人) as the home region's register holds them.

use serde::Deserialize;

use crate::{
    calendar::Date,
    chronic::{Listed, Version},
    ids::{DiseaseCode, PersonId, RegionCode},
    money::Fen,
    refusal::{Code, Refusal},
};

/// The scheme (险种, `insutype`): each has its own pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// 职工基本医疗保险, `insutype` 310.
    Employee,
    /// 城乡居民基本医疗保险, `insutype` 390.
    Resident,
}

/// The sex (性别, `gend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    /// 男, `gend` 1.
    Male,
    /// 女, `gend` 2.
    Female,
}

impl Sex {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Sex::Male => ("男性", "male"),
            Sex::Female => ("女性", "female"),
        }
    }
}

/// The category (人员类别, `psn_type`) as far as a rule asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// 在职, `psn_type` 11.
    Active,
    /// 退休, `psn_type` 12.
    Retired,
    /// 未成年与学生, `psn_type` 14.
    Minor,
    /// 成年居民, `psn_type` 15.
    Adult,
    /// 老年居民, `psn_type` 16.
    Elderly,
}

/// Why a person is entitled to medical assistance (医疗救助对象, `psn_idet_type` 23xx).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assisted {
    /// 特困, `psn_idet_type` 2304.
    Destitute,
    /// 低保, `psn_idet_type` 2303.
    MinimumLiving,
    /// 返贫致贫, a household that fell back into poverty.
    FallenBack,
    /// 低保边缘, `psn_idet_type` 2305.
    Marginal,
    /// 因病致贫, `psn_idet_type` 2306.
    MadePoorByIllness,
}

/// A recognised chronic disease (门诊慢特病资格认定).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualification {
    /// The disease, in its parent form or a sub-code.
    pub disease: DiseaseCode,
    /// First day.
    pub from: Date,
    /// Last day, where it ends.
    pub to: Option<Date>,
}

/// One insured person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The number at the home region (`psn_no`).
    pub id: PersonId,
    /// The pooling area (统筹区) whose policy applies, such as `341200`.
    pub area: RegionCode,
    /// The scheme (`insutype`).
    pub scheme: Scheme,
    /// The category (`psn_type`).
    pub category: Category,
    /// Birth date (`brdy`).
    pub birth: Date,
    /// Sex (`gend`), where the register has it.
    pub sex: Option<Sex>,
    /// Takes part in the civil-servant supplement (`cvlserv_flag`).
    #[serde(default)]
    pub civil_servant: bool,
    /// Registered for medical assistance.
    pub assisted: Option<Assisted>,
    /// Insured since (`psn_insu_date`).
    pub insured_from: Date,
    /// First day with benefits where a waiting period runs.
    pub waiting_until: Option<Date>,
    /// Paused since (`paus_insu_date`).
    pub paused_from: Option<Date>,
    /// Recognised chronic diseases.
    #[serde(default)]
    pub qualifications: Vec<Qualification>,
}

/// The person as far as the screening of a stay asks. Personal data: never in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patient {
    /// Sex (`gend`), where it is known.
    pub sex: Option<Sex>,
    /// Birth date (`brdy`).
    pub birth: Date,
}

/// Money that is the person's own inside the insurance; it moves with each settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Purse {
    /// The personal account (个人账户, `balc`), fen.
    pub account: Fen,
    /// What family members share (家庭共济), fen.
    pub family: Fen,
}

impl Person {
    /// The person as the hub screens a stay by.
    #[must_use]
    pub fn patient(&self) -> Patient {
        Patient { sex: self.sex, birth: self.birth }
    }

    /// Refuses a person whose insurance gives nothing on the day.
    ///
    /// # Errors
    /// [`Code::InsuranceInactive`], naming the date that stands against it.
    pub fn insured_on(&self, day: Date) -> Result<(), Refusal> {
        let inactive = |field: &str, zh: &str, en: &str, date: Date| {
            Err(Refusal::new(Code::InsuranceInactive, "eligibility: insured, not paused, no waiting period", field)
                .with(format!("{zh} {date}"), format!("{en} {date}")))
        };
        if day < self.insured_from {
            return inactive("insured_from", "参保日期", "insured from", self.insured_from);
        }
        match (self.paused_from, self.waiting_until) {
            (Some(paused), _) if day >= paused => inactive("paused_from", "暂停参保自", "paused since", paused),
            (_, Some(until)) if day < until => inactive("waiting_until", "等待期至", "waiting until", until),
            _ => Ok(()),
        }
    }

    /// Refuses a chronic visit of a person whom the home region has not recognised for the disease. What a
    /// qualification is for is read from the version that lists the disease, the home region's own codes first.
    ///
    /// # Errors
    /// [`Code::DiseaseNotQualified`] naming the disease.
    pub fn qualified(&self, listed: &Listed, day: Date) -> Result<(), Refusal> {
        if self.diseases(listed.version(), day).any(|code| code == *listed.code()) {
            return Ok(());
        }
        Err(Refusal::new(
            Code::DiseaseNotQualified,
            "门诊慢特病资格认定: the home region recognises the person",
            "disease",
        )
        .with(format!("{}，{day}", listed.code()), format!("{} on {day}", listed.code())))
    }

    /// The diseases for which the person is recognised on a day, by the listed codes of a version; what it does not
    /// list is left out.
    pub fn diseases<'a>(&'a self, version: &'a Version, day: Date) -> impl Iterator<Item = DiseaseCode> + 'a {
        let in_force = move |q: &&Qualification| q.from <= day && q.to.is_none_or(|to| day <= to);
        let regions = [self.area.province()];
        self.qualifications.iter().filter(in_force).filter_map(move |q| version.stands_for(&q.disease, &regions))
    }
}
