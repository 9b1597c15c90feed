//! The shipped policies are sound, and broken ones are named with their place.

use zhijie_domain::{
    claim::Service,
    ids::RegionCode,
    person::Scheme,
    policy::{ReductionMode, Unfiled},
};

use crate::world::{areas_of, check, date, shipped, shipped_policy};

#[test]
fn every_region_has_areas_with_policies_of_both_schemes() {
    let parameters = shipped();
    assert_eq!(parameters.regions.len(), 32);
    for code in ["110000", "310000", "340100", "341200", "410100", "440100", "510100", "360100", "660000"] {
        assert!(parameters.areas().keys().any(|c| c.as_str() == code), "{code}");
    }
    for area in parameters.areas().values() {
        for scheme in [Scheme::Employee, Scheme::Resident] {
            let policy = area.policy(scheme, date("2023-06-01"));
            let whole = policy.is_some_and(|p| p.chronic.is_some() && p.assistance.is_some());
            assert!(whole, "{} {scheme:?}", area.code);
            assert!(area.policy(scheme, date("2022-12-31")).is_none());
        }
    }
    let policies = || parameters.areas().values().flat_map(|area| &area.policies);
    for unfiled in [Unfiled::Refuse, Unfiled::Settle] {
        assert!(policies().any(|policy| policy.filing.unfiled == unfiled), "{unfiled:?}");
    }
    for mode in [ReductionMode::Points, ReductionMode::Factor, ReductionMode::Prepay] {
        assert!(policies().any(|policy| policy.reduction.mode == mode), "{mode:?}");
    }
}

#[test]
fn the_newest_policy_of_the_day_counts() {
    for (day, cap) in [("2025-06-30", "63000000"), ("2025-07-01", "65000000"), ("2030-01-01", "65000000")] {
        let policy = shipped_policy("310000", Scheme::Employee, day);
        assert_eq!(policy.inpatient.cap.map(|cap| cap.0.to_string()).as_deref(), Some(cap), "{day}");
    }
}

#[test]
fn clusters_ask_no_filing_for_outpatient_care() {
    let hefei = shipped_policy("340100", Scheme::Employee, "2025-01-01").filing;
    let shanghai = RegionCode::parse("310000").unwrap();
    assert!(hefei.waived.iter().any(|w| w.provinces.contains(&shanghai) && w.services.contains(&Service::Outpatient)));
    assert!(hefei.waived.iter().all(|w| !w.services.contains(&Service::Stay)));
}

/// The defaults pay what their file says they pay.
#[test]
fn the_defaults_fit_the_published_ratios() {
    let (employee, resident) = (
        shipped_policy("620100", Scheme::Employee, "2025-01-01"),
        shipped_policy("620100", Scheme::Resident, "2025-01-01"),
    );
    for (policy, row, basic) in [
        (&employee, "level=primary in=3500", "3102"),
        (&employee, "level=primary in=3500 category=retired", "3201"),
        (&employee, "level=secondary in=7000", "6072"),
        (&employee, "level=tertiary in=15000", "12408"),
        (&employee, "level=tertiary in=15000 category=retired", "12831"),
        (&resident, "level=primary in=3000", "2436"),
        (&resident, "level=secondary in=5500", "4000"),
        (&resident, "level=tertiary in=12000", "7700"),
    ] {
        check(policy, row, &format!("fund={basic}"));
    }
}

/// A broken section in an otherwise whole area is named by its path.
fn broken(section: &str, path: &str) {
    let text = format!(
        "[[area]]\ncode = \"340100\"\nzh = \"试\"\nen = \"Test\"\n\
         [[area.policy]]\nscheme = \"employee\"\nuses = \"default-employee\"\nfrom = \"2023-01-01\"\nsource = \"design\"\n\
         [[area.policy]]\nscheme = \"resident\"\nuses = \"default-resident\"\nfrom = \"2023-01-01\"\nsource = \"design\"\n{section}\n"
    );
    let problems = areas_of(&text, "340000").expect_err(section);
    let path = format!("area[0].policy{path}");
    assert!(problems.iter().any(|problem| problem.path == path), "{section}: {problems:?}");
}

