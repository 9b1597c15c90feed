//! Designated institutions (定点医药机构) and what they are opened for: per service, and per chronic disease.
//! Source: 22/2022 art. 14; regulations 2.2: opening is per institution *and* disease.

use std::collections::BTreeSet;

use crate::{
    calendar::Date,
    chronic::Listed,
    claim::{Level, Service},
    ids::{DiseaseCode, InstitutionCode},
    refusal::{Code, Refusal},
};

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
            Err(Refusal::new(Code::InstitutionNotOpened, "22/2022 art. 14: networked institutions", "institution")
                .with(zh, en))
        };
        if let Some(from) = self.from.filter(|from| day < *from) {
            return refused(
                format!("{} 自 {from} 起联网", self.code),
                format!("{} is on the network from {from}", self.code),
            );
        }
        if !self.services.contains(&service) {
            return refused(
                format!("{} 未开通 {service:?}", self.code),
                format!("{} is not opened for {service:?}", self.code),
            );
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
