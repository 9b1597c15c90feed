//! Review of high-cost claims (大额费用审核、费用协查): a case is opened in the commit that books the stay, officers of both
//! provinces take its steps, and what it decides goes into the next table.

use zhijie_domain::{
    audit::{
        self,
        case::{self, Case, Command, Opening, Reason, Statement, Terms},
        screening::Finding,
    },
    calendar::Date,
    clearing::item::{Item, ItemKind},
    ids::{OfficerId, RegionCode, SettlementId},
    money::Fen,
    party::Party,
    refusal::{Code, Refusal},
    settlement::{Kind, Settlement},
    ticket::{Cause, Duty},
};
use zhijie_store::Txn;

use super::{Hub, agency::Actor, events, keep::waiting, tickets::problems::Problem};
use crate::{
    node::{
        Book, Committed, Failure, Pages, Records, Stop, commit, document, keys, limits, stored, unknown_settlement,
    },
    wire::{self, case as wire_case, clearing, id, pb},
};

/// Opens a case of a stay above the threshold; true when it holds the settlement out of clearing.
pub(super) fn open_above_threshold(hub: &Hub, txn: &mut Txn, settlement: &Settlement) -> Result<bool, Failure> {
    let rules = &hub.node.parameters.rules.verification;
    let total = settlement.computation.amounts.parts.total;
    if settlement.kind != Kind::Settled || !audit::opens(total, settlement.claim.service, rules) {
        return Ok(false);
    }
    let case = open(hub, settlement, Reason::Threshold);
    let case = case.map_err(|refusal| Failure::Protocol { peer: "home".into(), what: refusal.to_string() })?;
    txn.keep(keys::case(&settlement.id), &wire_case::print(&case));
    txn.put(keys::open_case(&settlement.id), Vec::new());
    Ok(true)
}

fn open(hub: &Hub, settlement: &Settlement, reason: Reason) -> Result<Case, Refusal> {
    let opening = Opening {
        settlement: settlement.id.clone(),
        home: settlement.claim.home.clone(),
        care: settlement.claim.care.clone(),
        fund: settlement.computation.amounts.fund_total,
        reason,
    };
    Case::open(opening, &hub.node.parameters.rules.verification, hub.node.today())
}

/// Puts what the screening found into the case of a settlement in force; without one it is opened.
pub(super) async fn found(
    hub: &Hub,
    txn: &mut Txn,
    settlement: &Settlement,
    findings: Vec<Finding>,
) -> Result<(), Stop> {
    let key = keys::case(&settlement.id);
    let case = match known(txn, &key).await? {
        Some(case) => case,
        None => open(hub, settlement, Reason::Finding)?,
    };
    keep(txn, settlement, &case.found(findings)).await.map(|_| ())
}

async fn known(txn: &mut Txn, key: &[u8]) -> Result<Option<Case>, Failure> {
    let known = txn.record::<pb::Case>(key).await?;
    known.map(|document| stored(wire_case::parse(&document), key)).transpose()
}

/// A settlement was undone: nothing is left to review.
pub(super) async fn lapse(hub: &Hub, txn: &mut Txn, settlement: &SettlementId) -> Result<(), Failure> {
    let key = keys::case(settlement);
    if let Some(mut case) = txn.record::<pb::Case>(&key).await? {
        case.lapsed = hub.node.today().to_string();
        txn.keep(key, &case);
        txn.delete(keys::open_case(settlement));
    }
    Ok(())
}

/// An officer takes a step of a case.
pub(super) async fn act(hub: &Hub, txn: &mut Txn, actor: &Actor, act: &pb::AuditAct) -> Result<pb::Case, Stop> {
    let settlement = id(SettlementId::parse, &act.settlement, "audit.settlement")?;
    let command = parse_command(&actor.officer, act)?;
    let booked = Book::load(txn, &settlement).await?.ok_or_else(unknown_settlement)?;
    let claim = &booked.settlement.claim;
    actor.is_of(&claim.home.province(), &claim.care.province())?;
    if !booked.record.undone_by.is_empty() || booked.settlement.kind != Kind::Settled {
        return Err(Refusal::new(Code::AuditState, "only a settlement in force is reviewed", "audit.settlement").into());
    }
    let key = keys::case(&settlement);
    let next = match (known(txn, &key).await?, &command) {
        (None, Command::Request(said)) => {
            actor.province_as(Party::Home)?;
            requested(hub, &booked.settlement, said, actor.today)?
        }
        (None, _) => {
            return Err(Refusal::new(Code::AuditState, "life of a review (审核环节)", "audit.settlement")
                .with("尚未立案", "no case is open on it")
                .into());
        }
        (Some(case), command) => {
            let fact = case::decide(&case, actor.party, command, &terms(hub, actor.today))?;
            case::apply(&case, &fact)
        }
    };
    if next.notes.len() > limits::CASE_NOTES_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "limit: notes of one case", "audit.note")
            .with(limits::CASE_NOTES_MAX, limits::CASE_NOTES_MAX)
            .into());
    }
    keep(txn, &booked.settlement, &next).await
}

