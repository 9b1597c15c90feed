//! The receiving end: reads letters while there is room, answers them side by side, and sends back what is ready.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use prost::Message;
use tokio::sync::watch;
use tonic::{Extensions, Request, Response, Status, Streaming, metadata::MetadataMap};
use zhijie_protocol::v1::{self as pb, road_server};

use super::{DOCUMENT_BYTES_MAX, OPEN_MAX, TOGETHER, TOGETHER_BYTES};

/// A role that answers the road's letters.
pub trait Carrier: Send + Sync + 'static {
    /// What is known of who sends.
    type Caller: Send + Sync + 'static;

    /// Who sends.
    ///
    /// # Errors
    /// The status that a stranger gets.
    fn admit(&self, extensions: &Extensions, metadata: &MetadataMap) -> Result<Self::Caller, Status>;

    /// Answers one letter.
    ///
    /// # Errors
    /// [`Status`] where the machinery failed.
    fn answer(
        &self,
        caller: &Self::Caller,
        letter: pb::Letter,
    ) -> impl Future<Output = Result<pb::Answer, Status>> + Send;
}

/// The road's service of a role; its streams end when the service stops.
pub fn road_server<T: Carrier>(role: Arc<T>, stopping: watch::Receiver<bool>) -> road_server::RoadServer<Road<T>> {
    road_server::RoadServer::new(Road { role, stopping }).max_decoding_message_size(DOCUMENT_BYTES_MAX)
}

/// See [`road_server`].
pub struct Road<T> {
    role: Arc<T>,
    stopping: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl<T: Carrier> road_server::Road for Road<T> {
    type CarryStream = Carrying;

    async fn carry(&self, request: Request<Streaming<pb::Letters>>) -> Result<Response<Carrying>, Status> {
        let caller = Arc::new(self.role.admit(request.extensions(), request.metadata())?);
        let role = Arc::clone(&self.role);
        let mut stopping = self.stopping.clone();
        Ok(Response::new(Carrying {
            letters: Some(request.into_inner()),
            broken: None,
            answer: Box::new(move |letter| Box::pin(carried(Arc::clone(&role), Arc::clone(&caller), letter))),
            answering: FuturesUnordered::new(),
            stopped: Box::pin(async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            }),
        }))
    }
}

/// Answers one letter; nothing is left without a reply.
async fn carried<T: Carrier>(role: Arc<T>, caller: Arc<T::Caller>, letter: pb::Letter) -> pb::Reply {
    let number = letter.number;
    match role.answer(&caller, letter).await {
        Ok(answer) => pb::Reply { number, answer: answer.encode_to_vec().into(), ..pb::Reply::default() },
        Err(status) => pb::Reply {
            number,
            status: u32::try_from(i32::from(status.code())).unwrap_or(u32::MAX),
            reason: status.message().to_owned(),
            ..pb::Reply::default()
        },
    }
}

type Replying = Pin<Box<dyn Future<Output = pb::Reply> + Send>>;

/// The replies of one stream.
pub struct Carrying {
    /// Nothing once they have ended, or the service stops.
    letters: Option<Streaming<pb::Letters>>,
    /// Why they ended against their sender's will; it is said when all that was read is answered.
    broken: Option<Status>,
    answer: Box<dyn Fn(pb::Letter) -> Replying + Send>,
    answering: FuturesUnordered<Replying>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Stream for Carrying {
    type Item = Result<pb::Replies, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.letters.is_some() && this.stopped.as_mut().poll(cx).is_ready() {
            // What has not been read is not answered; its senders send it again.
            this.letters = None;
        }
        while this.answering.len() < OPEN_MAX {
            let Some(letters) = &mut this.letters else { break };
            match letters.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(batch))) if batch.letters.len() <= OPEN_MAX => {
                    this.answering.extend(batch.letters.into_iter().map(&this.answer));
                }
                Poll::Ready(ended) => {
                    let too_many = |_| Status::resource_exhausted("more letters together than may be open");
                    this.broken = ended.map(|ended| ended.map_or_else(|status| status, too_many));
                    this.letters = None;
                }
                Poll::Pending => break,
            }
        }
        let (mut replies, mut bytes) = (Vec::new(), 0);
        while replies.len() < TOGETHER && bytes < TOGETHER_BYTES {
            let Poll::Ready(Some(reply)) = this.answering.poll_next_unpin(cx) else { break };
            bytes += reply.answer.len();
            replies.push(reply);
        }
        if !replies.is_empty() {
            return Poll::Ready(Some(Ok(pb::Replies { replies })));
        }
        if this.letters.is_none() && this.answering.is_empty() {
            return Poll::Ready(this.broken.take().map(Err));
        }
        Poll::Pending
    }
}
