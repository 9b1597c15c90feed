//! The ledger (双分录账): a month of Anhui posted event by event, books that disagree, and random histories.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use zhijie_domain::{
    calendar::{Date, add_days, parse_date},
    ids::RegionCode,
    ledger::{
        Ledger,
        account::{Account, AccountKind, Fund, Side},
        event::{Act, Bill, Cost, Entry, Event, entries},
    },
    money::Fen,
    person::Scheme::{self, Employee, Resident},
    settlement::Funds,
};

const PROVINCES: [(&str, &str); 4] =
    [("Anhui", "340000"), ("Shanghai", "310000"), ("Jiangsu", "320000"), ("Zhejiang", "330000")];

fn province(name: &str) -> RegionCode {
    RegionCode::parse(PROVINCES.iter().find(|row| row.0 == name).unwrap().1).unwrap()
}

fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

/// 万: ten thousand yuan.
fn wan(amount: i64) -> Fen {
    Fen(amount * 1_000_000)
}

fn cost(scheme: Scheme, basic: Fen) -> Cost {
    Cost { scheme, funds: Funds { basic, ..Funds::default() }, account: Fen::ZERO }
}

fn event(day: &str, care: &str, reference: &str, act: Act) -> Event {
    Event { day: date(day), home: province("Anhui"), care: province(care), reference: reference.into(), act }
}

fn ledger<'a>(events: impl IntoIterator<Item = &'a Event>) -> Ledger {
    let mut ledger = Ledger::default();
    for event in events {
        ledger.post(&entries(event)).unwrap();
    }
    ledger
}

/// June 2024 of Anhui: what is late of May, June by type, agreement with hospitals, deductions, clearing, and
/// Jiangsu's emergency increase. Zhejiang deducts before it pays its hospitals, the others after.
fn june() -> Vec<Event> {
    let settled = |scheme, amount| Act::Settled(cost(scheme, wan(amount)));
    let deducted = |scheme, amount, bill| Act::Deducted(cost(scheme, wan(amount)), bill);
    let mut events = Vec::new();
    let quotas = [("Shanghai", 70_000, 18_000), ("Jiangsu", 52_000, 8_000), ("Zhejiang", 55_000, -3_000)];
    for (care, old, adjustment) in quotas {
        events.push(event("2023-02-28", care, "quota 2023", Act::Prepaid(wan(old))));
        events.push(event("2024-02-29", care, "quota 2024", Act::Prepaid(wan(adjustment))));
    }
    for (day, care, act) in [
        ("2024-05-28", "Shanghai", settled(Resident, 900)),
        ("2024-05-29", "Jiangsu", settled(Resident, 420)),
        ("2024-05-30", "Zhejiang", settled(Employee, 260)),
        ("2024-06-03", "Shanghai", settled(Employee, 14_200)),
        ("2024-06-10", "Shanghai", settled(Resident, 31_600)),
        ("2024-06-11", "Shanghai", settled(Employee, 3_050)),
        ("2024-06-21", "Shanghai", settled(Resident, 820)),
        ("2024-06-30", "Shanghai", settled(Employee, 330)),
        ("2024-06-15", "Jiangsu", settled(Resident, 55_600)),
        ("2024-06-15", "Zhejiang", settled(Employee, 38_300)),
        ("2024-07-20", "Shanghai", Act::HospitalPaid(wan(49_700))),
        ("2024-07-20", "Jiangsu", Act::HospitalPaid(wan(55_320))),
        ("2024-07-20", "Zhejiang", Act::HospitalPaid(wan(37_960))),
        ("2024-07-20", "Shanghai", deducted(Resident, 260, Bill::Paid)),
        ("2024-07-20", "Jiangsu", deducted(Resident, 120, Bill::Paid)),
        ("2024-07-20", "Zhejiang", deducted(Employee, 100, Bill::Unpaid)),
        ("2024-08-15", "Shanghai", Act::HospitalReturned(wan(260))),
        ("2024-08-21", "Shanghai", Act::ClearingPaid(wan(49_440))),
        ("2024-08-21", "Jiangsu", Act::ClearingPaid(wan(55_200))),
        ("2024-08-21", "Zhejiang", Act::ClearingPaid(wan(37_960))),
        ("2024-08-21", "Jiangsu", Act::Prepaid(wan(40_000))),
        ("2024-08-23", "Shanghai", Act::ClearingReceived(wan(49_440))),
        ("2024-08-23", "Jiangsu", Act::ClearingReceived(wan(55_200))),
        ("2024-08-26", "Zhejiang", Act::ClearingReceived(wan(37_960))),
    ] {
        events.push(event(day, care, "June 2024", act));
    }
    events
}

