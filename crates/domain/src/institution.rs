//! Designated institutions (定点医药机构) and what they are opened for: per service, and per chronic disease.
//! Source: 医保发〔2022〕22号, art. 14. Chronic care is opened disease by disease: a hospital may dialyse across provinces
//! and not treat tumours.

use std::collections::BTreeSet;

use crate::{
    calendar::Date,
    chronic::Listed,
    claim::{Level, Service},
    ids::{DiseaseCode, InstitutionCode},
    refusal::{Code, Refusal},
};

/// The rule that refuses an institution, or what it is not opened for.
pub(crate) const RULE: &str = "医保发〔2022〕22号, art. 14: networked institutions";

/// One networked institution (跨省联网定点).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// The code (`fixmedins_code`).
    pub code: InstitutionCode,
    /// Chinese name (`fixmedins_name`).
    pub zh: String,
    /// English name.
    pub en: String,
    /// The level; pharmacies count as primary.
    pub level: Level,
    /// Services it is opened for.
    pub services: BTreeSet<Service>,
    /// Chronic diseases it is opened for; none means every listed one.
    pub diseases: Option<BTreeSet<DiseaseCode>>,
    /// First day on the network.
    pub from: Option<Date>,
}

impl Institution {
    /// Refuses a service or a disease that the institution is not opened for on the day.
    ///
    /// # Errors
    /// [`Code::InstitutionNotOpened`] naming the service or the disease.
    pub fn opened(&self, service: Service, disease: Option<&Listed>, day: Date) -> Result<(), Refusal> {
        let refused = |zh: String, en: String| {
            Err(Refusal::new(Code::InstitutionNotOpened, RULE, "header.institution").with(zh, en))
        };
        if let Some(from) = self.from.filter(|from| day < *from) {
            return refused(
                format!("{} 自 {from} 起联网", self.code),
                format!("{} is on the network from {from}", self.code),
            );
        }
        if !self.services.contains(&service) {
            let (zh, en) = service.names();
            return refused(format!("{} 未开通{zh}", self.code), format!("{} is not opened for {en}", self.code));
        }
        match (disease, &self.diseases) {
            (Some(disease), Some(opened)) if !opened.contains(disease.code()) => refused(
                format!("{} 未开通病种 {}", self.code, disease.code()),
                format!("{} is not opened for disease {}", self.code, disease.code()),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calendar::parse_date,
        chronic::{ChronicList, Disease, Version},
    };

    /// A hospital of Shanghai on the network from 2023-01-01 for stays and for the chronic diseases given, `*` for all.
    fn check(diseases: &str, service: Service, disease: &str, day: &str, expected: &str) {
        let code = |text: &str| DiseaseCode::parse(text).unwrap();
        let listed = |text: &str| Disease { code: code(text), zh: "病".into(), en: "disease".into() };
        let list = ChronicList {
            versions: vec![Version {
                name: "test".into(),
                from: parse_date("2020-01-01").unwrap(),
                diseases: ["M03900", "M07801"].map(listed).into(),
            }],
            sub_codes: [(code("M07803"), code("M07801"))].into(),
        };
        let institution = Institution {
            code: InstitutionCode::parse("H31010000001").unwrap(),
            zh: "医院".into(),
            en: "Hospital".into(),
            level: Level::Tertiary,
            services: [Service::Stay, Service::Chronic].into(),
            diseases: (diseases != "*").then(|| diseases.split(',').map(code).collect()),
            from: parse_date("2023-01-01"),
        };
        let day = parse_date(day).unwrap();
        let disease = DiseaseCode::parse(disease).ok().map(|disease| list.listed(&disease, day).unwrap());
        let found = institution.opened(service, disease.as_ref(), day).map_err(|refusal| refusal.en);
        let found = found.err().unwrap_or_default();
        assert!(found.ends_with(expected) && found.is_empty() == expected.is_empty(), "{found}, not {expected}");
    }

    #[test]
    fn opening_is_by_service_disease_and_day() {
        for (diseases, service, disease, day, expected) in [
            ("*", Service::Stay, "-", "2023-01-01", ""),
            ("*", Service::Stay, "-", "2022-12-31", "on the network from 2023-01-01"),
            ("*", Service::Outpatient, "-", "2025-03-10", "not opened for outpatient visits"),
            ("*", Service::Chronic, "M03900", "2025-03-10", ""),
            ("M07801", Service::Chronic, "M03900", "2025-03-10", "not opened for disease M03900"),
            ("M07801", Service::Chronic, "M07803", "2025-03-10", ""),
        ] {
            check(diseases, service, disease, day, expected);
        }
    }
}