/// Keeps a case, and with it whether it holds its settlement and what it takes away.
async fn keep(txn: &mut Txn, settlement: &Settlement, case: &Case) -> Result<pb::Case, Stop> {
    match case.closed() {
        Some(_) => txn.delete(keys::open_case(&settlement.id)),
        None => txn.put(keys::open_case(&settlement.id), Vec::new()),
    }
    release(txn, settlement, case).await?;
    let document = wire_case::print(case);
    txn.keep(keys::case(&settlement.id), &document);
    Ok(document)
}

/// Home asks for verification of a settlement that has no case.
fn requested(hub: &Hub, settlement: &Settlement, said: &Statement, today: Date) -> Result<Case, Refusal> {
    let note = &said.note;
    if note.trim().is_empty() || note.chars().count() > zhijie_domain::limits::TEXT_CHARS_MAX {
        return Err(Refusal::malformed("audit.note", "须有说明，至多 200 字", "a note of 1 to 200 characters"));
    }
    let mut case = open(hub, settlement, Reason::Requested)?;
    case.reviewers.insert(said.reviewer.clone());
    let officer = said.reviewer.clone();
    case.notes.push(case::Note { officer, party: Party::Home, day: today, text: note.clone() });
    Ok(case)
}

/// Holds a settlement out of clearing while its case is open, and hands over what a closed one takes away.
async fn release(txn: &mut Txn, settlement: &Settlement, case: &Case) -> Result<(), Stop> {
    let deduction = case.closed().map(|closed| closed.deduction);
    let key = keys::waiting(&settlement.id, false);
    if let Some(mut item) = txn.record::<pb::WaitingItem>(&key).await? {
        item.under_review = deduction.is_none();
        item.deduction = deduction.unwrap_or_default().max(Fen(item.ruled)).0;
        txn.keep(key, &item);
        return Ok(());
    }
    // A table holds it: the difference to what was deducted there goes into the next one.
    let cleared = txn.record::<pb::ClearedRecord>(&keys::cleared(&settlement.id)).await?.unwrap_or_default();
    let key = keys::waiting(&settlement.id, true);
    let Some(deduction) = deduction else {
        if txn.get(&key).await?.is_some() {
            txn.delete(key);
        }
        return Ok(());
    };
    let difference = deduction.max(Fen(cleared.ruled)).minus(Fen(cleared.deducted))?;
    if difference == Fen::ZERO {
        if txn.get(&key).await?.is_some() {
            txn.delete(key);
        }
        return Ok(());
    }
    let item = Item {
        kind: ItemKind::Deduction,
        fund: Fen::ZERO,
        account: Fen::ZERO,
        total: Fen::ZERO,
        deduction: difference,
        ..waiting(settlement)
    };
    txn.keep(key, &clearing::print_waiting(&item, Vec::new()));
    Ok(())
}

fn terms(hub: &Hub, today: Date) -> Terms<'_> {
    let parameters = &hub.node.parameters;
    let rules = &parameters.rules.verification;
    let appeal_until = parameters.workdays.after(today, rules.appeal_working_days);
    Terms { rules, today, appeal_until }
}

