//! Damaged files: a bit flipped, a page blank, a file cut short, at random places of a store. It then opens with every
//! record intact, or is refused with a reason; it never panics, hangs, or has fewer records than were acknowledged.
//! `ZHIJIE_STORE_TRIALS=500 cargo test -p zhijie-store --test damage -- --nocapture` tries more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dice;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, process, thread};

use dice::Dice;
use zhijie_store::{EngineKind, Store, StoreError};

/// Name the engine and what to do to a child.
const ENGINE: &str = "ZHIJIE_DAMAGE_ENGINE";
const PATH: &str = "ZHIJIE_DAMAGE_PATH";
const SHAPE: &str = "ZHIJIE_DAMAGE_SHAPE";
const TRIALS: &str = "ZHIJIE_STORE_TRIALS";

/// Damages of each kind of store in an ordinary run.
const TRIALS_USUAL: usize = 24;
/// A child that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: usize = 4_096;

/// What a store is made of, and how its process ended.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    commits: u64,
    /// Records of a commit, and their length.
    records: u64,
    length: usize,
    closed: bool,
}

const SHAPES: [Shape; 3] = [
    Shape { name: "closed", commits: 600, records: 4, length: 400, closed: true },
    Shape { name: "killed", commits: 600, records: 4, length: 400, closed: false },
    // Large enough for fjall to have written tables.
    Shape { name: "large", commits: 400, records: 40, length: 5_000, closed: false },
];

/// The child that makes a store; does nothing in an ordinary run.
#[tokio::test]
async fn maker() {
    let (Some(store), Ok(shape)) = (child(), env::var(SHAPE)) else { return };
    let store = store.unwrap();
    let shape = SHAPES.iter().find(|known| known.name == shape).unwrap();
    for commit in 0..shape.commits {
        let mut txn = store.begin();
        for record in 0..shape.records {
            let length = if record == 0 && commit % 16 == 0 { 20_000 } else { shape.length };
            txn.put(format!("record/{commit:06}/{record}"), noise(commit * shape.records + record, length));
        }
        // Records that change, and records that go.
        txn.put(format!("sum/{}", commit % 50), commit.to_be_bytes().to_vec());
        if let Some(old) = commit.checked_sub(300) {
            txn.delete(format!("record/{old:06}/1"));
        }
        txn.commit().await.unwrap();
    }
    if shape.closed {
        drop(store);
    }
    process::exit(0);
}

/// Bytes that do not become shorter when they are compressed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}

/// The child that reads a store; does nothing in an ordinary run.
#[tokio::test]
async fn reader() {
    if env::var_os(SHAPE).is_some() {
        return;
    }
    let Some(store) = child() else { return };
    match read(store).await {
        Ok((records, sum)) => say(&format!("found {records} {sum}")),
        Err(error) => {
            let mut told = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                told = format!("{told}: {error}");
                cause = error.source();
            }
            say(&format!("refused {}", told.replace('\n', " ")));
        }
    }
    process::exit(0);
}

fn child() -> Option<Result<Store, StoreError>> {
    let path = env::var_os(PATH)?;
    let kind = env::var(ENGINE).ok()?.parse().ok()?;
    Some(zhijie_store::open(Path::new(&path), kind))
}

/// Says a line; the test harness leaves its own line open.
fn say(line: &str) {
    println!("\n{line}");
}

/// How many records there are, and a sum of their bytes in order.
async fn read(store: Result<Store, StoreError>) -> Result<(usize, u64), StoreError> {
    let store = store?;
    let (mut records, mut sum, mut after) = (0, 0_u64, None);
    loop {
        let page = store.scan_prefix(b"", after.as_deref(), 500).await?;
        for (key, record) in &page {
            let bytes = key.iter().chain(record.value.iter());
            sum = bytes.fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        }
        records += page.len();
        after = page.last().map(|(key, _)| key.clone());
        if page.len() < 500 {
            return Ok((records, sum));
        }
    }
}

