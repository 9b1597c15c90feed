//! What happens to the services in a drill, and to which.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::ValueEnum;
use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};
use zhijie_simulation::Dice;

use crate::spawn::Spawned;

/// How long a killed service stays down, ms, at most.
const DOWN_MS_MAX: u64 = 800;
/// In so many of a hundred kills, the new process is killed too, while it starts.
const KILLED_TWICE: u64 = 30;
/// How long a new process lives that is killed while it starts, ms, at most.
const YOUNG_MS_MAX: u64 = 150;
/// How long a service stands still, ms.
const STILL_MS: (u64, u64) = (1_000, 4_000);
/// How long a service works whose work is then lost.
const LOST: Duration = Duration::from_secs(2);
/// How long a disk stays full once the first service has stopped, ms, at most.
const FULL_MS_MAX: u64 = 1_500;
/// How long it may take until a service notices that the disk is full.
const NOTICED: Duration = Duration::from_secs(20);
/// How the full disk is filled: by so much at once, and by so little at last, bytes.
const LARGE: usize = 1 << 20;
const SMALL: usize = 1 << 9;
/// Nobody's larger file system is filled.
const FILLED_MAX: usize = 2 << 30;

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Fault {
    /// SIGKILL of the hub
    KillHub,
    /// SIGKILL of a home
    KillHome,
    /// SIGKILL of a care
    KillCare,
    /// SIGKILL of all at once
    KillAll,
    /// SIGSTOP of the hub, for some seconds
    StopHub,
    /// SIGSTOP of a home
    StopHome,
    /// SIGSTOP of a care
    StopCare,
    /// The file system of all stores is full, for a while
    FullDisk,
    /// A home gets a copy of its store back that is seconds old: what it acknowledged since then is lost, and the drill must say so
    OldCopy,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// Services that were struck, and are there again.
pub(super) struct Struck {
    pub(super) names: Vec<String>,
    /// When their new processes were started, or were let go on.
    pub(super) again: Instant,
    /// Until all of them served.
    pub(super) serving: Duration,
}

impl Fault {
    /// All that need no file system of their own, and lose nothing.
    pub(super) const USUAL: [Fault; 7] = [
        Fault::KillHub,
        Fault::KillHome,
        Fault::KillCare,
        Fault::KillAll,
        Fault::StopHub,
        Fault::StopHome,
        Fault::StopCare,
    ];

    /// Its name in Chinese.
    pub(super) const fn zh(self) -> &'static str {
        match self {
            Fault::KillHub => "强杀国家平台",
            Fault::KillHome => "强杀参保地",
            Fault::KillCare => "强杀就医地",
            Fault::KillAll => "全部强杀",
            Fault::StopHub => "国家平台停顿",
            Fault::StopHome => "参保地停顿",
            Fault::StopCare => "就医地停顿",
            Fault::FullDisk => "磁盘写满",
            Fault::OldCopy => "回退旧副本",
        }
    }

    /// Lets it happen, and brings back what it struck.
    pub(super) async fn strike(self, spawned: &mut Spawned, stores: &Path, dice: &mut Dice) -> anyhow::Result<Struck> {
        let names = self.struck(&spawned.names(), dice);
        match self {
            Fault::KillHub | Fault::KillHome | Fault::KillCare | Fault::KillAll => kill(spawned, names, dice).await,
            Fault::StopHub | Fault::StopHome | Fault::StopCare => stop(spawned, names, dice).await,
            Fault::FullDisk => fill(spawned, stores, dice).await,
            Fault::OldCopy => put_back(spawned, names).await,
        }
    }

    /// The services that it strikes: one of a role, or all.
    fn struck(self, names: &[String], dice: &mut Dice) -> Vec<String> {
        let role = match self {
            Fault::KillHub | Fault::StopHub => "hub",
            Fault::KillHome | Fault::StopHome | Fault::OldCopy => "home",
            Fault::KillCare | Fault::StopCare => "care",
            Fault::KillAll | Fault::FullDisk => return names.to_vec(),
        };
        let mut of_role: Vec<String> = names.iter().filter(|name| name.starts_with(role)).cloned().collect();
        vec![of_role.swap_remove(dice.place(of_role.len()))]
    }
}

