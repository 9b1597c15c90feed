//! What a story and its simulation share: the transcript, the sun, and the faults that are to come.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{clock::Sun, disk::Mood};

/// Where hospitals, operators and agencies sit.
pub const OUTSIDE: &str = "outside";

/// How often a story looks whether all faults are over, ms.
const LOOK_MS: u64 = 50;

/// What happens to the network and its hosts while a story runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A host loses its power: nobody hears of it, and its store loses what was not synced.
    Crash(String),
    /// It loses its power at the operation of its store so many from now, before it is done or before it is answered.
    CrashAt(String, u64),
    /// It starts again over its store; a host that is well goes on.
    Restart(String),
    /// It is stopped, and starts again with the renewed parameters.
    Renew(String),
    /// A link loses everything.
    Cut(String, String),
    /// A link loses what goes one way.
    CutOneWay(String, String),
    /// It works again.
    Mend(String, String),
    /// A link keeps everything back.
    Hold(String, String),
    /// It delivers what it kept.
    Release(String, String),
    /// The longest time of a message on its way, ms.
    Latency(u64),
    /// A disk is full, or breaks, with the next write.
    Disk(String, Mood),
    /// A sync takes from so long to so long, ms.
    Sync(String, u64, u64),
    /// A clock jumps, to be so many ms apart from the others.
    Jump(String, i64),
    /// The network is well from now on.
    Calm,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash(host) => write!(f, "{host} loses its power"),
            Fault::CrashAt(host, operations) => write!(f, "{host} will lose its power in {operations} operations"),
            Fault::Restart(host) => write!(f, "{host} starts again, unless it is well"),
            Fault::Renew(host) => write!(f, "{host} starts again with renewed parameters"),
            Fault::Cut(a, b) => write!(f, "the link {a} ↔ {b} is cut"),
            Fault::CutOneWay(from, to) => write!(f, "the link {from} → {to} is cut"),
            Fault::Mend(a, b) => write!(f, "the link {a} ↔ {b} works again"),
            Fault::Hold(a, b) => write!(f, "the link {a} ↔ {b} keeps all back"),
            Fault::Release(a, b) => write!(f, "the link {a} ↔ {b} delivers what it kept"),
            Fault::Latency(ms) => write!(f, "messages take up to {ms} ms"),
            Fault::Disk(host, Mood::Full) => write!(f, "the disk of {host} is full"),
            Fault::Disk(host, Mood::Broken) => write!(f, "the disk of {host} writes no more"),
            Fault::Sync(host, low, high) => write!(f, "the disk of {host} takes {low} to {high} ms"),
            Fault::Jump(host, ms) => write!(f, "the clock of {host} jumps to be {ms} ms apart"),
            Fault::Calm => write!(f, "the network is well"),
        }
    }
}

/// A fault that waits for the story to come to some act.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The number of the act, from 0.
    pub act: usize,
    /// How long after it begins, ms.
    pub after_ms: u64,
    /// The fault.
    pub fault: Fault,
}

/// What a story and its simulation share; clones are the same stage.
#[derive(Clone)]
pub struct Stage {
    /// The time of business.
    pub sun: Arc<Sun>,
    lines: Arc<Mutex<String>>,
    coming: Arc<Mutex<Vec<(Duration, Fault)>>>,
    planned: Arc<Mutex<BTreeMap<usize, Vec<Planned>>>>,
    acts: Arc<AtomicUsize>,
    calm: Arc<AtomicBool>,
}

impl Stage {
    pub(crate) fn new(sun: Arc<Sun>) -> Stage {
        Stage {
            sun,
            lines: Arc::default(),
            coming: Arc::default(),
            planned: Arc::default(),
            acts: Arc::default(),
            calm: Arc::default(),
        }
    }

    /// Writes a line of the transcript, with the simulated time.
    pub fn say(&self, line: impl fmt::Display) {
        self.say_at(turmoil::sim_elapsed().unwrap_or_default(), line);
    }

    pub(crate) fn say_at(&self, at: Duration, line: impl fmt::Display) {
        let _ = writeln!(locked(&self.lines), "{:4}.{:03}  {line}", at.as_secs(), at.subsec_millis());
    }

    /// The transcript so far.
    pub(crate) fn lines(&self) -> String {
        locked(&self.lines).clone()
    }

    /// Lets a fault happen a little later.
    pub fn later(&self, ms: u64, fault: Fault) {
        let due = turmoil::sim_elapsed().unwrap_or_default() + Duration::from_millis(ms);
        locked(&self.coming).push((due, fault));
    }

    /// Lets faults happen when the story has come so far.
    pub fn plan(&self, faults: impl IntoIterator<Item = Planned>) {
        let mut planned = locked(&self.planned);
        faults.into_iter().for_each(|fault| planned.entry(fault.act).or_default().push(fault));
    }

    /// An act of the story begins, and with it what was planned.
    pub fn begin(&self) {
        let act = self.acts.fetch_add(1, Ordering::SeqCst);
        let planned = locked(&self.planned).remove(&act).unwrap_or_default();
        if !self.calm.load(Ordering::SeqCst) {
            planned.into_iter().for_each(|planned| self.later(planned.after_ms, planned.fault));
        }
    }

    /// How many acts have begun.
    #[must_use]
    pub fn acts(&self) -> usize {
        self.acts.load(Ordering::SeqCst)
    }

    /// Waits until every fault that has come has gone, and calms the network. None comes any more.
    pub async fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
        while !locked(&self.coming).is_empty() {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        self.later(0, Fault::Calm);
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }

    /// The faults that are due.
    pub(crate) fn due(&self, now: Duration) -> Vec<Fault> {
        locked(&self.coming).extract_if(.., |(due, _)| *due <= now).map(|(_, fault)| fault).collect()
    }

    /// Lets days pass.
    pub fn pass_days(&self, days: i64) {
        self.sun.pass(days * 86_400_000);
    }
}

pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
