//! Fee lines (2204, 2301; 2205, 2302): each is split by the care catalogue as it comes. An upload is taken whole or not
//! at all; a serial that is known with the same content is replayed.

use std::collections::{BTreeMap, BTreeSet};

use zhijie_domain::{
    catalogue::Catalogue,
    limits::BILL_FEN_MAX,
    money::Fen,
    refusal::{Code, Refusal},
    split::{FeeLine, Parts, SplitLine, split},
};

use super::{Care, visits::CareVisit};
use crate::{
    node::{Caller, Committed, Failure, Stop, commit, limits},
    wire::{
        claim::{parse_lines, print_parts, print_split, too_many},
        pb, refusal,
    },
};

pub(super) async fn upload(
    care: &Care,
    caller: &Caller,
    request: pb::UploadLinesRequest,
) -> Result<pb::UploadLinesReply, Failure> {
    match uploaded(care, caller, &request).await {
        Ok(reply) => Ok(reply),
        Err(Stop::Refused(refused)) => {
            Ok(pb::UploadLinesReply { refused: Some(refusal::print(&refused)), ..pb::UploadLinesReply::default() })
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn uploaded(
    care: &Care,
    caller: &Caller,
    request: &pb::UploadLinesRequest,
) -> Result<pb::UploadLinesReply, Stop> {
    let split = split_all(parse_lines(&request.lines)?, care.catalogue()?)?;
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        let mut visit = CareVisit::named(&mut txn, &request.visit).await?;
        visit.is_of(caller)?;
        visit.must_be(pb::VisitStatus::Open, "lines are added to an open visit")?;
        let known = visit.lines(&care.node.store).await?;
        let new = unknown_lines(&known, &split)?;
        too_many(known.len() + new.len())?;
        if !new.is_empty() {
            visit.add(&mut txn, &new)?;
            bounded(&visit.bill)?;
        }
        if matches!(commit(txn).await?, Committed::Yes) {
            let lines = split.iter().map(print_split).collect();
            return Ok(pb::UploadLinesReply { lines, bill: Some(print_parts(&visit.bill)), refused: None });
        }
    }
    Err(busy().into())
}

/// Splits lines by a catalogue; two lines of one serial are refused.
pub(super) fn split_all(lines: Vec<FeeLine>, catalogue: &Catalogue) -> Result<Vec<SplitLine>, Refusal> {
    let mut serials = BTreeSet::new();
    for line in &lines {
        if !serials.insert(&line.serial) {
            return Err(conflict(&line.serial));
        }
    }
    lines.into_iter().map(|line| split(line, catalogue)).collect()
}

fn unknown_lines(known: &[SplitLine], sent: &[SplitLine]) -> Result<Vec<SplitLine>, Refusal> {
    let known: BTreeMap<&str, &SplitLine> = known.iter().map(|line| (line.line.serial.as_str(), line)).collect();
    let mut new = Vec::new();
    for line in sent {
        match known.get(line.line.serial.as_str()) {
            Some(same) if same.line == line.line => {}
            Some(_) => return Err(conflict(&line.line.serial)),
            None => new.push(line.clone()),
        }
    }
    Ok(new)
}

fn conflict(serial: &str) -> Refusal {
    Refusal::new(Code::LineConflict, "a serial is unique in its visit", "lines.serial").with(serial, serial)
}

/// Refuses a bill above the limit.
pub(super) fn bounded(bill: &Parts) -> Result<(), Refusal> {
    if bill.total > Fen(BILL_FEN_MAX) {
        return Err(Refusal::new(Code::LimitExceeded, "limit: total of one bill", "lines"));
    }
    Ok(())
}

fn busy() -> Refusal {
    Refusal::new(Code::Busy, "one change of a visit at a time", "visit")
}

pub(super) async fn withdraw(
    care: &Care,
    caller: &Caller,
    request: pb::WithdrawLinesRequest,
) -> Result<pb::VisitReply, Failure> {
    reply(withdrawn(care, caller, &request).await)
}

/// The reply of an act that only changes the visit.
pub(super) fn reply(changed: Result<pb::Visit, Stop>) -> Result<pb::VisitReply, Failure> {
    match changed {
        Ok(visit) => Ok(pb::VisitReply { visit: Some(visit), refused: None }),
        Err(Stop::Refused(refused)) => Ok(pb::VisitReply { visit: None, refused: Some(refusal::print(&refused)) }),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn withdrawn(care: &Care, caller: &Caller, request: &pb::WithdrawLinesRequest) -> Result<pb::Visit, Stop> {
    let named: BTreeSet<&String> = request.serials.iter().collect();
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = care.node.store.begin();
        let mut visit = CareVisit::named(&mut txn, &request.visit).await?;
        visit.is_of(caller)?;
        visit.must_be(pb::VisitStatus::Open, "lines are withdrawn from an open visit")?;
        let lines = visit.lines(&care.node.store).await?;
        let there: BTreeSet<&String> = lines.iter().map(|line| &line.line.serial).collect();
        if let Some(serial) = named.difference(&there).next() {
            return Err(Refusal::malformed(
                "serials",
                format!("{serial} 不是本次就诊的明细"),
                format!("serials of this visit; {serial} is none"),
            )
            .into());
        }
        let goes = |line: &SplitLine| named.is_empty() || named.contains(&line.line.serial);
        let kept: Vec<SplitLine> = lines.into_iter().filter(|line| !goes(line)).collect();
        visit.replace(&mut txn, &kept)?;
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(visit.document);
        }
    }
    Err(busy().into())
}
