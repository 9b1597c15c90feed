//! Every shape, each under a policy that differs from the default in that shape.

use zhijie_domain::{
    money::Bp,
    person::Scheme::{self, Employee, Resident},
    policy::Policy,
    refusal::Code,
};

use crate::world::{Scenario, check, policy_of};

/// Stays at 80 % everywhere; the deductible, the ratio and the cap as given.
fn stay(scheme: Scheme, deductible: &str, ratio: &str, cap: &str) -> Policy {
    let ratio = if ratio.is_empty() { "segments = [{ ratio = \"80%\" }]" } else { ratio };
    policy_of(
        scheme,
        &format!(
            "[area.policy.inpatient]\nsource = \"design\"\n{cap}\ndeductible = {deductible}\nratio = {{ {ratio} }}"
        ),
    )
}

#[test]
fn deductible_per_level_and_for_retired_persons() {
    let levels = "{ primary = 200, secondary = 400, tertiary = 600 }";
    let policy = stay(Employee, &format!("{{ amount = {{ per-level = {levels} }}, retired = 150 }}"), "", "");
    for (row, expected) in [
        ("in=1000 level=primary", "deductible=200 basic=640"),
        ("in=1000 level=secondary", "deductible=400 basic=480"),
        ("in=1000 level=tertiary used.admissions=3", "deductible=600 basic=320"),
        ("in=1000 category=retired", "deductible=150 basic=680"),
        ("in=600", "deductible=600 basic=0 cash=600"),
        ("in=599.99", "deductible=599.99 basic=0 cash=599.99 2025.deductible=599.99 2025.admissions=1"),
        ("in=0 own=70", "deductible=0 basic=0 cash=70 2025.admissions=1 ratio=0%"),
        ("in=0", "deductible=0 fund=0 cash=0"),
    ] {
        check(&policy, row, expected);
    }
}

#[test]
fn deductible_of_later_stays() {
    let with =
        |next: &str| stay(Employee, &format!("{{ amount = {{ per-level = 600 }}, next_stay = {next} }}"), "", "");
    let (full, halved, yearly) = (with("\"full\""), with("\"halved\""), with("\"yearly\""));
    let falling = with("{ falling = { by = 150, floor = 200 } }");
    for (policy, row, expected) in [
        (&full, "in=1000 used.admissions=1", "deductible=600"),
        (&halved, "in=1000", "deductible=600 without=deductible.halved"),
        (&halved, "in=1000 used.admissions=1", "deductible=300 steps=deductible.halved"),
        (&halved, "in=1000 used.admissions=7", "deductible=300"),
        (&falling, "in=1000", "deductible=600"),
        (&falling, "in=1000 used.admissions=1", "deductible=450 steps=deductible.falling"),
        (&falling, "in=1000 used.admissions=2", "deductible=300"),
        (&falling, "in=1000 used.admissions=3", "deductible=200"),
        (&falling, "in=1000 used.admissions=99", "deductible=200"),
        (&yearly, "in=1000", "deductible=600"),
        (&yearly, "in=1000 used.deductible=450 used.admissions=1", "deductible=150 steps=deductible.yearly"),
        (&yearly, "in=1000 used.deductible=600 used.admissions=2", "deductible=0 basic=800"),
        (&yearly, "in=1000 used.deductible=900", "deductible=0"),
    ] {
        check(policy, row, expected);
    }
}

#[test]
fn deductible_as_share_of_the_bill() {
    let amount = "{ share-of-bill = { ratio = \"20%\", floor = 2000, ceiling = 10000 } }";
    let policy = stay(Resident, &format!("{{ amount = {amount} }}"), "", "");
    for (row, expected) in [
        ("in=1500", "deductible=1500 basic=0"),
        ("in=5000", "deductible=2000 basic=2400"),
        ("in=10000", "deductible=2000"),
        ("in=20000.03", "deductible=4000.01 steps=deductible.share-of-bill"),
        // Of the whole bill, but never more than is in scope.
        ("in=20000 own=10000", "deductible=6000"),
        ("in=3000 own=30000", "deductible=3000 basic=0"),
        ("in=50000", "deductible=10000"),
        ("in=70000", "deductible=10000 basic=48000"),
    ] {
        check(&policy, row, expected);
    }
}

