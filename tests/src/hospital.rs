//! What hospitals and people in tests say: persons, filings, bills.

use zhijie_services::pb::{self, answer::Outcome};

use crate::World;

/// A tertiary hospital of Shanghai, opened for everything.
pub const SHANGHAI: &str = "H31010000001";
/// A tertiary hospital of Chongqing, opened for everything.
pub const CHONGQING: &str = "H50010000001";
/// A resident of Fuyang.
pub const LI: &str = "34120000000000000001";
/// An employee of Chengdu with 300 yuan in the account and 120 shared by the family.
pub const ZHANG: &str = "51010000000000000002";

/// The day on which most tests happen.
pub const TODAY: &str = "2025-03-10";

/// An item of class A that every region lists: nursing.
pub const NURSING: &str = "001201000030000";

/// A drug of class A for hypertension, and one for diabetes.
pub const ENALAPRIL: &str = "XC09AAY361A003010469394";
/// See [`ENALAPRIL`].
pub const METFORMIN: &str = "XA10BAE038A001010104562";

/// A person.
#[must_use]
pub fn person(id: &str, scheme: pb::Scheme, category: pb::Category) -> pb::Person {
    pb::Person {
        id: id.into(),
        area: id[..6].into(),
        scheme: scheme.into(),
        category: category.into(),
        birth: "1970-06-01".into(),
        insured_from: "2010-01-01".into(),
        ..pb::Person::default()
    }
}

/// A cluster in which Li and Zhang are enrolled and Li is referred to Shanghai.
pub async fn world() -> World {
    peopled(World::at(TODAY).await).await
}

/// The same people in another cluster.
pub async fn peopled(world: World) -> World {
    enrol(&world, person(LI, pb::Scheme::Resident, pb::Category::Adult), pb::Purse::default()).await;
    let purse = pb::Purse { account: 30_000, family: 12_000 };
    enrol(&world, person(ZHANG, pb::Scheme::Employee, pb::Category::Active), purse).await;
    file(&world, LI, pb::FilingKind::Referred, "310000", TODAY).await;
    world
}

/// Enrols a person at home.
pub async fn enrol(world: &World, person: pb::Person, purse: pb::Purse) {
    let province = format!("{}0000", &person.area[..2]);
    let request = pb::EnrolRequest { person: Some(person), purse: Some(purse) };
    let reply = world.home(&province).enrol(request).await.expect("a reply").into_inner();
    assert_eq!(reply.refused, None);
}

/// Makes a filing that takes effect at once.
pub async fn file(world: &World, person: &str, kind: pb::FilingKind, place: &str, from: &str) -> pb::Filing {
    let request = pb::FileRequest {
        person: person.into(),
        kind: kind.into(),
        place: place.into(),
        from: from.into(),
        needs_review: false,
        message_id: format!("filing-{place}-{from}-{}", kind.as_str_name()),
    };
    let reply = world.home(&format!("{}0000", &person[..2])).file(request).await.expect("a reply").into_inner();
    assert_eq!(reply.refused, None);
    assert!(reply.mirrored, "the hub has the mirror");
    reply.filing.expect("a filing")
}

/// The head of a message.
#[must_use]
pub fn header(institution: &str, person: &str, message: &str) -> pb::Header {
    pb::Header {
        message_id: message.into(),
        care: institution[1..7].into(),
        home: person[..6].into(),
        institution: institution.into(),
        ..pb::Header::default()
    }
}

/// A fee line of whole yuan.
#[must_use]
pub fn line(serial: u32, item: &str, yuan: i64) -> pb::FeeLine {
    let serial = serial.to_string();
    pb::FeeLine { serial, item: item.into(), price: yuan * 1_000_000, quantity: 10_000, ..pb::FeeLine::default() }
}

/// An outpatient visit of Zhang at Chongqing in one call, for so many yuan of nursing.
#[must_use]
pub fn outpatient(message: &str, yuan: i64) -> pb::SettleAtOnceRequest {
    pb::SettleAtOnceRequest {
        header: Some(header(CHONGQING, ZHANG, message)),
        person: ZHANG.into(),
        scheme: pb::Scheme::Employee.into(),
        service: pb::Service::Outpatient.into(),
        from: TODAY.into(),
        lines: vec![line(1, NURSING, yuan)],
        account_use: pb::AccountUse::OwnAndFamily.into(),
        ..pb::SettleAtOnceRequest::default()
    }
}

/// The same as a visit for a chronic disease on a day, with one drug on the bill.
#[must_use]
pub fn chronic(message: &str, disease: &str, day: &str, item: &str) -> pb::SettleAtOnceRequest {
    pb::SettleAtOnceRequest {
        service: pb::Service::Chronic.into(),
        disease: disease.into(),
        from: day.into(),
        lines: vec![line(1, item, 100)],
        ..outpatient(message, 100)
    }
}

/// Registers a stay of Li at Shanghai.
pub async fn admit(world: &World, message: &str, from: &str) -> pb::Answer {
    let request = pb::RegisterVisitRequest {
        header: Some(header(SHANGHAI, LI, message)),
        person: LI.into(),
        scheme: pb::Scheme::Resident.into(),
        service: pb::Service::Stay.into(),
        emergency: false,
        from: from.into(),
    };
    world.care("310000").register_visit(request).await.expect("a reply").into_inner()
}

/// Uploads lines.
pub async fn upload(world: &World, visit: &str, lines: Vec<pb::FeeLine>) -> pb::UploadLinesReply {
    let request = pb::UploadLinesRequest { visit: visit.into(), lines };
    world.care("310000").upload_lines(request).await.expect("a reply").into_inner()
}

/// Discharges a stay.
pub async fn discharge(world: &World, visit: &str, to: &str) -> pb::VisitReply {
    let request = pb::DischargeRequest { visit: visit.into(), to: to.into() };
    world.care("310000").discharge(request).await.expect("a reply").into_inner()
}

/// A request to settle a visit of Li at Shanghai.
#[must_use]
pub fn settle(visit: &str, message: &str) -> pb::SettleRequest {
    let header = Some(header(SHANGHAI, LI, message));
    pb::SettleRequest { header, visit: visit.into(), ..pb::SettleRequest::default() }
}

/// A discharged stay of Li at Shanghai with 20,000 yuan of nursing; its id.
pub async fn discharged_stay(world: &World) -> String {
    let visit = visit(&admit(world, "admit", TODAY).await).id;
    assert_eq!(upload(world, &visit, vec![line(1, NURSING, 20_000)]).await.refused, None);
    assert_eq!(discharge(world, &visit, TODAY).await.refused, None);
    visit
}

/// The settlement in an answer.
pub fn settled(answer: &pb::Answer) -> pb::Settlement {
    match &answer.outcome {
        Some(Outcome::Settlement(settlement)) => (**settlement).clone(),
        other => panic!("expected a settlement: {other:?}"),
    }
}

/// The visit in an answer.
pub fn visit(answer: &pb::Answer) -> pb::Visit {
    match &answer.outcome {
        Some(Outcome::Visit(visit)) => (**visit).clone(),
        other => panic!("expected a visit: {other:?}"),
    }
}

/// The number of the refusal in an answer.
#[must_use]
pub fn refused(answer: &pb::Answer) -> i32 {
    match &answer.outcome {
        Some(Outcome::Refused(refused)) => refused.code,
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// The amounts of a settlement.
#[must_use]
pub fn amounts(settlement: &pb::Settlement) -> pb::Amounts {
    settlement.computation.clone().and_then(|computation| computation.amounts).expect("amounts")
}
