//! Who may do what, over real TLS on real sockets: services as their configurations start them, and callers with
//! certificates of their own.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Status, body::Body, codegen::http::Request, metadata::MetadataMap, transport::Channel};
use tower::ServiceExt;
use zhijie_identity::{Identity, Live, authority::Authority, now};
use zhijie_services::{
    cluster::{Clients, Loopback},
    config::Config,
    domain::ids::RegionCode,
    node::{Clock, Introduction, Net, Served, SystemClock, Tcp, Tls, channel, is_serving, road::RoadClient},
    pb::{
        self, agency_client::AgencyClient, answer::Outcome, care_client::CareClient, find_request::By,
        home_client::HomeClient, hub_client::HubClient, national_client::NationalClient,
        registry_client::RegistryClient,
    },
};
use zhijie_tests::hospital::{CHONGQING, LI, NURSING, SHANGHAI, header, line, person, refused, settled, visit};

const HOUR: Duration = Duration::from_secs(3_600);
/// Another hospital of Shanghai.
const CLINIC: &str = "H31010000004";

fn today() -> String {
    SystemClock.now().day().to_string()
}

fn hospital(code: &str) -> Identity {
    Identity::Institution(format!("{}0000", &code[1..3]), code.into())
}

fn office(code: &str) -> Identity {
    Identity::Office(code.into())
}

/// A hub, Anhui's home and the cares of Shanghai and Chongqing, each with a certificate.
struct Town {
    folder: TempDir,
    authority: Authority,
    addresses: BTreeMap<String, String>,
    served: Vec<Served>,
}

impl Town {
    async fn start() -> Town {
        Town::valid_for(HOUR).await
    }

    /// Certificates of all are valid for so long.
    async fn valid_for(valid: Duration) -> Town {
        let names = ["hub", "home-340000", "care-310000", "care-500000"];
        let ports = names.map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let addresses = names
            .iter()
            .zip(&ports)
            .map(|(name, port)| ((*name).to_owned(), port.local_addr().expect("an address").to_string()));
        let addresses: BTreeMap<String, String> = addresses.collect();
        drop(ports);
        let folder = TempDir::new().expect("a folder");
        let authority = Authority::new(HOUR).expect("an authority");
        let mut town = Town { folder, authority, addresses, served: Vec::new() };
        town.issue_all(valid);
        for (file, text) in [("most", town.most()), ("chongqing", town.care("500000"))] {
            let config = town.folder.path().join(file).with_extension("toml");
            fs::write(&config, text).expect("a file");
            town.served.extend(Config::read(&config).expect("right").start(None).await.expect("it starts"));
        }
        town
    }

    fn issue_all(&self, valid: Duration) {
        let services = [Identity::Hub, Identity::Home("340000".into())].into_iter();
        let services = services.chain(["310000", "500000"].map(|code| Identity::Care(code.into())));
        let offices = ["310000", "340000", "500000"].map(office);
        let others = [SHANGHAI, CLINIC, CHONGQING].map(hospital).into_iter().chain([Identity::National]);
        for identity in services.chain(offices).chain(others) {
            self.authority.issue_for(&identity, &[], valid, &self.path(&identity)).expect("a certificate");
        }
    }

    fn path(&self, identity: &Identity) -> PathBuf {
        self.folder.path().join(identity.folder())
    }

    fn url(&self, name: &str) -> String {
        format!("https://{}", self.addresses[name])
    }

    fn most(&self) -> String {
        let regions = [("310000", "care"), ("340000", "home"), ("500000", "care")];
        let region = |(code, role): (&str, &str)| {
            format!("regions.{code}.{role} = \"{}\"\n", self.url(&format!("{role}-{code}")))
        };
        let home = self.role("home-340000", &format!("region = \"340000\"\nhub = \"{}\"\n", self.url("hub")));
        format!("{}{home}{}", self.role("hub", &regions.map(region).concat()), self.care("310000"))
    }