#[test]
fn deductible_away_from_home_and_in_long_stays() {
    let away = "{ amount = { per-level = 500 }, retired = 300, away = { other = { per-level = 2000 }, \
                unfiled = { share-of-bill = { ratio = \"20%\", floor = 2000, ceiling = 10000 } } } }";
    let policy = stay(Employee, away, "", "");
    for (class, deductible) in [("local", 500), ("referred", 500), ("other", 2000), ("unfiled", 4000)] {
        check(&policy, &format!("in=20000 class={class}"), &format!("deductible={deductible}"));
    }
    check(&policy, "in=20000 class=other category=retired", "deductible=2000");
    let long = stay(Employee, "{ amount = { per-level = 500 }, again_after_days = 90 }", "", "");
    for (to, times) in [("2025-01-02", 1), ("2025-04-01", 1), ("2025-04-02", 2), ("2025-06-30", 2), ("2025-07-01", 3)] {
        check(&long, &format!("in=20000 from=2025-01-01 to={to}"), &format!("deductible={}", times * 500));
    }
}

#[test]
fn own_ratios_away_from_home() {
    let ratio = "segments = [{ ratio = \"80%\" }], retired = { points = \"5%\" }, \
                 away = { other = [{ upto = 7000, ratio = \"50%\" }, { ratio = \"60%\" }] }";
    let policy = stay(Employee, "{ amount = { per-level = 1000 } }", ratio, "");
    for (row, expected) in [
        ("class=local", "basic=7200 without=reduction.own"),
        ("class=referred", "basic=6300 steps=reduction.points"),
        ("class=other", "basic=4800 ratio=50% steps=reduction.own"),
        ("class=other", "basic=4800 without=reduction.points"),
        ("class=other category=retired", "basic=4800 without=bonus.retired-points"),
        ("class=unfiled", "basic=4500 steps=reduction.points"),
    ] {
        check(&policy, &format!("in=10000 {row}"), expected);
    }
    let mut prepay = policy;
    prepay.reduction.mode = zhijie_domain::policy::ReductionMode::Prepay;
    check(&prepay, "in=10000 class=other", "prepay=0 basic=4800");
    check(&prepay, "in=10000 class=referred", "prepay=1000 basic=6400");
}

#[test]
fn segments_hold_the_deductible_inside() {
    let segments = "segments = [{ upto = 7000, ratio = \"50%\" }, { ratio = \"68%\" }]";
    let policy = stay(Resident, "{ amount = { per-level = 2000 } }", segments, "");
    for (row, expected) in [
        ("in=7000", "basic=2500 ratio=50%"),
        ("in=8000", "basic=3180"),
        ("in=8000.01", "basic=3180.01"),
        ("in=1999", "basic=0"),
    ] {
        check(&policy, row, expected);
    }
    // The deductible may swallow the first segment whole.
    let policy = stay(Resident, "{ amount = { per-level = 9000 } }", segments, "");
    check(&policy, "in=10000", "basic=680 ratio=68%");
}

