//! What a run takes of the machine: CPU, memory and disk of its processes, and the CPU that other programs took, so that
//! a disturbed run is known as one. From `/proc`; on a system without it the figures are unknown, not zero.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior},
};

use crate::report::{Machine, Process, Sample};

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// A look sooner than this after the former counts, but is too short for a share of its own.
const SHARE_MIN: Duration = Duration::from_millis(200);
/// The size in which a file system counts what it has allocated, bytes.
const BLOCK: u64 = 512;
/// Basis points of one.
const WHOLE: f64 = 10_000.0;

/// A process to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Such as `hub`, `home 340000`, `generator`.
    pub name: String,
    /// Its id in the system.
    pub pid: u32,
    /// The folder of its store, if it has one.
    pub store: Option<PathBuf>,
}

impl Watched {
    /// This process.
    #[must_use]
    pub fn generator() -> Watched {
        Watched { name: "generator".into(), pid: std::process::id(), store: None }
    }
}

impl Process {
    /// False where the system does not tell what a process takes: its figures are unknown, not zero.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.samples.is_empty()
    }
}

impl Machine {
    /// False where the system does not tell what other programs take.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.cores > 0
    }
}

/// Looks at processes each second, from its beginning until it is finished.
pub struct Watcher {
    seen: Arc<Mutex<Seen>>,
    looking: JoinHandle<()>,
}

