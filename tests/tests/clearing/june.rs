//! The worked month: June 2024 of Anhui with Shanghai, Jiangsu and Zhejiang comes out to the fen, warnings and all.

use zhijie_services::pb::{
    self,
    Scheme::{Employee, Resident},
    agency_request::Command,
    prepayment_act::Act,
};

use crate::stage::{ANHUI, Stage, WAN};

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
}

/// The steps of the month on the days of the calendar.
async fn pay_the_month(stage: &mut Stage) {
    stage.turn("2024-07-25").await;
    for province in &MONTH {
        let table = stage.table("2024-06", province.code).await;
        stage.confirm(&table).await;
    }
    stage.turn("2024-07-30").await;
    ask_for_more(stage).await;
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

/// After its red month Jiangsu asks within three working days, and is granted a part.
async fn ask_for_more(stage: &mut Stage) {
    let quotas = stage.world.national().quotas(pb::QuotasRequest { province: ANHUI.into() }).await;
    let reply = quotas.expect("a reply").into_inner();
    let jiangsu = reply.quotas.iter().find(|quota| quota.care == "320000").expect("a quota");
    assert_eq!((jiangsu.step(), jiangsu.ask_by.as_str()), (pb::QuotaStep::Warned, "2024-07-30"));
    let shanghai = reply.quotas.iter().find(|quota| quota.care == "310000").expect("a quota");
    assert_eq!(shanghai.step(), pb::QuotaStep::Settled, "only red opens the increase");
    let (home, care) = (format!("home-{ANHUI}"), "care-320000");
    let ask = Act::Apply(pb::ApplyIncrease { asked: 50_400 * WAN });
    let command = |act| Command::Prepayment(pb::PrepaymentAct { home: ANHUI.into(), care: "320000".into(), act });
    stage.refused(&home, "q1", command(Some(ask.clone())), "for the care province").await;
    stage.prepay(care, "320000", ask).await;
    let decide = |approved| Act::Decide(pb::DecideIncrease { approved, note: "growth".into() });
    stage.refused("hub", "n1", command(Some(decide(50_401 * WAN))), "at most what was asked").await;
    stage.refused(care, "q1", command(Some(decide(40_000 * WAN))), "for the national agency").await;
    let granted = stage.prepay("hub", "320000", decide(40_000 * WAN)).await;
    assert_eq!((granted.under_way, granted.pay_by.as_str()), (40_000 * WAN, "2024-08-20"));
    stage.prepay(&home, "320000", Act::Paid(pb::PrepaymentPaid {})).await;
    let held = stage.prepay(care, "320000", Act::Received(pb::PrepaymentReceived {})).await;
    assert_eq!((held.quota, held.balance), (100_000 * WAN, 100_000 * WAN));
}
