//! The claim (结算申请): what the care region sends home about a bill it has split.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    calendar::{Date, days_between},
    ids::{DiseaseCode, InstitutionCode, PersonId, RegionCode, VisitId},
    limits,
    money::Fen,
    person::Scheme,
    refusal::{Code, Refusal},
    split::{CategoryParts, Parts, SplitLine, roll_up},
};

/// The kind of service (业务类型), by the leading digits of `med_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// 普通门诊, `med_type` 11 (13 with the emergency flag).
    Outpatient,
    /// 药店购药, `med_type` 41.
    Pharmacy,
    /// 门诊慢特病, `med_type` 14.
    Chronic,
    /// 住院, `med_type` 21 (24 with the emergency flag).
    Stay,
}

impl Service {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Service::Outpatient => ("普通门诊", "outpatient visits"),
            Service::Pharmacy => ("药店购药", "pharmacy purchases"),
            Service::Chronic => ("门诊慢特病", "chronic visits"),
            Service::Stay => ("住院", "stays"),
        }
    }
}

/// The level of an institution as deductibles and ratios know it (`dedc_hosp_lv`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 一级及以下; pharmacies count here.
    Primary,
    /// 二级.
    Secondary,
    /// 三级.
    Tertiary,
}

/// Which accounts the person lets pay (`acct_used_flag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum AccountUse {
    /// 不使用, 0.
    #[default]
    None,
    /// 使用本人个账, 1.
    Own,
    /// 使用本人及共济人个账, 2.
    OwnAndFamily,
}

/// A bill, split by the care catalogue, on its way to the home region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The visit (`mdtrt_id`).
    pub visit: VisitId,
    /// The person (`psn_no`).
    pub person: PersonId,
    /// The home pooling area (`insuplc_admdvs`); its province is the service that answers.
    pub home: RegionCode,
    /// The scheme (`insutype`).
    pub scheme: Scheme,
    /// The care division (`mdtrtarea_admvs`); its province is the service that split the bill.
    pub care: RegionCode,
    /// The institution (`fixmedins_code`); its division is the place a filing must hold.
    pub institution: InstitutionCode,
    /// Its level (`dedc_hosp_lv`).
    pub level: Level,
    /// The kind of service (`med_type`).
    pub service: Service,
    /// The chronic disease, for [`Service::Chronic`] only (`opsp_dise_code`).
    pub disease: Option<DiseaseCode>,
    /// Emergency or rescue (`otp_er_refl_flag`, `ipt_type`): deemed filed.
    pub emergency: bool,
    /// Injury (`trum_flag`).
    pub injury: bool,
    /// A third party is involved (`rel_ttp_flag`): no direct settlement, whether an injury is flagged or not.
    pub third_party: bool,
    /// First day of service: the visit's day, or the admission (`begntime`).
    pub from: Date,
    /// Last day of service: the same day, or the discharge (`endtime`).
    pub to: Date,
    /// The bill and its parts (`medfee_sumamt` and the four split sums).
    pub parts: Parts,
    /// The same by fee category (`med_chrgitm_type`); they add up to `parts`.
    pub categories: Vec<CategoryParts>,
    /// Which accounts may pay (`acct_used_flag`).
    pub account_use: AccountUse,
}

