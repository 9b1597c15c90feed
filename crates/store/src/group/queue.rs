//! Batches that wait for the writer: bounded in number and in memory, so that a slow disk makes callers hear `Busy`
//! instead of filling memory.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::port::{Batch, Version};

pub(super) type Outcome = Result<Version, CommitError>;

/// A batch that waits, with its share of the queue's room.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

/// The callers' end.
pub(super) struct Queue {
    /// `None` only while dropping.
    sender: Option<mpsc::Sender<Request>>,
    /// Room for the bytes of waiting batches, in KiB.
    pub(super) room: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl Queue {
    pub(super) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (sender, requests) = mpsc::channel(limits::QUEUE_BATCHES_MAX);
        let room = Arc::new(Semaphore::new(limits::QUEUE_BYTES_MAX / 1024));
        (Self { sender: Some(sender), room, writer: None }, requests)
    }

    /// The thread to wait for when the queue is dropped.
    pub(super) fn with_writer(self, writer: JoinHandle<()>) -> Self {
        let mut queue = self;
        queue.writer = Some(writer);
        queue
    }

    /// Queues a batch of `bytes`, or says that there is no room. A full queue is a quarter of a second of work: waiting
    /// longer helps nobody.
    pub(super) fn send(&self, batch: Batch, bytes: usize) -> Result<oneshot::Receiver<Outcome>, CommitError> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room);
        let room = room.try_acquire_many_owned(kib).map_err(|_| CommitError::Busy)?;
        let (answer, receiver) = oneshot::channel();
        let request = Request { batch, bytes, answer, _room: room };
        let sender = self.sender.as_ref().ok_or(StoreError::Closed)?;
        sender.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed.into(),
        })?;
        Ok(receiver)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}
