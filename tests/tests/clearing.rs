//! The clearing month through the real hub: tables from injected settlements, reviews, disputes, the calendar, payments.
//! The month of June 2024 of Anhui with Shanghai, Jiangsu and Zhejiang comes out to the fen.

use zhijie_services::pb::{
    self, agency_reply::Outcome, agency_request::Command, answer::Outcome as Answered, prepayment_act::Act,
};
use zhijie_tests::{World, scripted::script_home};

const ANHUI: &str = "340000";
/// 万元 in fen.
const WAN: i64 = 1_000_000;
/// The largest bill, 万元.
const BILL_MAX: i64 = 10_000;

/// A hub whose home province Anhui answers from a script.
struct Stage {
    world: World,
    messages: u32,
    _anhui: zhijie_services::node::Served,
}

impl Stage {
    async fn at(day: &str) -> Stage {
        let mut world = World::of(&["310000", "320000", "330000", ANHUI], day).await;
        let anhui = script_home(&mut world, ANHUI).await;
        Stage { world, messages: 0, _anhui: anhui }
    }

    fn message(&mut self) -> String {
        self.messages += 1;
        format!("m{}", self.messages)
    }

    /// Settles a stay of so many fen in a province.
    async fn settle(&mut self, care: &str, scheme: pb::Scheme, fen: i64) -> pb::Settlement {
        let message = self.message();
        let institution = format!("H{}010000001", &care[..2]);
        let day = self.world.today();
        let parts = Some(pb::Parts { total: fen, in_scope: fen, ..pb::Parts::default() });
        let claim = pb::Claim {
            visit: format!("V{message}"),
            person: "34120000000000000001".into(),
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
        let header =
            pb::Header { message_id: message, care: institution[1..7].into(), home: "341200".into(), institution };
        let request = pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None };
        let answer = self.world.hub_as_care(care).settle(request).await.expect("a reply").into_inner();
        match answer.outcome {
            Some(Answered::Settlement(settlement)) => settlement,
            other => panic!("expected a settlement, got {other:?}"),
        }
    }

