//! The witness of the crash tests: a child process writes batches and says which were acknowledged; when it has been
//! stopped, whatever way, its parent compares the store with what was said.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use zhijie_store::{Bytes, EngineKind, Store};

/// Names the store's directory to the child.
pub(crate) const CHILD: &str = "ZHIJIE_STORE_WITNESS";
/// Names the engine to the child.
const ENGINE: &str = "ZHIJIE_STORE_ENGINE";

/// Each lane is one task that commits batch after batch, so several are always on their way.
pub(crate) const LANES: usize = 8;
/// The number of the last batch of each lane.
pub(crate) type Numbers = [u64; LANES];

/// A lane's older entries are deleted, one by each batch.
const ENTRIES_KEPT: u64 = 20;

/// A child that writes, and what it has said.
pub(crate) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub(crate) acknowledged: Numbers,
    /// What was acknowledged after the power had begun to go: the kernel may confirm a sync that it then drops, and on a
    /// machine without power nobody would have heard it.
    pub(crate) too_late: Numbers,
    cut: Option<u128>,
    /// What made the child give up.
    pub(crate) stopped: Option<String>,
}

impl Writer {
    /// Runs the test `name` of this program as a child with the store in `path`.
    pub(crate) fn start(name: &str, kind: EngineKind, path: &Path, found: Numbers) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, path)
            .env(ENGINE, kind.name())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| io::Error::other("no pipe to the child"))?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout),
            acknowledged: found,
            too_late: found,
            cut: None,
            stopped: None,
        })
    }

    /// Listens until `acknowledgements` more were said, or the child has nothing more to say.
    pub(crate) fn listen(&mut self, acknowledgements: u64) -> io::Result<()> {
        let mut heard = 0;
        let mut line = String::new();
        while heard < acknowledgements {
            line.clear();
            if self.lines.read_line(&mut line)? == 0 {
                break;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["ack", lane, number, moment] => {
                    let lane: usize = lane.parse().map_err(io::Error::other)?;
                    let moment: u128 = moment.parse().map_err(io::Error::other)?;
                    let number = number.parse().map_err(io::Error::other)?;
                    self.too_late[lane] = number;
                    if self.cut.is_none_or(|cut| moment < cut) {
                        self.acknowledged[lane] = number;
                    }
                    heard += 1;
                }
                ["stopped", ..] => self.stopped = Some(line.trim().to_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The power goes now; see [`Writer::too_late`].
    #[allow(dead_code, reason = "not every test with a witness cuts the power")]
    pub(crate) fn power_goes(&mut self) {
        self.cut = Some(moment());
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }

    /// Hears the child out, until it has ended.
    pub(crate) fn hear_out(&mut self) -> io::Result<()> {
        self.listen(u64::MAX)?;
        self.child.wait().map(drop)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says a line to the parent. It begins with a line break because the test harness leaves its own line open.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    if writeln!(stdout, "\n{line}").and_then(|()| stdout.flush()).is_err() {
        std::process::exit(1);
    }
}

/// Says that the batch `number` of a lane was acknowledged, and when.
pub(crate) fn acknowledge(lane: usize, number: u64) {
    say(&format!("ack {lane} {number} {}", moment()));
}

#[expect(clippy::disallowed_methods, reason = "parent and child have no other clock in common")]
fn moment() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// The child: every lane commits until it is stopped.
pub(crate) fn write_until_stopped(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let kind = env::var(ENGINE).ok().and_then(|name| name.parse().ok()).unwrap_or_default();
        let store = match zhijie_store::open(path, kind) {
            Ok(store) => store,
            Err(error) => return say(&format!("stopped {error:?}")),
        };
        let lanes: Vec<_> = (0..LANES).map(|lane| tokio::spawn(write_lane(store.clone(), lane))).collect();
        for lane in lanes {
            lane.await.expect("a lane never panics");
        }
        let later = store.get(b"any").await;
        say(&format!("stopped {later:?}"));
    });
    // Closing would try to write to a disk that may be gone.
    std::process::exit(0);
}

async fn write_lane(store: Store, lane: usize) {
    let mut last = number(&store, lane, 'a').await.expect("the number of a lane");
    loop {
        last += 1;
        let mut txn = store.begin();
        for twin in ['a', 'b', 'c'] {
            let read = txn.get(number_key(lane, twin).as_bytes()).await;
            if read.is_err() {
                return;
            }
            txn.put(number_key(lane, twin), last.to_be_bytes().to_vec());
        }
        txn.put(entry_key(lane, last), entry(lane, last));
        txn.delete(entry_key(lane, last.saturating_sub(ENTRIES_KEPT)));
        if txn.commit().await.is_err() {
            return;
        }
        acknowledge(lane, last);
    }
}

/// What is found in the store, if every batch is whole and no acknowledged one is missing.
pub(crate) async fn examine(store: &Store, writer: &Writer) -> Result<Numbers, String> {
    let mut found = [0; LANES];
    for (lane, found) in found.iter_mut().enumerate() {
        let mut numbers = Vec::new();
        for twin in ['a', 'b', 'c'] {
            numbers.push(number(store, lane, twin).await?);
        }
        let last = numbers[0];
        if numbers.iter().any(|number| *number != last) {
            return Err(format!("lane {lane} is torn: {numbers:?}"));
        }
        let (said, too_late) = (writer.acknowledged[lane], writer.too_late[lane]);
        if !(said..=too_late + 1).contains(&last) {
            return Err(format!("lane {lane}: {said} was acknowledged, {too_late} too late, {last} is found"));
        }
        examine_entries(store, lane, last.saturating_sub(ENTRIES_KEPT - 1).max(1)..=last).await?;
        *found = last;
    }
    Ok(found)
}

async fn examine_entries(store: &Store, lane: usize, expected: RangeInclusive<u64>) -> Result<(), String> {
    let rows = store.scan_prefix(format!("entry/{lane}/").as_bytes(), None, 100).await;
    let rows = rows.map_err(|error| format!("{error:?}"))?;
    let keys: Vec<Bytes> = rows.iter().map(|(key, _)| key.clone()).collect();
    let expected_keys: Vec<String> = expected.clone().map(|number| entry_key(lane, number)).collect();
    if keys != expected_keys {
        return Err(format!("lane {lane}: {keys:?} found, {expected_keys:?} expected"));
    }
    for ((key, record), number) in rows.iter().zip(expected) {
        if record.value != entry(lane, number) {
            return Err(format!("the value of {key:?} is another"));
        }
    }
    Ok(())
}

async fn number(store: &Store, lane: usize, twin: char) -> Result<u64, String> {
    let record = store.get(number_key(lane, twin).as_bytes()).await;
    let record = record.map_err(|error| format!("{error:?}"))?;
    let Some(record) = record else {
        return Ok(0);
    };
    let bytes = record.value.as_ref().try_into();
    bytes.map(u64::from_be_bytes).map_err(|_| format!("no number: {record:?}"))
}

fn number_key(lane: usize, twin: char) -> String {
    format!("number/{lane}/{twin}")
}

fn entry_key(lane: usize, number: u64) -> String {
    format!("entry/{lane}/{number:012}")
}

/// A value that only this entry has; most are short, some take chunks.
fn entry(lane: usize, number: u64) -> Vec<u8> {
    let length = match number {
        number if number % 64 == 0 => 300_000,
        number if number % 16 == 0 => 20_000,
        number => 100 + number % 900,
    };
    let mut state = number * LANES as u64 + lane as u64 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}
