//! What holds of every case, whatever anybody tries: drawn at random from all steps, parties, officers and days.

use proptest::{prelude::*, sample::select};
use zhijie_domain::{
    audit::case::{Case, Finality, Reason, Stage},
    calendar::add_days,
    party::Party,
};

use crate::world::{FUND, OPENED, command, date, deductions, opened, party, step};

const STEPS: [(&str, &str); 11] = [
    ("review", "care"),
    ("countersign", "care"),
    ("return", "care"),
    ("concur", "home"),
    ("dispute", "home"),
    ("mediate", "hub"),
    ("appeal", "care"),
    ("rule", "hub"),
    ("ask", "home"),
    ("request", "home"),
    ("expire", "hub"),
];

/// A step: which, by whom if not by the party whose it is, by which officer, with which deduction, after how many days.
type Try = ((&'static str, &'static str), Option<Party>, &'static str, i64, i64);

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let other = prop_oneof![
        9 => Just(None),
        1 => select(vec![Party::Care, Party::Home, Party::Hub]).prop_map(Some),
    ];
    let deduction = prop_oneof![4 => 0..=FUND, 1 => -FUND..=2 * FUND, 1 => Just(0)];
    let one = (select(STEPS.to_vec()), other, select(vec!["A", "B", "C", "D", "E", "F"]), deduction, 0i64..3);
    proptest::collection::vec(one, 0..200)
}

/// Who proposed and who then agreed, as the accepted steps tell it; a new round begins with a new proposal.
#[derive(Default)]
struct Round {
    proposer: Option<&'static str>,
    second: Option<&'static str>,
}

fn is_final(case: &Case) -> bool {
    matches!(&case.stage, Stage::Closed(closed) if closed.finality == Finality::Final)
}

proptest! {
    #[test]
    fn a_case_keeps_its_promises(tries in tries()) {
        let (mut case, mut today, mut round) = (opened(Reason::Finding), date(OPENED), Round::default());
        for ((name, whose), other, officer, deduction, days) in tries {
            today = add_days(today, days);
            let by = other.unwrap_or(party(whose));
            let Ok(next) = step(&case, by, &command(name, officer, deduction, "because"), today) else { continue };
            prop_assert_eq!(by, party(whose), "{} by another party", name);
            prop_assert!(!is_final(&case), "a final case took `{}`", name);
            match name {
                "review" => round = Round { proposer: Some(officer), second: None },
                "countersign" => round.second = Some(officer),
                _ => {}
            }
            if next.closed().is_some() {
                prop_assert!(round.proposer.is_some() && round.second.is_some() && round.proposer != round.second);
                prop_assert!(["countersign", "concur", "mediate", "rule"].contains(&name), "`{}` closed it", name);
                prop_assert!(!case.joint || name != "countersign", "closed without home");
            }
            prop_assert!(deductions(&next).iter().all(|fen| (0..=FUND).contains(fen)));
            prop_assert!(next.due >= case.due && next.overdue >= case.overdue);
            prop_assert!(next.reviewers.is_superset(&case.reviewers) && next.notes.starts_with(&case.notes));
            case = next;
        }
    }
}
