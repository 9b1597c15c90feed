//! Three books compared: every way to differ has its kind, its fields and its cures, and nothing else is a difference.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index};
use zhijie_domain::{
    calendar::{Date, parse_date},
    claim::Service,
    ids::{RegionCode, SettlementId, VisitId},
    money::Fen,
    person::Scheme,
    reconcile::{Cure, Cured, Difference, Entry, Filter, Held, Three, Totals, compare, count, unequal},
    settlement::Kind,
};

fn id(text: &str) -> SettlementId {
    SettlementId::parse(text).unwrap()
}

/// A settlement of its own visit, of 1,000 fen, 600 of them paid by the fund.
fn settled(name: &str) -> Entry {
    Entry {
        id: id(name),
        kind: Kind::Settled,
        undoes: None,
        undone_by: None,
        visit: VisitId::parse(&format!("visit-{name}")).unwrap(),
        home: RegionCode::parse("340000").unwrap(),
        care: RegionCode::parse("310000").unwrap(),
        scheme: Scheme::Resident,
        service: Service::Stay,
        total: Fen(1000),
        fund: Fen(600),
        account: Fen::ZERO,
        cash: Fen(400),
    }
}

fn totals(book: &[Entry]) -> Totals {
    let mut totals = Totals::new();
    book.iter().for_each(|entry| count(&mut totals, entry).unwrap());
    totals
}

/// The differences of one day as the hub finds them: totals first, then the records of the totals that differ.
fn differences(books: &Three<Vec<Entry>>) -> Vec<Difference> {
    let groups = unequal(&books.as_ref().map(|book| totals(book)));
    if groups.is_empty() {
        return Vec::new();
    }
    let filter = Filter { groups, ..Filter::default() };
    let day: Date = parse_date("2025-03-10").unwrap();
    let asked = books.clone().map(|mut book| {
        book.retain(|entry| filter.passes(entry));
        book.sort_by(|one, other| one.id.cmp(&other.id));
        book.into_iter()
    });
    compare(asked).filter_map(|row| Difference::of(&row.map(|entry| entry.map(|entry| Held { day, entry })))).collect()
}

/// Differences in words: kind, record, unequal fields with what care, hub and home say, and the cures that fit.
fn check(care: &[Entry], hub: &[Entry], home: &[Entry], expected: &[&str]) {
    let found = differences(&Three { care: care.to_vec(), hub: hub.to_vec(), home: home.to_vec() });
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected);
}

fn shown(found: &Difference) -> String {
    let fields = found
        .fields
        .iter()
        .map(|unequal| format!(" {} {}", unequal.field, unequal.values.as_ref().each().map(String::as_str).join("/")));
    let cures = Cure::ALL.into_iter().filter(|cure| cure.fits(found).is_ok()).map(|cure| format!("{cure:?}"));
    let cures: Vec<String> = cures.collect();
    format!("{:?} {}{} → {}", found.kind, found.entry.id, fields.collect::<String>(), cures.join(" "))
}

#[test]
fn every_way_to_differ_has_its_kind_its_fields_and_its_cures() {
    let (a, b) = (settled("a"), settled("b"));
    let (all, one) = ([a.clone(), b.clone()], [a.clone()]);
    let with = |change: fn(&mut Entry)| {
        let mut changed = a.clone();
        change(&mut changed);
        [changed]
    };
    check(&all, &all, &all, &[]);
    check(&[], &[], &[], &[]);
    check(&all, &one, &one, &["CareOnly b → Reverse ManualMatch"]);
    check(&one, &all, &one, &["HubOnly b → Reverse ManualMatch"]);
    check(&one, &one, &all, &["HomeOnly b → Replay Reverse ManualMatch"]);
    check(&all, &all, &one, &["CareHub b → Reverse ManualMatch"]);
    check(&one, &all, &all, &["HubHome b → Replay Reverse ManualMatch"]);
    check(&all, &one, &all, &["CareHome b → ReQuery ManualMatch"]);
    // An empty book is a book.
    check(&[], &one, &one, &["HubHome a → Replay Reverse ManualMatch"]);
    check(&with(|e| e.total = Fen(999)), &one, &one, &["Amount a total 999/1000/1000 → ManualMatch"]);
    check(&one, &with(|e| e.fund = Fen(1)), &one, &["Amount a fund 600/1/600 → ManualMatch"]);
    check(&one, &one, &with(|e| e.account = Fen(5)), &["Amount a account 0/0/5 → ManualMatch"]);
    check(&one, &one, &with(|e| e.cash = Fen(0)), &["Amount a cash 400/400/0 → ManualMatch"]);
    let both = with(|e| (e.fund, e.cash) = (Fen(601), Fen(399)));
    check(&one, &both, &one, &["Amount a fund 600/601/600 cash 400/399/400 → ManualMatch"]);
    check(&one, &one, &with(|e| e.kind = Kind::Cancelled), &["Status a kind settled/settled/cancelled → ManualMatch"]);
    check(
        &with(|e| e.scheme = Scheme::Employee),
        &one,
        &one,
        &["Status a scheme employee/resident/resident → ManualMatch"],
    );
    let undone = with(|e| e.undone_by = Some(id("n")));
    check(&undone, &one, &one, &["Status a undone_by n// → ManualMatch"]);
    check(&undone, &one, &undone, &["Status a undone_by n//n → Replay ManualMatch"]);
    // A negative record is not undone by another, and a settlement not twice.
    let negative = [a.clone(), Entry { kind: Kind::Reversed, undoes: Some(id("a")), ..settled("n") }];
    check(&negative, &one, &one, &["CareOnly n → ManualMatch"]);
    check(&undone, &undone, &[], &["CareHub a → ManualMatch"]);
    // What two books hold they must hold alike, or no cure is safe.
    check(&with(|e| e.fund = Fen(1)), &[], &one, &["CareHome a fund 1//600 → ManualMatch"]);
}

