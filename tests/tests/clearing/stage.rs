//! A hub whose home province Anhui answers from a script, and the officers who act upon its month.

use zhijie_services::{
    domain::calendar::{Moment, Month},
    node::Served,
    pb::{self, agency_reply::Outcome, agency_request::Command, answer::Outcome as Answered, prepayment_act::Act},
};
use zhijie_tests::{World, scripted::script_home};

/// The home province.
pub(crate) const ANHUI: &str = "340000";
const PROVINCES: [&str; 4] = ["310000", "320000", "330000", ANHUI];
/// 万元 in fen.
pub(crate) const WAN: i64 = 1_000_000;
/// The largest bill, 万元.
const BILL_MAX: i64 = 10_000;
/// Everybody's number.
const PERSON: &str = "34120000000000000001";

/// A hub whose home province Anhui answers from a script.
pub(crate) struct Stage {
    pub(crate) world: World,
    messages: u32,
    _anhui: Served,
}

impl Stage {
    pub(crate) async fn at(day: &str) -> Stage {
        Stage::over(World::of(&PROVINCES, day).await).await
    }

    /// The same over stores whose commits take their time.
    pub(crate) async fn with_slow_commits(day: &str) -> Stage {
        Stage::over(World::with_slow_commits(&PROVINCES, day).await).await
    }

    async fn over(mut world: World) -> Stage {
        let anhui = script_home(&mut world, ANHUI).await;
        Stage { world, messages: 0, _anhui: anhui }
    }

    pub(crate) fn message(&mut self) -> String {
        self.messages += 1;
        format!("m{}", self.messages)
    }

