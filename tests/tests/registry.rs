//! The registry at the hub, as hospitals meet it: a chronic disease on the list of the day, sub-codes and regions' own
//! codes, items that belong to the disease, institutions opened by service, disease and day; publishing a list while
//! claims flow; loading institutions in bulk. How long a hundred thousand take:
//! `cargo test --release -p zhijie-tests --test registry -- --ignored --nocapture`

use futures_util::{future::join_all, stream};
use tonic::transport::Channel;
use zhijie_services::{
    cluster::{Cluster, ClusterSetup, LinkState},
    domain::{calendar::Moment, ids::RegionCode},
    node::{ManualClock, embedded_parameters, keys, open_store, sealed},
    pb::{self, RefusalCode as Code, Service, answer::Outcome, registry_client::RegistryClient},
};
use zhijie_tests::{
    World,
    hospital::{
        CHONGQING, ENALAPRIL, METFORMIN, NURSING, TODAY, ZHANG, chronic, enrol, file, header, line, outpatient, person,
        settled,
    },
};

/// A hospital and a pharmacy of Chongqing that only the registry knows, and a hospital of the parameters that is opened
/// for some diseases.
const NEW_HOSPITAL: &str = "H50010000777";
const NEW_PHARMACY: &str = "P50010000888";
const OLD_HOSPITAL: &str = "H50010000002";

/// A cluster on a day in which Zhang lives long-term in Chongqing, recognised at home for these diseases.
async fn world_at(day: &str, diseases: &[&str]) -> World {
    let world = World::at(day).await;
    recognise(&world, ZHANG, diseases).await;
    file(&world, ZHANG, pb::FilingKind::LongTermResident, "500000", day).await;
    world
}

async fn recognise(world: &World, id: &str, diseases: &[&str]) {
    let qualification = |disease: &&str| {
        let from = "2020-01-01".to_owned();
        pb::Qualification { disease: (*disease).into(), from, to: String::new() }
    };
    let qualifications = diseases.iter().map(qualification).collect();
    let person = person(id, pb::Scheme::Employee, pb::Category::Active);
    enrol(world, pb::Person { qualifications, ..person }, pb::Purse::default()).await;
}

/// Sends a bill until it has an answer: where the machine is slow, a hospital asks again.
async fn ask(world: &World, request: &pb::SettleAtOnceRequest) -> pb::Answer {
    let mut care = world.care("500000");
    loop {
        let answer = care.settle_at_once(request.clone()).await.expect("a reply").into_inner();
        let again = match &answer.outcome {
            Some(Outcome::Unknown(_)) => true,
            Some(Outcome::Refused(refused)) => matches!(refused.code(), Code::E503PersonBusy | Code::E605Busy),
            _ => false,
        };
        if !again {
            return answer;
        }
    }
}

/// What became of a bill: the disease under which it was settled, or code, field and the rule's last word.
fn outcome(answer: &pb::Answer) -> String {
    match &answer.outcome {
        Some(Outcome::Settlement(settlement)) => {
            let computation = settlement.computation.as_ref().expect("a computation");
            let gained = computation.differences.iter().flat_map(|year| year.chronic.keys());
            gained.cloned().collect::<Vec<_>>().join(" ")
        }
        Some(Outcome::Refused(no)) => {
            let last = no.rule.rsplit(' ').next().unwrap_or_default();
            format!("E{} {} {last}", no.code, no.field)
        }
        other => panic!("{other:?}"),
    }
}

async fn check(world: &World, request: pb::SettleAtOnceRequest, expected: &str) {
    let answer = ask(world, &request).await;
    let found = outcome(&answer);
    assert!(
        found.starts_with(expected) && found.is_empty() == expected.is_empty(),
        "{found}, not {expected}: {answer:?}"
    );
}

fn at(institution: &str, request: pb::SettleAtOnceRequest) -> pb::SettleAtOnceRequest {
    let message = request.header.clone().unwrap_or_default().message_id;
    pb::SettleAtOnceRequest { header: Some(header(institution, ZHANG, &message)), ..request }
}