/// Expects a province's balances on a day, in 万, and that the books agree.
fn check(ledger: &Ledger, on: &str, owner: &str, expected: &[(AccountKind, i64)]) {
    for (kind, amount) in expected {
        let account = Account { owner: province(owner), kind: kind.clone() };
        assert_eq!(ledger.balance(&account, date(on)), Ok(wan(*amount)), "{owner} on {on}: {kind:?}");
    }
    assert_eq!(ledger.invariants(date(on)), Ok(Vec::new()), "{on}");
}

/// The row of a pair: payable and under way, receivable and not agreed, prepayment on both sides.
fn check_pair(ledger: &Ledger, on: &str, care: &str, [payable, under_way, receivable, unagreed, prepaid]: [i64; 5]) {
    let (home, to) = (province("Anhui"), province(care));
    let at_home = [
        (AccountKind::PayableTo(to.clone()), payable),
        (AccountKind::UnderWay(to.clone()), under_way),
        (AccountKind::PrepaidTo(to), prepaid),
    ];
    let at_care = [
        (AccountKind::ReceivableFrom(home.clone()), receivable),
        (AccountKind::UnagreedOf(home.clone()), unagreed),
        (AccountKind::PrepaymentFrom(home), prepaid),
    ];
    check(ledger, on, "Anhui", &at_home);
    check(ledger, on, care, &at_care);
}

#[test]
fn the_month_of_june_in_anhui() {
    let ledger = ledger(&june());
    for (on, care, row) in [
        ("2024-02-28", "Zhejiang", [0, 0, 0, 0, 55_000]),
        ("2024-05-31", "Shanghai", [900, 0, 0, 900, 88_000]),
        ("2024-05-31", "Jiangsu", [420, 0, 0, 420, 60_000]),
        ("2024-05-31", "Zhejiang", [260, 0, 0, 260, 52_000]),
        ("2024-06-30", "Shanghai", [50_900, 0, 0, 50_900, 88_000]),
        ("2024-06-30", "Jiangsu", [56_020, 0, 0, 56_020, 60_000]),
        ("2024-06-30", "Zhejiang", [38_560, 0, 0, 38_560, 52_000]),
        ("2024-07-25", "Shanghai", [50_640, 0, 49_440, 1_200, 88_000]),
        ("2024-07-25", "Jiangsu", [55_900, 0, 55_200, 700, 60_000]),
        ("2024-07-25", "Zhejiang", [38_460, 0, 37_960, 500, 52_000]),
        ("2024-08-22", "Shanghai", [1_200, 49_440, 49_440, 1_200, 88_000]),
        ("2024-08-24", "Zhejiang", [500, 37_960, 37_960, 500, 52_000]),
        ("2024-08-31", "Shanghai", [1_200, 0, 0, 1_200, 88_000]),
        ("2024-08-31", "Jiangsu", [700, 0, 0, 700, 100_000]),
        ("2024-08-31", "Zhejiang", [500, 0, 0, 500, 52_000]),
    ] {
        check_pair(&ledger, on, care, row);
    }
    let benefit = |scheme| AccountKind::BenefitExpense(Fund::Basic, scheme);
    let fiscal = AccountKind::Fiscal;
    check(&ledger, "2024-06-30", "Anhui", &[(benefit(Employee), 56_140), (benefit(Resident), 89_340)]);
    // 143,900 of June and 1,580 of May, less 480.
    check(&ledger, "2024-08-31", "Anhui", &[(benefit(Employee), 56_040), (benefit(Resident), 88_960)]);
    // 200,000 of quotas, 40,000 more for Jiangsu, 142,600 of clearing.
    check(&ledger, "2024-07-25", "Anhui", &[(fiscal.clone(), -200_000)]);
    check(&ledger, "2024-08-31", "Anhui", &[(fiscal.clone(), -382_600)]);
    let recoverable = AccountKind::RecoverableFromHospitals;
    check(&ledger, "2024-07-25", "Shanghai", &[(fiscal.clone(), 38_300), (recoverable.clone(), 260)]);
    check(&ledger, "2024-08-31", "Shanghai", &[(fiscal.clone(), 88_000), (recoverable.clone(), 0)]);
    check(&ledger, "2024-08-31", "Jiangsu", &[(fiscal.clone(), 99_880), (recoverable, 120)]);
    check(&ledger, "2024-08-31", "Zhejiang", &[(fiscal, 52_000)]);
}

