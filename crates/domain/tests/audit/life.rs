//! The life of a case: every step at every stage by every party, then four eyes, amounts, notes and days.

use zhijie_domain::{
    audit::{
        case::{Case, Reason},
        joint, opens,
        screening::{Finding, Subject},
    },
    calendar::add_days,
    claim::Service,
    limits,
    money::Fen,
    party::Party,
};

use crate::world::{OPENED, command, date, deductions, opened, party, region, run, shipped, stage, step};

/// How each column of the table comes about.
const STAGES: [(&str, &str); 10] = [
    ("opened", ""),
    ("proposed", "care review A 500"),
    ("joint", "home ask H; care review A 500"),
    ("awaiting", "home ask H; care review A 500; care countersign B"),
    ("disputed", "home ask H; care review A 500; care countersign B; home dispute D 300"),
    ("closed", "care review A 500; care countersign B"),
    ("nothing", "care review A 0; care countersign B"),
    ("again", "care review A 500; care countersign B; home request H; care review A 500; care countersign B"),
    ("appealed", "care review A 500; care countersign B; care appeal C"),
    ("final", "care review A 500; care countersign B; care appeal C; hub rule R 400"),
];

/// What a step makes of each stage; where it is refused, `-` for the field `stage`, or the field. From another party
/// every step is refused.
const STEPS: &str = "
    step        party opened   proposed   joint      awaiting   disputed   closed   nothing   again    appealed  final
    review      care  proposed -          -          -          proposed+  -        -         -        -         -
    countersign care  -        closed     awaiting+  -          -          -        -         -        -         -
    return      care  -        opened     opened+    -          -          -        -         -        -         -
    concur      home  -        -          -          closed+    -          -        -         -        -         -
    dispute     home  -        -          -          disputed+  -          -        -         -        -         -
    mediate     hub   -        -          -          -          closed+    -        -         -        -         -
    appeal      care  -        -          -          -          -          appealed deduction appealed -         -
    rule        hub   -        -          -          -          -          -        -         -        final     -
    ask         home  opened+  proposed+  -          -          -          -        -         -        -         -
    request     home  -        -          -          -          -          opened   opened    -        -         -
    expire      hub   opened!  proposed!  proposed+! awaiting+! disputed+! -        -         -        appealed! -
";

/// One step on a case by each party: what the table says by its own, and `E802 party` by the others.
fn check_step(from: &str, name: &str, whose: Party, expected: &str) {
    let (_, script) = STAGES.iter().find(|(stage, _)| *stage == from).unwrap();
    let case = run(script).unwrap();
    let today = if name == "expire" { add_days(case.due, 1) } else { date(OPENED) };
    for by in [Party::Care, Party::Home, Party::Hub] {
        let found = match step(&case, by, &command(name, "Z", 400, "because"), today) {
            Ok(next) => stage(&next),
            Err(refusal) => format!("{} {}", refusal.code, refusal.field),
        };
        let expected = match expected {
            _ if by != whose => "E802 party",
            "-" => "E802 stage",
            "deduction" => "E802 deduction",
            next => next,
        };
        assert_eq!(found, expected, "{from}: {name} by {by:?}");
    }
}

#[test]
fn every_step_at_every_stage_by_every_party() {
    let rows: Vec<Vec<&str>> = STEPS.trim().lines().map(|line| line.split_whitespace().collect()).collect();
    let (head, rows) = rows.split_first().unwrap();
    assert_eq!(head[2..], STAGES.map(|(stage, _)| stage));
    assert_eq!(rows.len(), 11);
    for row in rows {
        assert_eq!(row.len(), head.len(), "{row:?}");
        for (from, expected) in head.iter().zip(row).skip(2) {
            check_step(from, row[0], party(row[1]), expected);
        }
    }
}

/// Runs a script and expects the stage with its deductions, or the code and field of a refusal.
fn check(script: &str, expected: &str) {
    let shown = |case: Case| {
        let amounts = deductions(&case).into_iter().map(|fen| format!(" {fen}"));
        stage(&case) + &amounts.collect::<String>()
    };
    let found = run(script).map_or_else(|refusal| format!("{} {}", refusal.code, refusal.field), shown);
    assert_eq!(found, expected, "{script}");
}