#[tokio::test]
async fn a_disease_is_settled_from_the_day_on_which_the_list_has_it() {
    let world = world_at("2024-11-30", &["M04600"]).await;
    check(&world, chronic("a", "M04600", "2024-11-30", ENALAPRIL), "E303 disease 2022").await;
    world.move_to("2024-12-01");
    check(&world, chronic("b", "M04600", "2024-12-01", ENALAPRIL), "M04600").await;
    check(&world, chronic("c", "M04600", "2024-11-30", ENALAPRIL), "E303 disease 2022").await;
    world.assert_books_equal("2024-12-01", 1).await;
}

#[tokio::test]
async fn a_code_is_settled_under_the_listed_disease_and_only_its_items() {
    // M95001 is Sichuan's own for diabetes and Anhui's for hypertension; M95003 is Chongqing's for dialysis.
    let world = world_at(TODAY, &["M95001", "M07804", "M03900"]).await;
    const DIALYSER: &str = "C0502010630400002977";
    for (message, disease, item, expected) in [
        ("a", "M95001", METFORMIN, "M01600"),
        ("b", "M01600", METFORMIN, "M01600"),
        ("c", "M01699", METFORMIN, "M01600"),
        ("d", "M95001", ENALAPRIL, "E304 claim.lines[1]"),
        ("e", "M03900", METFORMIN, "E304 claim.lines[1]"),
        ("f", "M95002", METFORMIN, "E303 disease 2024"),
        ("g", "M04600", ENALAPRIL, "E302 disease"),
    ] {
        check(&world, chronic(message, disease, TODAY, item), expected).await;
    }
    // Like a stay, dialysis has no quota to count against: it settles.
    for (message, disease) in [("h", "M07803"), ("i", "M95003")] {
        settled(&ask(&world, &chronic(message, disease, TODAY, DIALYSER)).await);
    }
    let mut mixed = chronic("j", "M03900", TODAY, ENALAPRIL);
    mixed.lines.push(line(7, "001102000010000", 15));
    mixed.lines.push(line(8, NURSING, 40));
    let answer = ask(&world, &mixed).await;
    let Some(Outcome::Refused(no)) = &answer.outcome else { panic!("{answer:?}") };
    assert_eq!((no.code(), no.field.as_str()), (Code::E304ItemUnrelated, "claim.lines[8]"));
    assert!(no.zh.contains(NURSING) && no.en.contains(NURSING), "the item is named: {no:?}");
    // Billed apart, as ordinary outpatient care, it settles.
    settled(&ask(&world, &outpatient("k", 40)).await);
    world.assert_books_equal(TODAY, 6).await;
}

fn opening(service: Service, disease: &str, from: &str, to: &str) -> pb::Opening {
    let (disease, from, to) = (disease.into(), from.into(), to.into());
    pb::Opening { service: service.into(), disease, from, to, ..pb::Opening::default() }
}

fn row(code: &str, openings: Vec<pb::Opening>) -> pb::Institution {
    let level = if code.starts_with('P') { pb::Level::Primary } else { pb::Level::Secondary };
    pb::Institution { code: code.into(), zh: "示例".into(), en: "Example".into(), level: level.into(), openings }
}

async fn load(world: &World, rows: Vec<pb::Institution>) -> pb::LoadInstitutionsReply {
    load_by(world.registry(), &rows).await
}

async fn load_by(mut registry: RegistryClient<Channel>, rows: &[pb::Institution]) -> pb::LoadInstitutionsReply {
    let messages: Vec<_> = rows.chunks(700).map(|rows| pb::LoadInstitutionsRequest { rows: rows.to_vec() }).collect();
    registry.load_institutions(stream::iter(messages)).await.expect("a reply").into_inner()
}