#[test]
fn what_the_person_adds() {
    let free = "{ amount = { per-level = 0 } }";
    let ratio = "segments = [{ ratio = { primary = \"95%\", secondary = \"85%\", tertiary = \"80%\" } }]";
    let points = stay(
        Employee,
        free,
        &format!("{ratio}, retired = {{ points = {{ primary = \"7%\", secondary = \"5%\", tertiary = \"6%\" }} }}"),
        "",
    );
    let share = stay(Employee, free, &format!("{ratio}, retired = {{ pays = \"60%\" }}"), "");
    let odd = stay(Employee, free, "segments = [{ ratio = \"84.99%\" }], retired = { pays = \"60%\" }", "");
    let own = stay(Employee, free, "segments = [{ ratio = \"60%\", retired = \"80%\" }]", "");
    let age = stay(
        Employee,
        free,
        &format!("{ratio}, age = [{{ from = 50, points = \"2%\" }}, {{ from = 60, points = \"4%\" }}]"),
        "",
    );
    for (policy, row, ratio) in [
        (&points, "category=retired", "86%"),
        (&points, "category=retired level=secondary", "90%"),
        (&points, "category=retired level=primary", "100%"),
        (&points, "category=active", "80%"),
        (&points, "category=retired class=other", "66%"),
        // 95 % and 7 points are 102 %: the reduction takes its points from there.
        (&points, "category=retired level=primary class=other", "82%"),
        (&share, "category=retired level=secondary", "91%"),
        (&share, "category=retired", "88%"),
        (&share, "category=active", "80%"),
        (&odd, "category=retired", "90.99%"),
        (&own, "category=retired", "80%"),
        (&own, "category=active", "60%"),
        (&age, "birth=1975-03-12", "80%"),
        (&age, "birth=1975-03-11", "82%"),
        (&age, "birth=1940-01-01", "84%"),
    ] {
        check(policy, &format!("in=1000 {row}"), &format!("ratio={ratio}"));
    }
}

#[test]
fn reductions_away_from_home() {
    let with = |mode: &str, more: &str| {
        policy_of(
            Resident,
            &format!(
                "[area.policy.reduction]\nmode = \"{mode}\"\nreferred = \"10%\"\nemergency = \"5%\"\nother = \"20%\"\n\
                 unfiled = \"40%\"\n{more}\nsource = \"design\"\n\
                 [area.policy.inpatient]\nsource = \"design\"\ndeductible = {{ amount = {{ per-level = 1000 }} }}\n\
                 ratio = {{ segments = [{{ ratio = \"65%\" }}] }}"
            ),
        )
    };
    let (points, factor, prepay) = (with("points", ""), with("factor", ""), with("prepay", ""));
    for (policy, class, expected) in [
        (&points, "local", "basic=5850 without=reduction.points"),
        (&points, "referred", "basic=4950"),
        (&points, "emergency", "basic=5400"),
        (&points, "other", "basic=4050"),
        (&points, "unfiled", "basic=2250"),
        (&factor, "local", "basic=5850"),
        (&factor, "referred", "basic=5265 ratio=58.5%"),
        (&factor, "unfiled", "basic=3510 ratio=39%"),
        (&prepay, "local", "basic=5850 prepay=0"),
        (&prepay, "referred", "basic=5200 prepay=1000 2025.burden=3800"),
        (&prepay, "unfiled", "basic=3250 prepay=4000 2025.burden=2750"),
    ] {
        check(policy, &format!("in=10000 class={class}"), expected);
    }
    check(
        &with("prepay", "prepay_counts = true"),
        "in=10000 class=referred",
        "basic=5200 prepay=1000 2025.burden=4800",
    );
    // A scaled ratio is rounded half up to the basis point.
    let mut odd = with("factor", "");
    odd.inpatient.ratio.segments[0].ratio.tertiary = Bp(6_505);
    check(&odd, "in=10000 class=referred", "ratio=58.55%");
    // The prepaid share leaves less than the deductible.
    check(&prepay, "in=1100 class=unfiled", "prepay=440 deductible=660 basic=0 cash=1100");
    // A cut larger than the ratio pays nothing.
    let mut harsh = with("points", "");
    harsh.reduction.unfiled = Bp(7_000);
    check(&harsh, "in=10000 class=unfiled", "basic=0 ratio=0%");
}

