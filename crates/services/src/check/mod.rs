//! Checking stores without their services (离线核查): whether each record reads, whether the books agree with one
//! another, and whether what follows from them is what was kept. It writes nothing and knows no engine. Each subject is
//! a file, and names the first difference it finds.

mod ahead;
mod books;
mod cases;
mod ledger;
mod persons;
mod places;
mod proofs;
mod records;
mod tables;
mod unequal;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    panic::resume_unwind,
};

use tokio::{runtime::Handle, task::JoinHandle};
use zhijie_domain::ids::RegionCode;
use zhijie_store::Store;

use crate::node::{Failure, Owner, Role, Stop};

/// Opened stores by whose they are.
#[derive(Debug, Clone, Default)]
pub struct Stores(BTreeMap<Owner, Store>);

impl Stores {
    /// Adds a store; false where one of the same service is there already, which then stays.
    #[must_use]
    pub fn add(&mut self, owner: Owner, store: Store) -> bool {
        if self.0.contains_key(&owner) {
            return false;
        }
        self.0.insert(owner, store);
        true
    }

    /// Whose stores they are.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.0.keys()
    }

    fn each(&self, role: Role) -> impl Iterator<Item = (&Owner, &Store)> {
        self.0.iter().filter(move |(owner, _)| owner.role == role)
    }

    fn hub(&self) -> Option<(&Owner, &Store)> {
        self.each(Role::Hub).next()
    }

    /// The same stores, as one subject reads them.
    fn ahead(&self) -> Stores {
        Stores(self.0.iter().map(|(owner, store)| (owner.clone(), ahead::ahead(store))).collect())
    }

    fn get(&self, owner: &Owner) -> Option<&Store> {
        self.0.get(owner)
    }
}

fn hub() -> Owner {
    Owner { role: Role::Hub, region: None }
}

fn home(area: &RegionCode) -> Owner {
    Owner { role: Role::Home, region: Some(area.province()) }
}

fn care(place: &RegionCode) -> Owner {
    Owner { role: Role::Care, region: Some(place.province()) }
}

/// Where two facts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose store it is in, such as `home-340000`.
    pub store: String,
    /// The letter with which the record's key begins.
    pub kind: String,
    /// The rest of the key; person numbers are masked.
    pub record: String,
    /// The field, or what of the record it is about.
    pub field: String,
    /// What is there, and what should be.
    pub what: String,
}

/// What came of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its stable name.
    pub key: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// How many facts were compared.
    pub checked: u64,
    /// How many differ.
    pub differences: u64,
    /// The first of them.
    pub first: Option<Difference>,
    /// Stores that the facts name and that were not given: what they hold was not compared.
    pub missing: BTreeSet<Owner>,
}

impl Subject {
    fn new(key: &'static str, zh: &'static str, en: &'static str) -> Subject {
        Subject { key, zh, en, checked: 0, differences: 0, first: None, missing: BTreeSet::new() }
    }

    /// Takes up what came of the same in other stores.
    fn extend(&mut self, other: Subject) {
        self.checked = self.checked.saturating_add(other.checked);
        self.differences = self.differences.saturating_add(other.differences);
        self.first = self.first.take().or(other.first);
        self.missing.extend(other.missing);
    }

    /// One more fact is compared.
    fn look(&mut self) {
        self.checked = self.checked.saturating_add(1);
    }

    /// Notes a difference of the record under a key.
    fn differs(&mut self, store: &Owner, key: &[u8], field: impl Display, what: impl Display) {
        self.differences = self.differences.saturating_add(1);
        if self.first.is_none() {
            let (kind, record) = unequal::shown(key);
            let (field, what) = (field.to_string(), what.to_string());
            self.first = Some(Difference { store: store.to_string(), kind, record, field, what });
        }
    }

    /// Notes it as a difference where two values are not the same.
    fn compare<T: PartialEq + Display>(&mut self, store: &Owner, key: &[u8], field: &str, found: T, right: T) {
        if found != right {
            self.differs(store, key, field, format!("{found}, and it should be {right}"));
        }
    }

    /// What was read under a key; a record that does not read, or does not add up, is a difference.
    fn read<T>(&mut self, store: &Owner, key: &[u8], result: Result<T, impl Into<Stop>>) -> Result<Option<T>, Failure> {
        match result.map_err(Into::into) {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Failed(Failure::Damaged(_))) => {
                self.differs(store, key, "record", "it does not read");
                Ok(None)
            }
            Err(Stop::Refused(refusal)) => {
                self.differs(store, key, &refusal.field, &refusal.en);
                Ok(None)
            }
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose stores were given.
    pub stores: Vec<Owner>,
    /// Its subjects, in the order in which they were checked.
    pub subjects: Vec<Subject>,
}

impl Report {
    /// Nothing differs, and no store is missing. One store alone has none to be compared with: that it stands alone is
    /// no difference.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let alone = self.stores.len() == 1;
        self.subjects.iter().all(|subject| subject.differences == 0 && (alone || subject.missing.is_empty()))
    }
}

/// Checks stores. Nobody may write to them meanwhile. Subjects are checked side by side, each on a thread; the records,
/// which take longest, on a thread for each store.
///
/// # Errors
/// [`Failure`] of a store; what its records say is a difference and no failure.
pub async fn check(stores: &Stores) -> Result<Report, Failure> {
    let each = stores.owners().cloned();
    let each: Vec<_> =
        each.map(|one| beside(stores, async move |stores| records::check(&stores, &one).await)).collect();
    let books = beside(stores, async |stores| books::check(&stores).await);
    let persons = beside(stores, async |stores| persons::check(&stores).await);
    let places = beside(stores, async |stores| places::check(&stores).await);
    let proofs = beside(stores, async |stores| proofs::check(&stores).await);
    let tables = beside(stores, async |stores| tables::check(&stores).await);
    let ledger = beside(stores, async |stores| ledger::check(&stores).await);
    let mut records = records::subject();
    for one in each {
        records.extend(done(one).await?);
    }
    let (books, persons) = (done(books).await?, done(persons).await?);
    let [places, cases] = done(places).await?;
    let (tables, ledger, proofs) = (done(tables).await?, done(ledger).await?, done(proofs).await?);
    let subjects = vec![records, books, persons, places, tables, cases, ledger, proofs];
    Ok(Report { stores: stores.owners().cloned().collect(), subjects })
}

/// Checks a subject on a thread of its own.
fn beside<T: Send + 'static>(
    stores: &Stores,
    subject: impl AsyncFnOnce(Stores) -> T + Send + 'static,
) -> JoinHandle<T> {
    let (stores, runtime) = (stores.ahead(), Handle::current());
    tokio::task::spawn_blocking(move || runtime.block_on(subject(stores)))
}

async fn done<T>(subject: JoinHandle<T>) -> T {
    // It is never called off, so what ends it early is a panic, which goes on here.
    subject.await.unwrap_or_else(|ended| resume_unwind(ended.into_panic()))
}