async fn close(world: &World, code: &str, service: Service, disease: &str, to: &str) -> pb::InstitutionReply {
    let request = pb::CloseInstitutionRequest {
        code: code.into(),
        service: service.into(),
        disease: disease.into(),
        to: to.into(),
    };
    world.registry().close_institution(request).await.expect("a reply").into_inner()
}

#[tokio::test]
async fn an_institution_is_opened_by_service_disease_and_day() {
    let world = world_at("2025-03-01", &["M03900", "M01600"]).await;
    check(&world, at(NEW_HOSPITAL, chronic("0", "M03900", "2025-03-01", ENALAPRIL)), "E301 header.institution").await;
    let hospital = row(
        NEW_HOSPITAL,
        vec![
            opening(Service::Chronic, "M03900", "2025-03-05", ""),
            opening(Service::Chronic, "M01600", "2025-03-20", ""),
        ],
    );
    let pharmacy = row(
        NEW_PHARMACY,
        vec![opening(Service::Pharmacy, "", "2025-03-05", ""), opening(Service::Chronic, "M03900", "2025-03-05", "")],
    );
    // Over what the parameters say: this hospital is opened for one more disease.
    let known = world.registry().institution(pb::InstitutionRequest { code: OLD_HOSPITAL.into() }).await;
    let known = known.expect("a reply").into_inner().institution.expect("an institution");
    let more =
        pb::Institution { openings: vec![opening(Service::Chronic, "M03900", "2025-03-05", "")], ..known.clone() };
    let reply = load(&world, vec![hospital.clone(), pharmacy, more]).await;
    assert_eq!((reply.taken, reply.known, reply.refused), (3, 0, 0), "{reply:?}");

    world.move_to("2025-03-25");
    let bought = |message: &str, day: &str| pb::SettleAtOnceRequest {
        service: Service::Pharmacy.into(),
        disease: String::new(),
        ..chronic(message, "", day, ENALAPRIL)
    };
    for (message, institution, disease, day, expected) in [
        ("a", NEW_HOSPITAL, "M03900", "2025-03-04", "E301 header.institution"),
        ("b", NEW_HOSPITAL, "M03900", "2025-03-05", "M03900"),
        ("c", NEW_HOSPITAL, "M01600", "2025-03-19", "E301 header.institution"),
        ("d", NEW_HOSPITAL, "M01600", "2025-03-20", "M01600"),
        ("e", NEW_PHARMACY, "M03900", "2025-03-05", "M03900"),
        ("f", NEW_PHARMACY, "M01600", "2025-03-05", "E301 header.institution"),
        ("g", OLD_HOSPITAL, "M03900", "2025-03-04", "E301 header.institution"),
        ("h", OLD_HOSPITAL, "M03900", "2025-03-05", "M03900"),
    ] {
        let item = if disease == "M01600" { METFORMIN } else { ENALAPRIL };
        check(&world, at(institution, chronic(message, disease, day, item)), expected).await;
    }
    check(&world, at(NEW_HOSPITAL, outpatient("i", 40)), "E301 header.institution").await;
    check(&world, at(NEW_PHARMACY, bought("j", "2025-03-04")), "E301 header.institution").await;
    settled(&ask(&world, &at(NEW_PHARMACY, bought("k", "2025-03-05"))).await);

    // Closed for one disease from the 23rd on; the same closing, and the row that opened it, change nothing.
    let closed = close(&world, NEW_HOSPITAL, Service::Chronic, "M03900", "2025-03-22").await;
    let again = close(&world, NEW_HOSPITAL, Service::Chronic, "M03900", "2025-03-22").await;
    assert_eq!(closed, again);
    assert_eq!(load(&world, vec![hospital]).await.known, 1);
    let never = close(&world, NEW_HOSPITAL, Service::Stay, "", "2025-03-22").await;
    assert_eq!(never.refused.map(|no| no.code()), Some(Code::E301InstitutionNotOpened));
    check(&world, at(NEW_HOSPITAL, chronic("l", "M03900", "2025-03-22", ENALAPRIL)), "M03900").await;
    check(&world, at(NEW_HOSPITAL, chronic("m", "M03900", "2025-03-23", ENALAPRIL)), "E301 header.institution").await;
    check(&world, at(NEW_HOSPITAL, chronic("n", "M01600", "2025-03-23", METFORMIN)), "M01600").await;
    let history = world.registry().institution(pb::InstitutionRequest { code: NEW_HOSPITAL.into() }).await;
    let history = history.expect("a reply").into_inner().institution.expect("an institution");
    let ends: Vec<_> = history.openings.iter().map(|o| (o.disease.as_str(), o.to.as_str(), o.ended_at > 0)).collect();
    assert_eq!(ends, [("M01600", "", false), ("M03900", "2025-03-22", true)]);
    assert!(history.openings.iter().all(|opening| opening.entered_at > 0));

    // A level that changed at the hub is learned from the refusal of the old one.
    let raised = pb::Institution { level: pb::Level::Tertiary.into(), ..history };
    assert_eq!(load(&world, vec![raised]).await.taken, 1);
    check(&world, at(NEW_HOSPITAL, chronic("o", "M01600", "2025-03-23", METFORMIN)), "E301 claim.level").await;
    check(&world, at(NEW_HOSPITAL, chronic("p", "M01600", "2025-03-23", METFORMIN)), "M01600").await;
    world.assert_books_equal("2025-03-25", 8).await;
}

