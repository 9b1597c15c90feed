//! The stage of these tests: a cluster, bills that are sent past care, officers, and what is kept of it all.

use std::collections::BTreeMap;

use zhijie_services::{
    node::Served,
    pb::{self, agency_reply::Outcome, agency_request::Command, ticket_act::Act, ticket_cause::Cause},
};
use zhijie_tests::{
    World,
    hospital::{NURSING, header, line, settled, world},
    scripted::script_home,
};

pub(crate) const ANHUI: &str = "340000";
/// Nobody at home has this number.
pub(crate) const NOBODY: &str = "51010000000000009999";
/// Nobody has opened this hospital.
pub(crate) const UNOPENED: &str = "H50010099999";

/// A cluster with officers who number their messages.
pub(crate) struct Stage {
    pub(crate) world: World,
    messages: u32,
    _scripted: Option<Served>,
}

impl Stage {
    /// The story's four provinces on [`TODAY`].
    pub(crate) async fn new() -> Stage {
        Stage { world: world().await, messages: 0, _scripted: None }
    }

    /// Anhui, which pays whatever it is sent, and Shanghai.
    pub(crate) async fn scripted(day: &str) -> Stage {
        let mut world = World::of(&["310000", ANHUI], day).await;
        let anhui = script_home(&mut world, ANHUI).await;
        Stage { world, messages: 0, _scripted: Some(anhui) }
    }

    pub(crate) fn message(&mut self) -> String {
        self.messages += 1;
        format!("w{}", self.messages)
    }