#[test]
fn negative_clearing_is_paid_by_care() {
    let acts = [
        ("2024-06-01", Act::Settled(cost(Resident, wan(30)))),
        ("2024-06-02", Act::HospitalPaid(wan(30))),
        ("2024-06-03", Act::ClearingPaid(wan(30))),
        ("2024-06-04", Act::ClearingReceived(wan(30))),
        ("2024-07-01", Act::Deducted(cost(Resident, wan(5)), Bill::Paid)),
        ("2024-08-01", Act::ClearingPaid(wan(-5))),
        ("2024-08-03", Act::ClearingReceived(wan(-5))),
    ];
    let ledger = ledger(&acts.map(|(day, act)| event(day, "Jiangsu", "N", act)));
    check_pair(&ledger, "2024-07-31", "Jiangsu", [-5, 0, -5, 0, 0]);
    check_pair(&ledger, "2024-08-02", "Jiangsu", [-5, 5, 0, 0, 0]);
    check(&ledger, "2024-08-02", "Jiangsu", &[(AccountKind::Fiscal, -5)]);
    check(&ledger, "2024-08-02", "Anhui", &[(AccountKind::Fiscal, -30)]);
    check_pair(&ledger, "2024-08-03", "Jiangsu", [0, 0, 0, 0, 0]);
    check(&ledger, "2024-08-03", "Anhui", &[(AccountKind::Fiscal, -25)]);
}

#[test]
fn all_funds_and_the_account_are_expensed_and_a_cancellation_is_red() {
    let funds = Funds {
        basic: Fen(1),
        civil_servant: Fen(2),
        enterprise: Fen(4),
        catastrophic: Fen(8),
        large_amount: Fen(16),
        assistance: Fen(32),
        other: Fen(64),
    };
    let settled =
        event("2024-06-01", "Jiangsu", "S1", Act::Settled(Cost { scheme: Employee, funds, account: Fen(128) }));
    let debits: Vec<(AccountKind, Fen)> = entries(&settled)
        .into_iter()
        .filter(|e| e.side == Side::Debit && e.account.owner == settled.home)
        .map(|e| (e.account.kind, e.amount))
        .collect();
    let benefit = |fund, amount| (AccountKind::BenefitExpense(fund, Employee), Fen(amount));
    let expected = [
        benefit(Fund::Basic, 1),
        benefit(Fund::CivilServant, 2),
        benefit(Fund::Enterprise, 4),
        benefit(Fund::Catastrophic, 8),
        benefit(Fund::LargeAmount, 16),
        benefit(Fund::Assistance, 32),
        benefit(Fund::Other, 64),
        (AccountKind::AccountExpense(Employee), Fen(128)),
    ];
    assert_eq!(debits, expected);

    let stay = |day, amount| event(day, "Jiangsu", "S2", Act::Settled(cost(Resident, wan(amount))));
    let ledger = ledger(&[stay("2024-06-01", 7), stay("2024-06-04", -7)]);
    check_pair(&ledger, "2024-06-03", "Jiangsu", [7, 0, 0, 7, 0]);
    check_pair(&ledger, "2024-06-04", "Jiangsu", [0, 0, 0, 0, 0]);
    let turnover = ledger.accounts(date("2024-06-04")).unwrap();
    assert!(turnover.values().all(|totals| totals.debit == Fen::ZERO && totals.credit == Fen::ZERO), "{turnover:?}");
}

/// Posts the entries that `keep` keeps and expects the violations on a day.
fn check_violations(events: &[Event], keep: fn(&Entry) -> bool, on: &str, expected: &[&str]) {
    let mut ledger = Ledger::default();
    for event in events {
        let kept: Vec<Entry> = entries(event).into_iter().filter(keep).collect();
        ledger.post(&kept).unwrap();
    }
    let shown: Vec<String> = ledger.invariants(date(on)).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected, "on {on}");
}

#[test]
fn a_violation_names_the_pair_and_both_amounts() {
    let at_home = |entry: &Entry| entry.account.owner == province("Anhui");
    let stay = |day, amount| event(day, "Shanghai", "S3", Act::Settled(cost(Resident, Fen(amount))));
    // Only home has the record: the hospital never got the answer. The reversal of 2 July ends it.
    let lost = [stay("2024-06-30", 110), stay("2024-07-02", -110)];
    let named = "340000 → 310000: payable and under way 1.10 ≠ receivable and not agreed 0.00";
    check_violations(&lost, at_home, "2024-06-29", &[]);
    check_violations(&lost, at_home, "2024-06-30", &[named]);
    check_violations(&lost, at_home, "2024-07-02", &[]);
    let quota = [event("2024-02-29", "Zhejiang", "Q", Act::Prepaid(Fen(-300)))];
    check_violations(&quota, at_home, "2024-03-01", &["340000 → 330000: prepayment given -3.00 ≠ held 0.00"]);
    let half = |entry: &Entry| entry.side == Side::Debit || entry.account.owner == province("Zhejiang");
    check_violations(&quota, half, "2024-03-01", &["340000: debits -3.00 ≠ credits 0.00"]);
}