/// A version from a day on with hypertension, diabetes and lupus, in which Sichuan's own M95001 is hypertension.
fn version(name: &str, from: &str) -> pb::ListVersion {
    let disease = |code: &str| pb::Disease { code: code.into(), zh: "病".into(), en: "disease".into() };
    pb::ListVersion {
        name: name.into(),
        from: from.into(),
        diseases: ["M03900", "M01600", "M07100"].map(disease).into(),
        sub_codes: vec![
            pb::SubCode { code: "M95001".into(), parent: "M03900".into(), region: "510000".into() },
            pb::SubCode { code: "M07101".into(), parent: "M07100".into(), region: String::new() },
        ],
    }
}

async fn publish(world: &World, list: pb::ListVersion) -> pb::PublishListReply {
    let request = pb::PublishListRequest { list: Some(list) };
    world.registry().publish_list(request).await.expect("a reply").into_inner()
}

#[tokio::test]
async fn a_list_is_published_for_days_to_come_and_once() {
    let world = World::at(TODAY).await;
    let changed = |change: &dyn Fn(&mut pb::ListVersion)| {
        let mut list = version("2025", "2025-03-11");
        change(&mut list);
        list
    };
    for (list, field) in [
        (changed(&|list| list.from = TODAY.into()), "list.from"),
        (changed(&|list| list.from = "2024-12-01".into()), "list.from"),
        (changed(&|list| list.from = "2025-02-30".into()), "list.from"),
        (changed(&|list| list.name = "2024".into()), "list.name"),
        (changed(&|list| list.sub_codes[1].parent = "M07200".into()), "list.sub_codes[1].parent"),
        (changed(&|list| list.sub_codes[0].region = "990000".into()), "list.sub_codes[0].region"),
        (changed(&|list| list.diseases[1].code = "M03900".into()), "list.diseases[1].code"),
    ] {
        let refused = publish(&world, list.clone()).await.refused.unwrap_or_default();
        assert_eq!((refused.code(), refused.field.as_str()), (Code::E001FieldInvalid, field), "{list:?}");
    }
    let published = publish(&world, version("2025", "2025-03-11")).await;
    let names: Vec<_> = published.versions.iter().map(|version| version.name.as_str()).collect();
    assert_eq!(names, ["2022", "2024", "2025"]);
    world.move_to("2025-04-01");
    assert_eq!(
        publish(&world, version("2025", "2025-03-11")).await,
        published,
        "the same again, later, changes nothing"
    );
    let taken = publish(&world, version("other", "2025-03-11")).await.refused.unwrap_or_default();
    assert_eq!(taken.field, "list.from");
    let all = world.registry().chronic_list(pb::ChronicListRequest {}).await.expect("a reply").into_inner();
    assert_eq!(all.versions, published.versions);
}