#[test]
fn equal_sums_do_not_hide_different_details() {
    let (a, b) = (settled("a"), Entry { total: Fen(700), fund: Fen(400), cash: Fen(300), ..settled("b") });
    let swapped = [
        Entry { id: a.id.clone(), visit: a.visit.clone(), ..b.clone() },
        Entry { id: b.id.clone(), visit: b.visit.clone(), ..a.clone() },
    ];
    let straight = [a, b];
    let (one, other) = (totals(&straight), totals(&swapped));
    let sums = |totals: &Totals| totals.values().map(|t| (t.records, t.total, t.fund, t.cash)).collect::<Vec<_>>();
    assert_eq!(sums(&one), sums(&other));
    check(
        &straight,
        &straight,
        &swapped,
        &[
            "Amount a total 1000/1000/700 fund 600/600/400 cash 400/400/300 → ManualMatch",
            "Amount b total 700/700/1000 fund 400/400/600 cash 300/300/400 → ManualMatch",
        ],
    );
}

#[test]
fn a_record_under_a_neighbouring_day_is_of_another_period() {
    let held = |day: &str| Some(Held { day: parse_date(day).unwrap(), entry: settled("a") });
    let (before, after) = (held("2025-03-10"), held("2025-03-11"));
    for (row, expected) in [
        (
            Three { care: before.clone(), hub: after.clone(), home: after.clone() },
            "Period a day 2025-03-10/2025-03-11/2025-03-11 → ManualMatch",
        ),
        (Three { care: before, hub: None, home: after }, "CareHome a day 2025-03-10//2025-03-11 → ManualMatch"),
    ] {
        assert_eq!(shown(&Difference::of(&row).unwrap()), expected);
    }
}

#[test]
fn a_second_settlement_of_a_visit_is_a_duplicate_and_home_is_not_told_to_undo_it() {
    let first = settled("a");
    let second = Entry { id: id("b"), ..first.clone() };
    let undone = Entry { undone_by: Some(id("n")), ..first.clone() };
    let one = [first.clone()];
    let both = [first.clone(), second];
    let only = |care: &[Entry], hub: &[Entry], home: &[Entry]| {
        differences(&Three { care: care.to_vec(), hub: hub.to_vec(), home: home.to_vec() }).remove(0)
    };
    for (found, twin, expected) in [
        (only(&one, &both, &one), &first, "Duplicate b → Reverse ManualMatch"),
        (only(&one, &one, &both), &first, "Duplicate b → ManualMatch"),
        (only(&one, &both, &one), &undone, "HubOnly b → Reverse ManualMatch"),
        (only(&one, &both, &one), &settled("c"), "HubOnly b → Reverse ManualMatch"),
    ] {
        assert_eq!(shown(&found.doubled(twin)), expected);
    }
}

#[test]
fn a_match_by_hand_closes_the_difference_it_was_made_for_and_no_other() {
    let one = [settled("a")];
    let wrong = |fund| [Entry { fund: Fen(fund), ..settled("a") }];
    let found =
        |home: &[Entry]| differences(&Three { care: one.to_vec(), hub: one.to_vec(), home: home.to_vec() }).remove(0);
    let seen = found(&wrong(1));
    let matched = Cured { cure: Cure::ManualMatch, kind: seen.kind, fields: seen.fields.clone(), negative: None };
    assert!(matched.closes(&seen));
    assert!(!matched.closes(&found(&wrong(2))), "another amount is another difference");
    assert!(!matched.closes(&found(&[])));
    assert!(!Cured { cure: Cure::Replay, ..matched }.closes(&seen), "a replayed record that still differs is open");
    let reversed = Cured { cure: Cure::Reverse, kind: found(&[]).kind, fields: Vec::new(), negative: Some(id("n")) };
    assert!(!reversed.closes(&found(&[])), "as long as it stands");
    let undone = [Entry { undone_by: Some(id("n")), ..settled("a") }];
    let negative = [Entry { kind: Kind::Reversed, undoes: Some(id("a")), ..settled("n") }];
    for records in [undone, negative] {
        let pair = differences(&Three { care: records.to_vec(), hub: records.to_vec(), home: Vec::new() }).remove(0);
        assert!(reversed.closes(&pair), "{pair:?}");
    }
}