#[test]
fn caps_limit_payment() {
    let policy = stay(Resident, "{ amount = { per-level = 1000 } }", "", "cap = 5000");
    for (row, expected) in [
        ("in=7250", "basic=5000 without=cap.basic"),
        ("in=7250.02", "basic=5000 steps=cap.basic 2025.burden=2250.02"),
        ("in=9000 used.basic=4000", "basic=1000 cash=8000"),
        ("in=9000 used.basic=5000", "basic=0 steps=cap.basic"),
        ("in=9000 used.basic=6000", "basic=0"),
    ] {
        check(&policy, row, expected);
    }
}

fn catastrophic(more: &str) -> Policy {
    policy_of(
        Resident,
        &format!(
            "[area.policy.inpatient]\nsource = \"design\"\ndeductible = {{ amount = {{ per-level = 0 }} }}\n\
             ratio = {{ segments = [{{ ratio = \"0%\" }}] }}\n\
             [area.policy.catastrophic]\ncounts = [\"stay\"]\nline = 10000\n\
             tiers = [{{ upto = 20000, ratio = \"50%\" }}, {{ ratio = \"60%\" }}]\nsource = \"design\"\n\
             eased = {{ groups = [\"destitute\", \"minimum-living\"], line = \"50%\", points = \"5%\" }}\n{more}"
        ),
    )
}

#[test]
fn catastrophic_tiers_over_the_burden_of_the_year() {
    let (plain, above, capped) =
        (catastrophic(""), catastrophic("tiers_above_line = true"), catastrophic("cap = 4000"));
    for (policy, row, expected) in [
        (&plain, "in=10000", "catastrophic=0 2025.burden=10000"),
        (&plain, "in=10000.01", "catastrophic=0.01"),
        (&plain, "in=25000", "catastrophic=8000"),
        (&plain, "in=9000 used.burden=4000", "catastrophic=1500"),
        (&plain, "in=9000 used.burden=15000", "catastrophic=4900"),
        (&plain, "in=9000 used.burden=90000", "catastrophic=5400"),
        (&above, "in=25000", "catastrophic=7500"),
        (&above, "in=35000", "catastrophic=13000"),
        (&capped, "in=25000", "catastrophic=4000 steps=catastrophic.cap"),
        (&capped, "in=25000 used.catastrophic=3500", "catastrophic=500"),
        (&capped, "in=25000 used.catastrophic=4000", "catastrophic=0"),
        // Poor: line 5,000, 55 and 65 %, no cap, then assistance on what is left.
        (&plain, "in=25000 assisted=destitute", "catastrophic=11500 assistance=9450"),
        (&capped, "in=25000 assisted=destitute", "catastrophic=11500"),
        (&plain, "in=25000 assisted=marginal", "catastrophic=8000 assistance=7800"),
        (&plain, "in=25000 service=outpatient", "catastrophic=0 2025.burden=0"),
    ] {
        check(policy, row, expected);
    }
    // Some chronic diseases only: another one's burden does not count, a stay's does.
    let mut policy = chronic("", "[[area.policy.chronic.rule]]\npays = { ratio = \"0%\" }");
    policy.catastrophic = catastrophic("").catastrophic.map(|mut terms| {
        terms.counts.insert(zhijie_domain::claim::Service::Chronic);
        terms.diseases.insert(zhijie_domain::ids::DiseaseCode::parse("M00500").unwrap());
        terms
    });
    for (row, expected) in [
        ("disease=M00503", "catastrophic=8000 2025.burden=25000"),
        ("disease=M03900", "catastrophic=0 2025.burden=0"),
        ("class=local", "catastrophic=0 2025.burden=7420"),
    ] {
        check(&policy, &format!("in=25000 {row}"), expected);
    }
}