/// Sends bills of several persons at once, each person's one after another, and says what became of each.
async fn wave(world: &World, name: &str, bills: &[(&str, &str, &str)]) -> Vec<String> {
    let person = |number: usize| async move {
        let id = format!("51010000000000000{number:03}");
        let mut outcomes = Vec::new();
        for (bill, (disease, day, item)) in bills.iter().enumerate() {
            let message = format!("{name}-{number}-{bill}");
            let request = pb::SettleAtOnceRequest {
                header: Some(header(CHONGQING, &id, &message)),
                person: id.clone(),
                ..chronic(&message, disease, day, item)
            };
            outcomes.push(outcome(&ask(world, &request).await));
        }
        outcomes.join(", ")
    };
    join_all((100..PERSONS_END).map(person)).await
}

const PERSONS_END: usize = 108;

#[tokio::test]
async fn a_list_published_while_claims_flow_loses_none_and_mixes_none() {
    let world = World::at(TODAY).await;
    for number in 100..PERSONS_END {
        let id = format!("51010000000000000{number:03}");
        recognise(&world, &id, &["M95001", "M07101"]).await;
        file(&world, &id, pb::FilingKind::LongTermResident, "500000", TODAY).await;
    }
    // Of today's claims all are judged by 2024, whether they come before the publication, with it or after it.
    let today = [("M95001", TODAY, METFORMIN), ("M07101", TODAY, NURSING), ("M95001", TODAY, ENALAPRIL)];
    let by_2024 = "M01600, E303 disease 2024, E304 claim.lines[1] bill";
    let (flowing, published) = tokio::join!(wave(&world, "w1", &today), publish(&world, version("2025", "2025-03-11")));
    assert_eq!(published.refused, None);
    assert_eq!(flowing, vec![by_2024; PERSONS_END - 100]);

    // Of the next day's claims all are judged by 2025, at home too, which fetches it; late ones of the day before are not.
    world.move_to("2025-03-11");
    let both = [
        ("M95001", "2025-03-11", ENALAPRIL),
        ("M95001", TODAY, METFORMIN),
        ("M07101", "2025-03-11", NURSING),
        ("M07101", TODAY, NURSING),
        ("M95001", "2025-03-11", METFORMIN),
    ];
    let by_their_day = "M03900, M01600, M07100, E303 disease 2024, E304 claim.lines[1] bill";
    let (flowing, published) = tokio::join!(wave(&world, "w2", &both), publish(&world, version("2026", "2025-03-12")));
    assert_eq!(published.refused, None);
    assert_eq!(flowing, vec![by_their_day; PERSONS_END - 100]);
    world.assert_books_equal(TODAY, 8).await;
    world.assert_books_equal("2025-03-11", 24).await;
}

#[tokio::test]
async fn a_claim_that_went_home_keeps_its_listing_over_a_crash_whatever_becomes_of_the_list() {
    let mut world = world_at(TODAY, &["M95001"]).await;
    let bill = chronic("m1", "M95001", TODAY, METFORMIN);
    world.cluster.net().set("hub", "home-510000", LinkState::Muted);
    let (mut care, sent) = (world.care("500000"), bill.clone());
    let waiting = tokio::spawn(async move { care.settle_at_once(sent).await });
    let books = || async { !world.member("510000", ZHANG).await.accumulators.is_empty() };
    world.until("home books", books).await;
    world.cluster.kill("hub");
    waiting.await.expect("the task").expect("a reply");
    world.cluster.kill("home-510000");
    // Worse than any publication: a list that has nothing for the day.
    let list = pb::PublishedList { versions: vec![version("2025", "2025-03-11")] };
    let mut txn = world.cluster.store("hub").expect("a store").begin();
    txn.put(keys::CHRONIC_LIST, sealed(keys::CHRONIC_LIST, &list));
    txn.commit().await.expect("a commit");
    world.cluster.net().set("hub", "home-510000", LinkState::Whole);
    world.cluster.start_service("home-510000").await.expect("it starts again");
    world.cluster.start_service("hub").await.expect("it starts again");
    assert_eq!(outcome(&ask(&world, &bill).await), "M01600", "home knows the message again");
    check(&world, chronic("m2", "M95001", TODAY, METFORMIN), "E303 disease none").await;
    world.assert_books_equal(TODAY, 1).await;
}

