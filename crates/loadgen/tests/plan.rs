//! Plans: the same for a seed, with the shares that the data say.
#![allow(clippy::unwrap_used, clippy::float_arithmetic)]

use std::{collections::BTreeMap, time::Duration};

use zhijie_loadgen::plan::{
    Kind,
    mix::Mix,
    profile::{Arrivals, Profile},
    visits::{Plan, Step, VisitPlan},
    world::{Places, World},
};

const PEOPLE: u32 = 1_000;
/// Index of a home that is a care as well.
const SHANGHAI: usize = 2;

fn plan(mix: &str, seed: u64) -> Plan {
    let world = World::shipped().unwrap();
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    let homes = codes(&["340000", "410000", "310000"]);
    let places = Places::of(&world, &homes, &codes(&["310000", "110000"])).unwrap();
    Plan::of(&world, places, Mix::shipped(mix).unwrap(), seed, PEOPLE).unwrap()
}

fn visits(mix: &str, seed: u64, count: u64) -> Vec<VisitPlan> {
    let plan = plan(mix, seed);
    (0..count).map(|number| plan.visit(number)).collect()
}

#[test]
fn a_seed_gives_the_same_visits_and_another_others() {
    for mix in Mix::names().unwrap() {
        assert_eq!(visits(&mix, 7, 300), visits(&mix, 7, 300), "{mix}");
        assert_ne!(visits(&mix, 7, 300), visits(&mix, 8, 300), "{mix}");
    }
    // A visit does not depend on those before it.
    assert_eq!(plan("usual", 7).visit(200), visits("usual", 7, 201)[200]);
}

/// Asserts a share of the whole, basis points, within a tenth of itself and a bit.
fn near(what: &str, found: usize, whole: usize, share: u32) {
    let expected = whole as f64 * f64::from(share) / 10_000.0;
    let off = (found as f64 - expected).abs();
    assert!(off <= expected * 0.1 + 12.0, "{what}: {found} of {whole}, expected {expected}");
}

#[test]
fn visits_follow_the_shares_of_their_mix() {
    for name in ["usual", "trouble"] {
        let (mix, visits) = (Mix::shipped(name).unwrap(), visits(name, 1, 20_000));
        for (kind, share) in &mix.shares {
            near(kind.service(), visits.iter().filter(|visit| visit.kind == *kind).count(), visits.len(), *share);
        }
        let settling = visits
            .iter()
            .filter(|visit| visit.steps.iter().any(|step| matches!(step, Step::Settle(_) | Step::AtOnce(_))));
        let settling: Vec<_> = settling.collect();
        let with =
            |step: &[Step]| settling.iter().filter(|visit| step.iter().any(|step| visit.steps.contains(step))).count();
        near("cancelled", with(&[Step::Cancel]), settling.len(), mix.besides.cancelled);
        near("lost", with(&[Step::Settle(true), Step::AtOnce(true)]), settling.len(), mix.besides.lost);
        near("reversed", with(&[Step::Reverse]), settling.len(), mix.besides.reversed + mix.besides.lost);
        near("again", with(&[Step::Again]), settling.len(), mix.besides.again);
        let stays = visits.iter().filter(|visit| visit.kind == Kind::Stay).count();
        let withdrawn = visits.iter().filter(|visit| visit.steps.contains(&Step::Withdraw)).count();
        near("withdrawn", withdrawn, stays, mix.besides.withdrawn);
        // People of Shanghai have one other province to go to, and those who file go nowhere.
        let roam =
            visits.iter().filter(|visit| visit.kind != Kind::Filing && usize::from(visit.person.home) != SHANGHAI);
        let (roam, strays) = (roam.clone().count(), roam.filter(|visit| visit.astray).count());
        near("astray", strays, roam, mix.astray);
    }
}

#[test]
fn everybody_is_treated_where_that_is_possible() {
    let plan = plan("usual", 3);
    for visit in (0..5_000).map(|number| plan.visit(number)).filter(|visit| visit.kind != Kind::Filing) {
        let (home, care) = (&plan.places.homes[usize::from(visit.person.home)], &plan.places.cares[visit.care]);
        assert_ne!(home.code, care.code);
        assert!(care.institutions[visit.institution].takes(visit.kind, visit.disease), "{visit:?}");
        assert_eq!(visit.kind == Kind::Chronic, !visit.disease.is_empty());
        assert_eq!(visit.disease, if visit.kind == Kind::Chronic { visit.person.disease() } else { "" });
        assert_eq!(visit.astray, visit.care != usize::from(visit.person.care));
    }
}