fn parse_command(officer: &OfficerId, act: &pb::AuditAct) -> Result<Command, Refusal> {
    use pb::CaseCommand;
    let said = Statement { reviewer: officer.clone(), note: act.note.clone() };
    let deduction = Fen(act.deduction);
    Ok(match act.command() {
        CaseCommand::Request => Command::Request(said),
        CaseCommand::AskJoint => Command::AskJoint(said),
        CaseCommand::Review => Command::Review(said, deduction),
        CaseCommand::Countersign => Command::Countersign(said.reviewer),
        CaseCommand::Return => Command::Return(said),
        CaseCommand::Concur => Command::Concur(said),
        CaseCommand::Dispute => Command::Dispute(said, deduction),
        CaseCommand::Mediate => Command::Mediate(said, deduction),
        CaseCommand::Appeal => Command::Appeal(said),
        CaseCommand::Rule => Command::Rule(said, deduction),
        CaseCommand::Unspecified => {
            return Err(Refusal::malformed("audit.command", "应为已知步骤", "a known step"));
        }
    })
}

/// True while a case holds a settlement.
pub(super) async fn is_open(txn: &mut Txn, settlement: &SettlementId) -> Result<bool, Failure> {
    Ok(txn.get(&keys::open_case(settlement)).await?.is_some())
}

/// Carries every late case over; gives their settlements.
pub(super) async fn expire_all(hub: &Hub, today: Date) -> Result<Vec<String>, Stop> {
    let mut late = Vec::new();
    let mut pages = Pages::of(&hub.node.store, keys::OPEN_CASES);
    while let Some(page) = pages.next().await? {
        for (key, _) in &page {
            let settlement = key.strip_prefix(keys::OPEN_CASES).and_then(|id| std::str::from_utf8(id).ok());
            let settlement = settlement.and_then(|id| SettlementId::parse(id).ok());
            let settlement = settlement.ok_or_else(|| Failure::Damaged(keys::shown(key)))?;
            if expire(hub, &settlement, today).await? {
                late.push(settlement.to_string());
            }
        }
    }
    Ok(late)
}

async fn expire(hub: &Hub, settlement: &SettlementId, today: Date) -> Result<bool, Stop> {
    let key = keys::case(settlement);
    let mut txn = hub.node.store.begin();
    let Some(document) = txn.record::<pb::Case>(&key).await? else { return Ok(false) };
    let mut case = stored(wire_case::parse(&document), &key)?;
    if !document.lapsed.is_empty() || case.closed().is_some() || today <= case.due {
        return Ok(false);
    }
    while today > case.due {
        let fact = case::decide(&case, Party::Hub, &Command::Expire, &terms(hub, today))?;
        case = case::apply(&case, &fact);
    }
    let document = wire_case::print(&case);
    txn.keep(key, &document);
    let (cause, home, care) = (Cause::Duty(Duty::VerificationOverdue), case.home.province(), case.care.province());
    Problem { cause, day: today, home, care, reference: settlement.as_str() }.note(hub, &mut txn).await?;
    // An officer who acts at this moment wins; the next turn takes the case up again.
    if !matches!(commit(txn).await?, Committed::Yes) {
        return Ok(false);
    }
    hub.tell(events::case(&document, "overdue"));
    Ok(true)
}

/// Cases for those who look, a page at a time; an agency sees those of its province.
pub(super) async fn list(
    hub: &Hub,
    request: &pb::CasesRequest,
    own: Option<&RegionCode>,
) -> Result<pb::CasesReply, Stop> {
    let province = wire::optional_id(RegionCode::parse, &request.province, "province")?;
    let of = |case: &pb::Case, province: Option<&RegionCode>| {
        province.is_none_or(|province| case.home == province.as_str() || case.care == province.as_str())
    };
    let seen = |case: &pb::Case| {
        let open = case.stage() != pb::CaseStage::Closed && case.lapsed.is_empty();
        of(case, own) && of(case, province.as_ref()) && (open || !request.open_only)
    };
    let mut reply = pb::CasesReply::default();
    if let Some(settlement) = wire::optional_id(SettlementId::parse, &request.settlement, "settlement")? {
        reply.cases.extend(hub.node.store.begin().record(&keys::case(&settlement)).await?.filter(seen));
        return Ok(reply);
    }
    let after = wire::optional_id(SettlementId::parse, &request.after, "after")?;
    let mut pages = Pages::after(&hub.node.store, keys::CASES, after.map(|after| keys::case(&after)));
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let case: pb::Case = document(key, &record.value)?;
            if !seen(&case) {
                continue;
            }
            reply.cases.push(case);
            if reply.cases.len() == limits::LISTED_MAX {
                reply.next = reply.cases.last().map(|case| case.settlement.clone()).unwrap_or_default();
                return Ok(reply);
            }
        }
    }
    Ok(reply)
}