    fn care(&self, code: &str) -> String {
        self.role(&format!("care-{code}"), &format!("region = \"{code}\"\nhub = \"{}\"\n", self.url("hub")))
    }

    fn role(&self, name: &str, more: &str) -> String {
        let (role, folder) = (name.split('-').next().unwrap_or_default(), self.folder.path().display());
        let listen = &self.addresses[name];
        format!(
            "[{role}]\nlisten = \"{listen}\"\nstore = \"{folder}/{name}.store\"\nidentity = \"{folder}/{name}\"\n{more}"
        )
    }

    /// A channel to a service by its name, as whoever has an identity in a folder.
    fn with(&self, folder: &Path, name: &str) -> Channel {
        let own = Live::open(folder).expect("an identity");
        let expected = Identity::of_path(&name.replace('-', "/")).expect("a service");
        let net: Arc<dyn Net> = Arc::new(Tls::new(Arc::new(Tcp), own, expected));
        channel(&net, &self.url(name)).expect("an address")
    }

    fn channel(&self, own: &Identity, name: &str) -> Channel {
        self.with(&self.path(own), name)
    }

    /// Enrols Li, who is referred to Shanghai.
    async fn enrol(&self) {
        let mut home = HomeClient::new(self.channel(&office("340000"), "home-340000"));
        let person = Some(person(LI, pb::Scheme::Resident, pb::Category::Adult));
        let reply = home.enrol(pb::EnrolRequest { person, purse: None }).await.expect("a reply").into_inner();
        assert_eq!(reply.refused, None);
        let request = pb::FileRequest {
            person: LI.into(),
            kind: pb::FilingKind::Referred.into(),
            place: "310000".into(),
            from: today(),
            needs_review: false,
            message_id: "f1".into(),
        };
        assert!(home.file(request).await.expect("a reply").into_inner().mirrored);
    }

    async fn stop(self) {
        for served in self.served {
            served.stop().await;
        }
    }
}

fn register(institution: &str, message: &str) -> pb::RegisterVisitRequest {
    pb::RegisterVisitRequest {
        header: Some(header(institution, LI, message)),
        person: LI.into(),
        scheme: pb::Scheme::Resident.into(),
        service: pb::Service::Stay.into(),
        emergency: false,
        from: today(),
    }
}

fn at_once(institution: &str, message: &str) -> pb::SettleAtOnceRequest {
    pb::SettleAtOnceRequest {
        header: Some(header(institution, LI, message)),
        person: LI.into(),
        scheme: pb::Scheme::Resident.into(),
        service: pb::Service::Outpatient.into(),
        from: today(),
        lines: vec![line(1, NURSING, 100)],
        ..pb::SettleAtOnceRequest::default()
    }
}

fn message(institution: &str, message: &str) -> pb::FindRequest {
    let key =
        pb::MessageKey { institution: institution.into(), act: pb::Act::Settle.into(), message_id: message.into() };
    pb::FindRequest { by: Some(By::Message(key)) }
}

/// The field of a refusal of who is not who it should be.
fn not_yours(refused: Option<pb::Refusal>) -> String {
    let refused = refused.expect("a refusal");
    assert_eq!(refused.code, 10, "{refused:?}");
    assert!(!refused.rule.is_empty() && refused.en.contains("institution"), "{refused:?}");
    refused.field
}

fn refusal(answer: pb::Answer) -> Option<pb::Refusal> {
    match answer.outcome {
        Some(Outcome::Refused(refused)) => Some(refused),
        _ => None,
    }
}

fn stranger<T>(asked: Result<T, Status>, who: &str) {
    let status = asked.err().unwrap_or_else(|| panic!("{who} was let in"));
    assert!(status.code() == Code::Unauthenticated && status.message().starts_with("E010"), "{who}: {status:?}");
}

