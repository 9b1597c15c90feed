//! Clearing designs (清算方案): what each moves on small periods, and what holds of all of them on random ones.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use zhijie_domain::{
    clearing::designs::{ALL, Design, Liquidity, Obligations, Party, Payment, Report, Run, Transfer, compare},
    ids::RegionCode,
    money::{Bp, Fen},
};

/// Provinces by letter: A is `110000`, B `120000`, …
fn province(letter: &str) -> RegionCode {
    let index = letter.bytes().next().unwrap() - b'A';
    RegionCode::parse(&format!("{}0000", 11 + index)).unwrap()
}

fn letter(party: &Party) -> String {
    match party {
        Party::Hub => "hub".into(),
        Party::Province(code) => {
            char::from(b'A' + code.as_str().get(..2).unwrap().parse::<u8>().unwrap() - 11).to_string()
        }
    }
}

/// Reads `A>B 100, B>A 60 due 2`: home, care, fen.
fn obligations(text: &str) -> Obligations {
    let mut obligations = Obligations::default();
    for row in text.split(", ") {
        let words: Vec<&str> = row.split([' ', '>']).collect();
        let pair = (province(words[0]), province(words[1]));
        obligations.owed.insert(pair.clone(), Fen(words[2].parse().unwrap()));
        if let Some(due) = words.get(4) {
            obligations.due.insert(pair, due.parse().unwrap());
        }
    }
    obligations
}

/// Reads `A 40, B 10`: starting money, fen.
fn liquidity(text: &str, rounds_max: u32) -> Liquidity {
    let money = |row: &str| row.split_once(' ').map(|(who, fen)| (province(who), Fen(fen.parse().unwrap())));
    Liquidity::new(text.split(", ").filter_map(money).collect(), rounds_max).unwrap()
}

fn design(key: &str) -> &'static Design {
    ALL.iter().find(|design| design.key == key).unwrap()
}

