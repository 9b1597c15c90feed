//! The screening: one check for all rules, stays and lines as rows of text, split by the shipped catalogue of Shanghai.

use proptest::{prelude::*, sample::select};
use zhijie_domain::{
    audit::screening::{Finding, OtherStay, RULES, Stay, Subject, screen},
    calendar::add_days,
    ids::{InstitutionCode, ItemCode, PersonId, SettlementId},
    money::{Fen, Price, Quantity},
    person::{Patient, Sex},
    split::{Approval, FeeLine, SplitLine, split},
};

use crate::world::{date, region, shipped};

const BED: &str = "001109000120000"; // limit 45.00
const INTENSIVE: &str = "001201000010000"; // 24 hours a day
const LENS: &str = "C0401010730200079557"; // limit 1200.00, above it the whole line is own pay
const CAESAREAN: &str = "003314000120000"; // women only
const PROSTATE: &str = "003312040070000"; // men only
const NEWBORN: &str = "001201000070000"; // ages 0 to 1
const DROPS: &str = "XN02BED059B003030347549"; // ages 0 to 14
const CT: &str = "002103000010000";
const HERE: &str = "H31010000001";

/// A line `item price quantity [over]`, price in yuan: with `over` in fen the split is changed to cut only so much.
fn line(serial: usize, words: &str) -> SplitLine {
    let words: Vec<&str> = words.split(' ').collect();
    let sent = FeeLine {
        serial: serial.to_string(),
        item: ItemCode::parse(words[0]).unwrap(),
        price: Price(words[1].parse::<i64>().unwrap() * 1_000_000),
        quantity: Quantity(words[2].parse::<i64>().unwrap() * 10_000),
        declared: None,
        approval: Approval::NotNeeded,
    };
    let mut line = split(sent, shipped().catalogue(&region("310000")).unwrap()).unwrap();
    if let Some(over) = words.get(3) {
        let parts = &mut line.parts;
        parts.over = Fen(over.parse().unwrap());
        (parts.own, parts.pre) = (Fen::ZERO, Fen::ZERO);
        parts.in_scope = parts.total.minus(parts.over).unwrap();
    }
    line
}

/// Another stay `from to institution yuan`.
fn other(index: usize, words: &str) -> OtherStay {
    let words: Vec<&str> = words.split(' ').collect();
    let [from, to, institution, yuan] = words[..] else { panic!("{words:?}") };
    let institution = InstitutionCode::parse(institution).unwrap();
    OtherStay {
        settlement: SettlementId::parse(&format!("O{index}")).unwrap(),
        care: institution.division(),
        institution,
        from: date(from),
        to: date(to),
        total: Fen::parse_yuan(yuan).unwrap(),
    }
}

/// Screens a stay `from to yuan` in Shanghai of a patient `sex birth`, or `-` where nothing is known.
fn screened(stay: &str, patient: &str, lines: &[&str], others: &[&str]) -> Vec<Finding> {
    let words: Vec<&str> = stay.split(' ').collect();
    let [from, to, yuan] = words[..] else { panic!("{stay}") };
    let sex = |name| match name {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        _ => None,
    };
    let patient = patient.split_once(' ').map(|(name, birth)| Patient { sex: sex(name), birth: date(birth) });
    let lines: Vec<SplitLine> = lines.iter().enumerate().map(|(index, words)| line(index + 1, words)).collect();
    let others: Vec<OtherStay> = others.iter().enumerate().map(|(index, words)| other(index + 1, words)).collect();
    let stay = Stay {
        settlement: &SettlementId::parse("S1").unwrap(),
        person: &PersonId::parse("P1").unwrap(),
        home: &region("341200"),
        care: &region("310100"),
        institution: &InstitutionCode::parse(HERE).unwrap(),
        from: date(from),
        to: date(to),
        total: Fen::parse_yuan(yuan).unwrap(),
        patient,
        lines: &lines,
        others: &others,
    };
    let world = shipped();
    let catalogue = world.catalogue(&region("310000")).unwrap();
    screen(&stay, catalogue, &world.rules.verification, &world.screening).unwrap()
}

/// Screens a stay and expects `rule subject amount` for each finding, the amount in fen.
fn check(stay: &str, patient: &str, lines: &[&str], others: &[&str], expected: &[&str]) {
    let shown = |finding: &Finding| {
        let subject = match &finding.subject {
            Subject::Line(serial) => serial.as_str(),
            Subject::Stay(settlement) => settlement.as_str(),
        };
        format!("{} {subject} {}", finding.rule, finding.amount.0)
    };
    let found: Vec<String> = screened(stay, patient, lines, others).iter().map(shown).collect();
    assert_eq!(found, expected, "{stay}, {patient}, {lines:?}, {others:?}");
}

