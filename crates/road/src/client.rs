//! The sending end: a task owns the stream; whoever asks hands it a letter and waits for the reply of that number.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{Stream, stream};
use prost::{Message, bytes::Bytes};
use tokio::sync::{mpsc, oneshot};
use tonic::{
    Code, Request, Response, Status,
    client::Grpc,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    metadata::MetadataMap,
    transport::Channel,
};
use zhijie_protocol::v1::{self as pb, road_client};

use super::{DOCUMENT_BYTES_MAX, OPEN_MAX, TOGETHER, TOGETHER_BYTES, method};

type Replied = Result<pb::Answer, Status>;

/// A peer at the other end of the road. It connects when it is first asked, and again after a break.
#[derive(Clone)]
pub struct RoadClient {
    peer: Arc<Peer>,
    stream: Arc<Mutex<Option<Open>>>,
    /// The peer does not know the road: it is asked one by one.
    one_by_one: Arc<AtomicBool>,
}

/// Who is asked, and what the asker says of itself.
struct Peer {
    channel: Channel,
    introduction: MetadataMap,
    /// The service that takes messages one by one, such as `zhijie.v1.Hub`.
    service: &'static str,
}

impl Peer {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.introduction.clone();
        request
    }
}

/// A stream, from the asking side.
#[derive(Clone)]
struct Open {
    letters: mpsc::Sender<pb::Letter>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for which reply. Once the stream has ended nobody is added.
#[derive(Default)]
struct Waiting {
    ended: Option<Status>,
    last: u64,
    askers: BTreeMap<u64, oneshot::Sender<Replied>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RoadClient {
    /// A peer behind a channel, to whom these headers introduce the asker.
    #[must_use]
    pub fn new(channel: Channel, introduction: MetadataMap, service: &'static str) -> RoadClient {
        let peer = Arc::new(Peer { channel, introduction, service });
        RoadClient { peer, stream: Arc::default(), one_by_one: Arc::default() }
    }

    /// Sends each message in a call of its own, as to a peer that does not know the road.
    #[must_use]
    pub fn one_by_one(self) -> RoadClient {
        self.one_by_one.store(true, Ordering::Relaxed);
        self
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Status`] where there is none; what became of the message is not known then.
    pub async fn ask(&self, call: pb::RoadCall, request: &impl Message) -> Result<Response<pb::Answer>, Status> {
        self.send(pb::Letter { call: call.into(), request: request.encode_to_vec().into(), ..pb::Letter::default() })
            .await
    }

    /// Sends a letter, whose number is given to it here, and waits for the answer.
    ///
    /// # Errors
    /// As [`RoadClient::ask`].
    pub async fn send(&self, letter: pb::Letter) -> Result<Response<pb::Answer>, Status> {
        if !self.one_by_one.load(Ordering::Relaxed) {
            match self.over_the_stream(letter.clone()).await {
                // The peer does not know the road; one that does not know a call only says so of the letter.
                Err(status) if status.code() == Code::Unimplemented && self.has_ended() => {
                    self.one_by_one.store(true, Ordering::Relaxed);
                }
                replied => return replied.map(Response::new),
            }
        }
        self.alone(letter.call(), letter.request).await
    }

    async fn over_the_stream(&self, letter: pb::Letter) -> Replied {
        let open = self.open();
        let (number, reply) = {
            let mut waiting = lock(&open.waiting);
            if let Some(ended) = &waiting.ended {
                return Err(ended.clone());
            }
            let full = || Status::resource_exhausted("too many messages are open with this peer");
            if waiting.askers.len() >= OPEN_MAX {
                return Err(full());
            }
            waiting.last += 1;
            let number = waiting.last;
            open.letters.try_send(pb::Letter { number, ..letter }).map_err(|_| full())?;
            let (asker, reply) = oneshot::channel();
            waiting.askers.insert(number, asker);
            (number, reply)
        };
        let _forgotten = Forget { waiting: &open.waiting, number };
        reply.await.unwrap_or_else(|_| Err(Status::unavailable("the stream ended")))
    }

    fn has_ended(&self) -> bool {
        lock(&self.stream).as_ref().is_none_or(|open| lock(&open.waiting).ended.is_some())
    }

    /// The stream as it is, or a new one.
    fn open(&self) -> Open {
        let mut stream = lock(&self.stream);
        match &*stream {
            Some(open) if lock(&open.waiting).ended.is_none() => open.clone(),
            _ => {
                let (letters, queue) = mpsc::channel(OPEN_MAX);
                let open = Open { letters, waiting: Arc::default() };
                tokio::spawn(drive(Arc::clone(&self.peer), queue, Arc::clone(&open.waiting)));
                *stream = Some(open.clone());
                open
            }
        }
    }

    async fn alone(&self, call: pb::RoadCall, request: Bytes) -> Result<Response<pb::Answer>, Status> {
        let path = format!("/{}/{}", self.peer.service, method(call));
        let path = PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
        let mut peer = Grpc::new(self.peer.channel.clone()).max_decoding_message_size(DOCUMENT_BYTES_MAX);
        peer.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        peer.unary(self.peer.request(request), path, Encoded).await
    }
}

/// Whoever stops waiting is forgotten, so that a silent peer holds no memory.
struct Forget<'a> {
    waiting: &'a Mutex<Waiting>,
    number: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).askers.remove(&self.number);
    }
}

/// Carries letters and replies until the stream breaks; then nobody waits any more.
async fn drive(peer: Arc<Peer>, letters: mpsc::Receiver<pb::Letter>, waiting: Arc<Mutex<Waiting>>) {
    let mut road = road_client::RoadClient::new(peer.channel.clone()).max_decoding_message_size(DOCUMENT_BYTES_MAX);
    let ended = match road.carry(peer.request(batches(letters))).await {
        Err(status) => status,
        Ok(replies) => {
            let mut replies = replies.into_inner();
            loop {
                match replies.message().await {
                    Ok(Some(batch)) => deliver(&waiting, batch),
                    Ok(None) => break Status::unavailable("the peer ended the stream"),
                    Err(status) => break status,
                }
            }
        }
    };
    let askers = {
        let mut waiting = lock(&waiting);
        waiting.ended = Some(ended.clone());
        std::mem::take(&mut waiting.askers)
    };
    for asker in askers.into_values() {
        let _ = asker.send(Err(ended.clone()));
    }
}

/// What has queued, as one message.
fn batches(letters: mpsc::Receiver<pb::Letter>) -> impl Stream<Item = pb::Letters> {
    stream::unfold(letters, |mut queue| async {
        let mut letters = vec![queue.recv().await?];
        let mut bytes = letters.iter().map(|letter| letter.request.len()).sum::<usize>();
        while letters.len() < TOGETHER && bytes < TOGETHER_BYTES {
            let Ok(letter) = queue.try_recv() else { break };
            bytes += letter.request.len();
            letters.push(letter);
        }
        Some((pb::Letters { letters }, queue))
    })
}

fn deliver(waiting: &Mutex<Waiting>, batch: pb::Replies) {
    let mut waiting = lock(waiting);
    for reply in batch.replies {
        let Some(asker) = waiting.askers.remove(&reply.number) else { continue };
        let replied = match i32::try_from(reply.status).unwrap_or(i32::MAX) {
            0 => pb::Answer::decode(reply.answer).map_err(|error| Status::internal(error.to_string())),
            code => Err(Status::new(Code::from(code), reply.reason)),
        };
        let _ = asker.send(replied);
    }
}

/// Requests that are encoded already.
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = pb::Answer;
    type Encoder = Encoded;
    type Decoder = Encoded;

    fn encoder(&mut self) -> Encoded {
        Encoded
    }

    fn decoder(&mut self) -> Encoded {
        Encoded
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put(buffer, item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Encoded {
    type Item = pb::Answer;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<pb::Answer>, Status> {
        pb::Answer::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
