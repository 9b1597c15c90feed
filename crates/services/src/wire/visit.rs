//! Visits and the filing snapshots they carry.

use zhijie_domain::{
    filing::CoveredFiling,
    ids::{FilingId, InstitutionCode, PersonId, RegionCode, SettlementId, VisitId},
    refusal::Refusal,
    visit::{Registration, Visit, VisitStatus},
};

use super::{codes, date, id, optional_id, pb, person, text};

/// Reads what a hospital registers.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_registration(visit: &pb::Visit) -> Result<Registration, Refusal> {
    Ok(Registration {
        visit: id(VisitId::parse, &visit.id, "visit.id")?,
        person: id(PersonId::parse, &visit.person, "visit.person")?,
        home: id(RegionCode::parse, &visit.home, "visit.home")?,
        scheme: codes::parse(visit.scheme, "visit.scheme")?,
        institution: id(InstitutionCode::parse, &visit.institution, "visit.institution")?,
        service: codes::parse(visit.service, "visit.service")?,
        emergency: visit.emergency,
        from: date(&visit.from, "visit.from")?,
    })
}

/// Reads a visit of home or hub.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(visit: &pb::Visit) -> Result<Visit, Refusal> {
    let status = match visit.status() {
        pb::VisitStatus::Open => VisitStatus::Open,
        pb::VisitStatus::Settled => {
            VisitStatus::Settled(id(SettlementId::parse, &visit.settlement, "visit.settlement")?)
        }
        pb::VisitStatus::Withdrawn => VisitStatus::Withdrawn,
        other => {
            return Err(Refusal::malformed(
                "visit.status",
                format!("参保地无此状态 {}", other.as_str_name()),
                format!("a status of home; {} is none", other.as_str_name()),
            ));
        }
    };
    let snapshot = |snapshot: &pb::CoveredFiling| {
        Ok::<_, Refusal>(CoveredFiling {
            kind: codes::parse(snapshot.kind, "visit.snapshot.kind")?,
            filing: optional_id(FilingId::parse, &snapshot.filing, "visit.snapshot.filing")?,
        })
    };
    Ok(Visit {
        registration: parse_registration(visit)?,
        snapshot: visit.snapshot.as_ref().map(snapshot).transpose()?,
        patient: visit.patient.as_ref().map(person::parse_patient).transpose()?,
        status,
    })
}

/// The visit as a document.
#[must_use]
pub fn print(visit: &Visit) -> pb::Visit {
    let registration = &visit.registration;
    let (status, settlement) = match &visit.status {
        VisitStatus::Open => (pb::VisitStatus::Open, None),
        VisitStatus::Settled(id) => (pb::VisitStatus::Settled, Some(id)),
        VisitStatus::Withdrawn => (pb::VisitStatus::Withdrawn, None),
    };
    let snapshot = |covered: &CoveredFiling| pb::CoveredFiling {
        kind: codes::print(covered.kind),
        filing: text(covered.filing.as_ref()),
    };
    pb::Visit {
        id: registration.visit.to_string(),
        person: registration.person.as_str().to_owned(),
        home: registration.home.to_string(),
        scheme: codes::print(registration.scheme),
        institution: registration.institution.to_string(),
        service: codes::print(registration.service),
        emergency: registration.emergency,
        from: registration.from.to_string(),
        snapshot: visit.snapshot.as_ref().map(snapshot),
        status: status.into(),
        settlement: text(settlement),
        to: String::new(),
        patient: visit.patient.as_ref().map(person::print_patient),
    }
}
