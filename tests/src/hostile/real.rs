//! Real things, to be damaged: the stores of a month's story, and the shipped parameters cut down to two provinces.

use std::{collections::BTreeMap, fs, path::Path, sync::OnceLock};

use bytes::Bytes;
use zhijie_services::{
    check::{Stores, check},
    cluster::{HUB, care_of, home_of},
    node::{Owner, content, owner, sealed_content},
    pb::{self, agency_request::Command},
};
use zhijie_store::{Memory, Store};

use super::runtime;
use crate::{
    World,
    hospital::{
        CHONGQING, METFORMIN, TODAY, ZHANG, chronic, discharged_stay, header, outpatient, settle, settled, world,
    },
    world::region,
};

const PROVINCES: [&str; 4] = ["310000", "340000", "500000", "510000"];

/// A record of a store: whose it is, its key, and its content without the seal, where it has one.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The service.
    pub service: Owner,
    /// The key.
    pub key: Vec<u8>,
    /// The content.
    pub content: Vec<u8>,
    /// Whether it is kept under a seal.
    pub is_sealed: bool,
}

impl Kept {
    /// Every record that a month leaves behind: stays, visits, a cancellation, a reversal, refusals, a reconciliation, a case,
    /// tables.
    pub fn all() -> &'static [Kept] {
        static ALL: OnceLock<Vec<Kept>> = OnceLock::new();
        // On a thread of its own, as it may be asked for from within a runtime.
        ALL.get_or_init(|| {
            let told = std::thread::spawn(|| runtime().block_on(async { left(&story().await).await }));
            told.join().expect("the story is told")
        })
    }

    fn value(&self) -> Vec<u8> {
        if self.is_sealed { sealed_content(&self.key, self.content.clone()) } else { self.content.clone() }
    }
}

/// A month of two provinces' people in two others.
pub(super) async fn story() -> World {
    let world = world().await;
    let visit = discharged_stay(&world).await;
    settled(&world.care("310000").settle(settle(&visit, "stay")).await.expect("a reply").into_inner());
    let at_once = async |request| world.care("500000").settle_at_once(request).await.expect("a reply").into_inner();
    let cancelled = settled(&at_once(outpatient("m1", 400)).await);
    at_once(outpatient("m2", 50_000)).await;
    at_once(chronic("m3", "M01600", TODAY, METFORMIN)).await;
    let reverse = pb::ReverseRequest {
        header: Some(header(CHONGQING, ZHANG, "m4")),
        act: pb::Act::Settle.into(),
        original_message_id: "m2".into(),
        person: ZHANG.into(),
    };
    world.care("500000").reverse(reverse).await.expect("a reply");
    let cancel = pb::CancelRequest {
        header: Some(header(CHONGQING, ZHANG, "m5")),
        settlement: cancelled.id,
        visit: cancelled.claim.unwrap_or_default().visit,
        person: ZHANG.into(),
    };
    world.care("500000").cancel(cancel).await.expect("a reply");
    at_once(outpatient("m6", 300)).await;
    world.reconcile(TODAY).await;
    world.move_to("2025-04-03");
    world.national().turn(pb::TurnRequest {}).await.expect("the duties of the day");
    for care in ["310000", "500000"] {
        let agree = pb::AgreeMonth { month: "2025-03".into(), excepted: Vec::new() };
        let request = pb::AgencyRequest {
            message_id: format!("agree-{care}"),
            officer: "c1".into(),
            command: Some(Command::AgreeMonth(agree)),
        };
        world.agency(&format!("care-{care}")).perform(request).await.expect("a reply");
    }
    world.move_to("2025-04-21");
    world.national().turn(pb::TurnRequest {}).await.expect("the duties of the day");
    world
}

async fn left(world: &World) -> Vec<Kept> {
    let regions = PROVINCES.iter().map(|code| region(code));
    let names = regions.flat_map(|code| [care_of(&code), home_of(&code)]).chain([HUB.to_owned()]);
    let mut all = Vec::new();
    for name in names {
        let store = world.cluster.store(&name).expect("a service");
        let service = owner(store).await.expect("an owner").expect("an owner");
        for (key, record) in store.scan_prefix(b"", None, 10_000).await.expect("a page") {
            let unsealed = content(&key, &record.value).ok();
            let content = unsealed.unwrap_or(&record.value).to_vec();
            all.push(Kept { service: service.clone(), key: key.to_vec(), content, is_sealed: unsealed.is_some() });
        }
    }
    all
}

/// Checks the stores of the story with one record that has these bytes, under a seal that fits. The first two bytes say which
/// record of which store. Whatever it holds, the check ends, and never fails.
///
/// # Panics
/// When it panics or fails.
pub fn records(data: &[u8]) {
    let Some(([high, low], bytes)) = data.split_first_chunk() else { return };
    let all = Kept::all();
    let mut kept = all[usize::from(u16::from_be_bytes([*high, *low])) % all.len()].clone();
    kept.content = bytes.to_vec();
    // The check reads side by side on threads that outlive one input.
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(runtime).block_on(async {
        let stores = stores_with(&kept).await;
        check(&stores).await.expect("what a record says is a difference, and no failure");
    });
}

/// The stores of the story, with one record in the place of its own.
async fn stores_with(changed: &Kept) -> Stores {
    let mut of = BTreeMap::<&Owner, Vec<(Bytes, Option<Bytes>)>>::new();
    for kept in Kept::all().iter().chain([changed]) {
        of.entry(&kept.service).or_default().push((kept.key.clone().into(), Some(kept.value().into())));
    }
    let mut stores = Stores::default();
    for (owner, writes) in of {
        let store = Store::new(Memory::new());
        let mut txn = store.begin();
        writes.into_iter().for_each(|(key, value)| txn.put(key.to_vec(), value.unwrap_or_default().to_vec()));
        txn.commit().await.expect("a commit");
        assert!(stores.add(owner.clone(), store), "each once");
    }
    stores
}

/// The shipped parameters, path and text, with Shanghai and Anhui only.
pub fn parameter_files() -> Vec<(String, String)> {
    static FILES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../parameters");
        let read = |path: &str| (path.to_owned(), fs::read_to_string(root.join(path)).expect("a shipped file"));
        let national = fs::read_dir(root.join("national")).expect("a folder").map(|entry| {
            let path = format!("national/{}", entry.expect("an entry").file_name().to_string_lossy());
            let (path, text) = read(&path);
            let text = if path.ends_with("regions.toml") { only(&text) } else { text };
            let text = if path.ends_with("institutions.toml") { few(&text) } else { text };
            (path, text)
        });
        let mut files: Vec<_> =
            national.chain(["310000", "340000"].map(|code| read(&format!("regions/{code}.toml")))).collect();
        files.sort();
        files
    });
    files.clone()
}

/// The head of the file and the tables of the two provinces.
fn only(text: &str) -> String {
    let mut parts = text.split("[[region]]");
    let head = parts.next().unwrap_or_default().to_owned();
    let kept = parts.filter(|part| part.contains("\"310000\"") || part.contains("\"340000\""));
    kept.fold(head, |text, part| format!("{text}[[region]]{part}"))
}

/// The institutions of the two provinces.
fn few(text: &str) -> String {
    let kept =
        |line: &&str| !line.contains("code = \"") || ["H31", "P31", "H34", "P34"].iter().any(|of| line.contains(of));
    text.lines().filter(kept).collect::<Vec<_>>().join("\n")
}
