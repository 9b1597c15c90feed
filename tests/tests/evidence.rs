//! What regions sign: a whole cluster with keys of one authority. What is altered after it was signed is found, by the
//! hub's reconciliation and by the check; and evidence of a settlement proves it to whoever has only the authority.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeMap, sync::OnceLock};

use zhijie_identity::{
    Authorities, Identity, Own,
    authority::{Authority, DAY_S},
    now,
};
use zhijie_services::{
    check::{Stores, Subject, check},
    domain::{calendar::Moment, ids::SettlementId, proof::Statement},
    evidence::{Evidence, Fact, Finding, Key, Signed, Verdict, gather, verify},
    node::{Signer, document, owner},
    pb::{self, Cure, DifferenceKind},
};
use zhijie_tests::{
    World,
    hospital::{CHONGQING, TODAY, ZHANG, header, outpatient, peopled, settled},
    planter::Planter,
};

const PROVINCES: [&str; 4] = ["310000", "340000", "500000", "510000"];
/// Where Zhang is treated, where all meet, and where Zhang is insured.
const BOOKS: [&str; 3] = ["care-500000", "hub", "home-510000"];

/// The key with which Zhang's home would sign two days later.
const RENEWED: &str = "home-510000-renewed";

/// Keys with certificates of one authority, which are valid today and on the day of the tests.
fn credentials() -> &'static (Authorities, BTreeMap<String, Signer>) {
    static CREDENTIALS: OnceLock<(Authorities, BTreeMap<String, Signer>)> = OnceLock::new();
    CREDENTIALS.get_or_init(|| {
        let authority = Authority::new(std::time::Duration::from_secs(86_400)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let from = Moment::start_of(TODAY.parse().unwrap()).0 / 1_000;
        let mut signers = BTreeMap::new();
        let mut authorities = None;
        let mut make = |name: String, named: &Identity, from: i64| {
            let files = folder.path().join(&name);
            authority.issue(named, &[], (from, now() + DAY_S), &files).unwrap();
            let own = Own::read(&files).unwrap();
            signers.insert(name, Signer::from_pkcs8(own.private_key(), own.certificate()).unwrap());
            authorities = Some(own.authorities().clone());
        };
        for province in PROVINCES {
            make(format!("home-{province}"), &Identity::Home(province.into()), from);
            make(format!("care-{province}"), &Identity::Care(province.into()), from);
        }
        make(RENEWED.into(), &Identity::Home("510000".into()), from + 2 * DAY_S);
        (authorities.unwrap(), signers)
    })
}

async fn world() -> World {
    peopled(World::signing(&PROVINCES, TODAY, credentials().1.clone()).await).await
}

async fn pay(world: &World, message: &str, yuan: i64) -> pb::Settlement {
    settled(&world.care("500000").settle_at_once(outpatient(message, yuan)).await.expect("a reply").into_inner())
}

async fn cancel(world: &World, message: &str, settlement: &pb::Settlement) -> pb::Settlement {
    let request = pb::CancelRequest {
        header: Some(header(CHONGQING, ZHANG, message)),
        settlement: settlement.id.clone(),
        visit: settlement.claim.clone().unwrap_or_default().visit,
        person: ZHANG.into(),
    };
    settled(&world.care("500000").cancel(request).await.expect("a reply").into_inner())
}

async fn reverse(world: &World, message: &str, original: &str) {
    let request = pb::ReverseRequest {
        header: Some(header(CHONGQING, ZHANG, message)),
        act: pb::Act::Settle.into(),
        original_message_id: original.into(),
        person: ZHANG.into(),
    };
    let answer = world.care("500000").reverse(request).await.expect("a reply").into_inner();
    assert!(matches!(answer.outcome, Some(pb::answer::Outcome::Reversal(_))), "{answer:?}");
}

