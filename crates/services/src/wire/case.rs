//! Cases of review.

use std::collections::BTreeSet;

use zhijie_domain::{
    audit::{
        case::{Case, Closed, Finality, Note, Proposal, Reason, Stage},
        screening::{self, Finding, Subject},
    },
    ids::{OfficerId, RegionCode, SettlementId},
    money::Fen,
    refusal::{Code, Refusal},
};

use super::{codes, date, id, optional_date, pb};

/// Reads a case.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(case: &pb::Case) -> Result<Case, Refusal> {
    Ok(Case {
        settlement: id(SettlementId::parse, &case.settlement, "case.settlement")?,
        home: id(RegionCode::parse, &case.home, "case.home")?,
        care: id(RegionCode::parse, &case.care, "case.care")?,
        opened: date(&case.opened, "case.opened")?,
        reason: codes::parse::<Reason>(case.reason, "case.reason")?,
        joint: case.joint,
        findings: case.findings.iter().map(parse_finding).collect::<Result<_, Refusal>>()?,
        more_findings: case.more_findings,
        due: date(&case.due, "case.due")?,
        overdue: case.overdue,
        reopened: case.reopened,
        fund: Fen(case.fund),
        stage: parse_stage(case)?,
        reviewers: officers(&case.reviewers, "case.reviewers")?,
        notes: case.notes.iter().map(parse_note).collect::<Result<_, Refusal>>()?,
    })
}

fn parse_stage(case: &pb::Case) -> Result<Stage, Refusal> {
    let proposal =
        || Ok::<_, Refusal>(Proposal { deduction: Fen(case.proposed), signed: officers(&case.signed, "case.signed")? });
    Ok(match case.stage() {
        pb::CaseStage::Opened => Stage::Opened,
        pb::CaseStage::Proposed => Stage::Proposed(proposal()?),
        pb::CaseStage::AwaitingHome => Stage::AwaitingHome(proposal()?),
        pb::CaseStage::Disputed => Stage::Disputed { care: proposal()?, home: Fen(case.claimed) },
        pb::CaseStage::Appealed => Stage::Appealed { deduction: Fen(case.appealed) },
        pb::CaseStage::Closed => {
            let finality = optional_date(&case.appeal_until, "case.appeal_until")?;
            let finality = finality.map_or(Finality::Final, |appeal_until| Finality::Provisional { appeal_until });
            Stage::Closed(Closed { day: date(&case.closed, "case.closed")?, deduction: Fen(case.deduction), finality })
        }
        pb::CaseStage::Unspecified => return Err(Refusal::malformed("case.stage", "应为已知环节", "a known stage")),
    })
}

fn officers(texts: &[String], field: &str) -> Result<BTreeSet<OfficerId>, Refusal> {
    texts.iter().map(|text| id(OfficerId::parse, text, field)).collect()
}

fn parse_note(note: &pb::CaseNote) -> Result<Note, Refusal> {
    Ok(Note {
        officer: id(OfficerId::parse, &note.officer, "case.notes.officer")?,
        party: codes::parse(note.party, "case.notes.party")?,
        day: date(&note.day, "case.notes.day")?,
        text: note.text.clone(),
    })
}

fn parse_finding(finding: &pb::Finding) -> Result<Finding, Refusal> {
    let rule = screening::RULES.iter().find(|rule| rule.id == finding.rule);
    let rule = rule.ok_or_else(|| {
        Refusal::new(Code::FieldInvalid, "screening", "case.findings.rule").with(&finding.rule, &finding.rule)
    })?;
    let subject = match finding.subject() {
        pb::FindingSubject::Line => Subject::Line(finding.reference.clone()),
        _ => Subject::Stay(id(SettlementId::parse, &finding.reference, "case.findings.reference")?),
    };
    Ok(Finding { rule: rule.id, subject, zh: finding.zh.clone(), en: finding.en.clone(), amount: Fen(finding.amount) })
}

/// The case as a document.
#[must_use]
pub fn print(case: &Case) -> pb::Case {
    let texts =
        |officers: &BTreeSet<OfficerId>| officers.iter().map(|officer| officer.as_str().to_owned()).collect::<Vec<_>>();
    let mut document = pb::Case {
        settlement: case.settlement.to_string(),
        home: case.home.to_string(),
        care: case.care.to_string(),
        reason: codes::print(case.reason),
        joint: case.joint,
        opened: case.opened.to_string(),
        due: case.due.to_string(),
        overdue: case.overdue,
        fund: case.fund.0,
        reopened: case.reopened,
        reviewers: texts(&case.reviewers),
        notes: case.notes.iter().map(print_note).collect(),
        findings: case.findings.iter().map(print_finding).collect(),
        more_findings: case.more_findings,
        ..pb::Case::default()
    };
    let mut propose = |proposal: &Proposal| {
        document.proposed = proposal.deduction.0;
        document.signed = texts(&proposal.signed);
    };
    let stage = match &case.stage {
        Stage::Opened => pb::CaseStage::Opened,
        Stage::Proposed(proposal) => {
            propose(proposal);
            pb::CaseStage::Proposed
        }
        Stage::AwaitingHome(proposal) => {
            propose(proposal);
            pb::CaseStage::AwaitingHome
        }
        Stage::Disputed { care, home } => {
            propose(care);
            document.claimed = home.0;
            pb::CaseStage::Disputed
        }
        Stage::Appealed { deduction } => {
            document.appealed = deduction.0;
            pb::CaseStage::Appealed
        }
        Stage::Closed(closed) => {
            document.closed = closed.day.to_string();
            document.deduction = closed.deduction.0;
            if let Finality::Provisional { appeal_until } = closed.finality {
                document.appeal_until = appeal_until.to_string();
            }
            pb::CaseStage::Closed
        }
    };
    document.set_stage(stage);
    document
}

fn print_note(note: &Note) -> pb::CaseNote {
    pb::CaseNote {
        day: note.day.to_string(),
        party: codes::print(note.party),
        officer: note.officer.as_str().to_owned(),
        text: note.text.clone(),
    }
}

fn print_finding(finding: &Finding) -> pb::Finding {
    let (subject, reference) = match &finding.subject {
        Subject::Line(serial) => (pb::FindingSubject::Line, serial.clone()),
        Subject::Stay(settlement) => (pb::FindingSubject::Stay, settlement.to_string()),
    };
    pb::Finding {
        rule: finding.rule.into(),
        subject: subject.into(),
        reference,
        amount: finding.amount.0,
        zh: finding.zh.clone(),
        en: finding.en.clone(),
    }
}
