//! The load generator against a cluster in this process: its gate passes where all is well and fails where one book is
//! false, its latency counts what a stall did to everybody, and its own data fit the parameters.

use std::{future::pending, thread, time::Duration};

use tokio::sync::mpsc;
use zhijie_loadgen::{
    Arrival, Down, Progress, Setup, Targets,
    plan::{
        Kind,
        mix::Mix,
        population::DISEASES,
        profile::{Climb, Profile, Stage, per_second},
        world::World as Country,
    },
    report::Report,
    run,
};
use zhijie_services::{
    cluster::{care_of, home_of},
    domain::{
        claim::Service,
        ids::{DiseaseCode, InstitutionCode, ItemCode, RegionCode},
        money::{Price, Quantity},
        person::Scheme,
        split::{Approval, FeeLine, split},
    },
    node::{Clock, SystemClock, embedded_parameters},
    pb,
};
use zhijie_tests::{World, day_book, planter::Planter};

const HOMES: [&str; 2] = ["340000", "510000"];
const CARES: [&str; 2] = ["310000", "500000"];

/// The generator lives in real time, and so must the cluster.
fn today() -> String {
    SystemClock.now().day().to_string()
}

fn setup(world: &World, mix: &str, rate: f64, seconds: u64) -> Setup {
    let url = |name: String| format!("http://{}", world.cluster.net().address(&name).expect("a service"));
    let region = |code: &str| RegionCode::parse(code).expect("a region");
    let targets = |codes: &[&str], name: fn(&RegionCode) -> String| {
        codes.iter().map(|code| ((*code).to_owned(), url(name(&region(code))))).collect()
    };
    Setup {
        targets: Targets {
            hub: url("hub".into()),
            homes: targets(&HOMES, home_of),
            cares: targets(&CARES, care_of),
            identities: None,
        },
        profile: Profile::shipped("constant", rate, Some(Duration::from_secs(seconds))).expect("a profile"),
        mix: Mix::shipped(mix).expect("a mix"),
        seed: 11,
        people: 60,
        arrival: Arrival::Open,
        open_max: 256,
        one_by_one: false,
        down: Down::Nothing,
        watched: Vec::new(),
        cluster: String::new(),
        host: String::new(),
    }
}

async fn made(setup: Setup, tell: impl FnMut(Progress)) -> Report {
    let (_moving, moved) = mpsc::channel(1);
    run(setup, moved, pending(), tell).await.expect("a run")
}

fn failed(report: &Report) -> Vec<&str> {
    report.gate.checks.iter().filter(|check| !check.passed).map(|check| check.en.as_str()).collect()
}

#[tokio::test]
async fn a_run_full_of_trouble_passes_the_gate() {
    let world = World::at(&today()).await;
    let report = made(setup(&world, "trouble", 25.0, 4), |_| ()).await;
    assert!(report.gate.passed, "{:?}", report.gate);
    let sent = |en: &str| report.acts.iter().find(|act| act.en == en).map_or(0, |act| act.latency.count);
    for act in ["settle at once", "register", "settle", "the same again", "cancel", "reverse", "file"] {
        assert!(sent(act) > 0, "{act}: {:?}", report.acts);
    }
    // A second run on the same cluster finds people and books as they are.
    let again = made(setup(&world, "usual", 25.0, 1), |_| ()).await;
    assert!(again.gate.passed, "{:?}", again.gate);
}

#[tokio::test]
async fn one_false_book_fails_the_gate() {
    let world = World::at(&today()).await;
    let (falsify, mut falsified) = mpsc::channel::<()>(1);
    let running = made(setup(&world, "outpatient", 20.0, 2), move |progress| {
        // The cluster works no more when the books are read, and not yet when it is the first time.
        if matches!(progress, Progress::Sending(_)) {
            let _ = falsify.try_send(());
        }
    });
    let planting = async {
        falsified.recv().await;
        let request = pb::DayBookRequest { day: today(), ..pb::DayBookRequest::default() };
        let book = world.home("340000").day_book(request).await.expect("a book").into_inner();
        let id = day_book(book).await.into_keys().next().expect("a record");
        Planter::of(&world, "home-340000").remove(&id).await;
    };
    let (report, ()) = tokio::join!(running, planting);
    assert!(!report.gate.passed);
    assert_eq!(failed(&report), ["the three books are equal"], "{:?}", report.gate);
}

/// Makes a run in which everything, the generator too, stands still for so long after a second.
async fn stalled(setup: Setup, stall: Duration) -> Report {
    let (say, mut said) = mpsc::channel::<()>(1);
    let running = made(setup, move |progress| {
        if matches!(progress, Progress::Sending(_)) {
            let _ = say.try_send(());
        }
    });
    let stalling = async {
        said.recv().await;
        thread::sleep(stall);
    };
    tokio::join!(running, stalling).0
}