/// What the check says of everything that is signed.
async fn proofs(world: &World) -> Subject {
    let mut stores = Stores::default();
    let names = PROVINCES.iter().flat_map(|code| [format!("care-{code}"), format!("home-{code}")]);
    for name in names.chain(["hub".to_owned()]) {
        let store = world.cluster.store(&name).expect("a service").clone();
        let whose = owner(&store).await.unwrap().expect("a store of a service");
        assert!(stores.add(whose, store));
    }
    let report = check(&stores).await.unwrap();
    report.subjects.into_iter().find(|subject| subject.key == "proofs").expect("the subject")
}

/// Moves a yuan from the fund to the hospital: every identity stays whole.
fn altered(record: &mut pb::BookRecord) {
    let settlement = record.settlement.as_mut().expect("a settlement");
    let amounts = settlement.computation.as_mut().and_then(|computed| computed.amounts.as_mut()).expect("amounts");
    amounts.funds.as_mut().expect("funds").basic -= 100;
    amounts.fund_total -= 100;
    amounts.hospital += 100;
}

async fn everywhere(world: &World, id: &str, change: fn(&mut pb::BookRecord)) {
    for service in BOOKS {
        Planter::of(world, service).change(id, change).await;
    }
}

#[tokio::test]
async fn every_act_is_signed_and_verified() {
    let world = world().await;
    let first = pay(&world, "m1", 500).await;
    let second = pay(&world, "m2", 400).await;
    reverse(&world, "r2", "m2").await;
    let negative = cancel(&world, "c1", &first).await;
    for record in [&first, &second, &negative] {
        let proof = record.proof.clone().expect("a proof");
        assert_eq!((proof.care.len(), proof.home.len()), (64, 64));
    }
    world.assert_books_equal(TODAY, 4).await;
    let proofs = proofs(&world).await;
    assert_eq!((proofs.differences, proofs.missing.len()), (0, 0), "{proofs:?}");
    assert!(proofs.checked >= 4, "{proofs:?}");
}

#[tokio::test]
async fn what_is_altered_in_all_books_is_found_and_no_cure_mends_it() {
    let world = world().await;
    let (sound, settlement) = (pay(&world, "m1", 500).await, pay(&world, "m2", 400).await);
    world.assert_books_equal(TODAY, 2).await;
    everywhere(&world, &settlement.id, altered).await;

    let found = world.reconcile(TODAY).await;
    assert_eq!((found.found, found.open, found.reconciled), (1, 1, false), "{found:?}");
    let difference = &found.differences[0];
    assert_eq!((difference.settlement.as_str(), difference.kind()), (settlement.id.as_str(), DifferenceKind::Unproven));
    assert_eq!(difference.fields.iter().map(|unequal| unequal.field.as_str()).collect::<Vec<_>>(), ["proof.home"]);
    assert_eq!(difference.cures, [i32::from(Cure::ManualMatch)]);

    let first = proofs(&world).await.first.expect("a difference");
    assert_eq!((first.store.as_str(), first.field.as_str()), ("hub", "proof.home"));
    assert!(first.record.ends_with(&settlement.id) && !first.record.ends_with(&sound.id));

    // Somebody may say why it stands; until then the day is not reconciled.
    let note = Some(pb::Note { by: "an officer".into(), why: "home corrected it by letter".into() });
    let (day, record) = (TODAY.to_owned(), settlement.id.clone());
    let request = pb::CureRequest { day, settlement: record, cure: Cure::ManualMatch.into(), note };
    let cured = world.books().cure(request).await.expect("a reply").into_inner();
    assert_eq!(cured.refused, None);
    assert!(world.reconcile(TODAY).await.reconciled);
}

#[tokio::test]
async fn a_region_that_has_a_key_leaves_no_signature_out() {
    let world = world().await;
    let settlement = pay(&world, "m1", 500).await;
    everywhere(&world, &settlement.id, |record| {
        record.settlement.as_mut().and_then(|settlement| settlement.proof.as_mut()).expect("a proof").care.clear();
    })
    .await;
    let found = world.reconcile(TODAY).await;
    let field = &found.differences[0].fields[0];
    assert_eq!((field.field.as_str(), field.hub.contains("not signed")), ("proof.care", true), "{found:?}");
}

