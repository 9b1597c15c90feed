//! A disk at the store's port. A group of commits takes its time and is then durable as a whole; a loss of power takes
//! what is not, at a write point of choice; a full or broken disk stops the store, as a real engine stops.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use zhijie_store::{Batch, Bytes, CommitError, Engine, Memory, Pending, Record, StoreError, Version};

use crate::dice::Dice;

/// A disk; clones are the same disk.
#[derive(Clone)]
pub struct Disk {
    memory: Memory,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    /// Shortest and longest time of a sync, ms.
    sync_ms: (u64, u64),
    /// A group is on its way.
    flushing: bool,
    /// Operations until the power goes.
    fuse: Option<u64>,
    /// The power is gone: nothing is answered any more.
    dark: bool,
    /// What the next write says.
    mood: Option<Mood>,
    /// Why the store has stopped.
    stopped: Option<StoreError>,
    /// Which promise of the port it breaks, for the tests of the simulation.
    lie: Option<Lie>,
    /// What an early answer must give back when the power goes.
    undo: Vec<(Bytes, Option<Bytes>)>,
}

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It has no room left.
    Full,
    /// It writes no more.
    Broken,
}

/// A promise of the port that a disk breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Commits are answered before they are synced.
    EarlyAnswer,
    /// The versions that a commit has read are not checked.
    NoVersions,
}

impl Disk {
    /// An empty disk, or one that holds what another held.
    #[must_use]
    pub fn new(dice: Dice, sync_ms: (u64, u64)) -> Disk {
        let state = State {
            dice,
            sync_ms,
            flushing: false,
            fuse: None,
            dark: false,
            mood: None,
            stopped: None,
            lie: None,
            undo: Vec::new(),
        };
        Disk { memory: Memory::with_manual_sync(), state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is durable on it.
    #[must_use]
    pub fn durable(&self) -> Memory {
        self.memory.clone()
    }

    /// Breaks a promise from now on.
    pub fn lie(&self, lie: Lie) {
        self.state().lie = Some(lie);
    }

    /// A sync takes so long from now on, ms.
    pub fn take(&self, sync_ms: (u64, u64)) {
        self.state().sync_ms = sync_ms;
    }

    /// The next write finds it like this, and the store stops.
    pub fn turn(&self, mood: Mood) {
        self.state().mood = Some(mood);
    }

    /// The power goes at the operation so many from now: before it is done, or after it and before it is answered.
    pub fn arm(&self, operations: u64) {
        self.state().fuse = Some(operations);
    }

    /// The power stays.
    pub fn disarm(&self) {
        self.state().fuse = None;
    }

    /// True where the power went.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.state().dark
    }

    /// True where it works, and will.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let state = self.state();
        !state.dark && state.stopped.is_none() && state.mood.is_none()
    }

    /// The power goes. A group on its way has landed or not.
    pub fn crash(&self) {
        let mut state = self.state();
        if state.flushing && state.dice.percent(50) {
            self.memory.sync();
        }
        self.memory.crash();
        if !state.undo.is_empty() {
            let writes = state.undo.drain(..).rev().collect();
            // Offered at the first look, and done by the sync.
            let _ = self.memory.commit(Batch { writes, ..Batch::default() }).now_or_never();
            self.memory.sync();
        }
        state.dark = true;
    }

    /// Power is there again, and room; a service may open the store.
    pub fn power_up(&self) {
        let mut state = self.state();
        (state.flushing, state.fuse, state.dark) = (false, None, false);
        (state.mood, state.stopped) = (None, None);
    }

    /// Where an operation begins or ends: the power may go here. Nothing goes on then.
    async fn point(&self) -> Result<(), StoreError> {
        let dark = {
            let mut state = self.state();
            match state.fuse {
                Some(0) => (state.dark, state.fuse) = (true, None),
                Some(left) => state.fuse = Some(left - 1),
                None => {}
            }
            state.dark
        };
        if dark {
            std::future::pending::<()>().await;
        }
        self.state().stopped.clone().map_or(Ok(()), |source| Err(StoreError::Stopped { source: Arc::new(source) }))
    }

    /// Begins a group, unless one is on its way.
    fn flush(&self) {
        let mut state = self.state();
        if state.flushing {
            return;
        }
        state.flushing = true;
        let (low, high) = state.sync_ms;
        let took = Duration::from_millis(state.dice.between(low, high));
        drop(state);
        let disk = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(took).await;
            disk.land();
        });
    }

    /// The end of a group's way.
    fn land(&self) {
        let mut state = self.state();
        if state.dark {
            return;
        }
        state.flushing = false;
        state.undo.clear();
        let Some(mood) = state.mood else { return self.memory.sync() };
        let kind = match mood {
            Mood::Full => io::ErrorKind::StorageFull,
            Mood::Broken => io::ErrorKind::Other,
        };
        // What of it has reached the disk is not known.
        if state.dice.percent(50) {
            self.memory.sync();
        }
        state.stopped = Some(StoreError::Io { doing: "sync", source: Arc::new(io::Error::from(kind)) });
        self.memory.crash();
    }
}

impl Engine for Disk {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            self.point().await?;
            self.memory.get(key).await
        })
    }

    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Bytes, Record)>, StoreError>> {
        Box::pin(async move {
            self.point().await?;
            self.memory.scan(start, end, limit).await
        })
    }

    fn commit(&self, mut batch: Batch) -> Pending<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            self.point().await?;
            let lie = self.state().lie;
            if lie == Some(Lie::NoVersions) {
                batch.reads.clear();
            }
            self.flush();
            if lie == Some(Lie::EarlyAnswer) {
                return self.answered_early(batch).await;
            }
            let outcome = self.memory.commit(batch).await;
            if self.state().stopped.is_none() {
                self.point().await?;
            }
            outcome
        })
    }
}

impl Disk {
    /// Answers and shows a commit at once; until the group lands, a crash takes it back.
    async fn answered_early(&self, batch: Batch) -> Result<Version, CommitError> {
        let mut before = Vec::new();
        for (key, _) in &batch.writes {
            before.push((key.clone(), self.memory.get(key).await?.map(|record| record.value)));
        }
        let mut committing = self.memory.commit(batch);
        let known = (&mut committing).now_or_never();
        self.memory.sync();
        let outcome = match known {
            Some(outcome) => outcome,
            None => committing.await,
        };
        if outcome.is_ok() {
            self.state().undo.extend(before);
        }
        outcome
    }
}
