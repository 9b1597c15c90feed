//! Random months against a model that knows only what each settlement is worth in the end: whatever is cancelled,
//! reversed, excepted, reviewed or disputed in between, the tables together hold each settlement once, net.

use std::collections::BTreeMap;

use zhijie_services::pb::{self, Scheme::Employee, agency_request::Command};
use zhijie_tests::sim::Dice;

use crate::stage::{ANHUI, Stage};

const CARE: [&str; 2] = ["310000", "320000"];
const MONTHS: [&str; 6] = ["2024-03", "2024-04", "2024-05", "2024-06", "2024-07", "2024-08"];
/// How many stays one month has.
const STAYS: u64 = 8;

/// What a settlement is worth in the end.
struct Worth {
    care: &'static str,
    message: String,
    settlement: pb::Settlement,
    fen: i64,
    deduction: i64,
    ruled: i64,
    undone: bool,
    excepted: bool,
    disputed: bool,
    open_case: bool,
    requested: bool,
}

struct Run {
    stage: Stage,
    dice: Dice,
    all: Vec<Worth>,
}

impl Run {
    fn chance(&mut self, of_ten: u64) -> bool {
        self.dice.between(1, 10) <= of_ten
    }

    async fn settle(&mut self) {
        let care = if self.chance(5) { CARE[0] } else { CARE[1] };
        let fen = i64::try_from(self.dice.between(100_000, 6_000_000)).expect("fen");
        let settlement = self.stage.settle(care, Employee, fen).await;
        let message = self.stage.last_message();
        let open_case = fen > 3_000_000;
        self.all.push(Worth {
            care,
            message,
            settlement,
            fen,
            deduction: 0,
            ruled: 0,
            undone: false,
            excepted: false,
            disputed: false,
            open_case,
            requested: false,
        });
    }

    /// Cancels some; one that a table holds is refused, and some of those are reversed.
    async fn undo_some(&mut self) {
        for index in 0..self.all.len() {
            if self.all[index].undone || !self.chance(1) {
                continue;
            }
            let worth = &self.all[index];
            let cancelled = self.stage.cancel(worth.care, &worth.settlement).await;
            let done = match cancelled.outcome {
                Some(pb::answer::Outcome::Settlement(_)) => true,
                _ => {
                    let worth = &self.all[index];
                    self.stage.reverse(worth.care, &worth.message).await;
                    true
                }
            };
            let worth = &mut self.all[index];
            (worth.undone, worth.open_case, worth.disputed) = (done, false, false);
        }
    }

    async fn review_some(&mut self, of_ten: u64) {
        for index in 0..self.all.len() {
            if !self.all[index].open_case || !self.chance(of_ten) {
                continue;
            }
            let share = i64::try_from(self.dice.between(0, 4)).expect("a share");
            let worth = &self.all[index];
            let deduction = worth.fen * share / 4;
            self.stage.review(worth.care, &worth.settlement.id, deduction).await;
            let worth = &mut self.all[index];
            (worth.deduction, worth.open_case) = (deduction, false);
        }
        // Home asks for verification of one that has no case yet, cleared, disputed or not.
        let cheap = |worth: &Worth| worth.fen <= 3_000_000 && !worth.undone && !worth.requested && worth.deduction == 0;
        if let Some(index) = self.all.iter().position(cheap).filter(|_| self.chance(3)) {
            let settlement = self.all[index].settlement.id.clone();
            let act = pb::AuditAct {
                settlement,
                command: pb::CaseCommand::Request.into(),
                deduction: 0,
                note: "asked for".into(),
            };
            self.stage.done(&format!("home-{ANHUI}"), "h9", Command::Audit(act)).await;
            // It may stay open over a table, or a dispute.
            self.all[index].requested = true;
        }
        for index in 0..self.all.len() {
            if self.all[index].requested && !self.all[index].undone && self.chance(of_ten) {
                let (care, settlement) = (self.all[index].care, self.all[index].settlement.id.clone());
                self.stage.review(care, &settlement, 1_000).await;
                (self.all[index].deduction, self.all[index].requested) = (1_000, false);
            }
        }
    }

    async fn agree(&mut self, month: &str, all: bool) {
        for care in CARE {
            let mut excepted = Vec::new();
            for index in 0..self.all.len() {
                let of = self.all[index].care == care && !self.all[index].undone && self.month_of(index) == month;
                if of && !all && self.chance(2) {
                    self.all[index].excepted = true;
                    excepted.push(self.all[index].settlement.id.clone());
                }
            }
            self.stage.agree(care, month, &excepted).await;
        }
    }

