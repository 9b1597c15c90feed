//! The life of a review (审核案件): care proposes a deduction under four eyes; in a joint review (联审) home concurs or disputes
//! and the hub mediates; care may appeal once. A case never closes by itself: past its day it is carried over and counted overdue.
//! Source: the 26th and the carrying over: 医保发〔2022〕22号, annex, remembered; steps and appeal are a design.

use std::collections::BTreeSet;

use super::{Verification, joint, screening::Finding};
use crate::{
    calendar::Date,
    clearing::schedule::answer_by,
    ids::{OfficerId, RegionCode, SettlementId},
    limits,
    money::Fen,
    party::Party,
    refusal::{Code, Refusal},
};

const STEP_RULE: &str = "life of a review (审核环节)";
const PARTY_RULE: &str = "each step of a review is one party's";
const FOUR_EYES_RULE: &str = "four eyes (双人复核): who signed a proposal does not judge it";
const APPEAL_EYES_RULE: &str = "four eyes (双人复核): who took part does not rule on the appeal";
const APPEAL_RULE: &str = "verification.appeal_working_days";
const DUE_RULE: &str = "verification.answer_day";

/// Why a case was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// 大额: the stay is above the threshold.
    Threshold,
    /// 协查: home asked, of whatever stay, cleared or not.
    Requested,
    /// 疑点: the screening found a doubt.
    Finding,
}

/// A deduction on the table, and who put their name to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What is to be taken off, fen.
    pub deduction: Fen,
    /// Who signed; none of them judges it.
    pub signed: BTreeSet<OfficerId>,
}

/// How firm a closing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// A deduction may be appealed up to this day; home may have the case reopened once.
    Provisional {
        /// The last day.
        appeal_until: Date,
    },
    /// Ruled on appeal: it changes no more.
    Final,
}

/// How a case was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// The day.
    pub day: Date,
    /// What is taken off what the home region pays, fen: nothing, a part, or all that the funds paid.
    pub deduction: Fen,
    /// How firm it is.
    pub finality: Finality,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// 待初审: waits for a reviewer of the care region.
    Opened,
    /// 待复核: waits for a second reviewer of the care region.
    Proposed(Proposal),
    /// 待参保地确认: joint, waits for home.
    AwaitingHome(Proposal),
    /// 有异议: home proposes another deduction.
    Disputed {
        /// What care proposed; home's reviewer has signed it too, as the one who disputes it.
        care: Proposal,
        /// What home proposes, fen.
        home: Fen,
    },
    /// 已结案.
    Closed(Closed),
    /// 申诉中: the care region appeals this deduction, fen.
    Appealed {
        /// The deduction appealed, fen.
        deduction: Fen,
    },
}

impl Stage {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            Stage::Opened => ("待初审", "open"),
            Stage::Proposed(_) => ("待复核", "proposed"),
            Stage::AwaitingHome(_) => ("待参保地确认", "waiting for home"),
            Stage::Disputed { .. } => ("有异议", "disputed"),
            Stage::Closed(Closed { finality: Finality::Final, .. }) => ("已终局裁定", "ruled for good"),
            Stage::Closed(_) => ("已结案", "closed"),
            Stage::Appealed { .. } => ("申诉中", "under appeal"),
        }
    }
}

/// What an officer wrote: the evidence of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who.
    pub officer: OfficerId,
    /// For which party.
    pub party: Party,
    /// When.
    pub day: Date,
    /// The words.
    pub text: String,
}

/// The review of one settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The settlement.
    pub settlement: SettlementId,
    /// The province that pays.
    pub home: RegionCode,
    /// The province that treated.
    pub care: RegionCode,
    /// The day it was opened.
    pub opened: Date,
    /// Why, last: a reopened case was requested.
    pub reason: Reason,
    /// 联审: home has its say before it closes.
    pub joint: bool,
    /// What the screening found, at most [`limits::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// What it found besides, counted.
    pub more_findings: u32,
    /// The last day on which it is in time.
    pub due: Date,
    /// How often it was carried over.
    pub overdue: u32,
    /// Home had it reopened, which happens once.
    pub reopened: bool,
    /// The fund total of the settlement, fen: no deduction is higher.
    pub fund: Fen,
    /// Where it stands.
    pub stage: Stage,
    /// Every officer who took a step.
    pub reviewers: BTreeSet<OfficerId>,
    /// The evidence, in order.
    pub notes: Vec<Note>,
}

/// What a case is opened upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The settlement.
    pub settlement: SettlementId,
    /// Its home pooling area or province.
    pub home: RegionCode,
    /// Its care division or province.
    pub care: RegionCode,
    /// Its fund total, fen.
    pub fund: Fen,
    /// Why.
    pub reason: Reason,
}

