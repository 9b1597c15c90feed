//! Stores of a million settlements in minutes: a few visits go through the services of a cluster, and what they left in
//! every store is copied with other ids of the same length, each record sealed anew. Nothing here knows what records hold.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use zhijie_services::{
    cluster::{HUB, care_of, home_of},
    node::{content, keys, sealed_content},
    pb::{self, agency_request::Command},
};
use zhijie_store::{CommitError, Store};

use crate::{
    World,
    hospital::{NURSING, enrol, file, header, line, person, settled, visit},
    world::region,
};

/// The home provinces with a pooling area each.
pub const HOMES: [(&str, &str); 2] = [("340000", "341200"), ("510000", "510100")];
/// The care provinces with a hospital each.
pub const CARES: [(&str, &str); 2] = [("310000", "H31010000001"), ("500000", "H50010000001")];
/// The month of the visits.
pub const MONTH: &str = "2025-03";
/// The last day before the tables of the month are made; its duties are done.
pub const LAST_DAY: &str = "2025-04-20";

/// Digits at the end of each id that number a copy.
const DIGITS: usize = 8;
/// Outpatient visits of ten; one more is cancelled, and one is a stay.
const OUTPATIENT: usize = 8;
/// Bytes of one commit.
const COMMIT_BYTES: usize = 512 << 10;

/// A record of a store, and where in it the ids end.
struct Record {
    key: Vec<u8>,
    key_ids: Vec<usize>,
    content: Vec<u8>,
    content_ids: Vec<usize>,
    is_sealed: bool,
}

/// What visits left in one store.
#[derive(Default)]
struct Left {
    /// By visit.
    visits: BTreeMap<usize, Vec<Record>>,
    /// What is of no visit.
    rest: Vec<(Bytes, Bytes)>,
}

/// Visits as they stand in the stores of a cluster.
pub struct Visits {
    stores: BTreeMap<String, Left>,
    count: usize,
}

/// The services whose stores hold visits.
#[must_use]
pub fn services() -> Vec<String> {
    let cares = CARES.iter().map(|(province, _)| care_of(&region(province)));
    let homes = HOMES.iter().map(|(province, _)| home_of(&region(province)));
    cares.chain(homes).chain([HUB.to_owned()]).collect()
}

impl Visits {
    /// Ten visits of each pair of provinces on each of the first days of the month, agreed for clearing.
    pub async fn of_days(days: u32) -> Visits {
        let world = World::of(&["310000", "340000", "500000", "510000"], &format!("{MONTH}-01")).await;
        let mut known = Vec::new();
        for day in 1..=days {
            let day = format!("{MONTH}-{day:02}");
            world.move_to(&day);
            for home in HOMES {
                for care in CARES {
                    for place in 0..10 {
                        let ids = visited(&world, home, care, known.len(), place).await;
                        known.push(ids);
                    }
                }
            }
        }
        world.move_to(LAST_DAY);
        world.national().turn(pb::TurnRequest {}).await.expect("the duties of the day");
        for (province, _) in CARES {
            agree(&world, province).await;
        }
        let mut stores = BTreeMap::new();
        for service in services() {
            stores.insert(service.clone(), left(&world, &service, &known).await);
        }
        world.cluster.stop().await;
        Visits { stores, count: known.len() }
    }

    /// Fills the store of a service with a number of copies, over all visits in turn.
    pub async fn plant(&self, service: &str, store: &Store, copies: usize) {
        let left = &self.stores[service];
        let mut writer = Writer { store, txn: store.begin(), bytes: 0 };
        for (key, value) in &left.rest {
            writer.put(key.to_vec(), value.to_vec()).await;
        }
        for number in 0..copies {
            for record in left.visits.get(&(number % self.count)).into_iter().flatten() {
                let (key, value) = record.copied(number);
                writer.put(key, value).await;
            }
        }
        writer.commit().await;
    }
}

impl Record {
    fn of(key: &[u8], value: &[u8], ids: &[String]) -> Record {
        let (content, is_sealed) = content(key, value).map_or((value, false), |content| (content, true));
        Record {
            key: key.to_vec(),
            key_ids: ends(key, ids),
            content: content.to_vec(),
            content_ids: ends(content, ids),
            is_sealed,
        }
    }

    fn copied(&self, number: usize) -> (Vec<u8>, Vec<u8>) {
        let digits = format!("{number:0DIGITS$}");
        let stamped = |bytes: &[u8], ends: &[usize]| {
            let mut bytes = bytes.to_vec();
            for end in ends {
                bytes[end - DIGITS..*end].copy_from_slice(digits.as_bytes());
            }
            bytes
        };
        let (key, content) = (stamped(&self.key, &self.key_ids), stamped(&self.content, &self.content_ids));
        let value = if self.is_sealed { sealed_content(&key, content) } else { content };
        (key, value)
    }
}

/// Where ids end in some bytes.
fn ends(bytes: &[u8], ids: &[String]) -> Vec<usize> {
    let found = |id: &String| {
        let length = id.len();
        let places = bytes.windows(length).enumerate().filter(|(_, window)| *window == id.as_bytes());
        places.map(|(place, _)| place + length).collect::<Vec<_>>()
    };
    ids.iter().flat_map(found).collect()
}

/// Commits of a bounded size.
struct Writer<'a> {
    store: &'a Store,
    txn: zhijie_store::Txn,
    bytes: usize,
}