/// A record of a random day: some negative, some undone, of three pairs, two schemes.
fn record() -> impl Strategy<Value = Entry> {
    (0u32..1_000_000, 0u8..3, 0usize..3, any::<bool>(), 0i64..1_000_000, 0i64..1_000_000).prop_map(
        |(number, kind, pair, employee, fund, cash)| {
            let (home, care) = [("340000", "310000"), ("310000", "340000"), ("510000", "500000")][pair];
            let region = |text| RegionCode::parse(text).unwrap();
            let kind = [Kind::Settled, Kind::Cancelled, Kind::Reversed][usize::from(kind)];
            Entry {
                kind,
                undoes: (kind != Kind::Settled).then(|| id(&format!("of-{number}"))),
                home: region(home),
                care: region(care),
                scheme: if employee { Scheme::Employee } else { Scheme::Resident },
                total: Fen(fund + cash),
                fund: Fen(fund),
                cash: Fen(cash),
                ..settled(&format!("{number:08}"))
            }
        },
    )
}

fn day() -> impl Strategy<Value = Vec<Entry>> {
    let distinct = |records: Vec<Entry>| {
        records.into_iter().map(|entry| (entry.id.clone(), entry)).collect::<BTreeMap<_, _>>().into_values().collect()
    };
    prop::collection::vec(record(), 200).prop_map(distinct)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_clean_day_has_no_difference_in_whatever_order_it_is_read(day in day(), turn in any::<Index>()) {
        let mut turned = day.clone();
        turned.rotate_left(turn.index(day.len()));
        let reversed = day.iter().rev().cloned().collect();
        prop_assert_eq!(differences(&Three { care: turned, hub: day, home: reversed }), Vec::new());
    }

    #[test]
    fn any_one_damage_is_found_and_nothing_else(day in day(), place in any::<Index>(), book in 0usize..3, way in 0usize..9) {
        let mut damaged = day.clone();
        let place = place.index(day.len());
        let entry = &mut damaged[place];
        match way {
            0 => entry.total.0 += 1,
            1 => entry.fund.0 -= 1,
            2 => entry.account.0 += 100,
            3 => entry.cash.0 += 1,
            4 => entry.undone_by = Some(id("unknown")),
            5 => entry.service = Service::Pharmacy,
            6 => entry.visit = VisitId::parse("other").unwrap(),
            7 => entry.home = RegionCode::parse("120000").unwrap(),
            _ => { damaged.remove(place); }
        }
        let mut books = [day.clone(), day.clone(), day.clone()];
        books[book] = damaged;
        let [care, hub, home] = books;
        let found = differences(&Three { care, hub, home });
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].entry.id, &day[place].id);
    }

    /// However many records are wrong, and in however many books: each is named once, and no other.
    #[test]
    fn every_damage_is_found_and_nothing_else(day in day(), wrong in prop::collection::vec((any::<Index>(), 0usize..3, 0i64..3), 0..12)) {
        let mut books = [day.clone(), day.clone(), day.clone()];
        for (place, book, way) in wrong {
            let id = &day[place.index(day.len())].id;
            let book = &mut books[book];
            match way {
                0 => book.retain(|entry| entry.id != *id),
                way => book.iter_mut().filter(|entry| entry.id == *id).for_each(|entry| entry.cash.0 += way),
            }
        }
        let unlike = |id: &SettlementId| {
            let [care, hub, home] = books.each_ref().map(|book| book.iter().find(|entry| entry.id == *id));
            care != hub || hub != home
        };
        let expected: Vec<SettlementId> = day.iter().map(|entry| entry.id.clone()).filter(unlike).collect();
        let [care, hub, home] = books.clone();
        let mut found: Vec<_> = differences(&Three { care, hub, home }).into_iter().map(|found| found.entry.id).collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    /// Totals are sums: of two halves of a day in any order they are those of the day.
    #[test]
    fn totals_are_those_of_the_parts(day in day(), cut in any::<Index>()) {
        let (one, other) = day.split_at(cut.index(day.len()));
        let mut halves = totals(other);
        one.iter().rev().for_each(|entry| count(&mut halves, entry).unwrap());
        prop_assert_eq!(halves, totals(&day));
    }
}