impl Watcher {
    /// Begins to watch. Must be called inside a runtime.
    #[must_use]
    pub fn begin(watched: Vec<Watched>) -> Watcher {
        let seen = Arc::new(Mutex::new(Seen::new(watched)));
        let shared = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            let mut each = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
            // A late look covers a longer time; it is not made up for.
            each.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                each.tick().await;
                lock(&shared).look();
            }
        });
        Watcher { seen, looking }
    }

    /// A watched process was started again, under another id.
    pub fn moved(&self, name: &str, pid: u32) {
        let mut seen = lock(&self.seen);
        if let Some(one) = seen.processes.iter_mut().find(|one| one.watched.name == name) {
            one.watched.pid = pid;
            one.before = Some(0);
        }
    }

    /// Looks a last time, and tells what each process took for so many settlements.
    #[must_use]
    pub fn finish(self, settlements: u64) -> (Vec<Process>, Machine) {
        let mut seen = lock(&self.seen);
        seen.look();
        (seen.processes.iter().map(|one| one.report(settlements)).collect(), seen.machine())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that was seen; CPU in ticks of the system's clock.
struct Seen {
    begun: Instant,
    looked: Instant,
    processes: Vec<One>,
    /// The machine's counters at the last look.
    machine: Option<Ticks>,
    foreign: i64,
    all: u64,
    foreign_by_second: Vec<u32>,
}

/// A process as seen so far.
struct One {
    watched: Watched,
    /// Ticks at the last look.
    before: Option<u64>,
    spent: u64,
    memory_max: u64,
    samples: Vec<Sample>,
    disk_before: Option<u64>,
}

/// Ticks of all cores since the machine started.
#[derive(Clone, Copy)]
struct Ticks {
    /// At work for programs, and what a host took away from this machine.
    busy: u64,
    /// At work or idle.
    all: u64,
}

impl Seen {
    fn new(watched: Vec<Watched>) -> Seen {
        let one = |watched: Watched| One {
            before: system::process(watched.pid).map(|(ticks, _)| ticks),
            disk_before: watched.store.as_deref().and_then(allocated),
            spent: 0,
            memory_max: 0,
            samples: Vec::new(),
            watched,
        };
        let processes = watched.into_iter().map(one).collect();
        let (machine, now) = (system::machine(), Instant::now());
        Seen { begun: now, looked: now, processes, machine, foreign: 0, all: 0, foreign_by_second: Vec::new() }
    }

    fn look(&mut self) {
        let passed = self.looked.elapsed();
        self.looked = Instant::now();
        let at_ms = u64::try_from((self.looked - self.begun).as_millis()).unwrap_or(u64::MAX);
        let shown = (passed >= SHARE_MIN).then_some((at_ms, passed));
        let own: u64 = self.processes.iter_mut().map(|one| one.look(shown)).sum();
        let (Some(before), Some(now)) = (self.machine, system::machine()) else { return };
        self.machine = Some(now);
        let all = now.all.saturating_sub(before.all);
        let foreign =
            i64::try_from(now.busy.saturating_sub(before.busy)).unwrap_or(0) - i64::try_from(own).unwrap_or(0);
        self.foreign += foreign;
        self.all += all;
        if shown.is_some() {
            self.foreign_by_second.push(share(foreign, all));
        }
    }

    fn machine(&self) -> Machine {
        if self.machine.is_none() {
            return Machine::default();
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Machine {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            foreign: share(self.foreign, self.all),
            foreign_by_second: self.foreign_by_second.clone(),
        }
    }
}

impl One {
    /// Looks, and gives the ticks since the last look.
    fn look(&mut self, shown: Option<(u64, Duration)>) -> u64 {
        let Some((now, memory)) = system::process(self.watched.pid) else { return 0 };
        let ticks = now.saturating_sub(self.before.unwrap_or(now));
        self.before = Some(now);
        self.spent += ticks;
        self.memory_max = self.memory_max.max(memory);
        if let Some((at_ms, passed)) = shown {
            let cpu = ticks as f64 * system::tick().as_secs_f64() / passed.as_secs_f64() * WHOLE;
            self.samples.push(Sample { at_ms, cpu: cpu as u32, memory });
        }
        ticks
    }

    fn report(&self, settlements: u64) -> Process {
        let per = |whole: f64| if settlements == 0 { 0.0 } else { whole / settlements as f64 };
        let disk = self.watched.store.as_deref().and_then(allocated);
        let grown = disk.zip(self.disk_before).map(|(now, before)| now.saturating_sub(before));
        Process {
            name: self.watched.name.clone(),
            cpu_per_settlement: per(self.spent as f64 * system::tick().as_micros() as f64),
            disk_per_settlement: grown.map(|bytes| per(bytes as f64)),
            memory_max: self.memory_max,
            samples: self.samples.clone(),
        }
    }
}

/// A part of a whole, basis points. Counters are read one after another, so that a small difference may be negative.
fn share(part: i64, whole: u64) -> u32 {
    let part = u64::try_from(part).unwrap_or(0).min(whole);
    u32::try_from((part * 10_000).checked_div(whole).unwrap_or(0)).unwrap_or(u32::MAX)
}

/// Bytes that a folder has on the disk, by allocated blocks; nothing where it cannot be read.
#[must_use]
pub fn allocated(folder: &Path) -> Option<u64> {
    // Files come and go while a store works: one that has gone takes no room.
    fn walk(path: &Path) -> io::Result<u64> {
        let mut bytes = fs::symlink_metadata(path)?.blocks() * BLOCK;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            bytes += match entry.metadata() {
                Ok(data) if data.is_dir() => walk(&entry.path()).unwrap_or(0),
                Ok(data) => data.blocks() * BLOCK,
                Err(_) => 0,
            };
        }
        Ok(bytes)
    }
    walk(folder).ok()
}

#[cfg(target_os = "linux")]
mod system {
    use std::time::Duration;

    use procfs::{CurrentSI, KernelStats, process::Process};

    use super::Ticks;

    /// CPU of a process, ticks, and its resident memory, bytes.
    pub(super) fn process(pid: u32) -> Option<(u64, u64)> {
        let stat = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
        Some((stat.utime + stat.stime, stat.rss * procfs::page_size()))
    }

    /// The machine's counters. Interrupts are left out of the work: our own network on loopback makes most of them.
    pub(super) fn machine() -> Option<Ticks> {
        let cpu = KernelStats::current().ok()?.total;
        let programs = cpu.user + cpu.nice + cpu.system;
        let (idle, waiting) = (cpu.idle, cpu.iowait.unwrap_or(0));
        let (irq, soft, steal) = (cpu.irq.unwrap_or(0), cpu.softirq.unwrap_or(0), cpu.steal.unwrap_or(0));
        Some(Ticks { busy: programs + steal, all: programs + idle + waiting + irq + soft + steal })
    }

    /// A tick.
    pub(super) fn tick() -> Duration {
        Duration::from_micros(1_000_000 / procfs::ticks_per_second().max(1))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    use super::Ticks;

    pub(super) fn process(_: u32) -> Option<(u64, u64)> {
        None
    }

    pub(super) fn machine() -> Option<Ticks> {
        None
    }

    pub(super) fn tick() -> Duration {
        Duration::ZERO
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cpu_memory_and_disk_are_those_of_the_watched_and_what_is_gone_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let own = Watched { store: Some(folder.path().into()), ..Watched::generator() };
        let gone = Watched { name: "gone".into(), pid: u32::MAX >> 1, store: Some(folder.path().join("none")) };
        let watcher = Watcher::begin(vec![own, gone]);
        fs::write(folder.path().join("sub/file"), vec![7; 100_000]).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(300) {}
        let (processes, machine) = watcher.finish(10);
        // Other tests of this process may have all cores, a tick more of each.
        let cores = std::thread::available_parallelism().unwrap().get() as f64;
        let most = cores * (begun.elapsed() + system::tick()).as_micros() as f64 / 10.0;

        let own = processes.iter().find(|process| process.name == "generator").unwrap();
        assert!(own.is_known());
        assert!((1_000.0..=most).contains(&own.cpu_per_settlement), "{own:?}, at most {most}");
        assert!(own.memory_max > 1 << 20, "{own:?}");
        assert!((10_000.0..12_000.0).contains(&own.disk_per_settlement.unwrap()), "{own:?}");
        let gone = processes.iter().find(|process| process.name == "gone").unwrap();
        assert!(!gone.is_known() && gone.disk_per_settlement.is_none());
        assert!(machine.is_known() && machine.foreign <= 10_000);
    }

    #[tokio::test]
    async fn it_looks_each_second_and_follows_a_process_that_was_started_again() {
        let elsewhere = Watched { name: "home".into(), pid: u32::MAX >> 1, store: None };
        let watcher = Watcher::begin(vec![elsewhere]);
        watcher.moved("home", std::process::id());
        tokio::time::sleep(LOOK * 2 + SHARE_MIN).await;
        let (processes, machine) = watcher.finish(1);
        assert!((2..=4).contains(&processes[0].samples.len()), "{processes:?}");
        assert!(processes[0].cpu_per_settlement > 0.0, "what it took since its start counts: {processes:?}");
        assert!((2..=4).contains(&machine.foreign_by_second.len()));
    }
}