    fn month_of(&self, index: usize) -> String {
        self.stage.month_of(&self.all[index].settlement)
    }

    async fn agree_late(&mut self, of_ten: u64) {
        for index in 0..self.all.len() {
            if self.all[index].excepted && !self.all[index].undone && self.chance(of_ten) {
                let worth = &self.all[index];
                self.stage.agree_items(worth.care, std::slice::from_ref(&worth.settlement.id)).await;
                self.all[index].excepted = false;
            }
        }
    }

    async fn dispute_some(&mut self, period: &str) {
        for index in 0..self.all.len() {
            if self.all[index].disputed || !self.chance(2) {
                continue;
            }
            let worth = &self.all[index];
            let dispute = pb::DisputeItem {
                period: period.into(),
                settlement: worth.settlement.id.clone(),
                note: "not ours".into(),
            };
            let care = format!("care-{}", worth.care);
            let reply = self.stage.ask(&care, "c7", Command::DisputeItem(dispute)).await;
            self.all[index].disputed = matches!(reply.outcome, Some(pb::agency_reply::Outcome::Table(_)));
        }
    }

    async fn resolve_some(&mut self, of_ten: u64) {
        for index in 0..self.all.len() {
            if self.all[index].disputed && self.chance(of_ten) {
                let share = i64::try_from(self.dice.between(0, 3)).expect("a share");
                let ruling = self.all[index].fen * share / 4;
                let resolve = pb::ResolveDispute {
                    settlement: self.all[index].settlement.id.clone(),
                    deduction: ruling,
                    note: "found".into(),
                };
                self.stage.done("hub", "n1", Command::ResolveDispute(resolve)).await;
                self.all[index].disputed = false;
                self.all[index].ruled = self.all[index].ruled.max(ruling);
            }
        }
    }

    /// What the tables together hold of each settlement, and the sum of what is new in them less credits.
    async fn held(&self) -> (BTreeMap<String, i64>, i64) {
        let reply = pb::TablesRequest { period: String::new(), province: ANHUI.into() };
        let reply = self.stage.world.national().tables(reply).await;
        let (mut held, mut payable) = (BTreeMap::<String, i64>::new(), 0);
        for table in reply.expect("a reply").into_inner().tables {
            payable += table.payable - table.credit;
            let request = pb::ItemsRequest { period: table.period, home: table.home.clone(), care: table.care.clone() };
            let mut items = self.stage.world.national().items(request).await.expect("a reply").into_inner();
            while let Some(item) = items.message().await.expect("an item") {
                if item.carried() == pb::CarriedReason::Unspecified {
                    *held.entry(item.settlement).or_default() += item.fund + item.account - item.deduction;
                }
            }
        }
        (held, payable)
    }
}

async fn run(seed: u64) {
    let stage = Stage::at("2024-03-05").await;
    let mut run = Run { stage, dice: Dice::new(seed), all: Vec::new() };
    for (index, month) in MONTHS.iter().enumerate() {
        let last = index + 1 == MONTHS.len();
        run.stage.turn(&format!("{month}-15")).await;
        for _ in 0..if last { 0 } else { STAYS } {
            run.settle().await;
        }
        run.review_some(4).await;
        run.undo_some().await;
        let next = MONTHS.get(index + 1).copied().unwrap_or("2024-09");
        run.stage.turn(&format!("{next}-03")).await;
        run.agree(month, last).await;
        run.agree_late(if last { 10 } else { 5 }).await;
        run.review_some(if last { 10 } else { 5 }).await;
        run.resolve_some(if last { 10 } else { 5 }).await;
        run.stage.turn(&format!("{next}-21")).await;
        if !last {
            run.dispute_some(month).await;
        }
    }
    let (held, payable) = run.held().await;
    let mut worth = 0;
    for known in &run.all {
        let negative = |id: &str| held.get(id).copied().unwrap_or_default();
        let mut sum = negative(&known.settlement.id);
        if known.undone {
            sum += run.stage.negatives_of(&known.settlement.id).await.iter().map(|id| negative(id)).sum::<i64>();
        }
        let expected = if known.undone { 0 } else { known.fen - known.deduction.max(known.ruled) };
        assert_eq!(sum, expected, "seed {seed}: {}", known.settlement.id);
        worth += expected;
    }
    assert_eq!(payable, worth, "seed {seed}: the tables hold nothing else");
}

#[tokio::test]
async fn whatever_happens_each_settlement_is_cleared_once_and_net() {
    for seed in 1..=8 {
        run(seed).await;
    }
}