/// What an officer says when taking a step (审核意见).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Who.
    pub reviewer: OfficerId,
    /// Why, in words.
    pub note: String,
}

/// A step; an amount is a deduction in fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 初审: care proposes a deduction, again after a dispute.
    Review(Statement, Fen),
    /// 复核: a second reviewer of care agrees.
    Countersign(OfficerId),
    /// 退回: a second reviewer of care does not.
    Return(Statement),
    /// 确认: home agrees.
    Concur(Statement),
    /// 异议: home proposes another deduction.
    Dispute(Statement, Fen),
    /// 协调: the hub settles a dispute between the two proposals.
    Mediate(Statement, Fen),
    /// 申诉: care appeals a deduction.
    Appeal(Statement),
    /// 裁定: the hub rules on the appeal, at most what was appealed.
    Rule(Statement, Fen),
    /// 提请联审: home wants its say.
    AskJoint(Statement),
    /// 协查请求: home has a closed case reopened.
    Request(Statement),
    /// 逾期结转: the hub carries a late case over.
    Expire,
}

impl Command {
    /// Its name in Chinese and English, and whose step it is.
    #[must_use]
    pub fn step(&self) -> (&'static str, &'static str, Party) {
        match self {
            Command::Review(..) => ("初审", "review", Party::Care),
            Command::Countersign(_) => ("复核", "countersign", Party::Care),
            Command::Return(_) => ("退回", "return", Party::Care),
            Command::Concur(_) => ("确认", "concur", Party::Home),
            Command::Dispute(..) => ("异议", "dispute", Party::Home),
            Command::Mediate(..) => ("协调", "mediate", Party::Hub),
            Command::Appeal(_) => ("申诉", "appeal", Party::Care),
            Command::Rule(..) => ("裁定", "rule", Party::Hub),
            Command::AskJoint(_) => ("提请联审", "ask for joint review", Party::Home),
            Command::Request(_) => ("协查请求", "request verification", Party::Home),
            Command::Expire => ("逾期结转", "carry over", Party::Hub),
        }
    }

    fn statement(&self) -> Option<&Statement> {
        match self {
            Command::Review(said, _)
            | Command::Dispute(said, _)
            | Command::Mediate(said, _)
            | Command::Rule(said, _) => Some(said),
            Command::Return(said)
            | Command::Concur(said)
            | Command::Appeal(said)
            | Command::AskJoint(said)
            | Command::Request(said) => Some(said),
            Command::Countersign(_) | Command::Expire => None,
        }
    }

    fn reviewer(&self) -> Option<&OfficerId> {
        match self {
            Command::Countersign(reviewer) => Some(reviewer),
            _ => self.statement().map(|said| &said.reviewer),
        }
    }

    fn deduction(&self) -> Option<Fen> {
        match self {
            Command::Review(_, deduction)
            | Command::Dispute(_, deduction)
            | Command::Mediate(_, deduction)
            | Command::Rule(_, deduction) => Some(*deduction),
            _ => None,
        }
    }

    /// The form of the step, whatever the case: a note in words, a deduction between nothing and what the funds paid.
    fn check(&self, fund: Fen) -> Result<(), Refusal> {
        if let Some(Statement { note, .. }) = self.statement()
            && (note.trim().is_empty() || note.chars().count() > limits::TEXT_CHARS_MAX)
        {
            let most = limits::TEXT_CHARS_MAX;
            return Err(Refusal::malformed("note", format!("应为 1 至 {most} 字"), format!("1 to {most} characters")));
        }
        match self.deduction() {
            Some(deduction) => {
                within(deduction, Fen::ZERO, fund, "a deduction is at most what the funds paid for the settlement")
            }
            None => Ok(()),
        }
    }
}

/// What a step is judged by besides the case.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The numbers.
    pub rules: &'a Verification,
    /// The day of the step.
    pub today: Date,
    /// The last day to appeal what closes today: [`Verification::appeal_working_days`] on.
    pub appeal_until: Date,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The day.
    pub day: Date,
    /// The party.
    pub party: Party,
    /// The officer; none where a case was carried over.
    pub reviewer: Option<OfficerId>,
    /// What the officer wrote.
    pub note: Option<String>,
    /// What it changes.
    pub change: Change,
}

/// What a step changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The case moves on.
    Moved(Stage),
    /// It becomes joint.
    Joint,
    /// It was late, and has a new day.
    CarriedOver(Date),
    /// It begins again, with a new day.
    Reopened(Date),
    /// Its deduction is appealed, with a new day.
    Appealed {
        /// The deduction, fen.
        deduction: Fen,
        /// The new day.
        due: Date,
    },
}