#[tokio::test]
async fn a_whole_story_over_tls() {
    let town = Town::start().await;
    town.enrol().await;
    let net = Loopback::new();
    for (name, address) in &town.addresses {
        net.register(name, address);
    }
    let regions = ["310000", "340000", "500000"].map(|code| RegionCode::parse(code).expect("a region"));
    let clients = Clients::over(&net, &regions, Some(town.folder.path().to_owned())).expect("clients");
    let mut care = clients.hospital(SHANGHAI).expect("a hospital");
    let stay = visit(&care.register_visit(register(SHANGHAI, "m1")).await.expect("a reply").into_inner()).id;
    let lines = pb::UploadLinesRequest { visit: stay.clone(), lines: vec![line(1, NURSING, 20_000)] };
    assert_eq!(care.upload_lines(lines).await.expect("a reply").into_inner().refused, None);
    let discharge = pb::DischargeRequest { visit: stay.clone(), to: today() };
    assert_eq!(care.discharge(discharge).await.expect("a reply").into_inner().refused, None);
    let head = |message: &str| Some(header(SHANGHAI, LI, message));
    let settle = pb::SettleRequest { header: head("m2"), visit: stay.clone(), ..pb::SettleRequest::default() };
    let first = settled(&care.settle(settle).await.expect("a reply").into_inner());

    // Over the road, as another hospital.
    let road = RoadClient::new(town.channel(&hospital(CLINIC), "care-310000"), MetadataMap::new(), "zhijie.v1.Care");
    let asked = road.ask(pb::RoadCall::SettleAtOnce, &at_once(CLINIC, "m1")).await;
    settled(&asked.expect("a reply").into_inner());

    let (settlement, visit, person) = (first.id.clone(), stay.clone(), LI.to_owned());
    let cancel = pb::CancelRequest { header: head("m3"), settlement, visit, person };
    let again = care.cancel(cancel).await.expect("a reply").into_inner();
    assert_eq!(refused(&again), 701, "the later one first");
    let found = care.find(message(SHANGHAI, "m2")).await.expect("a reply").into_inner();
    assert_eq!(settled(&found).id, first.id);

    let mut books = clients.books.clone();
    let agreed = books.reconcile(pb::ReconcileRequest { day: today() }).await.expect("a reply").into_inner();
    assert!(agreed.missing.is_empty() && agreed.differences.is_empty(), "{agreed:?}");
    let mut agency = clients.agencies["care-310000"].clone();
    let cases = agency.cases(pb::CasesRequest::default()).await.expect("a reply").into_inner();
    assert_eq!(cases.refused, None);
    let mut national = clients.national.clone();
    national.turn(pb::TurnRequest {}).await.expect("a reply");
    town.stop().await;
}