#[test]
fn a_damaged_store_is_whole_or_refused() {
    let trials = env::var(TRIALS).ok().and_then(|trials| trials.parse().ok()).unwrap_or(TRIALS_USUAL);
    let mut dice = Dice::new();
    let mut wrong = Vec::new();
    for kind in EngineKind::ALL {
        for shape in SHAPES {
            let dir = tempfile::tempdir().unwrap();
            let whole = dir.path().join("whole");
            run(kind, &whole, Some(shape)).unwrap();
            // Opening a store writes to it: each trial has a copy.
            let right = reading(kind, &whole, dir.path(), |_| String::new()).unwrap();
            assert!(right.1.starts_with("found"), "{right:?}");
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for _ in 0..trials {
                let (what, told) = reading(kind, &whole, dir.path(), |copy| damage(copy, &mut dice)).unwrap();
                let refused = told.strip_prefix("refused ").map(str::to_owned);
                if refused.is_none() && told != right.1 {
                    wrong.push(format!("{kind}, {}: {what}: {told}, and {} were there", shape.name, right.1));
                }
                *seen.entry(refused.map_or("intact".into(), |told| sort(&told))).or_default() += 1;
            }
            eprintln!("{kind}, {}: {trials} damages", shape.name);
            seen.iter().for_each(|(what, count)| eprintln!("  {count:4} {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} damages went unnoticed:\n{}", wrong.len(), wrong.join("\n"));
}

/// A reason without its numbers.
fn sort(told: &str) -> String {
    let words =
        told.split_whitespace().map(|word| if word.contains(|char: char| char.is_ascii_digit()) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(150).collect()
}

/// What was done to a copy of a store, and what a child then says of it.
fn reading(
    kind: EngineKind,
    whole: &Path,
    dir: &Path,
    damage: impl FnOnce(&Path) -> String,
) -> std::io::Result<(String, String)> {
    let copy = dir.join("copy");
    copy_all(whole, &copy)?;
    let what = damage(&copy);
    let told = run(kind, &copy, None);
    fs::remove_dir_all(&copy)?;
    Ok((what, told?))
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, to) = (entry.as_ref().map_err(|error| error.kind())?.path(), to.join(entry?.file_name()));
        if path.is_dir() { copy_all(&path, &to)? } else { fs::copy(&path, &to).map(drop)? }
    }
    Ok(())
}

/// Damages one file, mostly a large one.
fn damage(store: &Path, dice: &mut Dice) -> String {
    let mut files = Vec::new();
    collect(store, &mut files);
    let bytes: u64 = files.iter().map(|(_, length)| length).sum();
    let mut at = dice.below(bytes);
    let mut index = 0;
    while at >= files[index].1 {
        at -= files[index].1;
        index += 1;
    }
    if dice.below(4) == 0 {
        index = usize::try_from(dice.below(files.len() as u64)).unwrap();
        at = dice.below(files[index].1);
    }
    let (path, length) = &files[index];
    let file = File::options().read(true).write(true).open(path).unwrap();
    let how = match dice.below(4) {
        0 => {
            file.set_len(at).unwrap();
            "cut"
        }
        1 => {
            let zeros = vec![0; PAGE.min(usize::try_from(length - at).unwrap())];
            file.write_all_at(&zeros, at).unwrap();
            "blank"
        }
        _ => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ (1 << dice.below(8))], at).unwrap();
            "flipped"
        }
    };
    format!("{} {how} at {at} of {length}", path.strip_prefix(store).unwrap().display())
}

fn collect(dir: &Path, files: &mut Vec<(PathBuf, u64)>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let length = fs::metadata(&path).unwrap().len();
        match path.is_dir() {
            true => collect(&path, files),
            false if length > 0 => files.push((path, length)),
            false => {}
        }
    }
}

/// Runs a child over a store; gives its last line, or how it ended.
fn run(kind: EngineKind, path: &Path, shape: Option<Shape>) -> std::io::Result<String> {
    let name = if shape.is_some() { "maker" } else { "reader" };
    let mut command = Command::new(env::current_exe()?);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(PATH, path).env(ENGINE, kind.name());
    if let Some(shape) = shape {
        command.env(SHAPE, shape.name);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut looks = 0;
    while child.try_wait()?.is_none() {
        if looks > PATIENCE.as_millis() / 5 {
            child.kill()?;
            child.wait()?;
            return Ok("it hangs".into());
        }
        looks += 1;
        thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait()?;
    let mut told = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut told)?;
    }
    let line = told.lines().rev().find(|line| line.starts_with("found ") || line.starts_with("refused "));
    Ok(line.map_or_else(|| format!("it ended with {status}: {told}"), str::to_owned))
}