impl Case {
    /// Opens the review of a settlement. It is joint where both provinces lie in one cluster.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] for a negative record: it takes back already.
    pub fn open(opening: Opening, rules: &Verification, today: Date) -> Result<Case, Refusal> {
        let Opening { settlement, home, care, fund, reason } = opening;
        if fund.is_negative() {
            return Err(Refusal::malformed(
                "fund",
                "负记录不予审核",
                "not negative: a negative record is not reviewed",
            ));
        }
        Ok(Case {
            joint: joint(&home, &care, rules),
            settlement,
            home: home.province(),
            care: care.province(),
            opened: today,
            reason,
            findings: Vec::new(),
            more_findings: 0,
            due: answer_by(today, rules.answer_day),
            overdue: 0,
            reopened: false,
            fund,
            stage: Stage::Opened,
            reviewers: BTreeSet::new(),
            notes: Vec::new(),
        })
    }

    /// How it was closed, unless it is under way. Only then may the settlement be cleared.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        match &self.stage {
            Stage::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Adds what the screening found. Nothing moves on by it: a closed case stays closed until home has it reopened.
    #[must_use]
    pub fn found(mut self, findings: Vec<Finding>) -> Case {
        let room = limits::FINDINGS_MAX.saturating_sub(self.findings.len());
        let more = u32::try_from(findings.len().saturating_sub(room)).unwrap_or(u32::MAX);
        self.findings.extend(findings.into_iter().take(room));
        self.more_findings = self.more_findings.saturating_add(more);
        self
    }

    fn change(&self, command: &Command, terms: &Terms<'_>) -> Result<Change, Refusal> {
        let stage = match (&self.stage, command) {
            (Stage::Opened | Stage::Disputed { .. }, Command::Review(said, deduction)) => {
                Stage::Proposed(Proposal { deduction: *deduction, signed: [said.reviewer.clone()].into() })
            }
            (Stage::Proposed(proposal), Command::Countersign(reviewer)) => {
                let signed = proposal.judged_by(reviewer)?;
                if self.joint { Stage::AwaitingHome(signed) } else { terms.closes(signed.deduction) }
            }
            (Stage::Proposed(proposal), Command::Return(said)) => {
                proposal.judged_by(&said.reviewer)?;
                Stage::Opened
            }
            (Stage::AwaitingHome(proposal), Command::Concur(said)) => {
                terms.closes(proposal.judged_by(&said.reviewer)?.deduction)
            }
            (Stage::AwaitingHome(proposal), Command::Dispute(said, deduction)) => {
                Stage::Disputed { care: proposal.judged_by(&said.reviewer)?, home: *deduction }
            }
            (Stage::Disputed { care, home }, Command::Mediate(said, deduction)) => {
                let (low, high) = (care.deduction.min(*home), care.deduction.max(*home));
                within(*deduction, low, high, "a mediated deduction lies between the two proposals")?;
                care.judged_by(&said.reviewer)?;
                terms.closes(*deduction)
            }
            (Stage::Appealed { deduction: appealed }, Command::Rule(said, deduction)) => {
                within(*deduction, Fen::ZERO, *appealed, "an appeal never raises the deduction")?;
                unseen(&self.reviewers, &said.reviewer, APPEAL_EYES_RULE)?;
                Stage::Closed(Closed { day: terms.today, deduction: *deduction, finality: Finality::Final })
            }
            (Stage::Closed(closed), Command::Appeal(_)) => return self.appealed(closed, command, terms),
            (Stage::Closed(Closed { finality: Finality::Provisional { .. }, .. }), Command::Request(_))
                if !self.reopened =>
            {
                return Ok(Change::Reopened(answer_by(terms.today, terms.rules.answer_day)));
            }
            (Stage::Opened | Stage::Proposed(_), Command::AskJoint(_)) if !self.joint => return Ok(Change::Joint),
            (stage, Command::Expire) if !matches!(stage, Stage::Closed(_)) => return self.carried_over(terms),
            _ => return Err(self.not_now(command)),
        };
        Ok(Change::Moved(stage))
    }

    fn appealed(&self, closed: &Closed, command: &Command, terms: &Terms<'_>) -> Result<Change, Refusal> {
        let Finality::Provisional { appeal_until } = closed.finality else { return Err(self.not_now(command)) };
        if closed.deduction == Fen::ZERO {
            return Err(Refusal::new(Code::AuditState, STEP_RULE, "deduction")
                .with("未扣款，无可申诉", "nothing was deducted, and nothing is there to appeal"));
        }
        if terms.today > appeal_until {
            return Err(Refusal::new(Code::AuditState, APPEAL_RULE, "day")
                .with(format!("申诉期至 {appeal_until}"), format!("it could be appealed until {appeal_until}")));
        }
        Ok(Change::Appealed { deduction: closed.deduction, due: answer_by(terms.today, terms.rules.answer_day) })
    }