#[test]
fn large_amount_above_the_cap_and_above_a_burden() {
    let with = |more: &str| {
        policy_of(
            Employee,
            &format!(
                "[area.policy.inpatient]\nsource = \"design\"\ncap = 8000\ndeductible = {{ amount = {{ per-level = 0 }} }}\n\
                 ratio = {{ segments = [{{ ratio = \"80%\" }}] }}\n\
                 [area.policy.large_amount]\ncounts = [\"stay\"]\nsource = \"design\"\n{more}"
            ),
        )
    };
    let cap = with("above_cap = { ratio = \"85%\", retired = \"90%\" }");
    let own_cap = with("above_cap = { ratio = \"85%\" }\ncap = 1000");
    let total = with("above_cap = { ratio = \"85%\" }\ntotal = 9000");
    let burden = with("above_burden = { line = 3000, ratio = \"90%\" }\ncap = 2000");
    let both = with("above_cap = { ratio = \"50%\" }\nabove_burden = { line = 3000, ratio = \"90%\" }");
    for (policy, row, expected) in [
        (&cap, "in=10000", "basic=8000 large=0 2025.burden=2000"),
        (&cap, "in=12000", "basic=8000 large=1700 2025.burden=2300"),
        (&cap, "in=2000 used.basic=8000", "basic=0 large=1700 2025.large_amount=1700"),
        (&own_cap, "in=12000", "large=1000 steps=large-amount.cap"),
        (&own_cap, "in=12000 used.large_amount=900", "large=100"),
        (&total, "in=12000", "large=1000"),
        (&total, "in=2000 used.basic=8000 used.large_amount=1000", "large=0"),
        (&burden, "in=10000", "large=0 2025.burden=2000"),
        (&burden, "in=10000 used.burden=2000", "large=900"),
        (&burden, "in=20000", "large=2000 2025.burden=12000"),
        (&both, "in=12000", "basic=8000 large=1000 2025.burden=3000"),
        (
            &both,
            "in=14000",
            "basic=8000 large=2900 2025.burden=4000 steps=large-amount.above-cap,large-amount.above-burden",
        ),
    ] {
        check(policy, row, expected);
    }
    check(&cap, "in=12000 category=retired", "large=1800");
}

#[test]
fn civil_servants_and_assisted_persons() {
    let policy = policy_of(
        Employee,
        "[area.policy.inpatient]\nsource = \"design\"\ndeductible = { amount = { per-level = 0 } }\n\
         ratio = { segments = [{ ratio = \"80%\" }] }\ncap = 100000\n\
         [area.policy.civil_servant]\nservices = [\"stay\"]\nratio = \"50%\"\ncap = 1500\nsource = \"design\"\n\
         [area.policy.assistance]\nservices = [\"stay\"]\nneeds_referral = true\nsource = \"design\"\n\
         group = [{ who = [\"destitute\"], line = 0, ratio = \"70%\", cap = 1000 }, { who = [\"marginal\"], line = 4000, ratio = \"60%\" }]",
    );
    for (row, expected) in [
        ("in=10000 servant=yes", "basic=8000 civil=1000 personal=1000 2025.civil_servant=1000"),
        ("in=10000 servant=yes used.civil_servant=1400", "civil=100 steps=civil-servant.cap"),
        ("in=10000 servant=yes own=500", "civil=1000 personal=1500"),
        ("in=10000", "civil=0"),
        ("in=1000 servant=yes service=pharmacy", "civil=0"),
        ("in=5000 assisted=destitute", "assistance=700 2025.assistance_burden=1000"),
        ("in=10000 assisted=destitute", "assistance=1000 steps=assistance.cap"),
        ("in=10000 assisted=destitute used.assistance=1000", "assistance=0"),
        ("in=10000 assisted=destitute servant=yes", "civil=1000 assistance=700"),
        ("in=10000 assisted=marginal", "assistance=0 steps=assistance.line 2025.assistance_burden=2000"),
        ("in=10000 assisted=marginal used.assistance_burden=3000", "assistance=600"),
        ("in=10000 assisted=fallen-back", "assistance=0"),
        ("in=10000 assisted=destitute class=referred", "assistance=1000"),
        ("in=10000 assisted=destitute class=emergency", "assistance=1000"),
        ("in=10000 assisted=destitute class=other", "assistance=0 steps=assistance.withheld 2025.assistance_burden=0"),
        ("in=10000 assisted=destitute class=unfiled", "assistance=0"),
    ] {
        check(&policy, row, expected);
    }
}