    /// Sends a bill of a person to the hub as care would; `name` is the message's id. Stays are for Shanghai only.
    pub(crate) async fn bill(&self, name: &str, visit: &str, person: &str, institution: &str, fen: i64) -> pb::Answer {
        let care = format!("{}0000", &institution[1..3]);
        let stay = care == "310000";
        let lines = vec![pb::SplitLine {
            line: Some(line(1, NURSING, fen / 100)),
            category: 7,
            item_class: pb::ItemClass::A.into(),
            parts: Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() }),
            ..pb::SplitLine::default()
        }];
        let parts = Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() });
        let header = header(institution, person, name);
        let claim = pb::Claim {
            visit: visit.into(),
            person: person.into(),
            home: header.home.clone(),
            scheme: pb::Scheme::Employee.into(),
            care: header.care.clone(),
            institution: institution.into(),
            level: pb::Level::Tertiary.into(),
            service: (if stay { pb::Service::Stay } else { pb::Service::Outpatient }).into(),
            emergency: true,
            from: self.world.today(),
            to: self.world.today(),
            parts,
            categories: vec![pb::CategoryParts { category: 7, parts }],
            lines: if stay { Vec::new() } else { lines },
            ..pb::Claim::default()
        };
        let request = pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None };
        self.world.hub_as_care(&care).settle(request).await.expect("a reply").into_inner()
    }

    /// A stay of so many fen of somebody of Anhui at Shanghai; its settlement.
    pub(crate) async fn stay(&mut self, fen: i64) -> String {
        let name = self.message();
        let answer = self.bill(&name, &format!("V{name}"), "34120000000000000001", "H31010000001", fen).await;
        settled(&answer).id
    }

    pub(crate) async fn ask(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        let request = pb::AgencyRequest { message_id: self.message(), officer: officer.into(), command: Some(command) };
        let reply = match who {
            "hub" => self.world.national().perform(request).await,
            _ => self.world.agency(who).perform(request).await,
        };
        reply.expect("a reply").into_inner().outcome.expect("an outcome")
    }

    pub(crate) async fn done(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        match self.ask(who, officer, command).await {
            Outcome::Refused(refusal) => panic!("{who}: {refusal:?}"),
            outcome => outcome,
        }
    }

    pub(crate) async fn act(&mut self, who: &str, ticket: &str, act: Act, note: &str) -> Outcome {
        let act = pb::TicketAct { ticket: ticket.into(), note: note.into(), act: Some(act) };
        self.ask(who, "o1", Command::Ticket(act)).await
    }

    /// Does what is due on a day. The hub may have done it by itself: only what is kept tells.
    pub(crate) async fn turn(&self, day: &str) {
        self.world.move_to(day);
        self.world.national().turn(pb::TurnRequest {}).await.expect("a reply");
    }

    pub(crate) async fn tickets(&self) -> Vec<pb::Ticket> {
        let reply = self.world.national().tickets(pb::TicketsRequest::default()).await;
        reply.expect("a reply").into_inner().tickets
    }

    /// The only ticket of a cause.
    pub(crate) async fn ticket(&self, cause: Cause) -> pb::Ticket {
        let about = pb::TicketCause { cause: Some(cause) };
        let mut tickets = self.tickets().await;
        tickets.retain(|ticket| ticket.cause == Some(about));
        assert_eq!(tickets.len(), 1, "{cause:?}: {tickets:?}");
        tickets.remove(0)
    }

    pub(crate) async fn table(&self, period: &str) -> pb::ClearingTable {
        let request = pb::TablesRequest { period: period.into(), ..pb::TablesRequest::default() };
        self.world.national().tables(request).await.expect("a reply").into_inner().tables.remove(0)
    }

    pub(crate) async fn step(&mut self, who: &str, period: &str, step: pb::TableStep) {
        let table = self.table(period).await;
        let command = pb::TakeStep {
            period: table.period,
            home: table.home,
            care: table.care,
            step: step.into(),
            content_hash: table.content_hash,
        };
        self.done(who, "t1", Command::TakeStep(command)).await;
    }

    pub(crate) async fn review(&mut self, settlement: &str, deduction: i64) {
        let act = |command: pb::CaseCommand, deduction| {
            let note = "the file was read".to_owned();
            Command::Audit(pb::AuditAct { settlement: settlement.into(), command: command.into(), deduction, note })
        };
        self.done("care-310000", "c1", act(pb::CaseCommand::Review, deduction)).await;
        self.done("care-310000", "c2", act(pb::CaseCommand::Countersign, 0)).await;
        self.done("home-340000", "h1", act(pb::CaseCommand::Concur, 0)).await;
    }

    /// The indicators of a month by name: value, numerator and denominator, or why there is none.
    pub(crate) async fn indicators(&self, month: &str) -> BTreeMap<String, pb::Indicator> {
        let reply = self.world.national().indicators(pb::IndicatorsRequest { month: month.into() }).await;
        let indicators = reply.expect("a reply").into_inner().indicators;
        indicators.into_iter().map(|found| (format!("{}{}", found.name, found.cause), found)).collect()
    }
}

pub(crate) fn answer() -> Act {
    Act::Answer(pb::AnswerTicket {})
}

pub(crate) fn route(to: pb::PartyCode) -> Act {
    Act::Route(pb::RouteTicket { to: to.into() })
}

pub(crate) fn close() -> Act {
    Act::Close(pb::CloseTicket {})
}

pub(crate) fn refused_by(code: pb::RefusalCode) -> Cause {
    Cause::Refused(code.into())
}

pub(crate) fn overdue(duty: pb::OverdueDuty) -> Cause {
    Cause::Overdue(duty.into())
}

/// `home city waiting 3 due 2025-03-18`.
pub(crate) fn shown(ticket: &pb::Ticket) -> String {
    let plain = |name: &str| name.rsplit('_').next().unwrap_or_default().to_lowercase();
    let (party, level) = (plain(ticket.responder().as_str_name()), plain(ticket.level().as_str_name()));
    let status = plain(ticket.status().as_str_name());
    format!("{party} {level} {status} {} due {}", ticket.occurrences, ticket.due)
}

pub(crate) fn is_refused(outcome: Outcome, code: pb::RefusalCode, said: &str) {
    match outcome {
        Outcome::Refused(no) => {
            assert_eq!(no.code(), code, "{}", no.en);
            assert!(no.en.contains(said), "{}", no.en);
        }
        other => panic!("expected a refusal that says {said}: {other:?}"),
    }
}