    fn carried_over(&self, terms: &Terms<'_>) -> Result<Change, Refusal> {
        if terms.today <= self.due {
            return Err(Refusal::new(Code::AuditState, DUE_RULE, "day")
                .with(format!("期限 {} 未过", self.due), format!("it is in time until {}", self.due)));
        }
        Ok(Change::CarriedOver(answer_by(self.due, terms.rules.answer_day)))
    }

    fn not_now(&self, command: &Command) -> Refusal {
        let ((zh, en), (step_zh, step_en, _)) = (self.stage.names(), command.step());
        let (joint_zh, joint_en) = if self.joint { ("联审案件", "joint review") } else { ("案件", "review") };
        Refusal::new(Code::AuditState, STEP_RULE, "stage").with(
            format!("{joint_zh}{zh}，此时不能{step_zh}"),
            format!("the {joint_en} is {en}, and there is no `{step_en}` now"),
        )
    }
}

impl Proposal {
    /// The proposal with one more who judged it.
    fn judged_by(&self, reviewer: &OfficerId) -> Result<Proposal, Refusal> {
        unseen(&self.signed, reviewer, FOUR_EYES_RULE)?;
        let signed = self.signed.iter().chain([reviewer]).cloned().collect();
        Ok(Proposal { deduction: self.deduction, signed })
    }
}

impl Terms<'_> {
    fn closes(&self, deduction: Fen) -> Stage {
        let finality = Finality::Provisional { appeal_until: self.appeal_until };
        Stage::Closed(Closed { day: self.today, deduction, finality })
    }
}

/// Decides a step of a case.
///
/// # Errors
/// [`Code::FieldInvalid`] for a note without words or a deduction out of its bounds, [`Code::AuditState`] for a step that is
/// another party's (field `party`), not the stage's (`stage`, `deduction`), too early or too late (`day`), or taken by an
/// officer who may not judge it (`reviewer`).
pub fn decide(case: &Case, party: Party, command: &Command, terms: &Terms<'_>) -> Result<Fact, Refusal> {
    command.check(case.fund)?;
    let (step_zh, step_en, whose) = command.step();
    if party != whose {
        let ((zh, en), (not_zh, not_en)) = (whose.names(), party.names());
        return Err(Refusal::new(Code::AuditState, PARTY_RULE, "party").with(
            format!("{step_zh}由{zh}办理，不由{not_zh}办理"),
            format!("`{step_en}` is a step of the {en}, not of the {not_en}"),
        ));
    }
    let change = case.change(command, terms)?;
    let (reviewer, note) = (command.reviewer().cloned(), command.statement().map(|said| said.note.clone()));
    Ok(Fact { day: terms.today, party, reviewer, note, change })
}

/// The case after a step.
#[must_use]
pub fn apply(case: &Case, fact: &Fact) -> Case {
    let mut next = case.clone();
    if let Some(officer) = &fact.reviewer {
        next.reviewers.insert(officer.clone());
        let note =
            |text: &String| Note { officer: officer.clone(), party: fact.party, day: fact.day, text: text.clone() };
        next.notes.extend(fact.note.as_ref().map(note));
    }
    match &fact.change {
        Change::Moved(stage) => next.stage = stage.clone(),
        Change::Joint => next.joint = true,
        Change::CarriedOver(due) => {
            next.overdue = next.overdue.saturating_add(1);
            next.due = *due;
        }
        Change::Reopened(due) => {
            (next.stage, next.due, next.reason, next.reopened) = (Stage::Opened, *due, Reason::Requested, true);
        }
        Change::Appealed { deduction, due } => {
            (next.stage, next.due) = (Stage::Appealed { deduction: *deduction }, *due);
        }
    }
    next
}

fn within(deduction: Fen, low: Fen, high: Fen, rule: &str) -> Result<(), Refusal> {
    if (low..=high).contains(&deduction) {
        return Ok(());
    }
    Err(Refusal::new(Code::FieldInvalid, rule, "deduction").with(
        format!("扣款应为 {low} 至 {high}，而非 {deduction}"),
        format!("a deduction from {low} to {high}, not {deduction}"),
    ))
}

fn unseen(seen: &BTreeSet<OfficerId>, reviewer: &OfficerId, rule: &str) -> Result<(), Refusal> {
    if !seen.contains(reviewer) {
        return Ok(());
    }
    Err(Refusal::new(Code::AuditState, rule, "reviewer")
        .with("该经办人已参与，须由他人办理", "this officer took part; it takes somebody else"))
}
