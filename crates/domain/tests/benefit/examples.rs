//! Worked examples, computed by hand, under the shipped policies.

use zhijie_domain::{
    money::Bp,
    person::Scheme,
    policy::{NewYear, ReductionMode},
};

use crate::world::{Scenario, check, shipped_policy};

/// Example 1: a resident of Fuyang in a Shanghai tertiary hospital.
const BILL: &str = "own=6500 over=4420 pre=10610 in=70470";

#[test]
fn one_bill_all_layers() {
    let mut fuyang = shipped_policy("341200", Scheme::Resident, "2025-03-01");
    let row = |more: &str| format!("{BILL} {more}");
    check(
        &fuyang,
        &row("class=local"),
        "deductible=1000 basic=45155.50 catastrophic=6188.70 fund=51344.20 personal=40655.80 cash=40655.80 ratio=65%",
    );
    for class in ["referred", "emergency"] {
        check(
            &fuyang,
            &row(&format!("class={class}")),
            "basic=38208.50 catastrophic=10356.90 fund=48565.40 personal=43434.60 ratio=55% \
             steps=deductible.per-level,deductible.charged,reduction.points,segment,catastrophic.line,catastrophic.tier \
             2025.admissions=1 2025.in_scope=70470 2025.deductible=1000 2025.basic=38208.50 2025.burden=32261.50 \
             2025.catastrophic=10356.90",
        );
    }
    check(
        &fuyang,
        &row("class=referred assisted=minimum-living"),
        "basic=38208.50 catastrophic=16094.98 assistance=11316.56 fund=65620.04 personal=26379.96 steps=catastrophic.eased",
    );
    fuyang.reduction.mode = ReductionMode::Prepay;
    check(
        &fuyang,
        &row("class=referred"),
        "prepay=7047 basic=40574.95 catastrophic=4708.83 fund=45283.78 personal=46716.22 2025.burden=22848.05 steps=reduction.prepay",
    );
}

/// The explanation of the referred case, each amount before and after it, in the order of the calculation.
#[test]
fn one_bill_step_by_step() {
    let fuyang = shipped_policy("341200", Scheme::Resident, "2025-03-01");
    let computed = Scenario::parse(Scheme::Resident, &format!("{BILL} class=referred")).compute(&fuyang).unwrap();
    let steps: Vec<String> =
        computed.steps.iter().map(|step| format!("{} {} → {}", step.rule, step.before, step.after)).collect();
    let expected = [
        "class.referred 70,470.00 → 70,470.00",
        "deductible.per-level 70,470.00 → 1,000.00",
        "deductible.charged 70,470.00 → 69,470.00",
        // 65 % of the base, then 55 %.
        "reduction.points 45,155.50 → 38,208.50",
        "segment 69,470.00 → 38,208.50",
        // The burden, and what of it lies above 15,000.
        "catastrophic.line 32,261.50 → 17,261.50",
        "catastrophic.tier 17,261.50 → 10,356.90",
    ];
    assert_eq!(steps, expected);
    assert!(computed.steps[0].source.starts_with("341200/resident: remembered: no filing for outpatient care"));
}

#[test]
fn the_cap_is_reached_inside_a_segment() {
    let beijing = shipped_policy("110000", Scheme::Employee, "2025-03-01");
    check(
        &beijing,
        "in=150000",
        "deductible=1300 basic=100000 large=33906.05 fund=133906.05 personal=16093.95 ratio=85% 2025.basic=100000 \
         steps=segment,cap.basic,large-amount.above-cap",
    );
    // The second stay of the year: half the deductible, nothing left of the pool.
    check(
        &beijing,
        "in=10650 used.admissions=1 used.basic=100000 used.large_amount=33906.05",
        "deductible=650 basic=0 large=8500 steps=deductible.halved,cap.basic",
    );
    // 500,000 in total with the pool.
    check(
        &beijing,
        "in=101300 used.basic=100000 used.large_amount=390000",
        "basic=0 large=10000 personal=91300 steps=large-amount.cap",
    );
    check(&beijing, "in=1300 category=retired", "basic=0 personal=1300");
    check(&beijing, "in=11300 category=retired", "basic=9100 ratio=91% steps=bonus.retired-share");
}

#[test]
fn a_stay_over_new_year() {
    let mut fuyang = shipped_policy("341200", Scheme::Resident, "2025-03-01");
    let row = format!("{BILL} class=local from=2024-12-22 to=2025-01-09");
    check(
        &fuyang,
        &row,
        "basic=45155.50 catastrophic=6188.70 fund=51344.20 2024.in_scope=0 2025.in_scope=70470 2025.admissions=1",
    );
    fuyang.new_year = NewYear::Split;
    check(
        &fuyang,
        &row,
        "deductible=1000 basic=45155.50 catastrophic=0 fund=45155.50 steps=new-year.split \
         2024.in_scope=39150 2024.basic=24797.50 2024.burden=14352.50 2024.deductible=1000 2024.admissions=1 \
         2025.in_scope=31320 2025.basic=20358 2025.burden=10962 2025.deductible=0 2025.admissions=0",
    );
    // The first year's part is smaller than the deductible; the rest is charged in the second.
    check(
        &fuyang,
        "in=1800 class=local from=2024-12-31 to=2025-01-09",
        "deductible=1000 basic=520 2024.deductible=200 2024.basic=0 2025.deductible=800 2025.basic=520",
    );
    // Discharged on New Year's Day: no day of the new year counts.
    check(
        &fuyang,
        "in=2000 class=local from=2024-12-22 to=2025-01-01",
        "2024.in_scope=2000 2024.basic=650 2025.in_scope=0",
    );
    check(&fuyang, "in=2000 class=local from=2025-01-01 to=2025-01-01", "2025.in_scope=2000 2025.basic=650");
}