#[tokio::test]
async fn a_stall_is_in_the_latency_of_everything_that_was_due_meanwhile() {
    let world = World::at(&today()).await;
    let report = stalled(setup(&world, "outpatient", 40.0, 4), Duration::from_secs(1)).await;
    assert!(report.gate.passed, "{:?}", report.gate);
    let all = report.acts.first().expect("all acts");
    // A quarter of the messages was due in the stall, and waited half of it on average.
    let slow = all.curve.iter().find(|(share, _)| *share == 900_000).map_or(0, |(_, micros)| *micros);
    assert!(slow >= 300_000, "{:?}", all.curve);
    assert!(report.seconds.iter().any(|second| second.lag_p99 >= 800_000), "the generator was late, and says so");
    let due: u64 = report.seconds.iter().take(4).map(|second| second.offered).sum();
    assert!(
        report.seconds.iter().take(4).all(|second| second.offered >= 20) && due == all.sent,
        "{:?}",
        report.seconds
    );
}

#[tokio::test]
async fn a_climb_ends_where_two_steps_break_and_its_knee_is_the_step_before() {
    let world = World::at(&today()).await;
    let second = Duration::from_secs(1);
    let stage = |rate: f64| Stage { name: per_second(rate), lasts: second, rate };
    let climb = Climb { from: 100, factor: 125, seconds: 1, good: 90, p99_ms: 900 };
    let mut setup = setup(&world, "outpatient", 10.0, 1);
    (setup.profile.stages, setup.profile.climb) = ([12.0, 15.0, 18.0, 22.0, 27.0].map(stage).into(), Some(climb));
    let report = stalled(setup, second * 5 / 2).await;
    assert_eq!(report.stages.len(), 3, "{:?}", report.stages);
    let knee = report.knee.expect("a knee");
    assert_eq!(knee.latency, report.stages[0].latency);
    assert!(report.gate.passed, "{:?}", report.gate);
}

#[test]
fn the_generators_data_fit_the_parameters() {
    let (country, parameters) = (Country::shipped().expect("data"), embedded_parameters().expect("parameters"));
    let day = SystemClock.now().day();
    for province in &country.province {
        let code = RegionCode::parse(&province.code).expect("a region");
        assert!(parameters.regions.contains_key(&code), "{code}");
        for area in &province.areas {
            let area = RegionCode::parse(area).expect("an area");
            for scheme in [Scheme::Employee, Scheme::Resident] {
                assert!(parameters.policy(&area, scheme, day).is_ok(), "{area}");
            }
        }
        for one in &province.institutions {
            let listed = parameters.institutions.get(&InstitutionCode::parse(&one.0).expect("a code"));
            let listed = listed.unwrap_or_else(|| panic!("{} is not on the network", one.0));
            let services = [
                (Kind::Outpatient, Service::Outpatient),
                (Kind::Pharmacy, Service::Pharmacy),
                (Kind::Chronic, Service::Chronic),
                (Kind::Stay, Service::Stay),
            ];
            for (kind, service) in services {
                assert_eq!(one.takes(kind, ""), listed.opened(service, None, day).is_ok(), "{} {kind:?}", one.0);
            }
        }
        let catalogue = parameters.catalogue(&code).expect("a catalogue");
        for item in &country.item {
            let listed = catalogue.item(&ItemCode::parse(&item.code).expect("a code"));
            let listed = listed.unwrap_or_else(|| panic!("{} is not in the catalogue of {code}", item.code));
            assert!(listed.sex.is_none() && listed.ages.is_none(), "{} is not for everybody", item.code);
        }
    }
    // What stands on the bills of a disease belongs to it.
    let catalogue = parameters.catalogue(&RegionCode::parse("310000").expect("a region")).expect("a catalogue");
    for item in &country.item {
        let line = FeeLine {
            serial: "1".into(),
            item: ItemCode::parse(&item.code).expect("a code"),
            price: Price(item.fen * 10_000),
            quantity: Quantity(10_000),
            declared: None,
            approval: Approval::NotNeeded,
        };
        let line = split(line, catalogue).expect("a line");
        assert_eq!(line.parts.total.0, item.fen, "{}", item.code);
        let always: &[&str] = if item.on.split(' ').any(|word| word == "visit") { DISEASES } else { &[] };
        for disease in item.on.split(' ').filter(|word| word.starts_with('M')).chain(always.iter().copied()) {
            let disease = DiseaseCode::parse(disease).expect("a code");
            let listed = parameters.chronic.listed(&disease, day, &[]).expect("a listed disease");
            assert_eq!(
                parameters.related.check(&listed, std::slice::from_ref(&line)),
                Ok(()),
                "{} {disease}",
                item.code
            );
        }
    }
}
