//! Making the claim of a visit: its lines rolled up, checked against what the hospital declares.

use zhijie_domain::{
    claim::{Claim, Service},
    ids::DiseaseCode,
    refusal::{Code, Refusal},
    split::{Parts, SplitLine, roll_up},
};

use super::{Care, lines::bounded, visits::CareVisit};
use crate::{
    node::Stop,
    wire::{
        claim::{self, Header, parse_parts, print_header, print_split},
        codes, date, optional_id, pb,
    },
};

/// What a hospital says of a bill beside its lines.
pub(super) struct Terms<'a> {
    pub(super) disease: &'a str,
    pub(super) injury: bool,
    pub(super) third_party: bool,
    pub(super) account_use: i32,
    pub(super) declared: Option<&'a pb::Parts>,
}

/// A claim as it was read, and as it is sent.
pub(super) struct Claimed {
    pub(super) claim: Claim,
    pub(super) request: pb::ClaimRequest,
}

/// The claim of a visit. A stay that is not discharged is claimed up to today, which only a pre-settle may do.
pub(super) async fn claim_of(
    care: &Care,
    header: &Header,
    visit: &CareVisit,
    lines: &[SplitLine],
    terms: &Terms<'_>,
) -> Result<Claimed, Stop> {
    let registration = &visit.registration;
    care.has_come(registration.from)?;
    let level = care.levels.level(&care.node.parameters, &header.institution).await?;
    let (parts, categories) = roll_up(lines)?;
    bounded(&parts)?;
    if lines.is_empty() {
        return Err(Refusal::malformed(
            "lines",
            "结算前至少一条费用明细",
            "at least one fee line before a bill is settled",
        )
        .into());
    }
    agree(terms.declared, &parts)?;
    let to = match registration.service {
        Service::Stay if visit.document.to.is_empty() => care.node.today(),
        Service::Stay => date(&visit.document.to, "to")?,
        _ => registration.from,
    };
    let claim = Claim {
        visit: visit.id.clone(),
        person: registration.person.clone(),
        home: registration.home.clone(),
        scheme: registration.scheme,
        care: header.care.clone(),
        institution: header.institution.clone(),
        level,
        service: registration.service,
        disease: optional_id(DiseaseCode::parse, terms.disease, "disease")?,
        emergency: registration.emergency,
        injury: terms.injury,
        third_party: terms.third_party,
        from: registration.from,
        to,
        parts,
        categories,
        account_use: codes::parse(terms.account_use, "account_use")?,
    };
    claim.check()?;
    let mut document = claim::print(&claim);
    if claim.service != Service::Stay {
        document.lines = lines.iter().map(print_split).collect();
    }
    let request = pb::ClaimRequest { header: Some(print_header(header)), claim: Some(document), listed: None };
    Ok(Claimed { claim, request })
}

/// Refuses a declared bill that breaks its own identity, or is not that of the lines.
fn agree(declared: Option<&pb::Parts>, parts: &Parts) -> Result<(), Refusal> {
    let Some(declared) = declared else { return Ok(()) };
    let declared = parse_parts(Some(declared), "declared")?;
    declared.check("declared")?;
    let named = [
        ("declared.total", declared.total, parts.total),
        ("declared.own", declared.own, parts.own),
        ("declared.over", declared.over, parts.over),
        ("declared.pre", declared.pre, parts.pre),
        ("declared.in_scope", declared.in_scope, parts.in_scope),
    ];
    if let Some((field, said, summed)) = named.into_iter().find(|(_, said, summed)| said != summed) {
        let shown = format!("{said} ≠ {summed}");
        return Err(Refusal::new(Code::SplitBroken, "declared bill = sum of its lines", field).with(&shown, &shown));
    }
    Ok(())
}