fn outpatient(scheme: Scheme, section: &str) -> Policy {
    policy_of(scheme, &format!("[area.policy.outpatient]\nsource = \"design\"\n{section}"))
}

#[test]
fn ordinary_outpatient_care() {
    let yearly = outpatient(
        Employee,
        "deductible = { per = \"year\", amount = { primary = 200, secondary = 400, tertiary = 400 }, retired = 100 }\n\
         cap = 500\nretired_cap = 600\npharmacies = true\n\
         ratio = { segments = [{ ratio = { primary = \"60%\", secondary = \"50%\", tertiary = \"50%\" } }], retired = { points = \"10%\" } }",
    );
    let per_visit = outpatient(
        Employee,
        "deductible = { per = \"visit\", amount = 40 }\nratio = { segments = [{ ratio = \"50%\" }] }",
    );
    let primary = outpatient(Resident, "levels = [\"primary\"]\nratio = { segments = [{ ratio = \"60%\" }] }");
    let long = outpatient(
        Employee,
        "deductible = { per = \"year\", amount = 1800 }\n\
         ratio = { segments = [{ upto = 20000, ratio = \"70%\" }, { ratio = \"60%\" }] }",
    );
    for (policy, row, expected) in [
        (&yearly, "in=1000", "deductible=400 basic=300 2025.outpatient_basic=300 2025.outpatient_in_scope=1000"),
        (
            &yearly,
            "in=1000 level=primary used.outpatient_deductible=150",
            "deductible=50 basic=500 steps=cap.outpatient",
        ),
        (&yearly, "in=1000 used.outpatient_deductible=400 used.outpatient_basic=450", "deductible=0 basic=50"),
        (&yearly, "in=1000 used.outpatient_basic=500", "basic=0 steps=cap.outpatient"),
        (&yearly, "in=1000 category=retired", "deductible=100 basic=540"),
        (&yearly, "in=2000 category=retired", "basic=600"),
        (&per_visit, "in=100 used.outpatient_deductible=400", "deductible=40 basic=30"),
        (&per_visit, "in=39", "deductible=39 basic=0"),
        (&primary, "in=100 level=primary", "basic=60"),
        (&primary, "in=100 level=secondary", "basic=0 cash=100 steps=outpatient.not-covered 2025.in_scope=100"),
        (&long, "in=19000", "basic=12040"),
        (&long, "in=30000", "basic=18740"),
        (&long, "in=2000 used.outpatient_in_scope=19000 used.outpatient_deductible=1800", "basic=1300"),
        (&long, "in=2000 used.outpatient_in_scope=30000 used.outpatient_deductible=1800", "basic=1200"),
    ] {
        check(policy, &format!("service=outpatient {row}"), expected);
    }
    check(&yearly, "service=pharmacy in=1000", "deductible=200 basic=480");
    check(
        &per_visit,
        "service=pharmacy in=100 account=30 use=own",
        "basic=0 account=30 cash=70 steps=outpatient.not-covered",
    );
}

#[test]
fn outpatient_care_under_the_inpatient_cap() {
    let mut policy = outpatient(Employee, "in_inpatient_cap = true\nratio = { segments = [{ ratio = \"50%\" }] }");
    policy.inpatient.cap = Some(crate::world::yuan("1000"));
    check(
        &policy,
        "service=outpatient in=1000 used.basic=800",
        "basic=200 large=540 2025.basic=200 2025.outpatient_basic=0",
    );
    policy.outpatient = None;
    check(&policy, "service=outpatient in=1000", "basic=0 steps=outpatient.not-covered");
}

fn chronic(more: &str, rules: &str) -> Policy {
    policy_of(
        Resident,
        &format!(
            "[area.policy.inpatient]\nsource = \"design\"\ncap = 50000\ndeductible = {{ amount = {{ per-level = 700 }} }}\n\
             ratio = {{ segments = [{{ upto = 10000, ratio = \"60%\" }}, {{ ratio = \"80%\" }}] }}\n\
             [area.policy.chronic]\nsource = \"design\"\n{more}\n{rules}"
        ),
    )
}

