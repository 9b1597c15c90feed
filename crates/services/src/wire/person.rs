//! Persons, purses, accumulators and filings.

use std::collections::BTreeMap;

use zhijie_domain::{
    accumulator::{Accumulator, Accumulators},
    calendar::Moment,
    filing::{Application, Filing},
    ids::{DiseaseCode, FilingId, PersonId, RegionCode},
    money::Fen,
    person::{Patient, Person, Purse, Qualification, Scheme, Sex},
    refusal::Refusal,
};

use super::{codes, date, id, optional_date, pb, text};

/// Reads a person.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(person: &pb::Person) -> Result<Person, Refusal> {
    let qualification = |q: &pb::Qualification| {
        Ok(Qualification {
            disease: id(DiseaseCode::parse, &q.disease, "person.qualifications.disease")?,
            from: date(&q.from, "person.qualifications.from")?,
            to: optional_date(&q.to, "person.qualifications.to")?,
        })
    };
    Ok(Person {
        id: id(PersonId::parse, &person.id, "person.id")?,
        area: id(RegionCode::parse, &person.area, "person.area")?,
        scheme: codes::parse(person.scheme, "person.scheme")?,
        category: codes::parse(person.category, "person.category")?,
        birth: date(&person.birth, "person.birth")?,
        sex: parse_sex(person.sex, "person.sex")?,
        civil_servant: person.civil_servant,
        assisted: if person.assisted == 0 { None } else { Some(codes::parse(person.assisted, "person.assisted")?) },
        insured_from: date(&person.insured_from, "person.insured_from")?,
        waiting_until: optional_date(&person.waiting_until, "person.waiting_until")?,
        paused_from: optional_date(&person.paused_from, "person.paused_from")?,
        qualifications: person.qualifications.iter().map(qualification).collect::<Result<_, Refusal>>()?,
    })
}

/// Reads what the screening of a stay asks of a person.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_patient(patient: &pb::Patient) -> Result<Patient, Refusal> {
    Ok(Patient {
        sex: parse_sex(patient.sex, "visit.patient.sex")?,
        birth: date(&patient.birth, "visit.patient.birth")?,
    })
}

/// The patient as a document.
#[must_use]
pub fn print_patient(patient: &Patient) -> pb::Patient {
    pb::Patient { sex: print_sex(patient.sex), birth: patient.birth.to_string() }
}

fn parse_sex(number: i32, field: &str) -> Result<Option<Sex>, Refusal> {
    if number == 0 { Ok(None) } else { codes::parse(number, field).map(Some) }
}

fn print_sex(sex: Option<Sex>) -> i32 {
    sex.map_or(0, codes::print)
}

/// Reads a purse; absent is empty.
///
/// # Errors
/// `FieldInvalid` for a negative balance.
pub fn parse_purse(purse: Option<&pb::Purse>) -> Result<Purse, Refusal> {
    let purse = purse.copied().unwrap_or_default();
    if purse.account < 0 || purse.family < 0 {
        return Err(Refusal::malformed("purse", "余额不得为负", "balances of zero or more"));
    }
    Ok(Purse { account: Fen(purse.account), family: Fen(purse.family) })
}

/// The purse as a document.
#[must_use]
pub fn print_purse(purse: Purse) -> pb::Purse {
    pb::Purse { account: purse.account.0, family: purse.family.0 }
}

/// Reads accumulators of one scheme, by year.
///
/// # Errors
/// `FieldInvalid` for a year or a name that is none.
pub fn parse_years(accumulators: &[pb::Accumulator]) -> Result<BTreeMap<i16, Accumulator>, Refusal> {
    accumulators.iter().map(parse_year).collect()
}

/// Accumulators by year, as documents.
#[must_use]
pub fn print_years(years: &BTreeMap<i16, Accumulator>) -> Vec<pb::Accumulator> {
    years.iter().map(|(year, accumulator)| print_year(*year, accumulator)).collect()
}

/// Reads accumulators of several schemes.
///
/// # Errors
/// `FieldInvalid` for a scheme, a year or a name that is none.
pub fn parse_accumulators(accumulators: &[pb::Accumulator]) -> Result<Accumulators, Refusal> {
    let one = |document: &pb::Accumulator| {
        let scheme: Scheme = codes::parse(document.scheme, "accumulators.scheme")?;
        let (year, accumulator) = parse_year(document)?;
        Ok(((scheme, year), accumulator))
    };
    accumulators.iter().map(one).collect::<Result<_, Refusal>>().map(Accumulators)
}

