//! What care and home decide of a bill: its split, its benefit, the whole answer to a pre-settle.

use divan::{Bencher, black_box};
use zhijie_domain::{
    benefit::{Case, compute},
    calendar::Moment,
    claim::Service,
    filing::{Filing, FilingKind, FilingStatus, cover, treatment_class},
    ids::{FilingId, ItemCode, RegionCode},
    money::{Price, Quantity},
    person::Scheme,
    refusal::Refusal,
    settlement::Computation,
    split::{Approval, FeeLine, roll_up, split},
};

use crate::world::{Scenario, date, shipped, shipped_policy};

/// A stay over New Year, whose bill is cut in two.
const LONG_STAY: &str = "in=180000 own=9000 over=700 pre=12000 class=referred from=2024-11-20 to=2025-02-28";
const OUTPATIENT: &str = "in=420 own=35.50 service=outpatient use=own account=300";

fn region(code: &str) -> RegionCode {
    RegionCode::parse(code).unwrap()
}

/// Lines of nursing and of drugs, by turns.
fn lines() -> Vec<FeeLine> {
    let items = ["001201000030000", "XC09AAY361A003010469394", "XA10BAE038A001010104562"];
    let line = |serial: i64| FeeLine {
        serial: serial.to_string(),
        item: ItemCode::parse(items[usize::try_from(serial).unwrap() % items.len()]).unwrap(),
        price: Price(12_345_600 + serial),
        quantity: Quantity(25_000),
        declared: None,
        approval: Approval::NotNeeded,
    };
    (1..=20).map(line).collect()
}

#[divan::bench]
fn split_of_twenty_lines(bencher: Bencher) {
    let catalogue = shipped().catalogue(&region("310000")).unwrap();
    bencher.with_inputs(lines).bench_values(|lines| {
        let lines: Result<Vec<_>, Refusal> = lines.into_iter().map(|line| split(line, catalogue)).collect();
        let lines = lines.unwrap();
        roll_up(&lines).unwrap()
    });
}

#[divan::bench(args = [OUTPATIENT, LONG_STAY])]
fn benefit(bencher: Bencher, row: &str) {
    let scenario = Scenario::parse(Scheme::Employee, row);
    let policy = shipped_policy("510100", Scheme::Employee, "2025-02-28");
    bencher.bench(|| black_box(&scenario).compute(&policy).unwrap());
}

/// All that home decides of a claim, once it has loaded the person and the visit.
#[divan::bench(args = [OUTPATIENT, LONG_STAY])]
fn pre_settle_decide(bencher: Bencher, row: &str) {
    let mut scenario = Scenario::parse(Scheme::Employee, row);
    scenario.claim.home = region("510100");
    scenario.claim.care = region("310100");
    let filings = filings(&scenario);
    bencher.bench(|| decide(black_box(&scenario), &filings).unwrap());
}

fn decide(scenario: &Scenario, filings: &[Filing]) -> Result<Computation, Refusal> {
    let Scenario { person, purse, claim, used, .. } = scenario;
    claim.check()?;
    person.insured_on(claim.from)?;
    let policy = shipped().policy(&claim.home, claim.scheme, claim.to)?;
    let day = if claim.service == Service::Stay { claim.to } else { claim.from };
    let covered = cover(filings, &claim.institution.division(), day, claim.emergency);
    let class = treatment_class(&policy.filing, covered.as_ref(), claim)?;
    let computation = compute(&Case { policy, person, purse: *purse, class, claim, used, listed: None })?;
    computation.amounts.check()?;
    Ok(computation)
}

/// A person's filings of some years; the last one covers the visit.
fn filings(scenario: &Scenario) -> Vec<Filing> {
    let filing = |year: i16| Filing {
        id: FilingId::parse(&format!("F{year}")).unwrap(),
        person: scenario.person.id.clone(),
        kind: FilingKind::Referred,
        place: region("310000"),
        from: date(&format!("{year}-09-01")),
        to: Some(date(&format!("{}-08-31", year + 1))),
        status: FilingStatus::Active,
        filed_at: Moment::start_of(date(&format!("{year}-08-30"))),
    };
    (2021..2025).map(filing).collect()
}
