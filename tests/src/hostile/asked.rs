//! Services that are asked whatever comes: each method of each of them, by whoever may or may not, with any bytes.

use std::{
    cell::Cell,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};
use zhijie_services::{
    DESCRIPTORS,
    check::{Stores, check},
    cluster::{HUB, care_of, home_of},
    node::{Link, Owner, Role, limits},
    pb::answer::Outcome,
};

use super::{real::story, requests};
use crate::{World, hospital::outpatient, world::region};

/// How long an answer is waited for: feeds and roads go on.
const PATIENCE: Duration = Duration::from_millis(60);
/// Messages of one answer that are read.
const READ_MAX: usize = 64;

thread_local! {
    /// Panics of this thread, on which all services of its cluster run.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// A method: its path, and the role that serves it.
pub struct Method {
    /// Such as `/zhijie.v1.Care/Settle`.
    pub path: String,
    /// Who is asked: a service of the cluster.
    pub at: &'static str,
    /// Who may speak to it, besides outsiders.
    peer: (Role, Option<&'static str>),
}

/// Every method of every service, as the descriptors tell them.
pub static METHODS: LazyLock<Vec<Method>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors");
    let services = set.file.iter().flat_map(|file| &file.service);
    let mut methods = Vec::new();
    for service in services {
        let hub = (HUB, (Role::Care, Some("500000")));
        let care = ("care-500000", (Role::Hub, None));
        let home = ("home-510000", (Role::Hub, None));
        let places = match service.name() {
            "Care" => vec![care],
            "Home" => vec![home],
            "Agency" | "Road" => vec![hub, care, home],
            _ => vec![hub, (HUB, (Role::Home, Some("510000")))],
        };
        for (at, peer) in places {
            let path = |method: &str| format!("/zhijie.v1.{}/{method}", service.name());
            methods.extend(service.method.iter().map(|method| Method { path: path(method.name()), at, peer }));
        }
    }
    methods
});

/// A cluster with a month behind it.
pub struct Asked {
    world: World,
    links: Vec<[Link; 2]>,
    number: usize,
    panics: usize,
}

impl Asked {
    /// A new one.
    pub async fn new() -> Asked {
        static HOOK: OnceLock<()> = OnceLock::new();
        HOOK.get_or_init(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                PANICS.set(PANICS.get() + 1);
                usual(panic);
            }));
        });
        let world = story().await;
        let links = METHODS.iter().map(|method| {
            let (role, province) = method.peer;
            [world.link(method.at, None), world.link(method.at, Some((role, province)))]
        });
        Asked { links: links.collect(), world, number: 0, panics: PANICS.get() }
    }

    /// Sends a request: its first byte says to which method, the second whether as an outsider or as a peer, the rest is sent
    /// as it is. Any answer will do.
    ///
    /// # Panics
    /// When a service panics, or a hospital is no longer served.
    pub async fn ask(&mut self, input: &[u8]) {
        let Some(([method, caller], bytes)) = input.split_first_chunk() else { return };
        let method_at = usize::from(*method) % METHODS.len();
        let method = &METHODS[method_at];
        let link = self.links[method_at][usize::from(*caller) % 2].clone();
        let _ = tokio::time::timeout(PATIENCE, sent(link, &method.path, Bytes::copy_from_slice(bytes))).await;
        assert_eq!(PANICS.get(), self.panics, "{} panicked", method.path);
        self.number += 1;
        if self.number.is_multiple_of(100) {
            self.serves().await;
        }
    }

    async fn serves(&self) {
        let mut request = outpatient(&format!("serves-{}", self.number), 1);
        request.from = self.world.today();
        let answer = self.world.care("500000").settle_at_once(request).await.expect("a reply").into_inner();
        // What was asked may have paused the insurance, closed the hospital, or spent what there was: a refusal is an answer.
        assert!(!matches!(answer.outcome, None | Some(Outcome::Unknown(_))), "{answer:?}");
    }

    /// That every store is sound by itself after all that was asked. Books of different services may differ: a peer that
    /// speaks past its own service, as these do, is a region that lies, which reconciliation tells and nobody can prevent.
    ///
    /// # Panics
    /// When they are not.
    pub async fn judge(self) {
        let mut stores = Stores::default();
        let role = |role, code: &str| Owner { role, region: Some(region(code)) };
        let regions = ["310000", "340000", "500000", "510000"];
        let cares = regions.iter().map(|code| (role(Role::Care, code), care_of(&region(code))));
        let homes = regions.iter().map(|code| (role(Role::Home, code), home_of(&region(code))));
        let hub = (Owner { role: Role::Hub, region: None }, HUB.to_owned());
        for (owner, name) in cares.chain(homes).chain([hub]) {
            assert!(stores.add(owner, self.world.cluster.store(&name).expect("a service").clone()));
        }
        // Nobody may write while it is checked.
        self.world.cluster.stop().await;
        let report = check(&stores).await.expect("a check");
        let alone = report.subjects.iter().filter(|subject| !["books", "ledger"].contains(&subject.key));
        let unsound: Vec<_> = alone.filter(|subject| subject.differences > 0).collect();
        assert!(unsound.is_empty(), "{unsound:#?}");
    }
}

/// Sends bytes as the one request of a call of any kind, and reads what comes.
async fn sent(link: Link, path: &str, bytes: Bytes) -> Result<(), Status> {
    let mut grpc = Grpc::new(link).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
    let mut answers = grpc.streaming(Request::new(tokio_stream::iter([bytes])), path, Raw).await?.into_inner();
    for _ in 0..READ_MAX {
        if answers.message().await?.is_none() {
            break;
        }
    }
    Ok(())
}

/// Bytes as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Real requests to their methods, by a peer and by an outsider.
pub(super) fn right() -> Vec<Vec<u8>> {
    let requests = requests::all();
    let mut inputs = Vec::new();
    for (number, method) in METHODS.iter().enumerate() {
        let number = u8::try_from(number).expect("fewer methods than that");
        for (_, bytes) in requests.iter().filter(|(path, _)| method.path.ends_with(path)) {
            inputs.extend([0, 1].map(|caller| [&[number, caller], &bytes[..]].concat()));
        }
    }
    inputs
}