impl Writer<'_> {
    async fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.txn.put(key, value);
        if self.bytes >= COMMIT_BYTES {
            self.commit().await;
        }
    }

    async fn commit(&mut self) {
        self.bytes = 0;
        let txn = std::mem::replace(&mut self.txn, self.store.begin());
        let committed: Result<(), CommitError> = txn.commit().await;
        committed.expect("a commit");
    }
}

async fn left(world: &World, service: &str, known: &[Vec<String>]) -> Left {
    let store = world.cluster.store(service).expect("a service of the cluster");
    let owners: BTreeMap<&str, usize> =
        known.iter().enumerate().flat_map(|(visit, ids)| ids.iter().map(move |id| (id.as_str(), visit))).collect();
    let (mut left, mut after) = (Left::default(), None::<Bytes>);
    loop {
        let page = store.scan_prefix(b"", after.as_deref(), 1_000).await.expect("a scan");
        for (key, record) in &page {
            let text = String::from_utf8_lossy(key).into_owned();
            let visits: BTreeSet<usize> = text.split('/').filter_map(|part| owners.get(part)).copied().collect();
            match visits.first() {
                Some(visit) => {
                    left.visits.entry(*visit).or_default().push(Record::of(key, &record.value, &known[*visit]))
                }
                None => left.rest.push((key.clone(), record.value.clone())),
            }
        }
        match page.last() {
            Some((key, _)) if page.len() == 1_000 => after = Some(key.clone()),
            _ => return left,
        }
    }
}

/// One visit of a person of its own, settled; its ids.
async fn visited(
    world: &World,
    (_, area): (&str, &str),
    (care, hospital): (&str, &str),
    number: usize,
    place: usize,
) -> Vec<String> {
    let id = format!("{area}{number:06}{}", "0".repeat(DIGITS));
    let (scheme, category) = (pb::Scheme::Employee, pb::Category::Active);
    enrol(world, person(&id, scheme, category), pb::Purse { account: 30_000, family: 0 }).await;
    let message = |act: &str| format!("{act}{number:05}-{}", "0".repeat(DIGITS));
    let mut ids = vec![id.clone(), message("a"), message("b"), message("c")];
    let head = |act: &str| Some(header(hospital, &id, &message(act)));
    let day = world.today();
    let lines = (1..=20).map(|serial| line(serial, NURSING, 10 + i64::from(serial))).collect::<Vec<_>>();
    ids.push(file(world, &id, pb::FilingKind::Referred, care, &day).await.id);
    let answer = if place <= OUTPATIENT {
        let request = pb::SettleAtOnceRequest {
            header: head("a"),
            person: id.clone(),
            scheme: scheme.into(),
            service: pb::Service::Outpatient.into(),
            from: day,
            lines,
            account_use: pb::AccountUse::Own.into(),
            ..pb::SettleAtOnceRequest::default()
        };
        world.care(care).settle_at_once(request).await
    } else {
        let request = pb::RegisterVisitRequest {
            header: head("b"),
            person: id.clone(),
            scheme: scheme.into(),
            service: pb::Service::Stay.into(),
            emergency: false,
            from: day.clone(),
        };
        let stay = visit(&world.care(care).register_visit(request).await.expect("a reply").into_inner()).id;
        let uploaded = pb::UploadLinesRequest { visit: stay.clone(), lines };
        assert_eq!(world.care(care).upload_lines(uploaded).await.expect("a reply").into_inner().refused, None);
        let discharged = pb::DischargeRequest { visit: stay.clone(), to: day };
        assert_eq!(world.care(care).discharge(discharged).await.expect("a reply").into_inner().refused, None);
        let request = pb::SettleRequest { header: head("a"), visit: stay, ..pb::SettleRequest::default() };
        world.care(care).settle(request).await
    };
    let settlement = settled(&answer.expect("a reply").into_inner());
    let stay = settlement.claim.unwrap_or_default().visit;
    ids.extend([settlement.id.clone(), stay.clone()]);
    if place == OUTPATIENT {
        let request =
            pb::CancelRequest { header: head("c"), settlement: settlement.id.clone(), visit: stay, person: id };
        let answer = world.care(care).cancel(request).await.expect("a reply").into_inner();
        ids.push(settled(&answer).id);
    }
    settle_down(world, care).await;
    ids
}

/// Waits until nothing is under way: detail lines have come to the hub and were screened.
async fn settle_down(world: &World, care: &str) {
    let queues = [(HUB.to_owned(), keys::TO_SCREEN), (care_of(&region(care)), keys::TO_UPLOAD)];
    world
        .until("the details are screened", || async {
            for (service, prefix) in &queues {
                let store = world.cluster.store(service).expect("a service");
                if !store.scan_prefix(prefix, None, 1).await.expect("a scan").is_empty() {
                    return false;
                }
            }
            true
        })
        .await;
}

async fn agree(world: &World, care: &str) {
    let command = Command::AgreeMonth(pb::AgreeMonth { month: MONTH.into(), excepted: Vec::new() });
    let request = pb::AgencyRequest { message_id: "agree".into(), officer: "c1".into(), command: Some(command) };
    let reply = world.agency(&care_of(&region(care))).perform(request).await.expect("a reply").into_inner();
    assert!(matches!(reply.outcome, Some(pb::agency_reply::Outcome::Done(_))), "{reply:?}");
}
