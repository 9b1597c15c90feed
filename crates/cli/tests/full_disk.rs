//! The disk is full: a drill on a small file system. The services stop and say why, nothing acknowledged is lost, and they go
//! on when there is room again. Needs root: `cargo test -p zhijie-cli --test full_disk -- --ignored --nocapture`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const IMAGE_BYTES: u64 = 96 * 1024 * 1024;

#[test]
#[ignore = "needs root, a loop device and half a minute"]
fn a_full_disk_loses_nothing() {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(reason) => return eprintln!("SKIPPED: {reason}"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_zhijie"));
    command.args(["drill", "--json", "--rounds", "2", "--faults", "full-disk", "--folder"]).arg(disk.mounted());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rounds = report["rounds"].as_array().unwrap();
    assert_eq!((&report["passed"], rounds.len()), (&Value::Bool(true), 4), "{report}");
    for round in rounds {
        assert!(!round["struck"].as_array().unwrap().is_empty(), "no service stopped: {round}");
        assert!(round["settlements"].as_u64().unwrap() > 0, "{round}");
    }
    eprintln!("{report}");
}

/// A small file system in a file.
struct Disk(TempDir);

impl Disk {
    fn new() -> io::Result<Disk> {
        let disk = Disk(tempfile::tempdir()?);
        let image = disk.0.path().join("image");
        fs::create_dir(disk.mounted())?;
        File::create(&image)?.set_len(IMAGE_BYTES)?;
        run("mkfs.ext4", &["-q".as_ref(), &image])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), &image, &disk.mounted()])?;
        Ok(disk)
    }

    fn mounted(&self) -> PathBuf {
        self.0.path().join("mounted")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It is not mounted where making it failed.
        let _ = run("umount", &["-q".as_ref(), "-l".as_ref(), &self.mounted()]);
    }
}

fn run(program: &str, arguments: &[&Path]) -> io::Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))))
}
