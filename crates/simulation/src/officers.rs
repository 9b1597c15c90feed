//! Officers at the end of a month: they agree bills, review what is expensive, confirm tables, dispute an item, and move
//! the money. What they are told goes into the model.

use zhijie_services::{
    cluster::HUB,
    pb::{self, agency_reply::Outcome, agency_request::Command, national_client::NationalClient},
};

use crate::desk::{Desk, sends};

/// Messages of a hundred that are sent again after their answer.
const AGAIN_PERCENT: u64 = 10;
/// Reviews are closed in fewer steps.
const STEPS_MAX: usize = 8;
/// Reviews and disputes of a hundred that end with a deduction.
const DEDUCTED_PERCENT: u64 = 40;
/// Months of a hundred in which an item is disputed.
const DISPUTED_PERCENT: u64 = 40;

type Done = Result<(), String>;

/// The officers of all agencies.
pub(crate) struct Officers<'a> {
    pub(crate) desk: &'a Desk,
    /// Begins the ids of their messages.
    pub(crate) month: &'a str,
}

/// What an agency's reply tells.
fn told(reply: &pb::AgencyReply) -> Result<String, String> {
    match &reply.outcome {
        Some(Outcome::Refused(refused)) if refused.code() == pb::RefusalCode::E605Busy => Err(refused.en.clone()),
        Some(Outcome::Refused(refused)) => Ok(format!("refused, {}", refused.en)),
        Some(Outcome::Case(case)) => Ok(format!("case {:?}", case.stage())),
        Some(Outcome::Quota(quota)) => Ok(format!("prepayment of {} fen, {} held", quota.quota, quota.balance)),
        Some(Outcome::Table(table)) => Ok(format!("table of {} fen, revision {}", table.payable, table.revision)),
        Some(_) => Ok("done".into()),
        None => Err("an empty reply".into()),
    }
}