#[test]
fn broken_policies_are_named() {
    let inpatient = |deductible: &str, ratio: &str, more: &str| {
        format!(
            "[area.policy.inpatient]\nsource = \"design\"\ndeductible = {deductible}\nratio = {{ {ratio} }}\n{more}"
        )
    };
    let (per_level, flat) = ("{ amount = { per-level = 100 } }", "segments = [{ ratio = \"80%\" }]");
    for (section, field) in [
        (inpatient(per_level, "segments = []", ""), "[1].inpatient.ratio.segments"),
        (inpatient(per_level, "segments = [{ upto = 5, ratio = \"80%\" }]", ""), "[1].inpatient.ratio.segments[0].upto"),
        (
            inpatient(per_level, "segments = [{ upto = 9, ratio = \"1%\" }, { upto = 5, ratio = \"1%\" }, { ratio = \"1%\" }]", ""),
            "[1].inpatient.ratio.segments[1].upto",
        ),
        (inpatient(per_level, flat, "cap = -1"), "[1].inpatient.cap"),
        (
            inpatient("{ amount = { share-of-bill = { ratio = \"20%\", floor = 9, ceiling = 5 } } }", flat, ""),
            "[1].inpatient.deductible.amount",
        ),
        (inpatient("{ amount = { per-level = -1 } }", flat, ""), "[1].inpatient.deductible.amount"),
        (inpatient("{ amount = { per-level = 1 }, again_after_days = 0 }", flat, ""), "[1].inpatient.deductible.again_after_days"),
        ("[area.policy.large_amount]\ncounts = [\"stay\"]\nabove_cap = { ratio = \"1%\" }\nsource = \"design\"".into(), "[1].large_amount"),
        ("[area.policy.chronic]\nsource = \"design\"\nrule = []".into(), "[1].chronic.rule"),
        ("[area.policy.catastrophic]\ncounts = [\"stay\"]\nline = 9\ntiers = [{ upto = 9, ratio = \"1%\" }, { ratio = \"1%\" }]\nsource = \"design\"".into(), "[1].catastrophic.tiers"),
        ("[[area.policy]]\nscheme = \"resident\"\nuses = \"default-employee\"\nfrom = \"2024-01-01\"\nsource = \"design\"".into(), "[2].uses"),
        ("[[area.policy]]\nscheme = \"resident\"\nfrom = \"2024-01-01\"\nsource = \"design\"".into(), "[2].inpatient"),
        ("[area.policy.catastrophic]\ncounts = []\nline = 9\ntiers = [{ ratio = \"1%\" }]\nsource = \"design\"".into(), "[1].catastrophic.counts"),
        ("[area.policy.catastrophic]\ncounts = [\"stay\"]\ndiseases = [\"M00500\"]\nline = 9\ntiers = [{ ratio = \"1%\" }]\nsource = \"design\"".into(), "[1].catastrophic.diseases"),
        ("[area.policy.civil_servant]\nservices = []\nratio = \"1%\"\nsource = \"design\"".into(), "[1].civil_servant.services"),
        ("[area.policy.assistance]\nservices = []\nneeds_referral = true\ngroup = [{ who = [\"marginal\"], line = 0, ratio = \"1%\" }]\nsource = \"design\"".into(), "[1].assistance.services"),
        ("[area.policy.outpatient]\nlevels = []\nratio = { segments = [{ ratio = \"1%\" }] }\nsource = \"design\"".into(), "[1].outpatient.levels"),
        ("[area.policy.outpatient]\nratio = { segments = [{ ratio = \"1%\" }], away = { other = [{ ratio = \"1%\" }] } }\nsource = \"design\"".into(), "[1].outpatient.ratio.away"),
        (inpatient(per_level, "segments = [{ ratio = \"1%\" }], away = { local = [{ ratio = \"1%\" }] }", ""), "[1].inpatient.ratio.away.local"),
        (inpatient(per_level, "segments = [{ ratio = \"1%\" }], away = { other = [] }", ""), "[1].inpatient.ratio.away.other"),
        (inpatient("{ amount = { per-level = 1 }, away = { local = { per-level = 1 } } }", flat, ""), "[1].inpatient.deductible.away.local"),
    ] {
        broken(&section, field);
    }
}

#[test]
fn areas_lie_in_their_region_and_have_each_policy_once() {
    let policy = |scheme: &str| {
        format!(
            "[[area.policy]]\nscheme = \"{scheme}\"\nuses = \"default-{scheme}\"\nfrom = \"2023-01-01\"\nsource = \"design\"\n"
        )
    };
    let area = "[[area]]\ncode = \"340100\"\nzh = \"试\"\nen = \"Test\"\n";
    let (e, r) = (policy("employee"), policy("resident"));
    for (text, region, field) in [
        (format!("{area}{e}{r}"), "350000", "area[0].code"),
        (format!("{area}{e}"), "340000", "area[0].policy"),
        (format!("{area}{e}{r}{r}"), "340000", "area[0].policy[2].from"),
        (format!("{area}{e}{r}").replace("\"Test\"", "\" \""), "340000", "area[0].en"),
    ] {
        let problems = areas_of(&text, region).expect_err(field);
        assert!(problems.iter().any(|p| p.path == field), "{field}: {problems:?}");
    }
    assert!(areas_of(&format!("{area}{e}{r}"), "340000").is_ok());
}
