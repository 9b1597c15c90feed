//! A service whose store was damaged refuses to start: it names the store, what is damaged and what to do.
#![allow(clippy::unwrap_used)]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_zhijie");
/// What is left of the file that holds the records.
const LEFT_BYTES: u64 = 200;

#[test]
fn a_service_does_not_start_over_a_damaged_store() {
    for (engine, file) in [("sled", "db"), ("fjall", "fjall/0.jnl")] {
        let folder = tempfile::tempdir().unwrap();
        let (config, store) = (folder.path().join("hub.toml"), folder.path().join("hub"));
        let text = format!(
            "[hub]\nlisten = \"127.0.0.1:0\"\nplaintext = true\nstore = \"{}\"\nengine = \"{engine}\"\n[hub.regions]\n",
            store.display()
        );
        fs::write(&config, text).unwrap();
        serve_and_die(&config);
        serve_and_die(&config);

        let damaged = File::options().write(true).open(store.join(file)).unwrap();
        damaged.set_len(LEFT_BYTES).unwrap();
        drop(damaged);
        // If it started, it would end at once, and well.
        let refused = run(&["hub", "--stdin-is-a-leash", "--config", config.to_str().unwrap()]);
        let told = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(3), "{engine}: {told}");
        for needed in [store.to_str().unwrap(), "the store is damaged: ", "Put back a copy of its folder"] {
            assert!(told.contains(needed), "{engine}: `{needed}` is missing in: {told}");
        }
        let checked = run(&["check", store.to_str().unwrap()]);
        assert!(matches!(checked.status.code(), Some(1 | 3)), "{engine}: {checked:?}");
    }
}

/// Starts a hub, and kills it when it serves.
fn serve_and_die(config: &Path) {
    let mut command = Command::new(PROGRAM);
    command.arg("hub").arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut hub = command.spawn().unwrap();
    let mut lines = BufReader::new(hub.stderr.take().unwrap()).lines();
    let serving = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("serving")));
    assert!(serving.is_some(), "it serves");
    hub.kill().unwrap();
    hub.wait().unwrap();
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap()
}