#[test]
fn a_bill_is_the_sum_of_its_lines_and_of_its_kind() {
    let visits = visits("usual", 5, 20_000);
    let mut totals = BTreeMap::<Kind, Vec<i64>>::new();
    for visit in &visits {
        // Yuan × 10^6 times units × 10^4 are fen × 10^8; half up.
        let lines = visit
            .bill
            .lines
            .iter()
            .map(|line| (i128::from(line.price) * i128::from(line.quantity) + 50_000_000) / 100_000_000);
        assert_eq!(i128::from(visit.bill.total), lines.sum::<i128>());
        totals.entry(visit.kind).or_default().push(visit.bill.total);
    }
    for (kind, yuan) in [(Kind::Outpatient, 250), (Kind::Pharmacy, 120), (Kind::Stay, 22_000)] {
        let totals = &totals[&kind];
        let mean = totals.iter().sum::<i64>() / totals.len() as i64 / 100;
        assert!((yuan * 7 / 10..yuan * 13 / 10).contains(&mean), "{kind:?}: {mean} yuan");
    }
    assert!(plan("outpatient", 5).visit(9).bill.lines.len() == 20);
}

#[test]
fn who_comes_often_comes_as_zipf_says() {
    let mut by_person = vec![0_u32; PEOPLE as usize];
    for visit in visits("outpatient", 1, 60_000) {
        by_person[visit.person.number as usize] += 1;
    }
    // With an exponent of a half the hundredth comes a tenth as often as the first.
    let around = |from: usize, to: usize| by_person[from..to].iter().sum::<u32>() as f64 / (to - from) as f64;
    let ratio = around(0, 2) / around(95, 105);
    assert!((6.5..10.5).contains(&ratio), "{ratio}");
    assert!(by_person.iter().all(|count| *count > 0), "everybody comes");
}

#[test]
fn visits_arrive_as_a_poisson_process_of_each_stages_rate() {
    for name in Profile::names().unwrap() {
        let profile = Profile::shipped(&name, 200.0, Some(Duration::from_secs(120))).unwrap();
        let arrivals: Vec<_> = Arrivals::of(&profile, 4).collect();
        assert_eq!(arrivals, Arrivals::of(&profile, 4).collect::<Vec<_>>());
        assert!(arrivals.is_sorted());
        for (index, stage) in profile.stages.iter().enumerate().take(8) {
            let expected = stage.rate * stage.lasts.as_secs_f64();
            let found = arrivals.iter().filter(|(_, of)| *of == index).count() as f64;
            assert!(
                (found - expected).abs() <= 5.0 * expected.sqrt() + 1.0,
                "{name} {}: {found} of {expected}",
                stage.name
            );
        }
    }
    let constant = Profile::shipped("constant", 500.0, Some(Duration::from_secs(60))).unwrap();
    let arrivals: Vec<f64> = Arrivals::of(&constant, 4).map(|(due, _)| due.as_secs_f64()).collect();
    let gaps: Vec<f64> = arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // Gaps without memory deviate by as much as they last.
    assert!((0.95..1.05).contains(&(variance.sqrt() / mean)), "{mean} {variance}");
}

#[test]
fn profiles_keep_their_mean_and_their_shape() {
    let lasts = Some(Duration::from_secs(240));
    let mean = |name| {
        let profile = Profile::shipped(name, 100.0, lasts).unwrap();
        let visits: f64 = profile.stages.iter().map(|stage| stage.rate * stage.lasts.as_secs_f64()).sum();
        visits / profile.lasts().as_secs_f64()
    };
    for (name, from, to) in
        [("constant", 100.0, 100.1), ("day", 99.9, 100.1), ("spring", 90.0, 115.0), ("spike", 179.0, 181.0)]
    {
        assert!((from..to).contains(&mean(name)), "{name}: {}", mean(name));
    }
    let ramp = Profile::shipped("ramp", 100.0, lasts).unwrap();
    assert_eq!(ramp.stages.len(), 48);
    assert!(ramp.stages.windows(2).all(|pair| (pair[1].rate / pair[0].rate - 1.25).abs() < 1e-9));
    assert!(Profile::shipped("sideways", 1.0, None).unwrap_err().to_string().contains("constant, day, ramp"));
}