const PROPOSED: &str = "care review A 500";
const CLOSED: &str = "care review A 500; care countersign B";
const AWAITING: &str = "home ask H; care review A 500; care countersign B";
const DISPUTED: &str = "home ask H; care review A 500; care countersign B; home dispute D 300";

#[test]
fn nobody_judges_what_he_signed() {
    for (before, last, expected) in [
        (PROPOSED, "care countersign A", "E802 reviewer"),
        (PROPOSED, "care return A", "E802 reviewer"),
        (AWAITING, "home concur A", "E802 reviewer"),
        (AWAITING, "home concur B", "E802 reviewer"),
        (AWAITING, "home dispute B 300", "E802 reviewer"),
        (AWAITING, "home concur H", "closed+ 500"),
        (DISPUTED, "hub mediate A 400", "E802 reviewer"),
        (DISPUTED, "hub mediate D 400", "E802 reviewer"),
        // A new proposal is judged anew.
        (PROPOSED, "care return B; care review A 400; care countersign B", "closed 400"),
        (PROPOSED, "care return B; care review B 400; care countersign A", "closed 400"),
        (PROPOSED, "care return B; care review B 400; care countersign B", "E802 reviewer"),
        (DISPUTED, "care review B 300; care countersign A; home concur D", "closed+ 300"),
        // An appeal is ruled by somebody who took no part at all.
        (CLOSED, "care appeal C; hub rule A 400", "E802 reviewer"),
        (CLOSED, "care appeal C; hub rule C 400", "E802 reviewer"),
        (DISPUTED, "hub mediate M 400; care appeal A; hub rule M 0", "E802 reviewer"),
        (DISPUTED, "hub mediate M 400; care appeal A; hub rule R 0", "final+ 0"),
    ] {
        check(&format!("{before}; {last}"), expected);
    }
}

#[test]
fn a_deduction_keeps_its_bounds() {
    for (before, last, expected) in [
        ("", "care review A 0", "proposed 0"),
        ("", "care review A 1000", "proposed 1000"),
        ("", "care review A 1001", "E001 deduction"),
        ("", "care review A -1", "E001 deduction"),
        (AWAITING, "home dispute D 1000", "disputed+ 500 1000"),
        (AWAITING, "home dispute D 1001", "E001 deduction"),
        (DISPUTED, "hub mediate M 300", "closed+ 300"),
        (DISPUTED, "hub mediate M 500", "closed+ 500"),
        (DISPUTED, "hub mediate M 299", "E001 deduction"),
        (DISPUTED, "hub mediate M 501", "E001 deduction"),
        (AWAITING, "home dispute D 800; hub mediate M 650", "closed+ 650"),
        (AWAITING, "home dispute D 800; hub mediate M 499", "E001 deduction"),
        (CLOSED, "care appeal C; hub rule R 0", "final 0"),
        (CLOSED, "care appeal C; hub rule R 500", "final 500"),
        (CLOSED, "care appeal C; hub rule R 501", "E001 deduction"),
        // The form comes before the step, the step before its bounds.
        (CLOSED, "care review A 1001", "E001 deduction"),
        (PROPOSED, "hub mediate M 501", "E802 stage"),
    ] {
        check(&format!("{before}; {last}"), expected);
    }
}

#[test]
fn a_step_is_taken_in_words() {
    let (longest, longer) = ("扣".repeat(200), "扣".repeat(201));
    for (note, expected) in [
        ("", "E001 note"),
        ("\t", "E001 note"),
        (&longer, "E001 note"),
        (&longest, "proposed 500"),
        ("x", "proposed 500"),
    ] {
        check(&format!("note {note}; {PROPOSED}"), expected);
    }
    for last in ["care return B", "home concur H", "care appeal C", "home ask H", "home request H", "hub rule R 0"] {
        check(&format!("{PROPOSED}; note ; {last}"), "E001 note");
    }
    // Agreeing with a proposal and carrying over need none.
    check(&format!("{PROPOSED}; note ; care countersign B"), "closed 500");
    check("note ; day 2025-04-27; hub expire", "opened!");
}