    async fn cancel(&mut self, care: &str, settlement: &pb::Settlement) -> pb::Answer {
        let message_id = self.message();
        let institution = format!("H{}010000001", &care[..2]);
        let header = pb::Header { message_id, care: institution[1..7].into(), home: "341200".into(), institution };
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
    async fn settle_wan(&mut self, care: &str, scheme: pb::Scheme, wan: i64) -> Vec<String> {
        let (mut left, mut settled) = (wan, Vec::new());
        while left > 0 {
            let bill = left.min(BILL_MAX);
            settled.push(self.settle(care, scheme, bill * WAN).await.id);
            left -= bill;
        }
        settled
    }

    async fn ask(&mut self, who: &str, officer: &str, command: Command) -> pb::AgencyReply {
        let request = pb::AgencyRequest { message_id: self.message(), officer: officer.into(), command: Some(command) };
        if who == "hub" {
            return self.world.national().perform(request).await.expect("a reply").into_inner();
        }
        self.world.agency(who).perform(request).await.expect("a reply").into_inner()
    }

    async fn done(&mut self, who: &str, officer: &str, command: Command) -> Outcome {
        match self.ask(who, officer, command).await.outcome {
            Some(Outcome::Refused(refusal)) => panic!("{who}: {refusal:?}"),
            Some(outcome) => outcome,
            None => panic!("{who}: nothing"),
        }
    }

    async fn refused(&mut self, who: &str, officer: &str, command: Command, expected: &str) {
        match self.ask(who, officer, command).await.outcome {
            Some(Outcome::Refused(refusal)) => assert!(refusal.en.contains(expected), "{}", refusal.en),
            other => panic!("expected a refusal that says {expected}, got {other:?}"),
        }
    }

    /// Closes the case of a stay in the Yangtze delta: care twice, then home.
    async fn review(&mut self, care: &str, settlement: &str, deduction: i64) {
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
        self.refused(&care, "c1", act(pb::CaseCommand::Countersign, 0), "c1 took part").await;
        self.done(&care, "c2", act(pb::CaseCommand::Countersign, 0)).await;
        let closed = self.done(&home, "h1", act(pb::CaseCommand::Concur, 0)).await;
        assert!(matches!(closed, Outcome::Case(case) if case.stage() == pb::CaseStage::Closed));
    }

    async fn agree(&mut self, care: &str, month: &str, excepted: &[String]) {
        let excepted = excepted
            .iter()
            .map(|settlement| pb::ExceptedItem { settlement: settlement.clone(), reason: "not agreed yet".into() })
            .collect();
        let command = Command::AgreeMonth(pb::AgreeMonth { month: month.into(), excepted });
        self.done(&format!("care-{care}"), "c1", command).await;
    }

    async fn agree_items(&mut self, care: &str, settlements: &[String]) {
        let command = Command::AgreeItems(pb::AgreeItems { settlements: settlements.to_vec() });
        self.done(&format!("care-{care}"), "c1", command).await;
    }

    async fn turn(&mut self, day: &str) {
        self.world.move_to(day);
        self.world.national().turn(pb::TurnRequest {}).await.expect("a reply");
    }

    async fn table(&self, period: &str, care: &str) -> pb::ClearingTable {
        let request = pb::TablesRequest { period: period.into(), province: care.into() };
        let reply = self.world.national().tables(request).await.expect("a reply").into_inner();
        let mut tables = reply.tables.into_iter().filter(|table| table.care == care);
        tables.next().unwrap_or_else(|| panic!("a table of {period} with {care}"))
    }

    fn step(table: &pb::ClearingTable, step: pb::TableStep) -> Command {
        Command::TakeStep(pb::TakeStep {
            period: table.period.clone(),
            home: table.home.clone(),
            care: table.care.clone(),
            step: step.into(),
            content_hash: table.content_hash.clone(),
        })
    }

    async fn confirm(&mut self, table: &pb::ClearingTable) {
        let confirm = Stage::step(table, pb::TableStep::Confirm);
        self.done(&format!("home-{ANHUI}"), "h1", confirm.clone()).await;
        self.done(&format!("care-{}", table.care), "c1", confirm).await;
    }

    async fn prepay(&mut self, who: &str, care: &str, act: Act) -> pb::Quota {
        let command = pb::PrepaymentAct { home: ANHUI.into(), care: care.into(), act: Some(act) };
        match self.done(who, "q1", Command::Prepayment(command)).await {
            Outcome::Quota(quota) => quota,
            other => panic!("expected a quota, got {other:?}"),
        }
    }
}

/// Sums of a table's rows: new, carried, late, deductions; 万元.
fn sums(table: &pb::ClearingTable) -> [i64; 4] {
    let sum = |pick: fn(&pb::TableRow) -> Option<pb::ItemSum>| {
        let amounts = table.rows.iter().map(|row| pick(row).unwrap_or_default().amount);
        let fen: i64 = amounts.sum();
        assert_eq!(fen % WAN, 0, "whole 万元");
        fen / WAN
    };
    [sum(|row| row.new), sum(|row| row.carried), sum(|row| row.late), sum(|row| row.deductions)]
}

/// A province of the worked month: old quota, its fourth quarter, May's late bill, June's bills, what is not agreed,
/// and the deduction; 万元.
struct Province {
    code: &'static str,
    lent: i64,
    quarter: [i64; 3],
    late: i64,
    june: &'static [(pb::Scheme, i64)],
    open: i64,
    deduction: i64,
}

use pb::Scheme::{Employee, Resident};

const MONTH: [Province; 3] = [
    Province {
        code: "310000",
        lent: 70_000,
        quarter: [41_200, 43_900, 46_900],
        late: 900,
        june: &[(Employee, 14_200), (Resident, 31_600), (Employee, 3_050), (Resident, 820), (Employee, 330)],
        open: 1_200,
        deduction: 260,
    },
    Province {
        code: "320000",
        lent: 52_000,
        quarter: [28_400, 29_900, 31_700],
        late: 420,
        june: &[(Employee, 20_000), (Resident, 35_600)],
        open: 700,
        deduction: 120,
    },
    Province {
        code: "330000",
        lent: 55_000,
        quarter: [25_100, 25_900, 27_000],
        late: 260,
        june: &[(Employee, 10_000), (Resident, 28_300)],
        open: 500,
        deduction: 100,
    },
];

/// Takes over the last year of a province, sets the year's quota and moves the money; gives the quota and what is paid.
async fn prepaid(stage: &mut Stage, province: &Province) -> (i64, i64) {
    let months = ["2023-10", "2023-11", "2023-12"];
    let cleared = months.iter().zip(province.quarter);
    let cleared = cleared.map(|(month, wan)| pb::MonthAmount { month: (*month).into(), amount: wan * WAN }).collect();
    let over = Act::TakeOver(pb::TakeOver { lent: province.lent * WAN, cleared });
    stage.prepay("hub", province.code, over).await;
    let reset = stage.prepay("hub", province.code, Act::Reset(pb::ResetQuota { year: 2024 })).await;
    let moved = reset.under_way;
    let (home, care) = (format!("home-{ANHUI}"), format!("care-{}", province.code));
    let (payer, payee) = if moved < 0 { (care, home) } else { (home, care) };
    stage.prepay(&payer, province.code, Act::Paid(pb::PrepaymentPaid {})).await;
    let held = stage.prepay(&payee, province.code, Act::Received(pb::PrepaymentReceived {})).await;
    assert_eq!(held.balance, held.quota);
    (reset.quota / WAN, moved / WAN)
}

#[tokio::test]
async fn june_of_anhui_comes_out_to_the_fen() {
    let mut stage = Stage::at("2024-01-22").await;
    let mut quotas = Vec::new();
    for province in &MONTH {
        quotas.push(prepaid(&mut stage, province).await);
    }
    assert_eq!(quotas, [(88_000, 18_000), (60_000, 8_000), (52_000, -3_000)]);

    // May's late bills: settled, reviewed, and not agreed by the twentieth of June.
    stage.world.move_to("2024-05-20");
    let mut late = Vec::new();
    for province in &MONTH {
        let bill = stage.settle(province.code, Resident, province.late * WAN).await.id;
        stage.review(province.code, &bill, 0).await;
        late.push(bill);
    }
    stage.world.move_to("2024-06-18");
    let (mut open, mut june) = (Vec::new(), Vec::new());
    for (province, late) in MONTH.iter().zip(&late) {
        stage.agree(province.code, "2024-05", std::slice::from_ref(late)).await;
        open.push(stage.settle(province.code, Resident, province.open * WAN).await.id);
        let mut bills = Vec::new();
        for (index, (scheme, wan)) in province.june.iter().enumerate() {
            // What is not agreed is a part of the residents' bills.
            let wan = if index == 1 { wan - province.open } else { *wan };
            bills.extend(stage.settle_wan(province.code, *scheme, wan).await);
        }
        june.push(bills);
    }
    stage.turn("2024-06-21").await;
    assert_eq!(sums(&stage.table("2024-05", "310000").await), [900, 900, 0, 0]);

    // July: reviews are closed, bills agreed but for those that are open; the tables are made on Sunday the 21st.
    stage.world.move_to("2024-07-15");
    for ((province, bills), (open, late)) in MONTH.iter().zip(&june).zip(open.iter().zip(&late)) {
        for (index, bill) in bills.iter().enumerate() {
            let deduction = if index == 0 { province.deduction * WAN } else { 0 };
            stage.review(province.code, bill, deduction).await;
        }
        stage.review(province.code, open, 0).await;
        stage.agree(province.code, "2024-06", std::slice::from_ref(open)).await;
        stage.agree_items(province.code, std::slice::from_ref(late)).await;
    }
    stage.turn("2024-07-21").await;
    let expected = [
        ("310000", [50_000, 1_200, 900, 260], 49_440, 5_618, pb::Warning::Unspecified),
        ("320000", [55_600, 700, 420, 120], 55_200, 9_200, pb::Warning::Red),
        ("330000", [38_300, 500, 260, 100], 37_960, 7_300, pb::Warning::Yellow),
    ];
    let mut total = 0;
    for (care, rows, payable, rate, warning) in expected {
        let table = stage.table("2024-06", care).await;
        assert_eq!(sums(&table), rows, "{care}");
        assert_eq!((table.payable, table.use_rate), (payable * WAN, Some(rate)), "{care}");
        assert_eq!(table.warning(), warning, "{care}");
        total += table.payable;
    }
    assert_eq!(total, 142_600 * WAN);
    pay_the_month(&mut stage).await;
    the_ledger_remembers(&stage).await;
    the_designs_stand_side_by_side(&stage).await;
    ask_for_more(&mut stage).await;
}

/// The steps of the month on the days of the calendar.
async fn pay_the_month(stage: &mut Stage) {
    stage.turn("2024-07-25").await;
    for province in &MONTH {
        let table = stage.table("2024-06", province.code).await;
        stage.confirm(&table).await;
    }
    stage.turn("2024-07-30").await;
    assert_eq!(stage.table("2024-06", "310000").await.noticed, "", "notices are published at the end of the month");
    stage.turn("2024-07-31").await;
    for province in &MONTH {
        let table = stage.table("2024-06", province.code).await;
        assert_eq!(table.noticed, "2024-07-31");
        let (home, care) = (format!("home-{ANHUI}"), format!("care-{}", province.code));
        stage.refused(&home, "h1", Stage::step(&table, pb::TableStep::Pay), "handed to finance").await;
        stage.done(&home, "h1", Stage::step(&table, pb::TableStep::Submit)).await;
        stage.done(&home, "h1", Stage::step(&table, pb::TableStep::Pay)).await;
        stage.done(&care, "c1", Stage::step(&table, pb::TableStep::Receive)).await;
        assert_eq!(stage.table("2024-06", province.code).await.received, "2024-07-31");
    }
}

/// What an account of a province held with Shanghai at the end of a day, 万元.
async fn held(stage: &Stage, on: &str, owner: &str, account: &str) -> i64 {
    let request = pb::LedgerRequest { on: on.into(), province: owner.into() };
    let reply = stage.world.national().ledger(request).await.expect("a reply").into_inner();
    assert_eq!(reply.violations, Vec::<String>::new(), "{on}");
    assert!(reply.trial.iter().all(|line| line.debit == line.credit && line.province == owner), "{on}");
    let with_shanghai = |balance: &&pb::AccountBalance| balance.other == "310000" || balance.other == ANHUI;
    let mut found = reply.balances.iter().filter(with_shanghai).filter(|balance| balance.account == account);
    found.next().map_or(0, |balance| balance.balance) / WAN
}

/// Of any day in the past: what Anhui owes Shanghai, and what Shanghai has not agreed and not received.
async fn the_ledger_remembers(stage: &Stage) {
    for (on, payable, unagreed, receivable, given) in [
        ("2024-06-30", 50_900, 50_900, 0, 88_000),
        // Hospitals are paid, but for May's 900, June's 1,200 that are open, and 260 that the next table deducts.
        ("2024-07-20", 50_900, 2_360, 48_540, 88_000),
        ("2024-07-21", 50_640, 1_200, 49_440, 88_000),
        ("2024-07-31", 1_200, 1_200, 0, 88_000),
    ] {
        let found = [
            held(stage, on, ANHUI, "payable-to").await,
            held(stage, on, "310000", "unagreed-of").await,
            held(stage, on, "310000", "receivable-from").await,
            held(stage, on, ANHUI, "prepaid-to").await,
        ];
        assert_eq!(found, [payable, unagreed, receivable, given], "{on}");
    }
}

/// With one home province that owes three, no design saves a fen; each discharges all.
async fn the_designs_stand_side_by_side(stage: &Stage) {
    let ask = async |period: &str| {
        let request = pb::DesignsRequest { period: period.into() };
        stage.world.national().designs(request).await.expect("a reply").into_inner()
    };
    let reply = ask("2024-06").await;
    let names: Vec<&str> = reply.designs.iter().map(|design| design.design.as_str()).collect();
    assert_eq!(names, ["gross", "bilateral", "multilateral", "queue"]);
    for design in &reply.designs {
        let moved = (design.turnover / WAN, design.peak_total / WAN, design.unsettled);
        assert_eq!(moved, (142_600, 142_600, 0), "{}", design.design);
    }
    // A fifth of what is due is at hand in the queue; the rest is put in when its rounds are over.
    assert_eq!(reply.designs.iter().map(|design| design.injected / WAN).collect::<Vec<_>>(), [0, 0, 0, 114_080]);
    let none = ask("2024-01").await.refused.expect("a refusal");
    assert!(none.en.contains("has no tables"), "{}", none.en);
}

/// After its red month Jiangsu asks for an increase, which is granted in part.
async fn ask_for_more(stage: &mut Stage) {
    let quotas = stage.world.national().quotas(pb::QuotasRequest { province: ANHUI.into() }).await;
    let quotas = quotas.expect("a reply").into_inner().quotas;
    let jiangsu = quotas.iter().find(|quota| quota.care == "320000").expect("a quota");
    assert_eq!((jiangsu.step(), jiangsu.ask_by.as_str()), (pb::QuotaStep::Warned, "2024-07-30"));
    // The three working days are over on the 31st.
    let ask = |fen| {
        let act = Some(Act::Apply(pb::ApplyIncrease { asked: fen }));
        Command::Prepayment(pb::PrepaymentAct { home: ANHUI.into(), care: "320000".into(), act })
    };
    stage.refused("care-320000", "q1", ask(50_400 * WAN), "until 2024-07-30").await;
    stage.refused(&format!("home-{ANHUI}"), "q1", ask(50_400 * WAN), "for the care province").await;
}

#[tokio::test]
async fn a_stay_is_held_above_the_threshold_and_cleared_when_its_review_is_closed() {
    let mut stage = Stage::at("2024-06-18").await;
    let free = stage.settle("310000", Employee, 3_000_000).await.id;
    let held = stage.settle("310000", Employee, 3_000_001).await.id;
    let cases = stage.world.national().cases(pb::CasesRequest::default()).await.expect("a reply").into_inner().cases;
    let cases: Vec<&str> = cases.iter().map(|case| case.settlement.as_str()).collect();
    assert_eq!(cases, [held.as_str()], "{free} is exactly at the threshold");
    stage.world.move_to("2024-07-10");
    stage.agree("310000", "2024-06", &[]).await;
    stage.turn("2024-07-21").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!(table.payable, 3_000_000, "the held stay is carried");
    // Overdue on the 27th of July, and carried over.
    stage.turn("2024-07-27").await;
    let case = stage.world.national().cases(pb::CasesRequest { settlement: held.clone(), ..Default::default() }).await;
    let case = case.expect("a reply").into_inner().cases.remove(0);
    assert_eq!((case.overdue, case.due.as_str()), (1, "2024-08-26"));
    stage.review("310000", &held, 500_000).await;
    stage.turn("2024-08-21").await;
    let table = stage.table("2024-07", "310000").await;
    assert_eq!(table.payable, 3_000_001 - 500_000, "it enters the first table after its review, less the deduction");
    // Each is in one table.
    for (period, settlement) in [("2024-06", &free), ("2024-07", &held)] {
        let request = pb::ItemsRequest { period: period.into(), home: ANHUI.into(), care: "310000".into() };
        let mut items = stage.world.national().items(request).await.expect("a reply").into_inner();
        let mut entered = Vec::new();
        while let Some(item) = items.message().await.expect("an item") {
            if item.carried() == pb::CarriedReason::Unspecified {
                entered.push(item.settlement);
            }
        }
        assert_eq!(&entered, std::slice::from_ref(settlement), "{period}");
    }
}

#[tokio::test]
async fn what_is_undone_is_cleared_net() {
    let mut stage = Stage::at("2024-06-18").await;
    let gone = stage.settle("310000", Employee, 100_000).await;
    let kept = stage.settle("310000", Employee, 200_000).await;
    let disputed = stage.settle("310000", Employee, 70_000).await;
    stage.world.move_to("2024-07-10");
    assert!(matches!(stage.cancel("310000", &gone).await.outcome, Some(Answered::Settlement(_))));
    stage.agree("310000", "2024-06", &[]).await;
    stage.turn("2024-07-21").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!((table.payable, table.revision), (270_000, 1));
    let made = stage.done("hub", "n1", Command::MakeTables(pb::MakeTables { period: "2024-06".into() })).await;
    assert!(matches!(made, Outcome::Tables(again) if again.tables == [table.clone()]), "the same bytes again");

    // A single item is disputed: the rest is confirmed, and the old hash no more.
    let dispute = Command::DisputeItem(pb::DisputeItem {
        period: "2024-06".into(),
        settlement: disputed.id.clone(),
        note: "the invoice is not ours".into(),
    });
    stage.done(&format!("home-{ANHUI}"), "h1", dispute.clone()).await;
    stage.refused(&format!("home-{ANHUI}"), "h1", dispute, "not in this table").await;
    stage.refused("care-310000", "c1", Stage::step(&table, pb::TableStep::Confirm), "revision 2").await;
    let table = stage.table("2024-06", "310000").await;
    assert_eq!((table.payable, table.revision), (200_000, 2));
    stage.confirm(&table).await;

    // Cleared is cleared: a cancel is refused, and the correction is a deduction in the next table.
    match stage.cancel("310000", &kept).await.outcome {
        Some(Answered::Refused(refusal)) => assert_eq!(refusal.code(), pb::RefusalCode::E705AlreadyCleared),
        other => panic!("{other:?}"),
    }
    let verify = |command: pb::CaseCommand, deduction| {
        let act = pb::AuditAct {
            settlement: kept.id.clone(),
            command: command.into(),
            deduction,
            note: "billed twice".into(),
        };
        Command::Audit(act)
    };
    stage.done(&format!("home-{ANHUI}"), "h9", verify(pb::CaseCommand::Request, 0)).await;
    stage.review("310000", &kept.id, 200_000).await;
    let resolve =
        pb::ResolveDispute { settlement: disputed.id.clone(), deduction: 0, note: "the invoice was found".into() };
    stage.done("hub", "n1", Command::ResolveDispute(resolve)).await;
    stage.world.move_to("2024-08-10");
    stage.agree("310000", "2024-07", &[]).await;
    stage.turn("2024-08-21").await;
    let table = stage.table("2024-07", "310000").await;
    assert_eq!(table.payable, 70_000 - 200_000, "negative: nothing is paid");
    stage.confirm(&table).await;
    stage.turn("2024-09-21").await;
    let next = stage.table("2024-08", "310000").await;
    assert_eq!((next.credit, next.payable), (-130_000, -130_000), "and taken over by the next period");
}