#[test]
fn chronic_diseases() {
    let rules = "[[area.policy.chronic.rule]]\ndiseases = [\"M07801\"]\npays = \"like-inpatient\"\ndeductible = 500\n\
                 [[area.policy.chronic.rule]]\ndiseases = [\"M03900\", \"M01600\"]\npays = { ratio = \"50%\" }\nquota = 1000\n\
                 [[area.policy.chronic.rule]]\ndiseases = [\"M05300\"]\npays = { ratio = \"50%\" }\nquota = 3000\n";
    let (apart, shared) = (chronic("", rules), chronic("in_inpatient_cap = true", rules));
    let highest = chronic("several = { highest-plus = 400 }", rules);
    let up_to = chronic("several = { sum-up-to = 3500 }", rules);
    let both = "qualified=M03900,M05300";
    for (policy, row, expected) in [
        (
            &apart,
            "disease=M07801 in=5500",
            "deductible=500 basic=3000 2025.chronic_basic=3000 2025.basic=0 2025.M07801=3000",
        ),
        (
            &apart,
            "disease=M07801 in=5000 used.chronic_deductible=500 used.chronic_in_scope=9000",
            "deductible=0 basic=3800",
        ),
        (&apart, "disease=M07801 in=5000 used.basic=50000", "basic=2700"),
        (&shared, "disease=M07801 in=5000 used.basic=49000", "basic=1000 2025.basic=1000 2025.chronic_basic=0"),
        (&apart, "disease=M03900 in=1500", "deductible=0 basic=750 2025.M03900=750"),
        (&apart, "disease=M03900 in=1500 used.M03900=600", "basic=400 steps=cap.chronic-quota"),
        (&apart, "disease=M03900 in=1500 used.M01600=600", "basic=750"),
        (&apart, "disease=M03900 in=9000 qualified=M03900,M05300", "basic=4000"),
        (&apart, "disease=M03900 in=9000 qualified=M03900,M05300 used.M05300=3500", "basic=500"),
        (&highest, &format!("disease=M03900 in=9000 {both}"), "basic=3400"),
        (&highest, "disease=M03900 in=9000 qualified=M03900", "basic=1000"),
        (&highest, "disease=M03900 in=9000 qualified=M03900,M05300,M01600", "basic=3800"),
        (&up_to, &format!("disease=M05300 in=9000 {both}"), "basic=3500"),
        (&up_to, &format!("disease=M05300 in=9000 {both} used.M03900=500"), "basic=3000"),
        (&apart, "disease=M07801 in=5500 class=other", "basic=3000 without=reduction.points"),
    ] {
        check(policy, row, expected);
    }
    // Where both limits could bind, the tighter one does; only cost above the inpatient cap goes on to large amount.
    check(&shared, "disease=M03900 in=1500 used.basic=49900", "basic=100 steps=cap.basic");
    check(&shared, "disease=M03900 in=9000 used.basic=40000", "basic=1000 steps=cap.chronic-quota");
    let employee = policy_of(Employee, "");
    check(&employee, "disease=M03900 in=9000", "basic=4000 large=0 steps=cap.chronic-quota");
    // The quota ends the cost at 5,333.33 first; of that, large-amount aid takes only what lies above the inpatient cap,
    // and the quota is used up whichever fund paid.
    check(
        &employee,
        "disease=M03900 in=9000 used.basic=299000",
        "basic=1000 large=3600 steps=cap.chronic-quota,cap.basic 2025.M03900=4000",
    );
    check(&employee, "disease=M03900 in=9000 used.basic=300000 used.M03900=4000", "basic=0 large=0");
    // A sub-code or class code of the same disease is no further disease.
    let all = chronic("", "[[area.policy.chronic.rule]]\npays = { ratio = \"50%\" }\nquota = 1000");
    let dialysis = chronic(
        "",
        "[[area.policy.chronic.rule]]\ndiseases = [\"M07801\"]\npays = { ratio = \"50%\" }\nquota = 3000\n\
         [[area.policy.chronic.rule]]\npays = { ratio = \"50%\" }\nquota = 1000",
    );
    for (policy, row, basic) in [
        (&all, "disease=M07801 qualified=M07803", 1000),
        (&all, "disease=M07801 qualified=M07800,M07804", 1000),
        (&all, "disease=M07801 qualified=M07803,M04600", 2000),
        (&dialysis, "disease=M07801 qualified=M07803,M07800", 3000),
        (&dialysis, "disease=M03900 qualified=M07803,M03900", 4000),
        (&dialysis, "disease=M07803 qualified=M07801", 3000),
        (&dialysis, "disease=M03900 qualified=M99900", 1000),
    ] {
        check(policy, &format!("{row} in=19000"), &format!("basic={basic}"));
    }
    let reduced = chronic("reduced_away = true", rules);
    check(&reduced, "disease=M07801 in=5500 class=other", "basic=2000");
    let refused = Scenario::parse(Resident, "disease=M04600 in=100").compute(&apart).unwrap_err();
    assert_eq!((refused.code, refused.field.as_str()), (Code::DiseaseNotQualified, "disease"));
}

