//! What no test run may say. Every cluster of the tests listens to all that its process logs and to the feed of its hub;
//! when the cluster ends, neither of them, nor a ticket of the hub, names a person of its registers or shows a private key.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tracing_subscriber::EnvFilter;
use zhijie_services::{
    cluster::{Cluster, HUB},
    node::keys,
    pb::{self, national_client::NationalClient},
};
use zhijie_store::Store;

/// Everything at every level. h2 tells each frame, of which it shows no header and no byte of data by itself.
const FILTER: &str = "trace,h2=info";
/// What the hub tells its officers of what went wrong, and what waits to be told.
const TOLD: &[&[u8]] = &[b"P/", b"N/", b"D/", keys::TICKETS, keys::OPEN_TICKETS];
/// Rows of a scan.
const PAGE: usize = 1_000;
/// Pause before a hub that ended its feed is asked again.
const PAUSE: Duration = Duration::from_millis(20);
/// How the text form of a private key begins.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// What was said, as far as it has been heard.
type Heard = Arc<Mutex<Vec<u8>>>;

/// What this process logs, by whatever test.
static LOG: Mutex<Option<Heard>> = Mutex::new(None);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A writer of what is logged.
struct Ear(Heard);

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that this process logs from the first call on.
fn log() -> Heard {
    let mut log = locked(&LOG);
    let heard = log.get_or_insert_with(|| {
        let heard = Heard::default();
        let ear = Arc::clone(&heard);
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(FILTER)).with_ansi(false);
        let listening = subscriber.with_writer(move || Ear(Arc::clone(&ear))).finish();
        tracing::subscriber::set_global_default(listening).expect("nobody else listens to the whole process");
        heard
    });
    Arc::clone(heard)
}

/// Listens for one cluster; judges when it is dropped.
pub(crate) struct Silence {
    log: Heard,
    feed: Heard,
    listening: JoinHandle<()>,
    registers: Vec<Store>,
    hub: Store,
}

impl Silence {
    /// From now on, over the services of these names.
    pub(crate) fn over(cluster: &Cluster, names: &[String], national: NationalClient<Channel>) -> Silence {
        let store = |name: &str| cluster.store(name).expect("a service of the cluster").clone();
        let feed = Heard::default();
        Silence {
            log: log(),
            listening: tokio::spawn(listen(national, Arc::clone(&feed))),
            feed,
            registers: names.iter().filter(|name| name.starts_with("home-")).map(|name| store(name)).collect(),
            hub: store(HUB),
        }
    }

    fn judge(&self) -> Result<(), String> {
        let numbers = self.registers.iter().flat_map(|register| rows(register, keys::PERSONS));
        let persons: BTreeSet<Vec<u8>> = numbers.map(|(key, _)| key[keys::PERSONS.len()..].to_vec()).collect();
        let told: Vec<u8> =
            TOLD.iter().flat_map(|kind| rows(&self.hub, kind)).flat_map(|(key, value)| [key, value].concat()).collect();
        for (place, said) in [("log", &*locked(&self.log)), ("feed", &*locked(&self.feed)), ("tickets", &told)] {
            if let Some(line) = names_someone(said, &persons) {
                return Err(format!("the {place} names a person or a key: {line}"));
            }
        }
        Ok(())
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.listening.abort();
        let judged = self.judge();
        // The last one to listen clears the log: it and the process hold it.
        if Arc::strong_count(&self.log) == 2 {
            locked(&self.log).clear();
        }
        if let (Err(said), false) = (judged, thread::panicking()) {
            panic!("{said}");
        }
    }
}

/// All rows of a kind; the stores of tests answer at once.
fn rows(store: &Store, kind: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut rows, mut after) = (Vec::<(Vec<u8>, Vec<u8>)>::new(), None);
    loop {
        let page = store.scan_prefix(kind, after.as_deref(), PAGE).now_or_never().expect("a store in memory");
        let page = page.expect("a page");
        rows.extend(page.iter().map(|(key, record)| (key.to_vec(), record.value.to_vec())));
        if page.len() < PAGE {
            return rows;
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

/// Writes down what the feed tells, from one hub to the next.
async fn listen(mut national: NationalClient<Channel>, heard: Heard) {
    loop {
        if let Ok(feed) = national.watch(pb::WatchRequest::default()).await {
            let mut feed = feed.into_inner();
            while let Ok(Some(event)) = feed.message().await {
                locked(&heard).extend_from_slice(format!("{event:?}\n").as_bytes());
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first line in which a word is the number of one of these people, or in which a private key stands.
fn names_someone(said: &[u8], persons: &BTreeSet<Vec<u8>>) -> Option<String> {
    let names = |line: &&[u8]| {
        let mut words = line.split(|byte| !byte.is_ascii_alphanumeric());
        words.any(|word| persons.contains(word)) || String::from_utf8_lossy(line).contains(PRIVATE_KEY)
    };
    said.split(|byte| *byte == b'\n').find(names).map(|line| String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        World,
        hospital::{LI, TODAY, enrol, outpatient, person},
    };

    #[test]
    fn a_line_that_names_someone_is_found() {
        let persons = BTreeSet::from([LI.as_bytes().to_vec()]);
        let judged = |said: &str| names_someone(said.as_bytes(), &persons).is_some();
        for leak in [
            format!("settled\nsettled person={LI}\n"),
            format!("f/341200/{LI}/F1"),
            format!("PersonId({LI:?})"),
            "key: -----BEGIN PRIVATE KEY-----".into(),
        ] {
            assert!(judged(&leak), "{leak}");
        }
        assert!(!judged("person=p-3f2a91c07be4 settlement=34120000000000000001a\nPRIVATE"));
    }

    #[tokio::test]
    #[should_panic(expected = "the log names a person")]
    async fn a_cluster_whose_people_are_logged_does_not_end_well() {
        let number = "34120000000000004711";
        let world = World::at(TODAY).await;
        enrol(&world, person(number, pb::Scheme::Resident, pb::Category::Adult), pb::Purse::default()).await;
        tracing::trace!("enrolled {number}");
    }

    #[tokio::test]
    async fn the_feed_and_the_log_are_heard() {
        let world = World::at(TODAY).await;
        world.care("500000").settle_at_once(outpatient("m1", 500)).await.expect("a reply");
        world.until("the refusal is told", || async { !locked(&world.silence().feed).is_empty() }).await;
        assert!(!locked(&world.silence().log).is_empty());
    }
}
