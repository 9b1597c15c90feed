//! How long a national day takes: three books of a million records each, made from a seed as they are read.
//! `cargo run --release -p zhijie-domain --example million`

use std::time::Instant;

use zhijie_domain::{
    claim::Service,
    ids::{Malformed, RegionCode, SettlementId, VisitId},
    money::{Fen, Overflow},
    person::Scheme,
    reconcile::{Difference, Entry, Held, Three, Totals, compare, count, unequal},
    settlement::Kind,
};

const RECORDS: u64 = 1_000_000;
const SEED: u64 = 20_250_310;

/// SplitMix64: the same number for the same place.
fn number(place: u64) -> u64 {
    let mut z = (SEED + place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn entry(place: u64) -> Result<Entry, Malformed> {
    let dice = number(place);
    let fund = Fen(i64::try_from(dice % 5_000_000).unwrap_or_default());
    let cash = Fen(i64::try_from((dice >> 24) % 1_000_000).unwrap_or_default());
    let region = |dice: u64| RegionCode::parse(&format!("{}0000", 11 + dice % 31));
    Ok(Entry {
        id: SettlementId::parse(&format!("{place:032x}"))?,
        kind: Kind::Settled,
        undoes: None,
        undone_by: None,
        visit: VisitId::parse(&format!("{dice:032x}"))?,
        home: region(dice >> 8)?,
        care: region(dice >> 16)?,
        scheme: if dice & 1 == 0 { Scheme::Employee } else { Scheme::Resident },
        service: Service::Outpatient,
        total: Fen(fund.0.saturating_add(cash.0)),
        fund,
        account: Fen::ZERO,
        cash,
    })
}

/// A book, in which one record of a hundred thousand has lost a fen of cash.
fn book(damaged: bool) -> impl Iterator<Item = Entry> {
    let changed = move |entry: Entry, place| {
        let lost = damaged && place % 100_000 == 99_999;
        if lost { Entry { cash: Fen(entry.cash.0.saturating_sub(1)), ..entry } } else { entry }
    };
    (0..RECORDS).filter_map(move |place| entry(place).ok().map(|entry| changed(entry, place)))
}

fn totals(book: impl Iterator<Item = Entry>) -> Result<Totals, Overflow> {
    let mut totals = Totals::new();
    for entry in book {
        count(&mut totals, &entry)?;
    }
    Ok(totals)
}

#[allow(clippy::disallowed_methods, reason = "it measures")]
fn main() -> Result<(), Overflow> {
    let began = Instant::now();
    let made: i64 = (0..3).map(|_| book(false).map(|entry| entry.cash.0 & 1).sum::<i64>()).sum();
    println!("making the records three times, as the walks below do: {} ms ({made})", began.elapsed().as_millis());
    let began = Instant::now();
    let groups = unequal(&Three { care: totals(book(false))?, hub: totals(book(false))?, home: totals(book(true))? });
    println!("totals: {} ms, {} groups differ", began.elapsed().as_millis(), groups.len());
    let began = Instant::now();
    let day = zhijie_domain::calendar::Date::MIN;
    let rows = compare(Three { care: book(false), hub: book(false), home: book(true) });
    let found = rows.filter_map(|row| Difference::of(&row.map(|entry| entry.map(|entry| Held { day, entry }))));
    println!("{} differences, in {} ms for all records", found.count(), began.elapsed().as_millis());
    Ok(())
}