/// Accumulators of several schemes, as documents.
#[must_use]
pub fn print_accumulators(accumulators: &Accumulators) -> Vec<pb::Accumulator> {
    let one = |((scheme, year), accumulator): (&(Scheme, i16), &Accumulator)| pb::Accumulator {
        scheme: codes::print(*scheme),
        ..print_year(*year, accumulator)
    };
    accumulators.0.iter().map(one).collect()
}

fn parse_year(document: &pb::Accumulator) -> Result<(i16, Accumulator), Refusal> {
    let year =
        i16::try_from(document.year).map_err(|_| Refusal::malformed("accumulators.year", "应为年份", "a year"))?;
    let mut accumulator = Accumulator { admissions: document.admissions, ..Accumulator::default() };
    for (name, amount) in &document.amounts {
        if !accumulator.set(name, Fen(*amount)) {
            return Err(Refusal::malformed(
                "accumulators.amounts",
                format!("无此累计项 {name}"),
                format!("known names; {name} is none"),
            ));
        }
    }
    for (disease, amount) in &document.chronic {
        accumulator.chronic.insert(id(DiseaseCode::parse, disease, "accumulators.chronic")?, Fen(*amount));
    }
    Ok((year, accumulator))
}

fn print_year(year: i16, accumulator: &Accumulator) -> pb::Accumulator {
    let amounts = accumulator.amounts().into_iter().filter(|(_, amount)| *amount != Fen::ZERO);
    pb::Accumulator {
        year: i32::from(year),
        admissions: accumulator.admissions,
        amounts: amounts.map(|(name, amount)| (name.to_owned(), amount.0)).collect(),
        chronic: accumulator.chronic.iter().map(|(disease, amount)| (disease.to_string(), amount.0)).collect(),
        scheme: 0,
    }
}

/// Reads an application for a filing.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_application(request: &pb::FileRequest) -> Result<Application, Refusal> {
    Ok(Application {
        person: id(PersonId::parse, &request.person, "person")?,
        kind: codes::parse(request.kind, "kind")?,
        place: id(RegionCode::parse, &request.place, "place")?,
        from: date(&request.from, "from")?,
        needs_review: request.needs_review,
    })
}

/// Reads a filing.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_filing(filing: &pb::Filing) -> Result<Filing, Refusal> {
    Ok(Filing {
        id: id(FilingId::parse, &filing.id, "filing.id")?,
        person: id(PersonId::parse, &filing.person, "filing.person")?,
        kind: codes::parse(filing.kind, "filing.kind")?,
        place: id(RegionCode::parse, &filing.place, "filing.place")?,
        from: date(&filing.from, "filing.from")?,
        to: optional_date(&filing.to, "filing.to")?,
        status: codes::parse(filing.status, "filing.status")?,
        filed_at: Moment(filing.filed_at),
    })
}

/// The filing as a document.
#[must_use]
pub fn print_filing(filing: &Filing) -> pb::Filing {
    pb::Filing {
        id: filing.id.to_string(),
        person: filing.person.as_str().to_owned(),
        kind: codes::print(filing.kind),
        place: filing.place.to_string(),
        from: filing.from.to_string(),
        to: text(filing.to.as_ref()),
        status: codes::print(filing.status),
        filed_at: filing.filed_at.0,
    }
}

/// The person as a document.
#[must_use]
pub fn print(person: &Person) -> pb::Person {
    let qualification = |q: &Qualification| pb::Qualification {
        disease: q.disease.to_string(),
        from: q.from.to_string(),
        to: text(q.to.as_ref()),
    };
    pb::Person {
        id: person.id.as_str().to_owned(),
        area: person.area.to_string(),
        scheme: codes::print(person.scheme),
        category: codes::print(person.category),
        birth: person.birth.to_string(),
        sex: print_sex(person.sex),
        civil_servant: person.civil_servant,
        assisted: person.assisted.map_or(0, codes::print),
        insured_from: person.insured_from.to_string(),
        waiting_until: text(person.waiting_until.as_ref()),
        paused_from: text(person.paused_from.as_ref()),
        qualifications: person.qualifications.iter().map(qualification).collect(),
    }
}