#[tokio::test]
async fn services_speak_for_their_own_role_and_region() {
    let town = Town::start().await;
    let chongqing = Identity::Care("500000".into());
    let request = || pb::CancelRequest { header: Some(header(SHANGHAI, LI, "m1")), ..pb::CancelRequest::default() };
    let answered = async |own: &Identity| {
        let mut hub = HubClient::new(town.channel(own, "hub"));
        refusal(hub.cancel(request()).await.expect("a reply").into_inner())
    };
    assert_eq!(not_yours(answered(&chongqing).await), "caller", "a care of one region speaks for another");
    assert_eq!(not_yours(answered(&Identity::Home("340000".into())).await), "caller", "a home settles");
    let own = answered(&Identity::Care("310000".into())).await;
    assert!(own.is_none_or(|refused| refused.code != 10), "and its own region's care is asked further");

    // What a caller says of itself counts for nothing.
    let hub = Introduction::of(&Identity::Hub);
    let mut home = HomeClient::with_interceptor(town.channel(&chongqing, "home-340000"), hub.clone());
    stranger(home.cancel(request()).await, "a care that says it is the hub");
    let mut care = CareClient::with_interceptor(town.channel(&hospital(CHONGQING), "care-500000"), hub);
    let day = || pb::DayTotalsRequest { day: today(), ..Default::default() };
    stranger(care.day_totals(day()).await, "a hospital that says it is the hub");

    let beijing = Identity::Care("110000".into());
    town.authority.issue_for(&beijing, &[], HOUR, &town.path(&beijing)).expect("a certificate");
    for unknown in [beijing, hospital(SHANGHAI), office("310000"), Identity::National] {
        let asked = HubClient::new(town.channel(&unknown, "hub")).cancel(request()).await;
        stranger(asked, &unknown.to_string());
    }
    for other in [hospital(SHANGHAI), office("310000"), chongqing.clone()] {
        let hub = town.channel(&other, "hub");
        stranger(NationalClient::new(hub.clone()).turn(pb::TurnRequest {}).await, &other.to_string());
        let close = pb::CloseInstitutionRequest::default();
        stranger(RegistryClient::new(hub).close_institution(close).await, &other.to_string());
        let mut home = HomeClient::new(town.channel(&other, "home-340000"));
        stranger(home.look_up(pb::LookUpRequest { person: LI.into() }).await, &other.to_string());
        stranger(home.day_totals(day()).await, &other.to_string());
    }
    let mut agency = AgencyClient::new(town.channel(&office("310000"), "care-500000"));
    stranger(agency.cases(pb::CasesRequest::default()).await, "an officer of another province");
    // A service is known by its name, not by its address: Shanghai's care does not pass for Chongqing's.
    let own = Live::open(&town.path(&Identity::Hub)).expect("an identity");
    let net: Arc<dyn Net> = Arc::new(Tls::new(Arc::new(Tcp), own, chongqing));
    assert!(is_serving(&net, &town.url("care-310000")).await.is_err());
    assert!(
        is_serving(&net, &town.url("care-500000")).await.expect("it answers"),
        "health is open to all who are known"
    );
    town.stop().await;
}

#[tokio::test]
async fn a_hospital_is_bound_to_its_institution() {
    let town = Town::start().await;
    town.enrol().await;
    let of = |institution: &str| CareClient::new(town.channel(&hospital(institution), "care-310000"));
    let stay = visit(&of(SHANGHAI).register_visit(register(SHANGHAI, "m1")).await.expect("a reply").into_inner()).id;
    let paid = settled(&of(SHANGHAI).settle_at_once(at_once(SHANGHAI, "m2")).await.expect("a reply").into_inner());

    let mut clinic = of(CLINIC);
    let asked = clinic.settle_at_once(at_once(SHANGHAI, "m3")).await.expect("a reply").into_inner();
    assert_eq!(not_yours(refusal(asked)), "header.institution");
    let road = RoadClient::new(town.channel(&hospital(CLINIC), "care-310000"), MetadataMap::new(), "zhijie.v1.Care");
    let asked = road.ask(pb::RoadCall::RegisterVisit, &register(SHANGHAI, "m4")).await.expect("a reply").into_inner();
    assert_eq!(not_yours(refusal(asked)), "header.institution");
    let lines = pb::UploadLinesRequest { visit: stay.clone(), lines: vec![line(1, NURSING, 1)] };
    assert_eq!(not_yours(clinic.upload_lines(lines).await.expect("a reply").into_inner().refused), "visit");
    let withdraw = pb::WithdrawLinesRequest { visit: stay.clone(), serials: Vec::new() };
    assert_eq!(not_yours(clinic.withdraw_lines(withdraw).await.expect("a reply").into_inner().refused), "visit");
    let discharge = pb::DischargeRequest { visit: stay.clone(), to: today() };
    assert_eq!(not_yours(clinic.discharge(discharge).await.expect("a reply").into_inner().refused), "visit");
    // Under its own name what is another's is not known to it, settled or not.
    let own = |message: &str| Some(header(CLINIC, LI, message));
    for theirs in [&stay, &paid.claim.clone().expect("a claim").visit] {
        let settle = || pb::SettleRequest { header: own("m7"), visit: theirs.clone(), ..pb::SettleRequest::default() };
        assert_eq!(refused(&clinic.settle(settle()).await.expect("a reply").into_inner()), 504);
        assert_eq!(refused(&clinic.pre_settle(settle()).await.expect("a reply").into_inner()), 504);
    }
    let cancel = pb::CancelRequest { header: own("m8"), settlement: paid.id.clone(), ..pb::CancelRequest::default() };
    assert_eq!(refused(&clinic.cancel(cancel).await.expect("a reply").into_inner()), 703);
    let found = clinic.find(message(SHANGHAI, "m2")).await.expect("a reply").into_inner();
    assert_eq!(not_yours(refusal(found)), "message.institution");
    let found = settled(&of(SHANGHAI).find(message(SHANGHAI, "m2")).await.expect("a reply").into_inner());
    let by = || pb::FindRequest { by: Some(By::Settlement(found.id.clone())) };
    assert_eq!(not_yours(refusal(clinic.find(by()).await.expect("a reply").into_inner())), "settlement");
    let mut officer = CareClient::new(town.channel(&office("310000"), "care-310000"));
    assert_eq!(settled(&officer.find(by()).await.expect("a reply").into_inner()).id, found.id, "an officer sees all");

    let mut elsewhere = CareClient::new(town.channel(&hospital(CHONGQING), "care-310000"));
    stranger(elsewhere.settle_at_once(at_once(CHONGQING, "m5")).await, "a hospital of another province");
    stranger(officer.settle_at_once(at_once(SHANGHAI, "m6")).await, "an officer");
    town.stop().await;
}