/// Ten days, 5,000 yuan.
const TEN_DAYS: &str = "2025-03-01 2025-03-10 5000";

#[test]
fn prices_over_their_limit() {
    let rows: [(&str, &[&str]); 7] = [
        // 80 − 45 = 35 yuan a day lie above the limit.
        ("80 2", &[]),
        ("80 2 7000", &[]),
        ("80 2 6999", &["price-over-limit 1 1"]),
        ("80 2 0", &["price-over-limit 1 7000"]),
        ("45 2 0", &[]),
        ("46 2 0", &["price-over-limit 1 200"]),
        ("46 2 500", &[]),
    ];
    for (rest, expected) in rows {
        check(TEN_DAYS, "-", &[&format!("{BED} {rest}")], &[], expected);
    }
    // Where the catalogue makes the whole line own pay, nothing is missing; where it was not done, what lies above is.
    check(TEN_DAYS, "-", &[&format!("{LENS} 2000 1")], &[], &[]);
    check(TEN_DAYS, "-", &[&format!("{LENS} 2000 1 0")], &[], &["price-over-limit 1 80000"]);
    // An item without a limit has none to pass.
    check(TEN_DAYS, "-", &[&format!("{CAESAREAN} 9000 1")], &[], &[]);
}

#[test]
fn lines_that_repeat() {
    let ct = format!("{CT} 180 1");
    let many = |count| vec![ct.as_str(); count];
    // Three a day: 30 in ten days, 3 in one.
    check(TEN_DAYS, "-", &many(30), &[], &[]);
    check(TEN_DAYS, "-", &many(32), &[], &["duplicate-line 31 36000"]);
    let one_day = "2025-03-01 2025-03-01 5000";
    check(one_day, "-", &many(3), &[], &[]);
    check(one_day, "-", &many(4), &[], &["duplicate-line 4 18000"]);
    // Another price or quantity is another line.
    let (dearer, more) = (format!("{CT} 181 1"), format!("{CT} 180 2"));
    check(one_day, "-", &[&ct, &ct, &ct, &dearer, &more], &[], &[]);
    check(one_day, "-", &[&dearer, &ct, &ct, &more, &ct, &ct], &[], &["duplicate-line 6 18000"]);
}

#[test]
fn quantities_that_no_day_has() {
    let bed = |days: i64| format!("{BED} 40 {days}");
    check(TEN_DAYS, "-", &[&bed(10)], &[], &[]);
    check(TEN_DAYS, "-", &[&bed(12)], &[], &["quantity-per-day 1 8000"]);
    // Summed over lines; the line that passes is named.
    check(TEN_DAYS, "-", &[&bed(6), &bed(4), &bed(2)], &[], &["quantity-per-day 3 8000"]);
    check(TEN_DAYS, "-", &[&format!("{INTENSIVE} 12 240")], &[], &[]);
    check(TEN_DAYS, "-", &[&format!("{INTENSIVE} 12 241")], &[], &["quantity-per-day 1 1200"]);
    // An item of which no most is known.
    check(TEN_DAYS, "-", &[&format!("{CT} 180 99")], &[], &[]);
}

#[test]
fn items_that_do_not_fit_the_person() {
    for (patient, item, doubtful) in [
        ("female 1990-05-05", CAESAREAN, false),
        ("male 1990-05-05", CAESAREAN, true),
        ("female 1990-05-05", PROSTATE, true),
        ("male 1950-05-05", PROSTATE, false),
        ("-", PROSTATE, false),
        ("unknown 1990-05-05", PROSTATE, false),
        ("unknown 2010-02-28", DROPS, true),
        ("female 2025-02-20", NEWBORN, false),
        // Two years old during the stay, one at its beginning.
        ("female 2023-03-05", NEWBORN, false),
        ("female 2023-03-01", NEWBORN, true),
        ("male 2010-03-02", DROPS, false),
        ("male 2010-02-28", DROPS, true),
        ("male 1990-05-05", CT, false),
    ] {
        let expected: &[&str] = if doubtful { &["sex-or-age 1 10000"] } else { &[] };
        check(TEN_DAYS, patient, &[&format!("{item} 100 1")], &[], expected);
    }
}

