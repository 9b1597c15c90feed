//! The stores at rest, when a seed is over: `zhijie check` finds them sound, and finds a bit that flips in one of them.

use std::collections::BTreeMap;

use zhijie_services::{
    check::{Stores, check},
    node::owner,
};
use zhijie_store::{Batch, Bytes, Engine, Memory, Store, StoreError, limits};

use crate::dice::Dice;

/// Of a hundred seeds, those in which a bit flips: it takes a second check, and one is an eighth of a seed's time.
const FLIPPED_PERCENT: u64 = 10;

/// What is durable, by service.
type Disks = BTreeMap<String, Memory>;

/// `zhijie check` finds the stores sound, and no longer when one bit of them has flipped.
pub(crate) fn at_rest(seed: u64, disks: &Disks) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        sound(disks).await.map_err(|differs| format!("check: {differs}"))?;
        let mut dice = Dice::of(seed, "rest");
        if dice.percent(FLIPPED_PERCENT) { flipped(&mut dice, disks).await } else { Ok(()) }
    })
}

/// `zhijie check` finds nothing that differs, or says what.
async fn sound(disks: &Disks) -> Result<(), String> {
    let mut opened = Stores::default();
    for (name, memory) in disks {
        let store = Store::new(memory.clone());
        let whose = owner(&store).await.map_err(|failure| failure.to_string())?;
        let whose = whose.ok_or_else(|| format!("{name}: nobody's store"))?;
        if !opened.add(whose, store) {
            return Err(format!("{name}: a second store"));
        }
    }
    let report = check(&opened).await.map_err(|failure| failure.to_string())?;
    let differs = report.subjects.iter().find(|subject| subject.differences > 0 || !subject.missing.is_empty());
    match differs {
        None => Ok(()),
        Some(subject) => Err(format!("{}: {:?} {:?}", subject.en, subject.first, subject.missing)),
    }
}

/// One bit flips, of the key or the value of one record, in a copy of one disk.
async fn flipped(dice: &mut Dice, disks: &Disks) -> Result<(), String> {
    let names: Vec<&str> = disks.keys().map(String::as_str).collect();
    let name = dice.one(&names);
    let unread = |error: StoreError| format!("{name}: {error}");
    let mut records = match disks.get(name) {
        Some(memory) => records(memory).await.map_err(unread)?,
        None => Vec::new(),
    };
    let place = dice.place(records.len());
    if place >= records.len() {
        return Ok(());
    }
    let (mut key, mut value) = records.remove(place);
    let (kind, bytes) = (key.first().copied().unwrap_or_default(), key.len() + value.len());
    let (byte, bit) = (dice.place(bytes), dice.place(8));
    match byte.checked_sub(key.len()) {
        None => key = with_flipped(&key, byte, bit),
        Some(byte) => value = with_flipped(&value, byte, bit),
    }
    // Where its key has become that of another record, it lies in its place: of two writes to a key the later counts.
    records.push((key, value));
    let damaged = Memory::new();
    for page in records.chunks(limits::SCAN_ROWS_MAX) {
        let writes = page.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let written = damaged.commit(Batch { writes, ..Batch::default() }).await;
        written.map_err(|error| format!("{name}: {error}"))?;
    }
    let mut disks = disks.clone();
    disks.insert(name.to_owned(), damaged);
    match sound(&disks).await {
        Err(_) => Ok(()),
        Ok(()) => Err(format!(
            "check: bit {bit} of byte {byte} of {bytes} flipped in a record of kind {} of {name}, and nothing differs",
            char::from(kind)
        )),
    }
}

/// All records of a disk, key and value.
async fn records(memory: &Memory) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
    let store = Store::new(memory.clone());
    let mut records: Vec<(Bytes, Bytes)> = Vec::new();
    loop {
        let after = records.last().map(|(key, _)| key.clone());
        let page = store.scan_prefix(&[], after.as_deref(), limits::SCAN_ROWS_MAX).await?;
        let is_last = page.len() < limits::SCAN_ROWS_MAX;
        records.extend(page.into_iter().map(|(key, record)| (key, record.value)));
        if is_last {
            return Ok(records);
        }
    }
}

fn with_flipped(bytes: &Bytes, byte: usize, bit: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(byte) {
        *byte ^= 1 << bit;
    }
    bytes.into()
}