async fn heads(world: &World, service: &str) -> Vec<pb::DayHead> {
    let store = world.cluster.store(service).expect("a service");
    let page = store.scan_prefix(b"G/home/510000/", None, 100).await.unwrap();
    page.iter().map(|(key, record)| document(key, &record.value).unwrap()).collect()
}

#[tokio::test]
async fn a_day_has_a_new_head_only_for_new_facts_and_the_hub_keeps_the_chain() {
    let world = world().await;
    let settlement = pay(&world, "m1", 500).await;
    for _ in 0..2 {
        world.assert_books_equal(TODAY, 1).await;
    }
    cancel(&world, "c1", &settlement).await;
    world.assert_books_equal(TODAY, 2).await;
    let made = heads(&world, "home-510000").await;
    let said: Vec<_> = made.iter().map(|head| (head.number, head.earlier, head.records)).collect();
    assert_eq!(said, [(1, 0, 1), (2, 1, 2)]);
    assert!(made[0].previous.is_empty() && made[1].previous.len() == 32);
    assert_eq!(heads(&world, "hub").await, made);
}

/// What is found of a settlement's evidence, and the evidence.
async fn evidence(world: &World, settlement: &str) -> Evidence {
    let store = world.cluster.store("hub").expect("the hub");
    gather(store, &SettlementId::parse(settlement).unwrap()).await.unwrap().expect("evidence")
}

fn verdicts(found: &[Finding]) -> Vec<(&str, &str, Verdict)> {
    found.iter().map(|finding| (finding.record, finding.key, finding.verdict)).collect()
}

fn is_wrong(found: &[Finding]) -> bool {
    found.iter().any(|finding| finding.verdict == Verdict::Wrong)
}

#[tokio::test]
async fn evidence_proves_a_settlement_and_what_undid_it() {
    let world = world().await;
    let (first, second) = (pay(&world, "m1", 500).await, pay(&world, "m2", 400).await);
    world.assert_books_equal(TODAY, 2).await;
    reverse(&world, "r2", "m2").await;
    cancel(&world, "c1", &first).await;
    pay(&world, "m3", 300).await;
    world.assert_books_equal(TODAY, 5).await;
    let all = ["home", "care", "day", "among", "day", "among"];
    let of = |record: &'static str, last: &'static str| {
        all.into_iter().chain([last]).map(move |key| (record, key, Verdict::Right))
    };
    let expected: Vec<_> = of("settlement", "claim").chain(of("undone_by", "undoes")).collect();
    for id in [&first.id, &second.id] {
        let evidence = evidence(&world, id).await;
        let found = verify(&evidence, Some(&credentials().0));
        assert_eq!(verdicts(&found), expected, "{found:?}");
        // Without the authority it is not known whose keys they are, and nothing is wrong.
        let found = verify(&evidence, None);
        assert!(!is_wrong(&found) && found.iter().any(|finding| finding.verdict == Verdict::Unverified));
    }
}

#[tokio::test]
async fn evidence_without_the_heads_of_both_is_not_verified() {
    let world = world().await;
    let settlement = pay(&world, "m1", 500).await;
    world.assert_books_equal(TODAY, 1).await;
    let whole = evidence(&world, &settlement.id).await;
    assert_eq!(whole.settlement.days.len(), 2);
    for (left, missing) in [(0, "home-510000"), (1, "care-500000")] {
        let mut evidence = whole.clone();
        evidence.settlement.days = vec![whole.settlement.days[left].clone()];
        let found = verify(&evidence, Some(&credentials().0));
        let open: Vec<_> = found.iter().filter(|finding| finding.verdict == Verdict::Unverified).collect();
        assert!(!is_wrong(&found) && open.len() == 1, "{found:?}");
        assert!(open[0].key == "day" && open[0].detail.starts_with(missing), "{found:?}");
    }
}

