//! The engines under one load, one after another in each round: a record of 600 B under a key ordered by time, an
//! accumulator of 120 B read and written, an index key, and a message id looked up first; N requests in flight.
//! `cargo run --release -p zhijie-store --example engines [-- --long 1000000]`
#![allow(clippy::expect_used, clippy::float_arithmetic)]

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use zhijie_store::{CommitError, EngineKind, Store};

const PERSONS: u64 = 1_000_000;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const FLIGHTS: [usize; 3] = [1, 64, 512];
const LONG_FLIGHT: usize = 64;
const LONG_WINDOW: u64 = 100_000;
/// `USER_HZ` of Linux: a tick of CPU time is 10 ms.
const MICROSECONDS_A_TICK: u64 = 10_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut long = None;
    let mut kinds = vec![EngineKind::Sled, EngineKind::Fjall];
    let mut folder = std::env::temp_dir();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().expect("a value");
        match argument.as_str() {
            "--long" => long = Some(value.parse().expect("a number of requests")),
            "--engine" => kinds = vec![value.parse().expect("an engine")],
            "--folder" => folder = PathBuf::from(value),
            _ => panic!("--long N, --engine NAME, --folder PATH; not {argument}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match long {
        Some(requests) => {
            for kind in kinds {
                runtime.block_on(LocalSet::new().run_until(run_long(kind, &folder, requests)));
            }
        }
        None => runtime.block_on(LocalSet::new().run_until(run_rounds(&kinds, &folder))),
    }
}

async fn run_rounds(kinds: &[EngineKind], folder: &Path) {
    println!("round  engine  in flight     req/s  µs CPU/req  bytes/req  longest pause, ms");
    for round in 0..ROUNDS {
        for flight in FLIGHTS {
            for &kind in kinds {
                let place = Place::new(folder);
                let load = Load::new(zhijie_store::open(&place.0, kind).expect("a store"), u64::MAX);
                let (begin, cpu) = (now(), cpu_ticks());
                load.run(flight, Some(begin + ROUND)).await;
                let (passed, done) = (begin.elapsed(), load.done.get());
                let cpu = (cpu_ticks() - cpu) * MICROSECONDS_A_TICK;
                let each = |amount: u64| amount as f64 / done as f64;
                println!(
                    "{round:5}  {kind:6}  {flight:9}  {:8.0}  {:10.1}  {:9.0}  {:17.0}",
                    done as f64 / passed.as_secs_f64(),
                    each(cpu),
                    each(disk(&place.0)),
                    load.pause.get().as_secs_f64() * 1e3,
                );
            }
        }
    }
}

async fn run_long(kind: EngineKind, folder: &Path, requests: u64) {
    let place = Place::new(folder);
    let load = Load::new(zhijie_store::open(&place.0, kind).expect("a store"), requests);
    println!("engine  requests     req/s  µs CPU/req  bytes/req  MiB resident  longest pause, ms");
    for window in 1..=requests.div_ceil(LONG_WINDOW) {
        load.until.set((window * LONG_WINDOW).min(requests));
        load.pause.set(Duration::ZERO);
        let (begin, cpu, before) = (now(), cpu_ticks(), load.done.get());
        load.run(LONG_FLIGHT, None).await;
        let done = (load.done.get() - before) as f64;
        println!(
            "{kind:6}  {:8}  {:8.0}  {:10.1}  {:9.0}  {:12}  {:17.0}",
            load.done.get(),
            done / begin.elapsed().as_secs_f64(),
            ((cpu_ticks() - cpu) * MICROSECONDS_A_TICK) as f64 / done,
            disk(&place.0) as f64 / load.done.get() as f64,
            resident_mib(),
            load.pause.get().as_secs_f64() * 1e3,
        );
    }
    let begin = now();
    drop(load);
    let closed = begin.elapsed();
    let begin = now();
    let store = zhijie_store::open_unread(&place.0, kind).expect("the store again");
    let opened = begin.elapsed();
    let begin = now();
    store.verify().await.expect("a sound store");
    println!("{kind:6}  closed in {closed:.1?}, opened in {opened:.1?}, all of it read in {:.1?}", begin.elapsed());
    drop(store);
}

