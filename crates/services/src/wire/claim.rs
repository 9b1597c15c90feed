//! Heads, fee lines, parts and claims.

use zhijie_domain::{
    catalogue::FeeCategory,
    claim::Claim,
    ids::{DiseaseCode, InstitutionCode, ItemCode, MessageId, PersonId, RegionCode, VisitId},
    limits,
    money::{Bp, Fen, Price, Quantity},
    refusal::{Code, Refusal},
    signature::Signature,
    split::{CategoryParts, FeeLine, Parts, SplitLine},
};

use super::{
    codes, date, id, optional_id, pb,
    proof::{parse_signature, print_signature},
    required, text,
};

/// The head of a request, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The sender's message id.
    pub message: MessageId,
    /// Division of care.
    pub care: RegionCode,
    /// Home pooling area.
    pub home: RegionCode,
    /// The institution, which stands in the division of care.
    pub institution: InstitutionCode,
    /// What care signed.
    pub signature: Option<Signature>,
}

impl Header {
    /// The head as care sends it.
    #[must_use]
    pub fn signed(&self, signature: Option<Signature>) -> pb::Header {
        print_header(&Header { signature, ..self.clone() })
    }
}

/// Reads the head of a request.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field, [`Code::RegionUnknown`] when the institution stands elsewhere or care is
/// not sought outside the home province.
pub fn parse_header(header: Option<&pb::Header>) -> Result<Header, Refusal> {
    let header = required(header, "header")?;
    let parsed = Header {
        message: id(MessageId::parse, &header.message_id, "header.message_id")?,
        care: id(RegionCode::parse, &header.care, "header.care")?,
        home: id(RegionCode::parse, &header.home, "header.home")?,
        institution: id(InstitutionCode::parse, &header.institution, "header.institution")?,
        signature: parse_signature(&header.signature, "header.signature")?,
    };
    if parsed.institution.division() != parsed.care {
        return Err(Refusal::new(Code::RegionUnknown, "an institution bills in its own division", "header.care").with(
            format!("{} 属于 {}", parsed.institution, parsed.institution.division()),
            format!("{} stands in {}", parsed.institution, parsed.institution.division()),
        ));
    }
    if parsed.home.province() == parsed.care.province() {
        return Err(Refusal::new(
            Code::RegionUnknown,
            "医保发〔2022〕22号, art. 2: care outside the province of insurance",
            "header.home",
        )
        .with("非跨省就医", "care and home lie in one province"));
    }
    Ok(parsed)
}

/// The head as a document.
#[must_use]
pub fn print_header(header: &Header) -> pb::Header {
    pb::Header {
        message_id: header.message.as_str().to_owned(),
        care: header.care.as_str().to_owned(),
        home: header.home.as_str().to_owned(),
        institution: header.institution.as_str().to_owned(),
        signature: print_signature(header.signature),
    }
}

/// Reads a fee line.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn parse_line(line: &pb::FeeLine) -> Result<FeeLine, Refusal> {
    let digits = line.serial.bytes().all(|b| b.is_ascii_digit()) && (1..=30).contains(&line.serial.len());
    if !digits {
        return Err(Refusal::malformed("lines.serial", "应为 1 至 30 位数字", "1 to 30 digits"));
    }
    Ok(FeeLine {
        serial: line.serial.clone(),
        item: id(ItemCode::parse, &line.item, "lines.item")?,
        price: Price(line.price),
        quantity: Quantity(line.quantity),
        declared: line.declared.map(Fen),
        approval: codes::parse(line.approval, "lines.approval")?,
    })
}

/// Reads the lines of one request.
///
/// # Errors
/// [`Code::LimitExceeded`] above the limit of a visit, [`Code::FieldInvalid`] for none or a malformed one.
pub fn parse_lines(lines: &[pb::FeeLine]) -> Result<Vec<FeeLine>, Refusal> {
    too_many(lines.len())?;
    if lines.is_empty() {
        return Err(Refusal::malformed("lines", "至少一条费用明细", "at least one fee line"));
    }
    lines.iter().map(parse_line).collect()
}

/// Refuses more lines than a visit may hold.
///
/// # Errors
/// [`Code::LimitExceeded`].
pub fn too_many(lines: usize) -> Result<(), Refusal> {
    if lines <= limits::FEE_LINES_MAX {
        return Ok(());
    }
    let shown = format!("{lines} > {}", limits::FEE_LINES_MAX);
    Err(Refusal::new(Code::LimitExceeded, "limit: fee lines of one visit", "lines").with(&shown, &shown))
}

fn print_line(line: &FeeLine) -> pb::FeeLine {
    pb::FeeLine {
        serial: line.serial.clone(),
        item: line.item.as_str().to_owned(),
        price: line.price.0,
        quantity: line.quantity.0,
        declared: line.declared.map(|fen| fen.0),
        approval: codes::print(line.approval),
    }
}

