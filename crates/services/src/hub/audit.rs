//! Review of high-cost claims (大额费用审核、费用协查): a case is opened in the commit that books the stay, officers of both
//! provinces take its steps, and what it decides goes into the next table.

use zhijie_domain::{
    audit::{
        self,
        case::{self, Case, Command, Opening, Reason, Statement, Terms},
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
    node::{Book, Committed, Failure, Records, Stop, commit, document, keys, limits, stored, unknown_settlement},
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
    Ok(true)
}

fn open(hub: &Hub, settlement: &Settlement, reason: Reason) -> Result<Case, Refusal> {
    let opening = Opening {
        settlement: settlement.id.clone(),
        home: settlement.claim.home.clone(),
        care: settlement.claim.care.clone(),
        fund: settlement.computation.amounts.fund_total,
        reason,
        findings: Vec::new(),
    };
    Case::open(opening, &hub.node.parameters.rules.verification, hub.node.now().day())
}

/// A settlement was undone: nothing is left to review.
pub(super) async fn lapse(hub: &Hub, txn: &mut Txn, settlement: &SettlementId) -> Result<(), Failure> {
    let key = keys::case(settlement);
    if let Some(mut case) = txn.record::<pb::Case>(&key).await? {
        case.lapsed = hub.node.now().day().to_string();
        txn.keep(key, &case);
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
    let known = txn.record::<pb::Case>(&key).await?;
    let known = known.map(|document| stored(wire_case::parse(&document), &key)).transpose()?;
    let next = match (known, &command) {
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
    release(txn, &booked.settlement, &next).await?;
    let document = wire_case::print(&next);
    txn.keep(key, &document);
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
        item.deduction = deduction.unwrap_or_default().0;
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
    let difference = deduction.minus(Fen(cleared.deducted))?;
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

/// Carries every late case over; gives their settlements.
pub(super) async fn expire_all(hub: &Hub, today: Date) -> Result<Vec<String>, Stop> {
    let mut late = Vec::new();
    for known in all(hub).await? {
        let settlement = id(SettlementId::parse, &known.settlement, "case.settlement")?;
        let key = keys::case(&settlement);
        let mut txn = hub.node.store.begin();
        let Some(document) = txn.record::<pb::Case>(&key).await? else { continue };
        let mut case = stored(wire_case::parse(&document), &key)?;
        if !document.lapsed.is_empty() || case.closed().is_some() || today <= case.due {
            continue;
        }
        while today > case.due {
            let fact = case::decide(&case, Party::Hub, &Command::Expire, &terms(hub, today))?;
            case = case::apply(&case, &fact);
        }
        let document = wire_case::print(&case);
        txn.keep(key, &document);
        let cause = Cause::Duty(Duty::VerificationOverdue);
        let (home, care) = (case.home.province(), case.care.province());
        Problem { cause, day: today, home, care, reference: &known.settlement }.note(hub, &mut txn).await?;
        // An officer who acts at this moment wins; the next turn takes the case up again.
        if matches!(commit(txn).await?, Committed::Yes) {
            hub.tell(events::case(&document, "overdue"));
            late.push(known.settlement);
        }
    }
    Ok(late)
}

async fn all(hub: &Hub) -> Result<Vec<pb::Case>, Failure> {
    let (mut cases, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = hub.node.store.scan_prefix(keys::CASES, after.as_deref(), limits::PAGE).await?;
        for (key, record) in &page {
            cases.push(document(key, &record.value)?);
        }
        if page.len() < limits::PAGE {
            return Ok(cases);
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

/// Cases for those who look; an agency sees those of its province.
pub(super) async fn list(
    hub: &Hub,
    request: &pb::CasesRequest,
    own: Option<&RegionCode>,
) -> Result<pb::CasesReply, Stop> {
    let province = wire::optional_id(RegionCode::parse, &request.province, "province")?;
    let of = |case: &pb::Case, province: Option<&RegionCode>| {
        province.is_none_or(|province| case.home == province.as_str() || case.care == province.as_str())
    };
    let mut cases = match wire::optional_id(SettlementId::parse, &request.settlement, "settlement")? {
        Some(settlement) => hub.node.store.begin().record(&keys::case(&settlement)).await?.into_iter().collect(),
        None => all(hub).await?,
    };
    cases.retain(|case: &pb::Case| {
        let open = case.stage() != pb::CaseStage::Closed && case.lapsed.is_empty();
        of(case, own) && of(case, province.as_ref()) && (open || !request.open_only)
    });
    Ok(pb::CasesReply { cases, refused: None })
}