/// A folder that is gone afterwards.
struct Place(PathBuf);

impl Place {
    fn new(folder: &Path) -> Self {
        let path = folder.join(format!("zhijie-engines-{}", std::process::id()));
        // What an earlier run left.
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the requests in flight share.
#[derive(Clone)]
struct Load {
    store: Store,
    next: Rc<Cell<u64>>,
    until: Rc<Cell<u64>>,
    done: Rc<Cell<u64>>,
    last: Rc<Cell<Instant>>,
    pause: Rc<Cell<Duration>>,
}

impl Load {
    fn new(store: Store, until: u64) -> Self {
        Self {
            store,
            next: Rc::default(),
            until: Rc::new(Cell::new(until)),
            done: Rc::default(),
            last: Rc::new(Cell::new(now())),
            pause: Rc::default(),
        }
    }

    async fn run(&self, flight: usize, end: Option<Instant>) {
        self.last.set(now());
        let lanes: Vec<_> = (0..flight).map(|_| tokio::task::spawn_local(self.clone().lane(end))).collect();
        for lane in lanes {
            lane.await.expect("a lane");
        }
    }

    async fn lane(self, end: Option<Instant>) {
        while self.next.get() < self.until.get() && end.is_none_or(|end| now() < end) {
            let number = self.next.replace(self.next.get() + 1);
            self.request(number).await;
            let now = now();
            self.pause.set(self.pause.get().max(now - self.last.replace(now)));
            self.done.set(self.done.get() + 1);
        }
    }

    async fn request(&self, number: u64) {
        let mut dice = number;
        let person = mixed(&mut dice) % PERSONS;
        let id = format!("{number:020}-{:016x}", mixed(&mut dice));
        let message = format!("m/H3101/settle/{:016x}{:016x}", mixed(&mut dice), mixed(&mut dice));
        let record = record(&mut dice);
        loop {
            let mut txn = self.store.begin();
            assert!(txn.get(message.as_bytes()).await.expect("a read").is_none(), "a message id is new");
            let accumulator = format!("r/34{person:016}").into_bytes();
            let sum = txn.get(&accumulator).await.expect("a read").map_or(0, |old| old[0]);
            let mut new = record[..120].to_vec();
            new[0] = sum.wrapping_add(1);
            txn.put(accumulator, new);
            txn.put(format!("b/2025-11-21/{id}"), record.clone());
            txn.put(format!("s/{id}"), &b"b/2025-11-21/ and what else stands here."[..]);
            txn.put(message.clone(), id.clone().into_bytes());
            match txn.commit().await {
                Ok(()) => return,
                Err(CommitError::Conflict | CommitError::Busy) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// 600 B, half of them words that every record has, half its own.
fn record(dice: &mut u64) -> Vec<u8> {
    const WORDS: &[u8] =
        b"310000 Shanghai huadong hospital 340000 Hefei resident basic medical fund personal account cash ";
    let mut record = Vec::with_capacity(600);
    while record.len() < 600 {
        record.extend_from_slice(&mixed(dice).to_le_bytes());
        record.extend_from_slice(&mixed(dice).to_le_bytes());
        let word = mixed(dice) as usize % (WORDS.len() - 16);
        record.extend_from_slice(&WORDS[word..word + 16]);
    }
    record.truncate(600);
    record
}

/// splitmix64.
fn mixed(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *dice;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the machine's time")]
fn now() -> Instant {
    Instant::now()
}

/// User and system time of the process, all threads.
fn cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    fields[11..13].iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn resident_mib() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) / 256
}

/// Bytes of the blocks that a folder takes.
fn disk(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            let blocks = entry.metadata().map_or(0, |metadata| metadata.blocks() * 512);
            blocks + if entry.path().is_dir() { disk(&entry.path()) } else { 0 }
        })
        .sum()
}