#[test]
fn accounts_pay_what_the_policy_lets_them() {
    let with = |scheme, pays: &str| {
        policy_of(scheme, &format!("[area.policy.account]\npays = \"{pays}\"\nsource = \"design\""))
    };
    let (all, scope, resident) =
        (with(Employee, "everything"), with(Employee, "in-scope"), with(Resident, "everything"));
    for (policy, row, expected) in [
        (&all, "own=500 account=600 use=own", "account=600 cash=800 balance=0"),
        (&scope, "own=500 account=9000 use=own", "account=900 cash=500 balance=8100"),
        (&scope, "own=500 account=800 family=300 use=own-and-family", "account=900 family=100 cash=500"),
        (&all, "own=500 account=800 family=300 use=none", "account=0 cash=1400 balance=800"),
        (
            &resident,
            "own=500 account=800 family=300 use=own-and-family",
            "account=300 family=300 cash=1100 balance=800",
        ),
        (&resident, "own=500 account=800 family=300 use=own", "account=0 cash=1400"),
    ] {
        check(policy, &format!("in=900 {row}"), expected);
    }
}

#[test]
fn steps_explain_themselves_in_both_languages() {
    let policy = stay(Employee, "{ amount = { per-level = 600 } }", "", "");
    let computed = Scenario::parse(Employee, "in=1000 class=referred").compute(&policy).unwrap();
    let step = computed.steps.iter().find(|step| step.rule == "deductible.charged").unwrap();
    assert_eq!(step.source, "990100/employee: design");
    assert_eq!(step.zh, "扣除起付线：1,000.00 − 600.00 = 400.00");
    assert_eq!(step.en, "deductible charged: 1,000.00 − 600.00 = 400.00");
    let step = computed.steps.iter().find(|step| step.rule == "segment").unwrap();
    assert_eq!(step.en, "basic fund: 400.00 × 70% = 280.00");
}

#[test]
fn a_broken_bill_is_refused() {
    let policy = stay(Employee, "{ amount = { per-level = 600 } }", "", "");
    let mut scenario = Scenario::parse(Employee, "in=1000");
    scenario.claim.parts.total = crate::world::yuan("1001");
    assert_eq!(scenario.compute(&policy).unwrap_err().code, Code::SplitBroken);
    let mut scenario = Scenario::parse(Employee, "in=1000");
    scenario.claim.parts.in_scope = crate::world::yuan("-1000");
    scenario.claim.parts.total = crate::world::yuan("-1000");
    assert_eq!(scenario.compute(&policy).unwrap_err().code, Code::SplitBroken);
}
