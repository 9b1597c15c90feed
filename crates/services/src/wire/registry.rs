//! The chronic list and institutions.

use zhijie_domain::{
    calendar::{Date, Moment},
    chronic::{ChronicList, Complaint, Disease, Listed, SubCode, Version},
    claim::Service,
    ids::{DiseaseCode, InstitutionCode, RegionCode},
    institution::{Institution, Opening, Term},
    refusal::Refusal,
};

use super::{codes, date, id, optional_date, optional_id, pb, required, text};

/// Reads a version of the chronic list; `takes_part` knows the provinces.
///
/// # Errors
/// `FieldInvalid` naming the field, the first where several are wrong.
pub fn parse_version(list: &pb::ListVersion, takes_part: impl Fn(&RegionCode) -> bool) -> Result<Version, Refusal> {
    let disease = |(row, disease): (usize, &pb::Disease)| {
        let code = id(DiseaseCode::parse, &disease.code, &format!("list.diseases[{row}].code"))?;
        Ok(Disease { code, zh: disease.zh.clone(), en: disease.en.clone() })
    };
    let sub_code = |(row, sub_code): (usize, &pb::SubCode)| {
        let field = |name: &str| format!("list.sub_codes[{row}].{name}");
        Ok(SubCode {
            code: id(DiseaseCode::parse, &sub_code.code, &field("code"))?,
            parent: id(DiseaseCode::parse, &sub_code.parent, &field("parent"))?,
            region: optional_id(RegionCode::parse, &sub_code.region, &field("region"))?,
        })
    };
    let diseases = list.diseases.iter().enumerate().map(disease).collect::<Result<_, Refusal>>()?;
    let sub_codes = list.sub_codes.iter().enumerate().map(sub_code).collect::<Result<_, Refusal>>()?;
    let from = date(&list.from, "list.from")?;
    Version::new(list.name.clone(), from, diseases, sub_codes, takes_part).map_err(|complaints| refused(&complaints))
}

fn refused(complaints: &[Complaint]) -> Refusal {
    match complaints.first() {
        Some(Complaint { field, zh, en }) => {
            Refusal::malformed(&format!("list.{field}"), zh, format!("of a list that holds together; {en}"))
        }
        None => Refusal::malformed("list", "目录不成立", "a list that holds together"),
    }
}

/// Reads a whole list, as the hub has published it.
///
/// # Errors
/// `FieldInvalid` where the hub would not have published it.
pub fn parse_list(versions: &[pb::ListVersion]) -> Result<ChronicList, Refusal> {
    let versions = versions.iter().map(|version| parse_version(version, |_| true)).collect::<Result<_, Refusal>>()?;
    ChronicList::new(versions)
        .map_err(|_| Refusal::malformed("list.from", "版本须按首日排列", "versions in the order of their first days"))
}

/// The list as documents.
#[must_use]
pub fn print_list(list: &ChronicList) -> Vec<pb::ListVersion> {
    list.versions().iter().map(|version| print_version(version)).collect()
}

fn print_version(version: &Version) -> pb::ListVersion {
    let disease = |disease: &Disease| pb::Disease {
        code: disease.code.to_string(),
        zh: disease.zh.clone(),
        en: disease.en.clone(),
    };
    let sub_code = |sub_code: SubCode| pb::SubCode {
        code: sub_code.code.to_string(),
        parent: sub_code.parent.to_string(),
        region: text(sub_code.region.as_ref()),
    };
    pb::ListVersion {
        name: version.name().to_owned(),
        from: version.from().to_string(),
        diseases: version.diseases().iter().map(disease).collect(),
        sub_codes: version.sub_codes().map(sub_code).collect(),
    }
}

/// The listed disease of a claim as a document.
#[must_use]
pub fn print_listed(listed: &Listed) -> pb::ListedDisease {
    pb::ListedDisease { disease: listed.code().to_string(), version: listed.version().name().to_owned() }
}

/// Reads an institution; its openings may come in any order.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_institution(row: &pb::Institution) -> Result<Institution, Refusal> {
    let mut institution = Institution {
        code: id(InstitutionCode::parse, &row.code, "code")?,
        zh: row.zh.clone(),
        en: row.en.clone(),
        level: codes::parse(row.level, "level")?,
        openings: std::collections::BTreeMap::new(),
    };
    for opening in &row.openings {
        let moment = |ms: i64| (ms != 0).then_some(Moment(ms));
        let term = Term {
            to: optional_date(&opening.to, "openings.to")?,
            entered: moment(opening.entered_at),
            ended: moment(opening.ended_at),
        };
        let opening = Opening {
            service: codes::parse(opening.service, "openings.service")?,
            disease: optional_id(DiseaseCode::parse, &opening.disease, "openings.disease")?,
            from: optional_date(&opening.from, "openings.from")?,
        };
        if institution.openings.insert(opening, term).is_some() {
            return Err(Refusal::malformed("openings", "同一开通重复", "openings of which none stands twice"));
        }
    }
    Ok(institution)
}

/// The institution as a document.
#[must_use]
pub fn print_institution(institution: &Institution) -> pb::Institution {
    let opening = |(opening, term): (&Opening, &Term)| pb::Opening {
        service: codes::print(opening.service),
        disease: text(opening.disease.as_ref()),
        from: text(opening.from.as_ref()),
        to: text(term.to.as_ref()),
        entered_at: term.entered.map_or(0, |at| at.0),
        ended_at: term.ended.map_or(0, |at| at.0),
    };
    pb::Institution {
        code: institution.code.to_string(),
        zh: institution.zh.clone(),
        en: institution.en.clone(),
        level: codes::print(institution.level),
        openings: institution.openings.iter().map(opening).collect(),
    }
}

/// A closing, read.
pub struct Closing {
    /// Whose.
    pub code: InstitutionCode,
    /// The service; none: everything.
    pub service: Option<Service>,
    /// The disease of chronic care; none: every opening of the service.
    pub disease: Option<DiseaseCode>,
    /// The last day.
    pub to: Date,
}

/// Reads a closing.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_closing(request: &pb::CloseInstitutionRequest) -> Result<Closing, Refusal> {
    let service = if request.service == 0 { None } else { Some(codes::parse(request.service, "service")?) };
    let disease = optional_id(DiseaseCode::parse, &request.disease, "disease")?;
    if disease.is_some() && service != Some(Service::Chronic) {
        return Err(Refusal::malformed("disease", "仅门诊慢特病填写", "given for chronic visits only"));
    }
    Ok(Closing {
        code: id(InstitutionCode::parse, &request.code, "code")?,
        service,
        disease,
        to: date(&request.to, "to")?,
    })
}

/// Reads the listed disease that the hub names for a chronic claim.
///
/// # Errors
/// `FieldInvalid` where it names none.
pub fn parse_listed(listed: Option<&pb::ListedDisease>) -> Result<(DiseaseCode, &str), Refusal> {
    let listed = required(listed, "listed")?;
    Ok((id(DiseaseCode::parse, &listed.disease, "listed.disease")?, &listed.version))
}