#[tokio::test]
async fn a_head_may_be_signed_by_a_key_that_came_after_its_day_and_a_record_may_not() {
    let world = world().await;
    let settlement = pay(&world, "m1", 500).await;
    world.assert_books_equal(TODAY, 1).await;
    let mut evidence = evidence(&world, &settlement.id).await;
    let renewed = &credentials().1[RENEWED];
    let signed = |lines: &[String]| {
        let signature = renewed.sign(&Statement::of_lines(lines)).to_string();
        Signed { signature, key: renewed.public().to_string() }
    };
    let home = evidence.settlement.days.iter_mut().find(|day| day.head.contains(&"role: home".to_owned())).unwrap();
    home.signed = signed(&home.head);
    let certificate = renewed.certificate().iter().map(|byte| format!("{byte:02x}")).collect();
    evidence.keys.push(Key { of: "home-510000".into(), key: renewed.public().to_string(), certificate });
    let found = verify(&evidence, Some(&credentials().0));
    assert!(found.iter().all(|finding| finding.verdict == Verdict::Right), "{found:?}");

    evidence.settlement.home = Some(signed(&evidence.settlement.record));
    assert!(is_wrong(&verify(&evidence, Some(&credentials().0))));
}

#[tokio::test]
async fn a_changed_byte_anywhere_in_evidence_fails() {
    let world = world().await;
    let settlement = pay(&world, "m1", 500).await;
    pay(&world, "m2", 400).await;
    cancel(&world, "c2", &pay(&world, "m3", 300).await).await;
    world.assert_books_equal(TODAY, 4).await;
    let file = evidence(&world, &settlement.id).await.print().unwrap().into_bytes();
    assert!(!is_wrong(&verify(&Evidence::parse(&file).unwrap(), Some(&credentials().0))));
    for place in 0..file.len() {
        let mut changed = file.clone();
        changed[place] ^= 1;
        let fails = Evidence::parse(&changed).map_or(true, |read| is_wrong(&verify(&read, Some(&credentials().0))));
        assert!(fails, "byte {place}: {}", String::from_utf8_lossy(&file[place.saturating_sub(40)..=place]));
    }
}

#[tokio::test]
async fn evidence_that_was_put_together_otherwise_fails() {
    let world = world().await;
    let (one, other) = (pay(&world, "m1", 500).await, pay(&world, "m2", 400).await);
    cancel(&world, "c2", &other).await;
    world.assert_books_equal(TODAY, 3).await;
    let (one, other) = (evidence(&world, &one.id).await, evidence(&world, &other.id).await);
    let swap = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = other.clone();
        change(&mut evidence);
        is_wrong(&verify(&evidence, Some(&credentials().0)))
    };
    assert!(!swap(&|_| ()));
    assert!(swap(&|evidence| evidence.settlement.request = one.settlement.request.clone()), "another's claim");
    assert!(swap(&|evidence| evidence.settlement.days = one.settlement.days.clone()), "another's way to the head");
    assert!(swap(&|evidence| evidence.settlement = one.settlement.clone()), "another's negative record");
    assert!(swap(&|evidence| evidence.undone_by = Some(one.settlement.clone())), "a settlement that undoes another");
    assert!(
        swap(&|evidence| evidence.settlement = evidence.undone_by.clone().unwrap()),
        "a negative record as settlement"
    );
    assert!(
        swap(&|evidence| evidence.settlement.care = evidence.settlement.home.clone()),
        "home's signature as care's"
    );
    let lines: fn(&mut Fact, usize) = |fact, line| fact.record[line].push('0');
    for line in 0..other.settlement.record.len() {
        assert!(swap(&|evidence| lines(&mut evidence.settlement, line)), "line {line}");
    }
    // A key with the certificate of somebody else.
    let foreign = |evidence: &mut Evidence| {
        let certificate = evidence.keys[0].certificate.clone();
        evidence.keys.iter_mut().for_each(|key| key.certificate.clone_from(&certificate));
    };
    assert!(swap(&foreign), "another's certificate");
    let stranger = Authority::new(std::time::Duration::from_secs(3_600)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    stranger.issue(&Identity::Hub, &[], (now() - 10, now() + DAY_S), folder.path()).unwrap();
    let strangers = Own::read(folder.path()).unwrap().authorities().clone();
    assert!(is_wrong(&verify(&other, Some(&strangers))), "an authority that has not certified it");
}