#[test]
fn what_does_not_fit_is_not_posted() {
    let quota = |amount| entries(&event("2024-02-29", "Zhejiang", "Q", Act::Prepaid(Fen(amount))));
    let mut ledger = Ledger::default();
    ledger.post(&quota(i64::MAX)).unwrap();
    let before = ledger.clone();
    let mut both = quota(-1);
    both.extend(quota(2));
    assert!(ledger.post(&both).is_err());
    assert_eq!(ledger, before);
}

fn acts() -> impl Strategy<Value = Act> {
    let fen = || (-1_000i64..100_000).prop_map(Fen);
    let costs = || {
        (any::<bool>(), fen(), fen(), fen()).prop_map(|(employee, basic, assistance, account)| Cost {
            scheme: if employee { Employee } else { Resident },
            funds: Funds { basic, assistance, ..Funds::default() },
            account,
        })
    };
    prop_oneof![
        costs().prop_map(Act::Settled),
        fen().prop_map(Act::HospitalPaid),
        (costs(), any::<bool>())
            .prop_map(|(cost, paid)| Act::Deducted(cost, if paid { Bill::Paid } else { Bill::Unpaid })),
        fen().prop_map(Act::HospitalReturned),
        fen().prop_map(Act::ClearingPaid),
        fen().prop_map(Act::ClearingReceived),
        fen().prop_map(Act::Prepaid),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0i64..40, 0usize..4, 1usize..4, acts()).prop_map(|(day, home, other, act)| Event {
        day: add_days(date("2024-06-01"), day),
        home: province(PROVINCES[home].0),
        care: province(PROVINCES[(home + other) % 4].0),
        reference: "R".into(),
        act,
    });
    prop::collection::vec(event, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_event_balances_in_each_province(events in events()) {
        for event in &events {
            let mut sides = BTreeMap::<RegionCode, i64>::new();
            for entry in entries(event) {
                prop_assert_eq!(entry.day, event.day);
                let signed = if entry.side == Side::Debit { entry.amount.0 } else { -entry.amount.0 };
                *sides.entry(entry.account.owner).or_default() += signed;
            }
            prop_assert!(sides.values().all(|left| *left == 0), "{event:?}: {sides:?}");
        }
    }

    /// Every identity holds on every day, whatever happened in whatever order.
    #[test]
    fn the_books_agree_on_every_day(events in events()) {
        let ledger = ledger(&events);
        for day in 0..41 {
            prop_assert_eq!(ledger.invariants(add_days(date("2024-06-01"), day)).unwrap(), Vec::new());
        }
    }

    #[test]
    fn a_day_does_not_know_in_which_order_it_was_posted(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        on in 0i64..40,
    ) {
        let on = add_days(date("2024-06-01"), on);
        let (one, other) = (ledger(&events), ledger(&shuffled));
        prop_assert_eq!(one.trial(on).unwrap(), other.trial(on).unwrap());
        prop_assert_eq!(one.accounts(on).unwrap(), other.accounts(on).unwrap());
        // And nothing of a later day.
        let until: Vec<Event> = events.into_iter().filter(|event| event.day <= on).collect();
        let known = ledger(&until);
        for (account, totals) in one.accounts(on).unwrap() {
            prop_assert_eq!(known.balance(account, on), totals.balance(account.kind.side()));
        }
    }

    /// Money leaves the provinces only to hospitals and on its way between two of them.
    #[test]
    fn no_money_is_created(events in events()) {
        let last = date("2024-08-01");
        let moved: i64 = events.iter().map(|event| match event.act {
            Act::HospitalPaid(amount) => -amount.0,
            Act::HospitalReturned(amount) => amount.0,
            Act::ClearingPaid(amount) => -amount.0.abs(),
            Act::ClearingReceived(amount) => amount.0.abs(),
            _ => 0,
        }).sum();
        let ledger = ledger(&events);
        let fiscal = |name: &str| ledger.balance(&Account { owner: province(name), kind: AccountKind::Fiscal }, last).unwrap();
        prop_assert_eq!(PROVINCES.iter().map(|row| fiscal(row.0).0).sum::<i64>(), moved);
    }
}