/// So many hospitals over all provinces, each opened for three services.
fn hospitals(count: usize) -> Vec<pb::Institution> {
    let provinces = ["110000", "310000", "440000", "510000"];
    let hospital = |number: usize| {
        let code = format!("H{}{:02}00{:05}", &provinces[number % 4][..2], number / 100_000 + 1, number % 100_000);
        let services = [Service::Outpatient, Service::Stay, Service::Chronic];
        row(&code, services.map(|service| opening(service, "", "2023-01-01", "")).into())
    };
    (0..count).map(hospital).collect()
}

#[tokio::test]
async fn thousands_of_institutions_are_loaded_and_wrong_rows_named() {
    let world = World::at(TODAY).await;
    let mut rows = hospitals(5_000);
    rows[6].code = "H99010000006".into();
    rows[2_999].openings[2].disease = "M03901".into();
    rows[4_000].level = 0;
    rows[4_999].code = "P11010000001".into();
    let reply = load(&world, rows.clone()).await;
    assert_eq!((reply.taken, reply.known, reply.refused), (4_996, 0, 4));
    let named: Vec<_> =
        reply.first_refused.iter().map(|row| (row.line, row.refused.clone().unwrap_or_default())).collect();
    let fields: Vec<_> = named.iter().map(|(line, no)| (*line, no.code(), no.field.as_str())).collect();
    assert_eq!(
        fields,
        [
            (7, Code::E011RegionUnknown, "code"),
            (3_000, Code::E001FieldInvalid, "openings.disease"),
            (4_001, Code::E001FieldInvalid, "level"),
            (5_000, Code::E001FieldInvalid, "openings.service"),
        ]
    );
    assert!(named.iter().all(|(_, no)| !no.rule.is_empty()));
    let again = load(&world, rows).await;
    assert_eq!((again.taken, again.known, again.refused), (0, 4_996, 4), "again changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while; prints how long, on the store that services have"]
async fn a_hundred_thousand_institutions() {
    let folder = std::env::temp_dir().join(format!("zhijie-registry-{}", std::process::id()));
    let setup = ClusterSetup {
        regions: vec![RegionCode::parse("310000").expect("a region")],
        parameters: embedded_parameters().expect("the shipped parameters are right").into(),
        clock: std::sync::Arc::new(ManualClock::at(Moment(1_741_568_400_000))),
        seed: "bulk".into(),
        answer_deadline_ms: 400,
        signers: Default::default(),
    };
    let store = |name: &str| open_store(&folder.join(name)).map_err(std::io::Error::other);
    let cluster = Cluster::start(setup, store).await.expect("the cluster starts");
    let registry = cluster.clients().expect("clients").registry;
    let rows = hospitals(100_000);
    for round in ["new", "known"] {
        let began = tokio::time::Instant::now();
        let reply = load_by(registry.clone(), &rows).await;
        println!("{} {round} rows in {} ms", rows.len(), began.elapsed().as_millis());
        assert_eq!((reply.taken + reply.known, reply.refused), (100_000, 0));
    }
    cluster.stop().await;
    std::fs::remove_dir_all(folder).expect("the folder goes");
}
