//! What the hub does with the books of a nation: totals of a day, the walk through three books, netting of a month.

use divan::{Bencher, black_box, counter::ItemsCount};
use zhijie_domain::{
    claim::Service,
    clearing::{
        designs::{ALL, Liquidity, Obligations},
        item::{Item, Verdict},
        table::Table,
    },
    ids::{RegionCode, SettlementId, VisitId},
    money::{Bp, Fen},
    person::Scheme,
    reconcile::{Entry, Three, Totals, compare, count},
    settlement::Kind,
};

use crate::world::date;

/// Records of a book; the cost of each is what is measured.
const RECORDS: u64 = 10_000;
const SEED: u64 = 20_250_310;
/// Provinces, as many as there are.
const PROVINCES: u64 = 32;

/// SplitMix64: the same number for the same place.
fn number(place: u64) -> u64 {
    let mut z = (SEED + place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn province(number: u64) -> RegionCode {
    RegionCode::parse(&format!("{}0000", 11 + number % PROVINCES)).unwrap()
}

fn entry(place: u64) -> Entry {
    let dice = number(place);
    let fund = Fen(i64::try_from(dice % 5_000_000).unwrap());
    let cash = Fen(i64::try_from((dice >> 24) % 1_000_000).unwrap());
    Entry {
        id: SettlementId::parse(&format!("{place:032x}")).unwrap(),
        kind: Kind::Settled,
        undoes: None,
        undone_by: None,
        visit: VisitId::parse(&format!("{dice:032x}")).unwrap(),
        home: province(dice >> 8),
        care: province(dice >> 16),
        scheme: if dice & 1 == 0 { Scheme::Employee } else { Scheme::Resident },
        service: Service::Outpatient,
        total: Fen(fund.0 + cash.0),
        fund,
        account: Fen::ZERO,
        cash,
    }
}

fn book() -> Vec<Entry> {
    (0..RECORDS).map(entry).collect()
}

#[divan::bench]
fn totals_of_a_day(bencher: Bencher) {
    let book = book();
    bencher.counter(ItemsCount::new(RECORDS)).bench(|| {
        let mut totals = Totals::new();
        book.iter().for_each(|entry| count(&mut totals, entry).unwrap());
        totals
    });
}

/// Three books, of which each has lost a fen in one record of a thousand.
#[divan::bench]
fn compare_of_three_books(bencher: Bencher) {
    let damaged = |lost: u64| {
        let change = move |(place, entry): (u64, Entry)| {
            if place % 1_000 == lost { Entry { cash: Fen(entry.cash.0 - 1), ..entry } } else { entry }
        };
        (0..).zip(book()).map(change).collect::<Vec<_>>().into_iter()
    };
    let books = || Three { care: damaged(1), hub: damaged(2), home: damaged(3) };
    bencher.counter(ItemsCount::new(3 * RECORDS)).with_inputs(books).bench_values(|books| compare(books).count());
}

#[divan::bench]
fn fold_of_a_table(bencher: Bencher) {
    let items: Vec<Item> = book().iter().map(|entry| Item::of(entry, date("2025-03-10"))).collect();
    bencher.counter(ItemsCount::new(RECORDS)).bench(|| {
        let mut table = Table::default();
        items.iter().for_each(|item| table.add(black_box(item), Verdict::Enters { late: 0 }).unwrap());
        table.payable().unwrap()
    });
}

/// A month in which every province owes every other.
#[divan::bench(args = ALL.iter().map(|design| design.key))]
fn netting(bencher: Bencher, key: &str) {
    let design = ALL.iter().find(|design| design.key == key).unwrap();
    let pairs = (0..PROVINCES).flat_map(|home| (0..PROVINCES).map(move |care| (home, care)));
    let owed = pairs.filter(|(home, care)| home != care).map(|(home, care)| {
        let amount = number(home * PROVINCES + care) % 1_000_000_000;
        ((province(home), province(care)), Fen(i64::try_from(amount).unwrap()))
    });
    let obligations = Obligations { owed: owed.collect(), ..Obligations::default() };
    let liquidity = Liquidity::share_of_payables(&obligations, Bp(2_000), 100).unwrap();
    bencher.bench(|| design.run(black_box(&obligations), &liquidity).unwrap());
}