async fn kill(spawned: &mut Spawned, names: Vec<String>, dice: &mut Dice) -> anyhow::Result<Struck> {
    spawned.kill(&names)?;
    sleep(ms(dice.between(0, DOWN_MS_MAX))).await;
    if dice.percent(KILLED_TWICE) {
        let young = ms(dice.between(0, YOUNG_MS_MAX));
        if let Ok(started) = timeout(young, spawned.start_again(&names)).await {
            started?;
        }
        spawned.kill(&names)?;
    }
    start(spawned, names).await
}

async fn start(spawned: &mut Spawned, names: Vec<String>) -> anyhow::Result<Struck> {
    let again = Instant::now();
    spawned.start_again(&names).await?;
    Ok(Struck { names, again, serving: again.elapsed() })
}

async fn stop(spawned: &mut Spawned, names: Vec<String>, dice: &mut Dice) -> anyhow::Result<Struck> {
    spawned.signal(&names, Signal::STOP)?;
    sleep(ms(dice.between(STILL_MS.0, STILL_MS.1))).await;
    spawned.signal(&names, Signal::CONT)?;
    Ok(Struck { names, again: Instant::now(), serving: Duration::ZERO })
}

/// Copies the store of a service, lets the service work on, and puts the copy back.
async fn put_back(spawned: &mut Spawned, names: Vec<String>) -> anyhow::Result<Struck> {
    let copies = tempfile::tempdir()?;
    spawned.kill(&names)?;
    let stores = names.iter().filter_map(|name| spawned.store(name));
    let stores: Vec<(PathBuf, PathBuf)> =
        stores.zip(0..).map(|(store, place)| (store.to_owned(), copies.path().join(place.to_string()))).collect();
    for (store, kept) in &stores {
        copy(store, kept).context("a copy of a store")?;
    }
    spawned.start_again(&names).await?;
    sleep(LOST).await;
    spawned.kill(&names)?;
    for (store, kept) in &stores {
        fs::remove_dir_all(store)?;
        copy(kept, store).context("a copy of a store")?;
    }
    start(spawned, names).await
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), &to).map(drop)?,
        }
    }
    Ok(())
}

/// Fills the file system until services stop, makes room, and starts those again that have stopped.
async fn fill(spawned: &mut Spawned, stores: &Path, dice: &mut Dice) -> anyhow::Result<Struck> {
    let path = stores.join("ballast");
    let mut ballast = File::create(&path)?;
    let (mut filled, until) = (0, Instant::now() + NOTICED);
    let mut ended = Vec::new();
    while ended.is_empty() {
        // What a service gives back is taken too.
        filled +=
            [LARGE, SMALL].into_iter().map(|piece| fill_by(&mut ballast, piece, filled)).sum::<io::Result<usize>>()?;
        sleep(ms(20)).await;
        ended = spawned.ended()?;
        if Instant::now() > until {
            fs::remove_file(&path)?;
            bail!("no service stopped, although the disk is full");
        }
    }
    sleep(ms(dice.between(0, FULL_MS_MAX))).await;
    ended.extend(spawned.ended()?);
    fs::remove_file(&path).context("the disk cannot be emptied again")?;
    drop(ballast);
    // One that was about to notice may still do so.
    sleep(ms(FULL_MS_MAX)).await;
    ended.extend(spawned.ended()?);
    if let Some((name, told)) = ended.iter().find(|(_, told)| !told.contains("No space left on device")) {
        bail!("{name} stopped without saying that the disk is full:\n{told}");
    }
    start(spawned, ended.into_iter().map(|(name, _)| name).collect()).await
}

/// Writes pieces until there is no room for another; gives the bytes written.
fn fill_by(ballast: &mut File, piece: usize, filled: usize) -> io::Result<usize> {
    let (zeros, mut written) = (vec![0; piece], 0);
    loop {
        match ballast.write_all(&zeros) {
            Ok(()) => written += piece,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(written),
            Err(error) => return Err(error),
        }
        if filled + written > FILLED_MAX {
            return Err(io::Error::other("--folder: a file system of less than 2 GiB, as it is filled"));
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