impl Claim {
    /// What every hop checks before anything else: the identities of the bill and the order of its dates.
    ///
    /// # Errors
    /// [`Code::SplitBroken`], [`Code::LimitExceeded`], [`Code::FieldInvalid`] or [`Code::ThirdPartyLiable`].
    pub fn check(&self) -> Result<(), Refusal> {
        self.parts.check("parts")?;
        let mut sum = Parts::default();
        for category in &self.categories {
            category.parts.check("categories")?;
            sum = sum.plus(&category.parts)?;
        }
        if sum != self.parts {
            return Err(Refusal::new(Code::SplitBroken, "identity: bill = sum of its categories", "categories").with(
                format!("{} ≠ {}", sum.total, self.parts.total),
                format!("{} ≠ {}", sum.total, self.parts.total),
            ));
        }
        if self.parts.total > Fen(limits::BILL_FEN_MAX) {
            return Err(Refusal::new(Code::LimitExceeded, "limit: total of one bill", "parts.total"));
        }
        if (self.service == Service::Chronic) != self.disease.is_some() {
            return Err(Refusal::malformed(
                "disease",
                "门诊慢特病必填，其他业务不填",
                "given for a chronic visit and for no other",
            ));
        }
        if self.service != Service::Stay && self.from != self.to {
            return Err(Refusal::malformed("to", "非住院时须与 from 相同", "equal to `from` outside a stay"));
        }
        let days = days_between(self.from, self.to);
        if !(0..=limits::STAY_DAYS_MAX).contains(&days) {
            return Err(Refusal::malformed(
                "to",
                "不得早于 from，且不超过十年",
                "not before `from` and at most ten years after it",
            ));
        }
        if self.third_party {
            return Err(Refusal::new(
                Code::ThirdPartyLiable,
                "医保发〔2022〕22号: injuries with a liable third party",
                "third_party",
            ));
        }
        Ok(())
    }

    /// Checks the split lines that an outpatient claim carries against its bill. A stay carries none.
    ///
    /// # Errors
    /// [`Code::SplitBroken`] when a line or their sum is not right, [`Code::LimitExceeded`].
    pub fn check_lines(&self, lines: &[SplitLine]) -> Result<(), Refusal> {
        if self.service == Service::Stay && lines.is_empty() {
            return Ok(());
        }
        self.add_up(lines, "claim.lines")
    }

    /// Checks the detail lines of a settled stay, which come after its claim.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] where there are none, [`Code::LineConflict`] for two lines of one serial,
    /// [`Code::SplitBroken`] when a line or their sum is not right, [`Code::LimitExceeded`].
    pub fn check_details(&self, lines: &[SplitLine]) -> Result<(), Refusal> {
        if lines.is_empty() {
            return Err(Refusal::malformed("lines", "至少一条费用明细", "at least one fee line"));
        }
        self.add_up(lines, "lines")?;
        let mut serials = BTreeSet::new();
        match lines.iter().map(|split| &split.line.serial).find(|serial| !serials.insert(*serial)) {
            Some(serial) => {
                let rule = "a serial is unique in its visit";
                Err(Refusal::new(Code::LineConflict, rule, "lines.serial").with(serial, serial))
            }
            None => Ok(()),
        }
    }

