//! Prepayment: the worked month of Anhui, the edges of its arithmetic, and every step with every command.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zhijie_domain::{
    calendar::{Date, Month},
    clearing::schedule::Payment,
    ids::RegionCode,
    money::{Bp, Fen},
    prepayment::{
        Command, Fact, Prepaid, Step, Transfer, Use, Warning, apply, by_care, decide, quota, use_rate, warning,
        yearly_quota,
    },
};

use crate::{day, parameters};

/// 万元 in fen.
const WAN: i64 = 1_000_000;

fn wan(amount: i64) -> Fen {
    Fen(amount * WAN)
}

fn region(code: &str) -> RegionCode {
    RegionCode::parse(code).unwrap()
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// Decides and applies; a refusal as its code and field.
fn step(state: &Prepaid, command: Command, at: Date) -> Result<(Fact, Prepaid), String> {
    let fact = decide(state, command, &parameters().rules, &parameters().workdays, at)
        .map_err(|refusal| format!("{} {}", refusal.code, refusal.field))?;
    Ok((fact, apply(*state, &fact)))
}

/// Does it, and expects no refusal.
fn done(state: Prepaid, command: Command, at: &str) -> Prepaid {
    step(&state, command, day(at)).unwrap_or_else(|refusal| panic!("{command:?} on {at}: {refusal}")).1
}

#[test]
fn the_worked_month() {
    let mut total = Use::default();
    for (care, q4, old, new, adjustment, payable, rate, level) in [
        ("310000", [41_200, 43_900, 46_900], 70_000, 88_000, 18_000, 49_440, "56.18%", None),
        ("320000", [28_400, 29_900, 31_700], 52_000, 60_000, 8_000, 55_200, "92%", Some(Warning::Red)),
        ("330000", [25_100, 25_900, 27_000], 55_000, 52_000, -3_000, 37_960, "73%", Some(Warning::Yellow)),
    ] {
        let rules = &parameters().rules.prepayment;
        let quota = yearly_quota(q4.map(wan), Fen::ZERO, rules).unwrap();
        assert_eq!(quota, wan(new), "{care}");
        let state = done(Prepaid::default(), Command::Open { balance: wan(old) }, "2024-01-02");
        let (fact, state) = step(&state, Command::Reset { quota }, day("2024-01-15")).unwrap();
        let days = Payment { submitted_by: day("2024-01-22"), paid_by: day("2024-02-04") };
        let transfer = Some(Transfer { amount: wan(adjustment), days });
        assert_eq!(fact, Fact::Reset { year: 2024, quota, transfer }, "{care}");
        let state = done(done(state, Command::Pay, "2024-02-04"), Command::Receive, "2024-02-05");
        assert_eq!((state.quota, state.balance, state.step), (quota, quota, Step::Settled), "{care}");
        let judge = Command::Judge { period: month("2024-06"), payable: wan(payable), confirmed_on: day("2024-07-25") };
        let (fact, state) = step(&state, judge, day("2024-07-25")).unwrap();
        let used = Use { payable: wan(payable), quota };
        let ask_by = (level == Some(Warning::Red)).then(|| day("2024-07-30"));
        assert_eq!(fact, Fact::Judged { period: month("2024-06"), used, warning: level, ask_by }, "{care}");
        assert_eq!(use_rate(used.payable, used.quota).unwrap().to_string(), rate, "{care}");
        assert_eq!(state.step, ask_by.map_or(Step::Settled, |ask_by| Step::Warned { ask_by }), "{care}");
        total = total.plus(used).unwrap();
    }
    assert_eq!(total, Use { payable: wan(142_600), quota: wan(200_000) });
    assert_eq!(use_rate(total.payable, total.quota).unwrap().to_string(), "71.3%");
    assert_eq!(warning(total.payable, total.quota, &parameters().rules.prepayment), Some(Warning::Yellow));
}

#[test]
fn after_red_the_worked_pair_is_lent_more() {
    let state = Prepaid { quota: wan(60_000), balance: wan(60_000), step: Step::Settled, ..Prepaid::default() };
    let judge = Command::Judge { period: month("2024-06"), payable: wan(55_200), confirmed_on: day("2024-07-25") };
    let state = done(state, judge, "2024-07-25");
    let state = done(state, Command::Ask { amount: wan(50_400) }, "2024-07-30");
    let (fact, state) = step(&state, Command::Approve { amount: wan(40_000) }, day("2024-07-31")).unwrap();
    let days = Payment { submitted_by: day("2024-08-07"), paid_by: day("2024-08-21") };
    let transfer = Transfer { amount: wan(40_000), days };
    assert_eq!(fact, Fact::Approved { quota: wan(100_000), transfer });
    let (fact, state) = step(&state, Command::Pay, day("2024-08-21")).unwrap();
    assert_eq!(fact, Fact::Paid { transfer, on: day("2024-08-21"), in_time: true });
    let state = done(state, Command::Receive, "2024-08-22");
    assert_eq!((state.quota, state.balance, state.step), (wan(100_000), wan(100_000), Step::Settled));
}

/// The rule asks that the yearly adjustment is through by the end of February: a notice on the last day of January is.
#[test]
fn the_yearly_adjustment_is_paid_by_the_end_of_february() {
    for (year, paid_by) in [(2023, "2023-02-21"), (2024, "2024-02-26"), (2025, "2025-02-24"), (2026, "2026-02-27")] {
        let noticed = Month { year, month: 1 }.last_day();
        let state = Prepaid { step: Step::Settled, ..Prepaid::default() };
        let (fact, _) = step(&state, Command::Reset { quota: wan(1) }, noticed).unwrap();
        let Fact::Reset { transfer: Some(transfer), .. } = fact else { panic!("{fact:?}") };
        assert_eq!(transfer.days.paid_by, day(paid_by), "{year}");
    }
}

#[test]
fn quotas_are_multiplied_before_they_are_divided() {
    for (q4, months, expected) in [
        ([1, 0, 0], 2, Some(1)), // 0.67, not twice 0.33
        ([1, 1, 0], 1, Some(1)), // 0.67
        ([1, 0, 0], 1, Some(0)),
        ([-5, 0, 0], 1, Some(-2)),
        ([4_120_000, 4_390_000, 4_690_000], 2, Some(8_800_000)),
        ([i64::MAX, 1, 0], 2, None),
        ([i64::MAX, 0, 0], 6, None),
        ([i64::MAX, 0, 0], 3, Some(i64::MAX)),
    ] {
        assert_eq!(quota(q4.map(Fen), months).ok().map(|fen| fen.0), expected, "{q4:?} × {months}");
    }
}

#[test]
fn a_pair_without_a_fourth_quarter_has_a_forecast_or_the_floor() {
    let floor = parameters().rules.prepayment.floor.0;
    for (q4, forecast, expected) in [
        ([0, 0, 0], 0, floor),
        ([0, 0, 0], floor, 2 * floor),
        ([0, 0, 0], floor / 2 - 1, floor),
        ([0, 0, 0], -floor, floor),
        ([7, 0, -7], floor, 2 * floor),
        ([0, 0, -9], floor, 2 * floor),
        // The smallest history is a history.
        ([0, 0, 3], floor, 2),
    ] {
        let found = yearly_quota(q4.map(Fen), Fen(forecast), &parameters().rules.prepayment);
        assert_eq!(found, Ok(Fen(expected)), "{q4:?} {forecast}");
    }
}

#[test]
fn warnings_are_judged_by_the_fen_and_not_by_the_rate_shown() {
    for (payable, quota, rate, expected) in [
        (0, 10_000, Some(0), None),
        (6_999, 10_000, Some(6_999), None),
        (7_000, 10_000, Some(7_000), Some(Warning::Yellow)),
        (8_999, 10_000, Some(8_999), Some(Warning::Yellow)),
        (9_000, 10_000, Some(9_000), Some(Warning::Red)),
        // Shown as 70% and 90%, and a fen short of them.
        (699_999_999, 1_000_000_000, Some(7_000), None),
        (899_999_999, 1_000_000_000, Some(9_000), Some(Warning::Yellow)),
        (15_000, 10_000, Some(15_000), Some(Warning::Red)),
        (-5, 10_000, Some(0), None),
        (0, 0, None, None),
        (1, 0, None, Some(Warning::Red)),
        (-1, 0, None, None),
        (i64::MAX, 1, Some(u32::MAX), Some(Warning::Red)),
        (i64::MAX, i64::MAX, Some(10_000), Some(Warning::Red)),
        (i64::MIN, i64::MAX, Some(0), None),
    ] {
        let (payable, quota) = (Fen(payable), Fen(quota));
        assert_eq!(use_rate(payable, quota), rate.map(Bp), "{payable} of {quota}");
        assert_eq!(warning(payable, quota, &parameters().rules.prepayment), expected, "{payable} of {quota}");
    }
}

#[test]
fn a_care_province_is_judged_in_total_too() {
    let rules = &parameters().rules.prepayment;
    let mut pairs = BTreeMap::new();
    let mut found = Vec::new();
    for (home, care, payable, quota) in [
        ("340000", "310000", 95, 100),
        ("320000", "310000", 20, 100),
        ("330000", "310000", 100, 100),
        ("310000", "340000", 80, 100),
    ] {
        found.push(warning(Fen(payable), Fen(quota), rules));
        pairs.insert((region(home), region(care)), Use { payable: Fen(payable), quota: Fen(quota) });
    }
    assert_eq!(found, [Some(Warning::Red), None, Some(Warning::Red), Some(Warning::Yellow)]);
    let totals = by_care(&pairs).unwrap();
    let totals: Vec<_> = totals
        .iter()
        .map(|(care, used)| (care.as_str(), used.payable.0, used.quota.0, warning(used.payable, used.quota, rules)))
        .collect();
    assert_eq!(totals, [("310000", 215, 300, Some(Warning::Yellow)), ("340000", 80, 100, Some(Warning::Yellow))]);
}

/// The day of the table below, and the days its transfers have.
const TODAY: &str = "2024-07-30";

fn transfer() -> Transfer {
    Transfer { amount: Fen(40), days: Payment { submitted_by: day("2024-08-06"), paid_by: day("2024-08-20") } }
}

/// A pair of which home has lent 100, and which stands at a step.
fn standing(step: Step) -> Prepaid {
    let quota = Fen(100 + owed(step).0);
    let state = Prepaid { quota, balance: Fen(100), step, judged: Some(month("2024-05")), reset_in: Some(2023) };
    if step == Step::Unopened { Prepaid::default() } else { state }
}

fn owed(step: Step) -> Fen {
    match step {
        Step::Due(transfer) | Step::Paid(transfer) => transfer.amount,
        _ => Fen::ZERO,
    }
}

/// `Settled`, `Warned`, … without what they hold.
fn name(step: Step) -> String {
    let shown = format!("{step:?}");
    shown.split([' ', '(']).next().unwrap_or_default().into()
}

#[test]
fn every_step_with_every_command() {
    let judge =
        |payable| Command::Judge { period: month("2024-06"), payable: Fen(payable), confirmed_on: day("2024-07-25") };
    let commands = [
        Command::Open { balance: Fen(100) },
        Command::Reset { quota: Fen(130) },
        Command::Reset { quota: Fen(100) },
        judge(130),
        judge(50),
        Command::Ask { amount: Fen(50) },
        Command::Approve { amount: Fen(40) },
        Command::Deny,
        Command::Pay,
        Command::Receive,
    ];
    let warned = Step::Warned { ask_by: day(TODAY) };
    let (asked, due, paid) = (Step::Asked(Fen(50)), Step::Due(transfer()), Step::Paid(transfer()));
    for (from, row) in [
        //                Open    Reset same    red    calm    Ask   Approve Deny  Pay  Receive
        (Step::Unopened, "Settled -   -         -      -       -     -   -       -    -"),
        (Step::Settled, " -       Due Settled   Warned Settled -     -   -       -    -"),
        (warned, "        -       Due Settled   Warned Settled Asked -   -       -    -"),
        (asked, "         -       -   -         Asked  Asked   -     Due Settled -    -"),
        (due, "           -       -   -         Due    Due     -     -   -       Paid -"),
        (paid, "          -       -   -         Paid   Paid    -     -   -       -    Settled"),
    ] {
        let expected: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(expected.len(), commands.len(), "{row}");
        for (command, expected) in commands.iter().zip(expected) {
            let (found, after) = match step(&standing(from), *command, day(TODAY)) {
                Ok((_, after)) => (name(after.step), after),
                Err(refusal) => {
                    assert_eq!(refusal, "E801 step", "{from:?} {command:?}");
                    ("-".into(), standing(from))
                }
            };
            assert_eq!(found, expected, "{from:?} {command:?}");
            assert_eq!(after.quota.minus(after.balance), Ok(owed(after.step)), "{from:?} {command:?}");
        }
    }
}

#[test]
fn days_years_months_and_amounts_are_bound() {
    let judge = |period| Command::Judge { period: month(period), payable: Fen(1), confirmed_on: day("2024-07-25") };
    let warned = Step::Warned { ask_by: day("2024-07-30") };
    let asked = Step::Asked(Fen(50));
    for (from, command, at, expected) in [
        (Step::Unopened, Command::Open { balance: Fen(-1) }, "2024-01-02", "E001 balance"),
        (Step::Unopened, Command::Open { balance: Fen(0) }, "2024-01-02", ""),
        (Step::Settled, Command::Reset { quota: Fen(-1) }, "2024-01-02", "E001 quota"),
        (Step::Settled, Command::Reset { quota: Fen(0) }, "2024-01-02", ""),
        (Step::Settled, Command::Reset { quota: Fen(1) }, "2023-12-31", "E801 step"),
        (Step::Settled, Command::Reset { quota: Fen(1) }, "2022-01-15", "E801 step"),
        (Step::Settled, Command::Reset { quota: Fen(1) }, "2024-01-01", ""),
        (Step::Settled, judge("2024-04"), TODAY, "E801 step"),
        (Step::Settled, judge("2024-05"), TODAY, "E801 step"),
        (Step::Settled, judge("2024-07"), TODAY, ""),
        (warned, Command::Ask { amount: Fen(1) }, "2024-07-30", ""),
        (warned, Command::Ask { amount: Fen(1) }, "2024-07-31", "E801 step"),
        (warned, Command::Ask { amount: Fen(0) }, "2024-07-30", "E001 amount"),
        (asked, Command::Approve { amount: Fen(50) }, TODAY, ""),
        (asked, Command::Approve { amount: Fen(51) }, TODAY, "E001 amount"),
        (asked, Command::Approve { amount: Fen(0) }, TODAY, "E001 amount"),
        (Step::Asked(Fen(i64::MAX)), Command::Approve { amount: Fen(i64::MAX) }, TODAY, "E003 amount"),
    ] {
        let found = step(&standing(from), command, day(at)).err().unwrap_or_default();
        assert_eq!(found, expected, "{from:?} {command:?} on {at}");
    }
    for (at, expected) in [("2024-08-20", true), ("2024-08-21", false)] {
        let (fact, _) = step(&standing(Step::Due(transfer())), Command::Pay, day(at)).unwrap();
        assert_eq!(fact, Fact::Paid { transfer: transfer(), on: day(at), in_time: expected });
    }
}

fn command() -> impl Strategy<Value = Command> {
    let amount = || (-10i64..1_000).prop_map(Fen);
    let judged = (2024i16..2026, 1i8..=12, amount());
    prop_oneof![
        amount().prop_map(|balance| Command::Open { balance }),
        amount().prop_map(|quota| Command::Reset { quota }),
        judged.prop_map(|(year, month, payable)| {
            let period = Month { year, month };
            Command::Judge { period, payable, confirmed_on: period.plus(1).day(25) }
        }),
        amount().prop_map(|amount| Command::Ask { amount }),
        amount().prop_map(|amount| Command::Approve { amount }),
        Just(Command::Deny),
        Just(Command::Pay),
        Just(Command::Receive),
    ]
}

proptest! {
    /// Whatever is commanded, what is under way is what the quota and the balance differ by, and neither is negative.
    #[test]
    fn the_quota_is_what_care_holds_and_what_is_under_way(commands in proptest::collection::vec((command(), 0i64..40), 1..80)) {
        let (mut state, mut at) = (Prepaid::default(), day("2024-01-02"));
        for (command, days) in commands {
            at = zhijie_domain::calendar::add_days(at, days);
            if let Ok((_, after)) = step(&state, command, at) {
                state = after;
            }
            prop_assert_eq!(state.quota.minus(state.balance), Ok(owed(state.step)), "{:?}", state);
            prop_assert!(!state.quota.is_negative() && !state.balance.is_negative(), "{:?}", state);
        }
    }
}