#[tokio::test]
async fn the_unknown_and_the_expired_get_nothing() {
    let town = Town::start().await;
    let request = || message(SHANGHAI, "m1");
    let nothing = async |channel: Channel, who: &str| {
        let status = CareClient::new(channel).find(request()).await.expect_err(who);
        assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal), "{who}: {status:?}");
    };
    let own = hospital(SHANGHAI);
    let known = CareClient::new(town.channel(&own, "care-310000")).find(request()).await.expect("a reply");
    assert_eq!(refused(&known.into_inner()), 703);

    // Whoever has another authority does not believe the service; one that believes it anyway is not believed.
    let (other, elsewhere) = (Authority::new(HOUR).expect("an authority"), town.folder.path().join("elsewhere"));
    other.issue_for(&own, &[], HOUR, &elsewhere).expect("a certificate");
    nothing(town.with(&elsewhere, "care-310000"), "one of another authority").await;
    let both = [fs::read(elsewhere.join("ca.crt")), fs::read(town.path(&own).join("ca.crt"))];
    let both: Vec<u8> = both.into_iter().flat_map(|read| read.expect("a file")).collect();
    fs::write(elsewhere.join("ca.crt"), both).expect("a file");
    nothing(town.with(&elsewhere, "care-310000"), "one that trusts both authorities").await;

    let brief = town.folder.path().join("brief");
    town.authority.issue(&own, &[], (now() - 100, now() + 2), &brief).expect("a certificate");
    let (open, late) = (town.with(&brief, "care-310000"), town.with(&brief, "care-310000"));
    CareClient::new(open.clone()).find(request()).await.expect("valid still");
    tokio::time::sleep(Duration::from_secs(3)).await;
    nothing(open, "a connection that outlived its certificate").await;
    nothing(late, "one whose certificate has expired").await;

    // Without TLS there is no answer at all.
    let tcp: Arc<dyn Net> = Arc::new(Tcp);
    nothing(channel(&tcp, &town.url("care-310000")).expect("an address"), "one in plaintext").await;
    let mut plain = tokio::net::TcpStream::connect(&town.addresses["hub"]).await.expect("a connection");
    plain.write_all(b"GET /metrics HTTP/1.1\r\nhost: hub\r\n\r\n").await.expect("written");
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told).await;
    assert!(!String::from_utf8_lossy(&told).contains("HTTP/1.1"), "{told:?}");
    town.stop().await;
}