/// Reads a split line.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn parse_split(split: &pb::SplitLine) -> Result<SplitLine, Refusal> {
    Ok(SplitLine {
        line: parse_line(required(split.line.as_ref(), "lines.line")?)?,
        category: category(split.category)?,
        class: codes::parse(split.item_class, "lines.item_class")?,
        self_pay: Bp(split.self_pay),
        limit: split.limit.map(Price),
        parts: parse_parts(split.parts.as_ref(), "lines.parts")?,
    })
}

/// The split line as a document.
#[must_use]
pub fn print_split(split: &SplitLine) -> pb::SplitLine {
    pb::SplitLine {
        line: Some(print_line(&split.line)),
        category: u32::from(split.category.number()),
        item_class: codes::print(split.class),
        self_pay: split.self_pay.0,
        limit: split.limit.map(|limit| limit.0),
        parts: Some(print_parts(&split.parts)),
    }
}

fn category(number: u32) -> Result<FeeCategory, Refusal> {
    let category = u8::try_from(number).ok().and_then(FeeCategory::new);
    category.ok_or_else(|| Refusal::malformed("category", "应为 1 至 14 的费用类别", "a fee category from 1 to 14"))
}

/// Reads an amount and its parts, without checking that they add up.
///
/// # Errors
/// [`Code::FieldInvalid`] when absent.
pub fn parse_parts(parts: Option<&pb::Parts>, field: &str) -> Result<Parts, Refusal> {
    let parts = required(parts, field)?;
    Ok(Parts {
        total: Fen(parts.total),
        own: Fen(parts.own),
        over: Fen(parts.over),
        pre: Fen(parts.pre),
        in_scope: Fen(parts.in_scope),
    })
}

/// The parts as a document.
#[must_use]
pub fn print_parts(parts: &Parts) -> pb::Parts {
    pb::Parts {
        total: parts.total.0,
        own: parts.own.0,
        over: parts.over.0,
        pre: parts.pre.0,
        in_scope: parts.in_scope.0,
    }
}

/// Reads a claim's form; [`Claim::check`] judges what it says.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field.
pub fn parse(claim: &pb::Claim) -> Result<Claim, Refusal> {
    let categories = claim.categories.iter().map(|c| {
        Ok(CategoryParts { category: category(c.category)?, parts: parse_parts(c.parts.as_ref(), "claim.categories")? })
    });
    Ok(Claim {
        visit: id(VisitId::parse, &claim.visit, "claim.visit")?,
        person: id(PersonId::parse, &claim.person, "claim.person")?,
        home: id(RegionCode::parse, &claim.home, "claim.home")?,
        scheme: codes::parse(claim.scheme, "claim.scheme")?,
        care: id(RegionCode::parse, &claim.care, "claim.care")?,
        institution: id(InstitutionCode::parse, &claim.institution, "claim.institution")?,
        level: codes::parse(claim.level, "claim.level")?,
        service: codes::parse(claim.service, "claim.service")?,
        disease: optional_id(DiseaseCode::parse, &claim.disease, "claim.disease")?,
        emergency: claim.emergency,
        injury: claim.injury,
        third_party: claim.third_party,
        from: date(&claim.from, "claim.from")?,
        to: date(&claim.to, "claim.to")?,
        parts: parse_parts(claim.parts.as_ref(), "claim.parts")?,
        categories: categories.collect::<Result<_, Refusal>>()?,
        account_use: codes::parse(claim.account_use, "claim.account_use")?,
    })
}

/// Reads the claim of a request: of what its header names, with identities that hold.
///
/// # Errors
/// [`Code::FieldInvalid`] naming the field, and what [`Claim::check`] refuses.
pub fn parse_under(header: &Header, claim: &pb::Claim) -> Result<Claim, Refusal> {
    let claim = parse(claim)?;
    if claim.home != header.home || claim.institution != header.institution || claim.care != header.care {
        return Err(Refusal::malformed(
            "claim",
            "须与报文头的参保地、就医地、医药机构一致",
            "of the home, care and institution that its header names",
        ));
    }
    claim.check()?;
    Ok(claim)
}

/// The claim as a document, without its lines.
#[must_use]
pub fn print(claim: &Claim) -> pb::Claim {
    let categories = claim
        .categories
        .iter()
        .map(|c| pb::CategoryParts { category: u32::from(c.category.number()), parts: Some(print_parts(&c.parts)) });
    pb::Claim {
        visit: claim.visit.as_str().to_owned(),
        person: claim.person.as_str().to_owned(),
        home: claim.home.as_str().to_owned(),
        scheme: codes::print(claim.scheme),
        care: claim.care.as_str().to_owned(),
        institution: claim.institution.as_str().to_owned(),
        level: codes::print(claim.level),
        service: codes::print(claim.service),
        disease: text(claim.disease.as_ref()),
        emergency: claim.emergency,
        injury: claim.injury,
        third_party: claim.third_party,
        from: claim.from.to_string(),
        to: claim.to.to_string(),
        parts: Some(print_parts(&claim.parts)),
        categories: categories.collect(),
        account_use: codes::print(claim.account_use),
        lines: Vec::new(),
    }
}