    /// Settles a stay of so many fen in a province.
    pub(crate) async fn settle(&mut self, care: &str, scheme: pb::Scheme, fen: i64) -> pb::Settlement {
        let message = self.message();
        let institution = format!("H{}010000001", &care[..2]);
        let day = self.world.today();
        let parts = Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() });
        let claim = pb::Claim {
            visit: format!("V{message}"),
            person: PERSON.into(),
            home: "341200".into(),
            scheme: scheme.into(),
            care: institution[1..7].into(),
            institution: institution.clone(),
            level: pb::Level::Tertiary.into(),
            service: pb::Service::Stay.into(),
            emergency: true,
            from: day.clone(),
            to: day,
            parts,
            categories: vec![pb::CategoryParts { category: 7, parts }],
            ..pb::Claim::default()
        };
        let header = pb::Header {
            message_id: message,
            care: institution[1..7].into(),
            home: "341200".into(),
            institution,
            ..pb::Header::default()
        };
        let request = pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None };
        let answer = self.world.hub_as_care(care).settle(request).await.expect("a reply").into_inner();
        match answer.outcome {
            Some(Answered::Settlement(settlement)) => *settlement,
            other => panic!("expected a settlement, got {other:?}"),
        }
    }

    /// The header of a new message of a hospital of a province.
    fn header(&mut self, care: &str) -> pb::Header {
        let institution = format!("H{}010000001", &care[..2]);
        pb::Header {
            message_id: self.message(),
            care: institution[1..7].into(),
            home: "341200".into(),
            institution,
            ..pb::Header::default()
        }
    }

    pub(crate) async fn cancel(&mut self, care: &str, settlement: &pb::Settlement) -> pb::Answer {
        let header = self.header(care);
        let claim = settlement.claim.clone().unwrap_or_default();
        let request = pb::CancelRequest {
            header: Some(header),
            settlement: settlement.id.clone(),
            visit: claim.visit,
            person: claim.person,
        };
        self.world.hub_as_care(care).cancel(request).await.expect("a reply").into_inner()
    }

    /// Settles an amount of 万元 in bills as large as bills may be.
    pub(crate) async fn settle_wan(&mut self, care: &str, scheme: pb::Scheme, wan: i64) -> Vec<String> {
        let (mut left, mut settled) = (wan, Vec::new());
        while left > 0 {
            let bill = left.min(BILL_MAX);
            settled.push(self.settle(care, scheme, bill * WAN).await.id);
            left -= bill;
        }
        settled
    }

    pub(crate) async fn ask(&mut self, who: &str, officer: &str, command: Command) -> pb::AgencyReply {
        let request = pb::AgencyRequest { message_id: self.message(), officer: officer.into(), command: Some(command) };
        if who == "hub" {
            return self.world.national().perform(request).await.expect("a reply").into_inner();
        }
        self.world.agency(who).perform(request).await.expect("a reply").into_inner()
    }

    pub(crate) async fn done(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        match self.ask(who, officer, command).await.outcome {
            Some(Outcome::Refused(refusal)) => panic!("{who}: {refusal:?}"),
            Some(outcome) => outcome,
            None => panic!("{who}: nothing"),
        }
    }

    pub(crate) async fn refused(&mut self, who: &str, officer: &str, command: Command, expected: &str) {
        match self.ask(who, officer, command).await.outcome {
            Some(Outcome::Refused(refusal)) => assert!(refusal.en.contains(expected), "{}", refusal.en),
            other => panic!("expected a refusal that says {expected}, got {other:?}"),
        }
    }

    /// Closes the case of a stay in the Yangtze delta: care twice, then home.
    pub(crate) async fn review(&mut self, care: &str, settlement: &str, deduction: i64) {
        let act = |command: pb::CaseCommand, deduction: i64| {
            Command::Audit(pb::AuditAct {
                settlement: settlement.into(),
                command: command.into(),
                deduction,
                note: "the file was read".into(),
            })
        };
        let (care, home) = (format!("care-{care}"), format!("home-{ANHUI}"));
        self.done(&care, "c1", act(pb::CaseCommand::Review, deduction)).await;
        self.refused(&care, "c1", act(pb::CaseCommand::Countersign, 0), "this officer took part").await;
        self.done(&care, "c2", act(pb::CaseCommand::Countersign, 0)).await;
        let closed = self.done(&home, "h1", act(pb::CaseCommand::Concur, 0)).await;
        assert!(matches!(closed, Outcome::Case(case) if case.stage() == pb::CaseStage::Closed));
    }

    pub(crate) async fn agree(&mut self, care: &str, month: &str, excepted: &[String]) {
        let excepted = excepted
            .iter()
            .map(|settlement| pb::ExceptedItem { settlement: settlement.clone(), reason: "not agreed yet".into() })
            .collect();
        let command = Command::AgreeMonth(pb::AgreeMonth { month: month.into(), excepted });
        self.done(&format!("care-{care}"), "c1", command).await;
    }

    pub(crate) async fn agree_items(&mut self, care: &str, settlements: &[String]) {
        let command = Command::AgreeItems(pb::AgreeItems { settlements: settlements.to_vec() });
        self.done(&format!("care-{care}"), "c1", command).await;
    }

    pub(crate) async fn turn(&mut self, day: &str) {
        self.world.move_to(day);
        // The first call after a crash may meet the connection that broke.
        for _ in 0..3 {
            if self.world.national().turn(pb::TurnRequest {}).await.is_ok() {
                return;
            }
        }
        panic!("the hub does not turn");
    }

    pub(crate) async fn table(&self, period: &str, care: &str) -> pb::ClearingTable {
        let request = pb::TablesRequest { period: period.into(), province: care.into() };
        let reply = self.world.national().tables(request).await.expect("a reply").into_inner();
        let mut tables = reply.tables.into_iter().filter(|table| table.care == care);
        tables.next().unwrap_or_else(|| panic!("a table of {period} with {care}"))
    }

    pub(crate) fn step(table: &pb::ClearingTable, step: pb::TableStep) -> Command {
        Command::TakeStep(pb::TakeStep {
            period: table.period.clone(),
            home: table.home.clone(),
            care: table.care.clone(),
            step: step.into(),
            content_hash: table.content_hash.clone(),
        })
    }

    pub(crate) async fn confirm(&mut self, table: &pb::ClearingTable) {
        let confirm = Stage::step(table, pb::TableStep::Confirm);
        self.done(&format!("home-{ANHUI}"), "h1", confirm.clone()).await;
        self.done(&format!("care-{}", table.care), "c1", confirm).await;
    }

    pub(crate) async fn prepay(&mut self, who: &str, care: &str, act: Act) -> pb::Quota {
        let command = pb::PrepaymentAct { home: ANHUI.into(), care: care.into(), act: Some(act) };
        match self.done(who, "q1", Command::Prepayment(command)).await {
            Outcome::Quota(quota) => quota,
            other => panic!("expected a quota, got {other:?}"),
        }
    }

    /// The id of the last message.
    pub(crate) fn last_message(&self) -> String {
        format!("m{}", self.messages)
    }

    /// Reverses a message.
    pub(crate) async fn reverse(&mut self, care: &str, original: &str) {
        let header = self.header(care);
        let request = pb::ReverseRequest {
            header: Some(header),
            act: pb::Act::Settle.into(),
            original_message_id: original.into(),
            person: PERSON.into(),
        };
        let answer = self.world.hub_as_care(care).reverse(request).await.expect("a reply").into_inner();
        assert!(matches!(answer.outcome, Some(Answered::Reversal(_))), "{answer:?}");
    }

    /// The month of a settlement.
    pub(crate) fn month_of(&self, settlement: &pb::Settlement) -> String {
        Month::of(Moment(settlement.at).day()).to_string()
    }

    /// The negative records of a settlement in the hub's book.
    pub(crate) async fn negatives_of(&self, settlement: &str) -> Vec<String> {
        let by = Some(pb::find_request::By::Settlement(settlement.into()));
        let answer = self.world.hub().find(pb::FindRequest { by }).await.expect("a reply").into_inner();
        match answer.outcome {
            Some(Answered::Reversal(reversal)) => reversal.record.into_iter().map(|record| record.id).collect(),
            other => panic!("{settlement} is undone, and found as {other:?}"),
        }
    }
}