#[tokio::test]
async fn metrics_are_for_the_national_agency() {
    let town = Town::start().await;
    let asked = async |own: &Identity| {
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        town.channel(own, "hub").oneshot(request).await.expect("an answer").status().as_u16()
    };
    assert_eq!(asked(&Identity::National).await, 200);
    for other in [hospital(SHANGHAI), office("310000"), Identity::Care("310000".into())] {
        assert_eq!(asked(&other).await, 403, "{other}");
    }
    town.stop().await;
}

#[tokio::test]
async fn plaintext_is_for_loopback_and_an_identity_is_its_own() {
    let town = Town::start().await;
    let folder = town.folder.path();
    let start = async |text: &str| {
        let file = folder.join("wrong.toml");
        fs::write(&file, text).expect("a file");
        match Config::read(&file).expect("it reads").start(None).await {
            Ok(_) => panic!("it started: {text}"),
            Err(error) => error.to_string(),
        }
    };
    let home = |listen: &str, hub: &str, speaks: &str| {
        let store = folder.join("wrong").display().to_string();
        format!("[home]\nregion = \"340000\"\nlisten = \"{listen}\"\nstore = \"{store}\"\nhub = \"{hub}\"\n{speaks}\n")
    };
    let (local, plaintext) = ("http://127.0.0.1:1", "plaintext = true");
    let told = start(&home("0.0.0.0:0", local, plaintext)).await;
    assert!(told.contains("[home]") && told.contains("plaintext is for loopback only"), "{told}");
    let told = start(&home("127.0.0.1:0", "http://hub:7400", plaintext)).await;
    assert!(told.contains("http://hub:7400"), "{told}");
    let told = start(&home("127.0.0.1:0", local, "")).await;
    assert!(told.contains("identity") && told.contains("plaintext = true"), "{told}");
    let care = format!("identity = \"{}\"", folder.join("care-310000").display());
    let told = start(&home("127.0.0.1:0", "https://hub:7400", &care)).await;
    assert!(told.contains("zhijie://care/310000") && told.contains("zhijie://home/340000"), "{told}");
    let own = format!("identity = \"{}\"", folder.join("home-340000").display());
    let told = start(&home("127.0.0.1:0", local, &own)).await;
    assert!(told.contains("https://"), "{told}");
    town.stop().await;
}

#[tokio::test]
async fn certificates_are_renewed_under_traffic_without_a_restart() {
    let valid = Duration::from_secs(5);
    let town = Town::valid_for(valid).await;
    town.enrol().await;
    let (began, mut settlements, mut renewed) = (now(), 0, false);
    let care = CareClient::new(town.channel(&hospital(SHANGHAI), "care-310000"));
    // Beyond the end of the first certificates; what a connection took along when it ended is asked again.
    while now() < began + 9 {
        if !renewed && now() > began + 1 {
            town.issue_all(HOUR);
            renewed = true;
        }
        settlements += 1;
        let request = at_once(SHANGHAI, &format!("m{settlements}"));
        let mut asked = Err(Status::unknown("not asked yet"));
        for _ in 0..50 {
            asked = care.clone().settle_at_once(request.clone()).await;
            match &asked {
                Ok(reply) if !matches!(reply.get_ref().outcome, Some(Outcome::Unknown(_))) => break,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        settled(&asked.expect("a reply").into_inner());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(renewed && settlements > 20, "{settlements}");
    let books = zhijie_services::pb::books_client::BooksClient::new(town.channel(&Identity::National, "hub"));
    let agreed = books.clone().reconcile(pb::ReconcileRequest { day: today() }).await.expect("a reply").into_inner();
    assert!(agreed.missing.is_empty() && agreed.differences.is_empty(), "{agreed:?}");
    town.stop().await;
}
