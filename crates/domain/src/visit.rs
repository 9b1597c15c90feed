//! The visit (就诊, 住院) as the home region sees it: registered, settled, withdrawn; one open stay per person.
//! Source: 医保发〔2022〕22号: admission inside the validity of a filing counts; one stay at a time is how home regions do it.

use crate::{
    calendar::Date,
    claim::{Claim, Service},
    filing::CoveredFiling,
    ids::{InstitutionCode, PersonId, RegionCode, SettlementId, VisitId},
    person::{Patient, Scheme},
    refusal::{Code, Refusal},
};

/// What a hospital registers (2201, 2401).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The visit (`mdtrt_id`), issued by the care region.
    pub visit: VisitId,
    /// The person (`psn_no`).
    pub person: PersonId,
    /// The home pooling area (`insuplc_admdvs`).
    pub home: RegionCode,
    /// The scheme (`insutype`).
    pub scheme: Scheme,
    /// The institution (`fixmedins_code`).
    pub institution: InstitutionCode,
    /// The kind of service (`med_type`).
    pub service: Service,
    /// Emergency (`otp_er_refl_flag`, `ipt_type`).
    pub emergency: bool,
    /// The day of the visit or admission (`begntime`).
    pub from: Date,
}

/// Where a visit stands at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitStatus {
    /// Registered and not settled; for a stay: 在院.
    Open,
    /// Settled.
    Settled(SettlementId),
    /// Registration undone.
    Withdrawn,
}

/// A visit with the filing snapshot that its registration took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// What was registered.
    pub registration: Registration,
    /// The filing in force at admission; none where none covered it, and a late filing may still come.
    pub snapshot: Option<CoveredFiling>,
    /// The person as the register had them at registration, for the hub's screening.
    pub patient: Option<Patient>,
    /// Where it stands.
    pub status: VisitStatus,
}

impl Visit {
    /// True where a claim is of this visit: of its person, institution, service and admission.
    #[must_use]
    pub fn is_of(&self, claim: &Claim) -> bool {
        let registered = &self.registration;
        registered.person == claim.person
            && registered.institution == claim.institution
            && registered.service == claim.service
            && registered.from == claim.from
    }

    /// Refuses a claim that is not of this visit or comes when the visit is not open.
    ///
    /// # Errors
    /// [`Code::VisitUnknown`] when person, institution, service or admission differ, [`Code::VisitState`] when not open.
    pub fn accepts(&self, claim: &Claim) -> Result<(), Refusal> {
        if !self.is_of(claim) {
            return Err(Refusal::new(Code::VisitUnknown, "a claim is of the visit it names", "visit_id")
                .with("与登记信息不一致", "it does not agree with the registration"));
        }
        match &self.status {
            VisitStatus::Open => Ok(()),
            VisitStatus::Settled(id) => Err(state(format!("已结算 {id}"), format!("settled as {id}"))),
            VisitStatus::Withdrawn => Err(state("已撤销登记".into(), "its registration was withdrawn".into())),
        }
    }
}

fn state(zh: String, en: String) -> Refusal {
    Refusal::new(Code::VisitState, "a visit is settled once", "visit_id").with(zh, en)
}

/// Refuses a second stay while one is open.
///
/// # Errors
/// [`Code::OpenStay`] naming the open visit.
pub fn admit(open: Option<&VisitId>, registration: &Registration) -> Result<(), Refusal> {
    match open {
        Some(open) if registration.service == Service::Stay && *open != registration.visit => {
            Err(Refusal::new(Code::OpenStay, "one open stay per person", "person")
                .with(format!("在院就诊 {open}"), format!("open visit {open}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calendar::parse_date, claim::tests::claim};

    fn visit(status: VisitStatus) -> Visit {
        let claim = claim();
        let registration = Registration {
            visit: claim.visit,
            person: claim.person,
            home: claim.home,
            scheme: claim.scheme,
            institution: claim.institution,
            service: claim.service,
            emergency: false,
            from: claim.from,
        };
        Visit { registration, snapshot: None, patient: None, status }
    }

    /// Changes a claim of the visit and expects `-` or the code of the refusal.
    fn check(status: VisitStatus, change: fn(&mut Claim), expected: &str) {
        let mut claim = claim();
        change(&mut claim);
        let found = visit(status).accepts(&claim).map_or_else(|refusal| refusal.code.to_string(), |()| "-".into());
        assert_eq!(found, expected, "{claim:?}");
    }

    #[test]
    fn an_open_visit_takes_its_own_claim() {
        let settled = VisitStatus::Settled(SettlementId::parse("S1").unwrap());
        check(VisitStatus::Open, |_| (), "-");
        check(settled, |_| (), "E505");
        check(VisitStatus::Withdrawn, |_| (), "E505");
        check(VisitStatus::Open, |c| c.to = parse_date("2025-04-01").unwrap(), "-");
        check(VisitStatus::Open, |c| c.person = PersonId::parse("P2").unwrap(), "E504");
        check(VisitStatus::Open, |c| c.institution = InstitutionCode::parse("H31010000002").unwrap(), "E504");
        check(VisitStatus::Open, |c| c.service = Service::Outpatient, "E504");
        check(VisitStatus::Open, |c| c.from = parse_date("2025-03-02").unwrap(), "E504");
        // Another's claim is no claim of the visit, whatever its state.
        check(VisitStatus::Withdrawn, |c| c.person = PersonId::parse("P2").unwrap(), "E504");
    }

    #[test]
    fn one_stay_is_open_at_a_time() {
        let id = |text| VisitId::parse(text).unwrap();
        let stay = visit(VisitStatus::Open).registration;
        let outpatient = Registration { service: Service::Outpatient, ..stay.clone() };
        for (open, registration, expected) in [
            (None, &stay, None),
            (Some(id("V1")), &stay, None),
            (Some(id("V2")), &stay, Some(Code::OpenStay)),
            (Some(id("V2")), &outpatient, None),
        ] {
            assert_eq!(admit(open.as_ref(), registration).err().map(|refusal| refusal.code), expected, "{open:?}");
        }
    }
}
