//! The power goes: the store lies on a loop-mounted ext4 image, and in the middle of the load the file system is told
//! to drop everything that has not reached the device. Slow, needs root: `cargo test --test power_cut -- --ignored`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dice;
mod witness;

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, process};

use dice::Dice;
use witness::{LANES, Writer};
use zhijie_store::EngineKind;

const ROUNDS: usize = 32;
const CONTROL_ROUNDS: usize = 8;
const IMAGE_BYTES: u64 = 512 * 1024 * 1024;

/// The child; does nothing in an ordinary run.
#[test]
fn writer() {
    if let Some(path) = env::var_os(witness::CHILD) {
        witness::write_until_stopped(Path::new(&path));
    }
}

/// The child of the control: sled alone, trusting its `flush`.
#[test]
fn flushing_writer() {
    let Some(path) = env::var_os(witness::CHILD) else {
        return;
    };
    let db = sled::open(path).unwrap();
    for number in 1_u64.. {
        let mut batch = sled::Batch::default();
        batch.insert(b"number", &number.to_be_bytes());
        batch.insert(&number.to_be_bytes(), vec![0; 600]);
        if db.apply_batch(batch).and_then(|()| db.flush()).is_err() {
            process::exit(0);
        }
        witness::acknowledge(0, number);
    }
}

#[tokio::test]
#[ignore = "needs root, a loop device and a minute"]
async fn a_power_cut_loses_nothing() {
    for kind in EngineKind::ALL {
        cut_again_and_again(kind).await;
    }
}

async fn cut_again_and_again(kind: EngineKind) {
    let Some(disk) = Disk::new() else { return };
    let path = disk.mounted.join("store");
    let mut dice = Dice::new();
    let mut found = [0; LANES];
    let mut dropped = 0;
    for round in 0..ROUNDS {
        disk.mount().unwrap();
        let mut writer = Writer::start("writer", kind, &path, found).unwrap();
        writer.listen(dice.below(400).saturating_sub(20)).unwrap();
        dice.moment();
        writer.power_goes();
        disk.cut_power().unwrap();
        writer.hear_out().unwrap();
        let stopped = writer.stopped.take().unwrap();
        disk.unmount().unwrap();

        disk.mount().unwrap();
        let store = zhijie_store::open(&path, kind).unwrap();
        let examined = witness::examine(&store, &writer).await;
        found = examined.unwrap_or_else(|fault| panic!("{kind}, round {round}: {fault}; {stopped}"));
        dropped += usize::from((0..LANES).any(|lane| found[lane] < writer.too_late[lane]));
        drop(store);
        disk.unmount().unwrap();
        // The engine says what stopped it, unless it had not opened yet.
        assert!(stopped.contains("Io {"), "{stopped}");
    }
    let batches: u64 = found.iter().sum();
    eprintln!("{kind}: {ROUNDS} power cuts, {batches} batches, none lost or torn");
    eprintln!("{dropped} times the kernel confirmed a sync while the power went, and dropped it");
    assert!(batches > ROUNDS as u64);
}

/// Shows that the test above can fail: the same cut loses what only `flush` has confirmed.
#[test]
#[ignore = "needs root, a loop device and half a minute"]
fn the_control_loses_data() {
    let Some(disk) = Disk::new() else { return };
    let mut dice = Dice::new();
    let mut lost = 0;
    for round in 0..CONTROL_ROUNDS {
        disk.mount().unwrap();
        let path = disk.mounted.join(round.to_string());
        let mut writer = Writer::start("flushing_writer", EngineKind::Sled, &path, [0; LANES]).unwrap();
        writer.listen(50 + dice.below(400)).unwrap();
        writer.power_goes();
        disk.cut_power().unwrap();
        writer.kill().unwrap();
        writer.hear_out().unwrap();
        disk.unmount().unwrap();

        disk.mount().unwrap();
        // sled may panic on what is left; then nothing is found.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let number = sled::open(&path).ok()?.get(b"number").ok()??;
            Some(u64::from_be_bytes(number.as_ref().try_into().ok()?))
        }));
        lost += usize::from(found.ok().flatten() < Some(writer.acknowledged[0]));
        disk.unmount().unwrap();
    }
    eprintln!("with flush alone, {lost} of {CONTROL_ROUNDS} power cuts lost acknowledged data");
    assert!(lost > 0);
}

/// A file system in a file.
struct Disk {
    image: PathBuf,
    mounted: PathBuf,
    _dir: tempfile::TempDir,
}

impl Disk {
    /// `None`, and the reason on stderr, where the machine does not allow it.
    fn new() -> Option<Self> {
        let disk = Self::make().and_then(|disk| {
            disk.mount()?;
            disk.unmount()?;
            Ok(disk)
        });
        disk.inspect_err(|reason| eprintln!("SKIPPED: {reason}")).ok()
    }

    fn make() -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let disk = Self { image: dir.path().join("image"), mounted: dir.path().join("mounted"), _dir: dir };
        fs::create_dir(&disk.mounted)?;
        File::create(&disk.image)?.set_len(IMAGE_BYTES)?;
        run(Command::new("mkfs.ext4").arg("-q").arg(&disk.image))?;
        Ok(disk)
    }

    fn mount(&self) -> io::Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.mounted))
    }

    fn unmount(&self) -> io::Result<()> {
        run(Command::new("umount").arg(&self.mounted))
    }

    fn cut_power(&self) -> io::Result<()> {
        /// `_IOR('X', 125, __u32)`, in `linux/ext4.h` and `linux/fs.h`.
        const FS_IOC_SHUTDOWN: libc::Ioctl = 0x8004_587d_u32 as libc::Ioctl;
        const NOLOGFLUSH: u32 = 2;
        let mounted = File::open(&self.mounted)?;
        // SAFETY: the descriptor is open, and the call reads one u32 through a pointer to one.
        #[allow(unsafe_code)]
        let status = unsafe { libc::ioctl(mounted.as_raw_fd(), FS_IOC_SHUTDOWN, &NOLOGFLUSH) };
        match status {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Only after a failure is it still mounted; the directory could not be removed then.
        let _ = Command::new("umount").args(["-q", "-l"]).arg(&self.mounted).status();
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {said}")))
}