#[test]
fn account_and_family_pay_an_outpatient_visit() {
    let mut chengdu = shipped_policy("510100", Scheme::Employee, "2025-03-01");
    let visit = "service=outpatient in=480 own=60 pre=20 birth=1990-01-01 account=300 family=500";
    check(
        &chengdu,
        &format!("{visit} use=own-and-family"),
        "deductible=200 basic=140 fund=140 personal=420 account=420 family=120 cash=0 balance=0 ratio=50% \
         2025.outpatient_basic=140 2025.outpatient_deductible=200 2025.basic=0 2025.admissions=0 steps=account.own,account.family",
    );
    check(&chengdu, &format!("{visit} use=own"), "account=300 family=0 cash=120 balance=0");
    check(&chengdu, visit, "account=0 cash=420 balance=300");
    // Reduced only where the policy says so.
    check(&chengdu, &format!("{visit} class=other"), "basic=140");
    if let Some(outpatient) = &mut chengdu.outpatient {
        outpatient.reduced_away = true;
    }
    check(&chengdu, &format!("{visit} class=other"), "basic=84 ratio=30%");
    chengdu.reduction.unfiled = Bp(2_500);
    check(&chengdu, &format!("{visit} class=unfiled"), "basic=70 ratio=25%");
}

/// Shapes with a known place, under that place's shipped policy.
#[test]
fn shipped_shapes() {
    let of = |area, scheme| shipped_policy(area, scheme, "2025-03-01");
    for (area, scheme, row, expected) in [
        ("340100", Scheme::Employee, "in=1600 used.admissions=1", "deductible=300 basic=1170"),
        ("340100", Scheme::Employee, "in=1600 category=retired", "deductible=600 ratio=95%"),
        ("341200", Scheme::Employee, "in=1600 used.admissions=9", "deductible=200"),
        (
            "340200",
            Scheme::Resident,
            "in=20000 class=other",
            "deductible=4000 basic=9600 ratio=60% without=reduction.points",
        ),
        ("340200", Scheme::Resident, "in=20000 own=10000 class=unfiled", "deductible=6000 basic=8400"),
        ("340200", Scheme::Resident, "in=20000 class=referred", "deductible=1000 basic=10450 steps=reduction.points"),
        ("410300", Scheme::Resident, "in=8000 class=referred", "deductible=2000 basic=3180 without=reduction.points"),
        ("410300", Scheme::Resident, "in=8000 class=local", "deductible=1000 basic=4900"),
        ("310000", Scheme::Employee, "in=2000 used.deductible=1000", "deductible=500 basic=1275"),
        ("310000", Scheme::Resident, "in=1300 birth=1960-01-01", "ratio=70%"),
        ("310000", Scheme::Resident, "in=1000 disease=M00500", "basic=600 catastrophic=240"),
        ("410100", Scheme::Employee, "service=outpatient in=140", "deductible=40 basic=55"),
        ("310000", Scheme::Resident, "in=1000 disease=M03900", "basic=500 catastrophic=0"),
        ("440100", Scheme::Employee, "in=3000 class=referred", "ratio=70% basic=1400 steps=reduction.points"),
        ("450100", Scheme::Employee, "in=2900 class=referred", "ratio=79.2% basic=1584 steps=reduction.factor"),
        ("440100", Scheme::Employee, "in=9000 from=2025-01-01 to=2025-05-01", "deductible=2000"),
        ("510100", Scheme::Employee, "in=1800 birth=1950-01-01", "ratio=91% basic=910"),
        ("360100", Scheme::Employee, "in=300000", "basic=100000 large=90000 2025.burden=200000"),
        ("360100", Scheme::Resident, "in=10000 class=other", "prepay=2000 basic=4440 2025.burden=3560"),
        ("110000", Scheme::Resident, "in=100000 used.basic=250000", "basic=0 catastrophic=43717.20"),
        ("110000", Scheme::Employee, "service=outpatient in=21800", "deductible=1800 basic=13820"),
        ("110000", Scheme::Employee, "service=pharmacy in=100 account=100 use=own", "basic=0 account=100"),
        ("110000", Scheme::Employee, "service=outpatient in=21800 category=retired", "basic=17335"),
    ] {
        check(&of(area, scheme), row, expected);
    }
}