    fn add_up(&self, lines: &[SplitLine], field: &str) -> Result<(), Refusal> {
        if lines.len() > limits::FEE_LINES_MAX {
            return Err(Refusal::new(Code::LimitExceeded, "limit: fee lines of one visit", field));
        }
        for line in lines {
            line.parts.check(field)?;
        }
        let (bill, categories) = roll_up(lines)?;
        if bill != self.parts || categories != self.categories {
            return Err(Refusal::new(Code::SplitBroken, "identity: bill = sum of its lines", field).with(
                format!("{} ≠ {}", bill.total, self.parts.total),
                format!("{} ≠ {}", bill.total, self.parts.total),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        calendar::parse_date,
        catalogue::{Class, FeeCategory},
        ids::ItemCode,
        money::{Bp, Price, Quantity},
        split::{Approval, FeeLine},
    };

    /// A stay of ten days and 1,000 yuan in Shanghai.
    pub(crate) fn claim() -> Claim {
        let parts = Parts { total: Fen(100_000), own: Fen(10_000), in_scope: Fen(90_000), ..Parts::default() };
        Claim {
            visit: VisitId::parse("V1").unwrap(),
            person: PersonId::parse("P1").unwrap(),
            home: RegionCode::parse("341200").unwrap(),
            scheme: Scheme::Resident,
            care: RegionCode::parse("310100").unwrap(),
            institution: InstitutionCode::parse("H31010000001").unwrap(),
            level: Level::Tertiary,
            service: Service::Stay,
            disease: None,
            emergency: false,
            injury: false,
            third_party: false,
            from: parse_date("2025-03-01").unwrap(),
            to: parse_date("2025-03-11").unwrap(),
            parts,
            categories: vec![CategoryParts { category: FeeCategory::new(9).unwrap(), parts }],
            account_use: AccountUse::None,
        }
    }

    /// Changes a sound claim and expects `-`, or the code and field of the refusal.
    fn check(change: fn(&mut Claim), expected: &str) {
        let mut claim = claim();
        change(&mut claim);
        let found = claim.check().map_or_else(|refusal| format!("{} {}", refusal.code, refusal.field), |()| "-".into());
        assert_eq!(found, expected, "{claim:?}");
    }

    fn all(claim: &mut Claim, change: fn(&mut Parts)) {
        change(&mut claim.parts);
        change(&mut claim.categories[0].parts);
    }

    #[test]
    fn what_is_no_claim_is_refused_by_name() {
        check(|_| (), "-");
        check(|c| c.parts.total = Fen(100_001), "E402 parts");
        check(|c| c.parts.pre = Fen(-1), "E402 parts");
        check(|c| (c.parts.own, c.parts.over) = (Fen(i64::MAX), Fen(i64::MAX)), "E003 parts");
        check(|c| c.categories.clear(), "E402 categories");
        check(|c| c.categories[0].parts.total = Fen(1), "E402 categories");
        check(|c| c.categories.push(c.categories[0]), "E402 categories");
        check(|c| all(c, |p| (p.total, p.in_scope) = (Fen(10_000_000_001), Fen(9_999_990_001))), "E002 parts.total");
        check(|c| c.disease = DiseaseCode::parse("M03900").ok(), "E001 disease");
        check(|c| (c.service, c.to) = (Service::Chronic, c.from), "E001 disease");
        check(|c| c.service = Service::Outpatient, "E001 to");
        check(|c| (c.service, c.to) = (Service::Outpatient, c.from), "-");
        check(|c| std::mem::swap(&mut c.from, &mut c.to), "E001 to");
        check(|c| c.to = parse_date("2035-03-10").unwrap(), "E001 to");
        check(|c| c.injury = true, "-");
        check(|c| c.third_party = true, "E204 third_party");
        check(|c| (c.injury, c.third_party) = (true, true), "E204 third_party");
        check(|c| all(c, |p| *p = Parts::default()), "-");
    }

    /// Checks detail lines `serial total own in_scope` in fen, all of the claim's category.
    fn check_details(lines: &[&str], expected: &str) {
        let claim = claim();
        let line = |text: &&str| {
            let words: Vec<i64> = text.split(' ').map(|word| word.parse().unwrap()).collect();
            let [serial, total, own, in_scope] = words[..] else { panic!("{text}") };
            SplitLine {
                line: FeeLine {
                    serial: serial.to_string(),
                    item: ItemCode::parse("A1").unwrap(),
                    price: Price(1),
                    quantity: Quantity(1),
                    declared: None,
                    approval: Approval::NotNeeded,
                },
                category: claim.categories[0].category,
                class: Class::A,
                self_pay: Bp(0),
                limit: None,
                parts: Parts { total: Fen(total), own: Fen(own), in_scope: Fen(in_scope), ..Parts::default() },
            }
        };
        let found = claim.check_details(&lines.iter().map(line).collect::<Vec<_>>());
        let found = found.map_or_else(|refusal| format!("{} {}", refusal.code, refusal.field), |()| "-".into());
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn detail_lines_add_up_to_what_was_settled() {
        for (lines, expected) in [
            (&["1 100000 10000 90000"][..], "-"),
            (&["1 60000 10000 50000", "2 40000 0 40000"], "-"),
            (&[], "E001 lines"),
            (&["1 60000 10000 50000"], "E402 lines"),
            (&["1 60000 10000 50000", "2 40001 0 40001"], "E402 lines"),
            // The total is right, and a part is not.
            (&["1 100000 0 100000"], "E402 lines"),
            (&["1 60000 10000 50000", "2 40000 0 39999"], "E402 lines"),
            (&["1 60000 10000 50000", "2 50000 0 50000", "3 -10000 0 -10000"], "E402 lines"),
            (&["1 60000 10000 50000", "1 40000 0 40000"], "E403 lines.serial"),
            (&["1 9223372036854775807 0 9223372036854775807", "2 1 0 1"], "E003 amount"),
        ] {
            check_details(lines, expected);
        }
    }
}