/// `0: A>B 100` for each movement.
fn shown(run: &Run) -> String {
    let one = |t: &Transfer| format!("{}: {}>{} {}", t.round, letter(&t.from), letter(&t.to), t.amount.0);
    run.transfers.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Runs a design and expects its movements, and of its report the peak in total and the delay.
fn check(key: &str, owed: &str, start: &Liquidity, transfers: &str, peak: i64, delay: i64) -> Report {
    let owed = obligations(owed);
    let run = design(key).run(&owed, start).unwrap();
    assert_eq!(shown(&run), transfers, "{key}");
    let report = design(key).report(&owed, &run).unwrap();
    assert_eq!(
        (report.peak_total, report.delay, report.unsettled),
        (Fen(peak), delay, Fen::ZERO),
        "{key}: {transfers}"
    );
    report
}

#[test]
fn gross_and_nets() {
    let none = liquidity("", 0);
    for (key, owed, transfers, peak, delay) in [
        ("gross", "A>B 100, B>A 60, B>C 30", "0: A>B 100, 0: B>A 60, 0: B>C 30", 190, 0),
        ("bilateral", "A>B 100, B>A 60, B>C 30", "0: A>B 40, 0: B>C 30", 70, 0),
        ("multilateral", "A>B 100, B>A 60, B>C 30", "0: A>hub 40, 0: hub>B 10, 0: hub>C 30", 40, 0),
        // The creditor pays what is negative; what a province owes itself is no payment.
        ("gross", "A>B -100, B>A 60, C>C 5, A>C 0", "0: B>A 100, 0: B>A 60", 160, 0),
        ("bilateral", "A>B -100, B>A 60", "0: B>A 160", 160, 0),
        // What came in earlier pays what goes out later.
        ("gross", "A>B 100, B>C 100 due 1", "0: A>B 100, 1: B>C 100", 100, 0),
        // A net waits for the last amount in it.
        ("bilateral", "A>B 100, B>A 60 due 4", "4: A>B 40", 40, 25_000),
        ("multilateral", "A>B 100, B>C 100 due 3", "3: A>hub 100, 3: hub>C 100", 100, 15_000),
        ("multilateral", "A>B 7, B>C 7, C>A 7", "", 0, 0),
    ] {
        check(key, owed, &none, transfers, peak, delay);
    }
}

#[test]
fn a_queue_pays_with_what_is_there_and_offsets_when_stuck() {
    for (owed, start, rounds_max, transfers, peak, delay, injected) in [
        // Money travels down the line.
        ("A>B 10, B>C 10, C>D 10", "A 10", 9, "0: A>B 10, 1: B>C 10, 2: C>D 10", 10, 10_000, 0),
        // The smaller first, and what is due first before it.
        ("A>B 30, A>C 20, C>A 30 due 1", "A 20, C 10", 9, "0: A>C 20, 1: C>A 30, 2: A>B 30", 30, 7_500, 0),
        ("A>B 30, A>C 20 due 1", "A 30", 1, "0: A>B 30, 2: A>hub 20, 2: hub>C 20", 50, 4_000, 20),
        // Two that wait for one another settle the difference.
        ("A>B 100, B>A 60", "A 40", 9, "0: A>B 40", 40, 0, 0),
        ("A>B 100, B>A 100", "", 9, "", 0, 0, 0),
        // What a net brings in is paid on in the next round.
        ("A>B 15, B>A 10, B>C 15, C>B 10", "A 5", 9, "0: A>B 5, 1: B>C 5", 5, 5_000, 0),
        // A ring settles with no money; a payment that does not fit stays out and comes later.
        ("A>B 10, B>C 10, C>A 10", "", 9, "", 0, 0, 0),
        ("A>B 10, B>C 10, C>A 10, A>D 50, D>A 50 due 2", "D 50", 9, "2: D>A 50, 3: A>D 50", 50, 11_538, 0),
        ("A>B 10, B>C 12, C>A 10", "B 2", 9, "0: B>hub 2, 0: hub>C 2", 2, 0, 0),
        // Nothing will ever move: the missing money is put in when the rounds are over.
        ("A>B 10", "A 4", 3, "4: A>hub 10, 4: hub>B 10", 10, 40_000, 6),
        // Equal payments of one province go together or wait together.
        ("A>B 10, A>C 10", "A 10", 0, "1: A>hub 20, 1: hub>B 10, 1: hub>C 10", 20, 10_000, 10),
        ("A>B 10, A>C 10, A>D 9", "A 20", 0, "0: A>D 9, 1: A>hub 20, 1: hub>B 10, 1: hub>C 10", 29, 6_897, 9),
        // The rounds last at least until everything is due.
        ("A>B 10 due 5", "A 10", 0, "5: A>B 10", 10, 0, 0),
    ] {
        let report = check("queue", owed, &liquidity(start, rounds_max), transfers, peak, delay);
        assert_eq!(report.injected, Fen(injected), "{owed}");
    }
}

#[test]
fn starting_money_is_given_or_a_share_of_what_is_owed() {
    let owed = obligations("A>B 101, A>C 100, B>A -9");
    let share = Liquidity::share_of_payables(&owed, Bp(5_000), 3).unwrap();
    assert_eq!(share, liquidity("A 105", 3), "A owes 210: the negative 9 is A's");
    assert!(Liquidity::new(BTreeMap::from([(province("A"), Fen(-1))]), 3).is_err());
}

#[test]
fn an_amount_out_of_range_is_an_error() {
    let owed = obligations("A>B 9223372036854775807, A>C 9223372036854775807");
    assert!(compare(&owed, &liquidity("", 1)).is_err());
}

const LETTERS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

prop_compose! {
    /// A period of up to six provinces; small amounts so that ties and gridlocks are frequent.
    fn periods()(rows in prop::collection::vec((0usize..6, 0usize..6, prop_oneof![-9i64..30, -900i64..9_000], 0u32..4), 1..24))
        -> Obligations
    {
        let mut obligations = Obligations::default();
        for (home, care, amount, due) in rows.into_iter().filter(|row| row.0 != row.1) {
            let pair = (province(LETTERS[home]), province(LETTERS[care]));
            obligations.owed.insert(pair.clone(), Fen(amount));
            obligations.due.insert(pair, due);
        }
        obligations
    }
}

fn renamed(code: &RegionCode, names: &[&str]) -> RegionCode {
    let index = LETTERS.iter().position(|letter| province(letter) == *code).unwrap();
    province(names[index])
}

/// Final positions, and that the hub is empty at the end of every round.
fn moved(run: &Run) -> BTreeMap<RegionCode, Fen> {
    let mut positions = BTreeMap::<RegionCode, Fen>::new();
    let mut hub = BTreeMap::<u32, i64>::new();
    for Transfer { round, from, to, amount } in &run.transfers {
        assert!(*amount > Fen::ZERO && from != to, "{}", shown(run));
        for (party, signed) in [(from, -amount.0), (to, amount.0)] {
            match party {
                Party::Province(code) => positions.entry(code.clone()).or_default().0 += signed,
                Party::Hub => *hub.entry(*round).or_default() += signed,
            }
        }
    }
    assert!(hub.values().all(|left| *left == 0), "the hub keeps money: {}", shown(run));
    assert!(run.transfers.is_sorted_by_key(|transfer| transfer.round), "{}", shown(run));
    positions.retain(|_, amount| *amount != Fen::ZERO);
    positions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn every_design_settles_the_same(owed in periods(), share in 0u32..=10_000, rounds_max in 0u32..8) {
        let start = Liquidity::share_of_payables(&owed, Bp(share), rounds_max).unwrap();
        let payments = owed.payments().unwrap();
        let runs: Vec<Run> = ALL.iter().map(|design| design.run(&owed, &start).unwrap()).collect();
        let reports = compare(&owed, &start).unwrap();
        let positions = moved(&runs[0]);
        prop_assert_eq!(Fen::sum(positions.values().copied()), Ok(Fen::ZERO));
        let sorted = |mut payments: Vec<Payment>| { payments.sort(); payments };
        for (run, report) in runs.iter().zip(&reports) {
            prop_assert_eq!(&moved(run), &positions, "{}", report.design);
            prop_assert_eq!(report.unsettled, Fen::ZERO, "{}", report.design);
            // Each obligation is discharged once and not before it is due.
            let discharged = run.discharged.iter().map(|(payment, _)| payment.clone()).collect();
            prop_assert_eq!(sorted(discharged), sorted(payments.clone()), "{}", report.design);
            prop_assert!(run.discharged.iter().all(|(payment, round)| payment.due <= *round), "{}", report.design);
        }
        let turnover: Vec<Fen> = reports.iter().map(|report| report.turnover).collect();
        prop_assert!(turnover[2] <= turnover[1] && turnover[1] <= turnover[0], "{turnover:?}");
        prop_assert!(turnover[3] <= turnover[0], "{turnover:?}");
    }

    /// The queue spends what a province started with, what it received in earlier rounds, and what was put in.
    #[test]
    fn no_money_is_created(owed in periods(), money in prop::collection::vec(0i64..40, 6), rounds_max in 0u32..8) {
        let start: BTreeMap<_, _> = LETTERS.iter().map(|l| province(l)).zip(money.into_iter().map(Fen)).collect();
        let queue = design("queue");
        let run = queue.run(&owed, &Liquidity::new(start.clone(), rounds_max).unwrap()).unwrap();
        for (province, peak) in queue.report(&owed, &run).unwrap().peak {
            let injected = run.injected.get(&province).copied().unwrap_or_default();
            prop_assert!(peak.0 <= start[&province].0 + injected.0, "{province}: {}", shown(&run));
        }
    }

    /// Other codes give the same movements under other names.
    #[test]
    fn codes_decide_nothing(owed in periods(), share in 0u32..=10_000, rounds_max in 0u32..8, names in Just(LETTERS.to_vec()).prop_shuffle()) {
        let pair = |(home, care): &(RegionCode, RegionCode)| (renamed(home, &names), renamed(care, &names));
        let other = Obligations {
            owed: owed.owed.iter().map(|(key, amount)| (pair(key), *amount)).collect(),
            due: owed.due.iter().map(|(key, due)| (pair(key), *due)).collect(),
        };
        let liquidity = |owed| Liquidity::share_of_payables(owed, Bp(share), rounds_max).unwrap();
        let party = |party: &Party| match party {
            Party::Hub => Party::Hub,
            Party::Province(code) => Party::Province(renamed(code, &names)),
        };
        for design in ALL {
            let run = design.run(&owed, &liquidity(&owed)).unwrap();
            let again = design.run(&other, &liquidity(&other)).unwrap();
            let rename = |t: &Transfer| Transfer { from: party(&t.from), to: party(&t.to), ..t.clone() };
            let mut transfers: Vec<Transfer> = run.transfers.iter().map(rename).collect();
            let mut found = again.transfers.clone();
            transfers.sort();
            found.sort();
            prop_assert_eq!(found, transfers, "{}", design.key);
            let (mut report, found) = (design.report(&owed, &run).unwrap(), design.report(&other, &again).unwrap());
            report.peak = report.peak.iter().map(|(code, peak)| (renamed(code, &names), *peak)).collect();
            prop_assert_eq!(found, report);
        }
    }

    /// What two periods owe together ends where the two end one after the other; and a period and its reversal, in any order,
    /// move nothing.
    #[test]
    fn periods_add_up_and_a_reversal_leaves_nothing(one in periods(), other in periods(), share in 0u32..=10_000) {
        let positions = |owed: &Obligations| {
            let start = Liquidity::share_of_payables(owed, Bp(share), 4).unwrap();
            ALL.iter().map(|design| moved(&design.run(owed, &start).unwrap())).collect::<Vec<_>>()
        };
        let sum = |sign: i64| {
            let mut both = Obligations { owed: one.owed.clone(), due: BTreeMap::new() };
            for (pair, amount) in if sign < 0 { &one.owed } else { &other.owed } {
                both.owed.entry(pair.clone()).or_default().0 += sign * amount.0;
            }
            both
        };
        let apart = positions(&one).into_iter().zip(positions(&other)).map(|(mut all, more)| {
            more.into_iter().for_each(|(province, amount)| all.entry(province).or_default().0 += amount.0);
            all.retain(|_, amount| *amount != Fen::ZERO);
            all
        });
        prop_assert_eq!(positions(&sum(1)), apart.collect::<Vec<_>>());
        prop_assert!(positions(&sum(-1)).iter().all(BTreeMap::is_empty));
    }
}