#[test]
fn stays_in_two_places() {
    for (other, expected) in [
        // From the 1st to the 10th in Shanghai; elsewhere, and the days shared.
        ("2025-03-05 2025-03-20 H11010000001 9000", Some("300000")),
        ("2025-02-20 2025-03-02 H31010000002 9000", Some("100000")),
        ("2025-03-04 2025-03-04 H11010000001 900", Some("50000")),
        ("2025-02-01 2025-04-01 H11010000001 9000", Some("500000")),
        // A transfer on the day.
        ("2025-03-10 2025-03-20 H11010000001 9000", None),
        ("2025-02-20 2025-03-01 H31010000002 9000", None),
        ("2025-03-11 2025-03-20 H11010000001 9000", None),
        // The same institution is another rule's.
        ("2025-03-05 2025-03-20 H31010000001 9000", None),
    ] {
        let expected: Vec<String> = expected.map(|fen| format!("overlapping-stays O1 {fen}")).into_iter().collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(TEN_DAYS, "-", &[], &[other], &expected);
    }
}

#[test]
fn stays_split_under_the_threshold() {
    for (yuan, other, doubtful) in [
        ("28000", "2025-03-12 2025-03-20 H31010000001 25000", true),
        ("28000", "2025-02-01 2025-02-25 H31010000001 25000", true),
        // A week between them, not more.
        ("28000", "2025-03-17 2025-03-20 H31010000001 25000", true),
        ("28000", "2025-03-18 2025-03-20 H31010000001 25000", false),
        // Each above 18,000 and at most 30,000.
        ("30000", "2025-03-12 2025-03-20 H31010000001 30000", true),
        ("30000.01", "2025-03-12 2025-03-20 H31010000001 25000", false),
        ("28000", "2025-03-12 2025-03-20 H31010000001 30000.01", false),
        ("28000", "2025-03-12 2025-03-20 H31010000001 18000", false),
        ("18000.01", "2025-03-12 2025-03-20 H31010000001 18000.01", true),
        ("18000", "2025-03-12 2025-03-20 H31010000001 18000.01", false),
        ("28000", "2025-03-12 2025-03-20 H31010000002 25000", false),
    ] {
        let expected = format!("split-stays O1 {}", Fen::parse_yuan(yuan).unwrap().0);
        let expected: &[&str] = if doubtful { &[&expected] } else { &[] };
        check(&format!("2025-03-01 2025-03-10 {yuan}"), "-", &[], &[other], expected);
    }
}

#[test]
fn findings_stand_in_the_order_of_the_rules() {
    let (bed, caesarean) = (format!("{BED} 80 12 0"), format!("{CAESAREAN} 1500 1"));
    let others = ["2025-03-12 2025-03-20 H31010000001 25000", "2025-03-05 2025-03-20 H11010000001 9000"];
    check(
        "2025-03-01 2025-03-10 28000",
        "male 1990-05-05",
        &[&caesarean, &bed],
        &others,
        &[
            "price-over-limit 2 42000",
            "quantity-per-day 2 16000",
            "sex-or-age 1 150000",
            "overlapping-stays O2 1680000",
            "split-stays O1 2800000",
        ],
    );
}

#[test]
fn a_rule_has_an_id_of_its_own() {
    let ids: std::collections::BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
}

#[test]
fn a_finding_names_nobody() {
    let (bed, caesarean) = (format!("{BED} 80 12 0"), format!("{CAESAREAN} 1500 1"));
    for finding in screened("2025-03-01 2025-03-10 28000", "male 1990-05-05", &[&caesarean, &bed], &[]) {
        assert!(!format!("{finding:?}").contains("P1"), "{finding:?}");
    }
}

proptest! {
    /// Lines as the catalogue splits them are never doubtful for their price, and no doubt is about more than the bill.
    #[test]
    fn doubts_stay_within_the_bill(
        days in 0i64..30,
        picks in proptest::collection::vec((select(vec![BED, INTENSIVE, LENS, CAESAREAN, CT]), 1i64..3000, 1i64..40), 0..40),
    ) {
        let lines: Vec<String> = picks.iter().map(|(item, price, quantity)| format!("{item} {price} {quantity}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let yuan: i64 = picks.iter().map(|(_, price, quantity)| price * quantity).sum();
        let stay = format!("2025-03-01 {} {yuan}", add_days(date("2025-03-01"), days));
        for finding in screened(&stay, "male 1990-05-05", &lines, &[]) {
            prop_assert!(finding.rule != "price-over-limit", "{:?}", finding);
            prop_assert!(finding.amount > Fen::ZERO && finding.amount <= Fen(yuan * 100), "{:?}", finding);
        }
    }
}