impl Officers<'_> {
    /// Performs a command. What was done is done once: the same message again has the same answer.
    async fn perform(&self, service: &str, officer: &str, act: &str, command: Command) -> Result<Outcome, String> {
        let message_id = format!("{}-{act}", self.month);
        let request = pb::AgencyRequest { message_id, officer: officer.into(), command: Some(command) };
        let act = format!("{service} {}", request.message_id);
        let outcome = self.sent(service, &act, &request).await?;
        let again = self.desk.dice.borrow_mut().percent(AGAIN_PERCENT);
        if again && !matches!(outcome, Outcome::Refused(_)) {
            let other = self.sent(service, &act, &request).await?;
            if other != outcome {
                return Err(format!("{act} was answered by {outcome:?}, and again by {other:?}"));
            }
        }
        Ok(outcome)
    }

    async fn sent(&self, service: &str, act: &str, request: &pb::AgencyRequest) -> Result<Outcome, String> {
        let reply = if service == HUB {
            let national: &NationalClient<_> = &self.desk.national;
            self.desk.ask(act, told, sends!(national, perform, request)).await?
        } else {
            let office = self.desk.offices.get(service).ok_or_else(|| format!("no office of {service}"))?;
            self.desk.ask(act, told, sends!(office, perform, request)).await?
        };
        reply.outcome.ok_or_else(|| format!("{act}: an empty reply"))
    }

    /// Performs what may not be refused.
    pub(crate) async fn must(
        &self,
        service: &str,
        officer: &str,
        act: &str,
        command: Command,
    ) -> Result<Outcome, String> {
        match self.perform(service, officer, act, command).await? {
            Outcome::Refused(refused) => Err(format!("{service} {}-{act}: refused, {}", self.month, refused.en)),
            outcome => Ok(outcome),
        }
    }

    /// All cares agree the month's bills.
    pub(crate) async fn agree(&self) -> Done {
        for care in self.desk.cares.keys() {
            let command = Command::AgreeMonth(pb::AgreeMonth { month: self.month.into(), excepted: Vec::new() });
            self.must(&format!("care-{care}"), "c1", "agree", command).await?;
        }
        Ok(())
    }

    /// Reviews are closed, some with a deduction.
    pub(crate) async fn review(&self) -> Done {
        let request = pb::CasesRequest { open_only: true, ..pb::CasesRequest::default() };
        let national = &self.desk.national;
        let told = |reply: &pb::CasesReply| Ok(format!("{} open", reply.cases.len()));
        let cases = self.desk.ask("cases", told, sends!(national, cases, request)).await?.cases;
        for case in cases {
            self.close(case).await?;
        }
        Ok(())
    }

    async fn close(&self, mut case: pb::Case) -> Done {
        let deducts = self.desk.dice.borrow_mut().percent(DEDUCTED_PERCENT);
        let deduction = if deducts { case.fund / 10 } else { 0 };
        for step in 0..STEPS_MAX {
            let (home, care) = (format!("home-{}", case.home), format!("care-{}", case.care));
            let (service, officer, command) = match case.stage() {
                pb::CaseStage::Opened => (care, "c1", pb::CaseCommand::Review),
                pb::CaseStage::Proposed => (care, "c2", pb::CaseCommand::Countersign),
                pb::CaseStage::AwaitingHome => (home, "h1", pb::CaseCommand::Concur),
                _ => break,
            };
            let act = format!("review-{}-{step}", case.settlement);
            let command = Command::Audit(pb::AuditAct {
                settlement: case.settlement.clone(),
                command: command.into(),
                deduction,
                note: "the file was read".into(),
            });
            match self.perform(&service, officer, &act, command).await? {
                Outcome::Case(next) => case = next,
                // It was undone meanwhile, and with it the case.
                _ => return Ok(()),
            }
        }
        if case.stage() == pb::CaseStage::Closed {
            let mut model = self.desk.model.borrow_mut();
            *model.deductions.entry(case.settlement).or_default() = case.deduction;
        }
        Ok(())
    }

    /// The hub does what is due.
    pub(crate) async fn turn(&self) -> Done {
        let (national, request) = (&self.desk.national, pb::TurnRequest {});
        let told = |reply: &pb::TurnReply| {
            let duties: Vec<String> =
                reply.duties.iter().map(|duty| format!("{} {}", duty.what, duty.reference)).collect();
            Ok(format!("{}: {}", reply.today, duties.join(", ")))
        };
        self.desk.ask("turn", told, sends!(national, turn, request)).await.map(drop)
    }

    /// The tables of the month, or of all.
    pub(crate) async fn tables(&self, period: &str) -> Result<pb::TablesReply, String> {
        let (national, request) =
            (&self.desk.national, pb::TablesRequest { period: period.into(), province: String::new() });
        let told = |reply: &pb::TablesReply| {
            let shown =
                |table: &pb::ClearingTable| format!("{} {}→{} {}", table.period, table.home, table.care, table.payable);
            Ok(reply.tables.iter().map(shown).collect::<Vec<_>>().join(", "))
        };
        self.desk.ask("tables", told, sends!(national, tables, request)).await
    }

    /// Waits until the hub has made the month's tables, and it may take more than one turn. A month of which nothing is
    /// left has none; what should have been cleared is found by the comparison.
    pub(crate) async fn made(&self) -> Done {
        for _ in 0..STEPS_MAX {
            self.turn().await?;
            if !self.tables(self.month).await?.tables.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// An item is disputed before the tables are confirmed, and the national agency resolves it.
    pub(crate) async fn dispute(&self) -> Done {
        if !self.desk.dice.borrow_mut().percent(DISPUTED_PERCENT) {
            return Ok(());
        }
        let tables = self.tables(self.month).await?.tables;
        let Some(table) = tables.first() else { return Ok(()) };
        let items = self.items(table).await?;
        let item = items.iter().find(|item| item.carried() == pb::CarriedReason::Unspecified && item.fund > 0);
        let Some(item) = item else { return Ok(()) };
        let settlement = item.settlement.clone();
        let dispute =
            pb::DisputeItem { period: self.month.into(), settlement: settlement.clone(), note: "who was this".into() };
        let home = format!("home-{}", table.home);
        match self.perform(&home, "h1", "dispute", Command::DisputeItem(dispute)).await? {
            Outcome::Refused(_) => return Ok(()),
            _ => self.desk.model.borrow_mut().disputed.insert(settlement.clone()),
        };
        let deducts = self.desk.dice.borrow_mut().percent(DEDUCTED_PERCENT);
        let deduction = if deducts { item.fund / 4 } else { 0 };
        let resolve = pb::ResolveDispute { settlement: settlement.clone(), deduction, note: "it was heard".into() };
        if let Outcome::Refused(_) = self.perform(HUB, "n1", "resolve", Command::ResolveDispute(resolve)).await? {
            return Ok(());
        }
        let mut model = self.desk.model.borrow_mut();
        model.disputed.remove(&settlement);
        let known = model.deductions.get(&settlement).copied().unwrap_or(0);
        model.deductions.insert(settlement, known.max(deduction));
        Ok(())
    }

    /// The items of a table, those carried past it among them.
    pub(crate) async fn items(&self, table: &pb::ClearingTable) -> Result<Vec<pb::ClearedItem>, String> {
        let request =
            pb::ItemsRequest { period: table.period.clone(), home: table.home.clone(), care: table.care.clone() };
        let act = format!("items {} {}→{}", table.period, table.home, table.care);
        let read = async || {
            let mut national = self.desk.national.clone();
            let (mut stream, mut items) = (national.items(request.clone()).await?.into_inner(), Vec::new());
            while let Some(item) = stream.message().await? {
                items.push(item);
            }
            Ok(tonic::Response::new(items))
        };
        let told = |items: &Vec<pb::ClearedItem>| Ok(format!("{} items", items.len()));
        self.desk.ask(&act, told, read).await
    }

    /// A step of every table of the month by those whose step it is.
    pub(crate) async fn step(&self, step: pb::TableStep) -> Done {
        for table in self.tables(self.month).await?.tables {
            if table.payable <= 0 && step != pb::TableStep::Confirm {
                continue;
            }
            let (home, care) = (format!("home-{}", table.home), format!("care-{}", table.care));
            let who = match step {
                pb::TableStep::Confirm => vec![home, care],
                pb::TableStep::Receive => vec![care],
                _ => vec![home],
            };
            for service in who {
                let command = Command::TakeStep(pb::TakeStep {
                    period: table.period.clone(),
                    home: table.home.clone(),
                    care: table.care.clone(),
                    step: step.into(),
                    content_hash: table.content_hash.clone(),
                });
                let act = format!("{}-{}-{}", step.as_str_name().to_lowercase(), table.home, table.care);
                self.must(&service, "h2", &act, command).await?;
            }
        }
        Ok(())
    }
}
