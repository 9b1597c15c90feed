//! The visit (就诊, 住院) as the home region sees it: registered, settled, withdrawn; one open stay per person.
//! Source: regulations 1.5 (two open stays), 1.2 (admission inside the validity counts).

use crate::{
    calendar::Date,
    claim::{Claim, Service},
    filing::CoveredFiling,
    ids::{InstitutionCode, PersonId, RegionCode, SettlementId, VisitId},
    person::Scheme,
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
    /// Where it stands.
    pub status: VisitStatus,
}

impl Visit {
    /// Refuses a claim that is not of this visit or comes when the visit is not open.
    ///
    /// # Errors
    /// [`Code::VisitUnknown`] when person, institution, service or admission differ, [`Code::VisitState`] when not open.
    pub fn accepts(&self, claim: &Claim) -> Result<(), Refusal> {
        let registered = &self.registration;
        let same = registered.person == claim.person
            && registered.institution == claim.institution
            && registered.service == claim.service
            && registered.from == claim.from;
        if !same {
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