#[test]
fn days_are_kept() {
    for (script, expected) in [
        // In time until the 26th of the next month; then carried over month by month.
        ("day 2025-04-26; hub expire", "E802 day"),
        ("day 2025-04-27; hub expire", "opened!"),
        ("day 2025-04-27; hub expire; hub expire", "E802 day"),
        ("day 2025-06-01; hub expire; hub expire", "opened!!"),
        ("day 2025-06-01; hub expire; hub expire; hub expire", "E802 day"),
        // Late or not, it closes by its steps only.
        ("day 2025-06-01; hub expire; care review A 500; care countersign B", "closed! 500"),
        ("day 2025-06-01; care review A 500; care countersign B", "closed 500"),
        // A week to appeal.
        ("care review A 500; care countersign B; day 2025-03-17; care appeal C", "appealed 500"),
        ("care review A 500; care countersign B; day 2025-03-18; care appeal C", "E802 day"),
        // An appeal and a new request have a new day.
        (
            "day 2025-05-30; care review A 500; care countersign B; care appeal C; day 2025-06-26; hub expire",
            "E802 day",
        ),
        (
            "day 2025-05-30; care review A 500; care countersign B; home request H; day 2025-06-26; hub expire",
            "E802 day",
        ),
        // A request reaches a case whose appeal has lapsed, and gives its new deduction a new appeal.
        ("care review A 500; care countersign B; day 2025-09-01; home request H", "opened"),
        (
            "care review A 0; care countersign B; home request H; care review A 500; care countersign B; care appeal C",
            "appealed 500",
        ),
    ] {
        check(script, expected);
    }
}

#[test]
fn a_stay_is_reviewed_above_the_threshold_only() {
    for (fen, service, reviewed) in [
        (3_000_000, Service::Stay, false),
        (3_000_001, Service::Stay, true),
        (9_000_000, Service::Chronic, false),
        (9_000_000, Service::Outpatient, false),
        (-3_000_001, Service::Stay, false),
    ] {
        assert_eq!(opens(Fen(fen), service, &shipped().rules.verification), reviewed, "{fen} {service:?}");
    }
}

#[test]
fn a_review_is_joint_within_a_cluster() {
    for (home, care, expected) in [
        ("130000", "110000", true),
        ("341200", "310100", true),
        ("310000", "340100", true),
        ("341200", "110100", false),
        ("120000", "320100", false),
        ("410000", "310100", false),
    ] {
        let found = joint(&region(home), &region(care), &shipped().rules.verification);
        assert_eq!(found, expected, "{home} {care}");
    }
}

#[test]
fn a_case_keeps_its_evidence() {
    let case = run("home ask H; note too many bed days; care review A 500; day 2025-03-12; care countersign B; \
        note agreed; home concur D; home request H")
    .unwrap();
    let notes: Vec<String> =
        case.notes.iter().map(|n| format!("{} {} {:?} {}", n.day, n.officer.as_str(), n.party, n.text)).collect();
    assert_eq!(
        notes,
        [
            "2025-03-10 H Home because",
            "2025-03-10 A Care too many bed days",
            "2025-03-12 D Home agreed",
            "2025-03-12 H Home agreed"
        ]
    );
    let seen: Vec<&str> = case.reviewers.iter().map(|officer| officer.as_str()).collect();
    assert_eq!(seen, ["A", "B", "D", "H"]);
    assert_eq!((case.reason, case.reopened, case.due), (Reason::Requested, true, date("2025-04-26")));
}

#[test]
fn only_a_closed_case_lets_its_settlement_go() {
    for (from, script) in STAGES {
        let free = run(script).unwrap().closed().is_some();
        assert_eq!(free, ["closed", "nothing", "again", "final"].contains(&from), "{from}");
    }
    assert!(opened(Reason::Requested).closed().is_none());
}

#[test]
fn findings_are_added_and_the_case_stays_where_it_is() {
    let found = |count: usize| -> Vec<Finding> {
        let finding = |serial| Finding {
            rule: "sex-or-age",
            subject: Subject::Line(serial),
            zh: "不符".into(),
            en: "does not fit".into(),
            amount: Fen(1),
        };
        (0..count).map(|serial| finding(serial.to_string())).collect()
    };
    for (name, script) in STAGES {
        let case = run(script).unwrap();
        let with = case.clone().found(found(2)).found(found(1));
        assert_eq!((with.findings.len(), with.more_findings), (3, 0), "{name}");
        assert_eq!(Case { findings: Vec::new(), ..with }, case, "{name}");
    }
    // Beyond the limit they are counted.
    let full = opened(Reason::Finding).found(found(limits::FINDINGS_MAX - 1)).found(found(3));
    assert_eq!((full.findings.len(), full.more_findings), (limits::FINDINGS_MAX, 2));
}
