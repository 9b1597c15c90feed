//! The split (费用分割) by every shipped catalogue: what holds of each line, and of a bill in whatever order it comes.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod shipped;

use std::sync::OnceLock;

use proptest::{prelude::*, sample::Index};
use zhijie_domain::{
    catalogue::{Catalogue, Excess, Item},
    limits,
    money::{Fen, Price, Quantity},
    parameters::{File, Parameters},
    split::{Approval, FeeLine, Parts, SplitLine, roll_up, split},
};

/// Every item of every province's catalogue, read once.
fn items() -> &'static [(&'static Catalogue, &'static Item)] {
    static ALL: OnceLock<Vec<(&'static Catalogue, &'static Item)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = shipped::files();
        let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
        let parameters: &'static Parameters = Box::leak(Box::new(Parameters::parse(&files).unwrap()));
        let catalogues = parameters.regions.keys().map(|code| parameters.catalogue(code).unwrap());
        catalogues.flat_map(|catalogue| catalogue.items().map(move |item| (catalogue, item))).collect()
    })
}

/// A line of an item, split.
fn line((catalogue, item): &(&Catalogue, &Item), price: Price, quantity: Quantity, approval: Approval) -> SplitLine {
    let sent = FeeLine { serial: "1".into(), item: item.code.clone(), price, quantity, declared: None, approval };
    split(sent, catalogue).unwrap()
}

/// Prices around the item's limit as often as anywhere else.
fn price(item: &Item, anywhere: i64, near: i64) -> Price {
    match item.limit {
        Some(limit) if anywhere % 2 == 0 => Price((limit.0 + near).max(0)),
        _ => Price(anywhere),
    }
}

fn approvals() -> impl Strategy<Value = Approval> {
    prop_oneof![Just(Approval::NotNeeded), Just(Approval::Approved), Just(Approval::Refused)]
}

/// Up to 10,000 yuan a unit and 100 units, and a few at the ends of the limits.
fn quantities() -> impl Strategy<Value = Quantity> {
    prop_oneof![1i64..1_000_000, Just(1), Just(limits::QUANTITY_MAX / 10_000)].prop_map(Quantity)
}

fn outside(parts: &Parts) -> Fen {
    parts.total.minus(parts.in_scope).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// The parts are none below zero, and add up to price times quantity, half up.
    #[test]
    fn a_line_is_conserved(place in any::<Index>(), anywhere in 0i64..10_000_000_000, near in -3_000_000i64..3_000_000, quantity in quantities(), approval in approvals()) {
        let known = place.get(items());
        let price = price(known.1, anywhere, near);
        let Parts { total, own, over, pre, in_scope } = line(known, price, quantity, approval).parts;
        prop_assert_eq!(Fen::sum([own, over, pre, in_scope]), Ok(total));
        prop_assert!([own, over, pre, in_scope].iter().all(|part| !part.is_negative()));
        // Millionths of a yuan times ten-thousandths of a unit: a fen is a hundred million of them.
        let exact = i128::from(price.0) * i128::from(quantity.0);
        prop_assert_eq!(i128::from(total.0), (exact + 50_000_000) / 100_000_000);
    }

    /// A higher price never lowers what is outside the scope; and what is in scope falls only where the rules say so: a line
    /// above the limit of an item that takes no excess is the patient's whole, and above another limit the scope stays at the
    /// limit, up to the fen by which total and excess are rounded apart.
    #[test]
    fn a_higher_price_is_never_cheaper(place in any::<Index>(), anywhere in 0i64..1_000_000_000, near in -3_000_000i64..3_000_000, more in prop_oneof![Just(1i64), 0i64..10_000, 0i64..100_000_000], quantity in quantities(), approval in approvals()) {
        let known = place.get(items());
        let lower = price(known.1, anywhere, near);
        let higher = Price(lower.0 + more);
        let (one, other) = (line(known, lower, quantity, approval).parts, line(known, higher, quantity, approval).parts);
        prop_assert!(other.total >= one.total);
        let above = known.1.limit.is_some_and(|limit| higher > limit);
        let fen = i64::from(above);
        prop_assert!(outside(&other).0 >= outside(&one).0 - fen, "{one:?} {other:?}");
        match known.1.excess {
            Excess::Line if above => prop_assert_eq!(other.in_scope, Fen::ZERO),
            _ => prop_assert!(other.in_scope.0 >= one.in_scope.0 - fen, "{one:?} {other:?}"),
        }
    }

    /// More of the same never lowers any part, but for the fen between total and excess.
    #[test]
    fn more_units_are_never_cheaper(place in any::<Index>(), anywhere in 0i64..1_000_000_000, near in -3_000_000i64..3_000_000, quantity in quantities(), more in 0i64..1_000_000, approval in approvals()) {
        let known = place.get(items());
        let price = price(known.1, anywhere, near);
        let (one, other) = (line(known, price, quantity, approval).parts, line(known, price, Quantity(quantity.0 + more), approval).parts);
        let fen = i64::from(known.1.limit.is_some_and(|limit| price > limit));
        for (less, grown) in [(one.own, other.own), (one.over, other.over), (one.pre, other.pre), (one.in_scope, other.in_scope)] {
            prop_assert!(grown.0 >= less.0 - fen, "{one:?} {other:?}");
        }
    }

    /// A bill is the sum of its lines and of its categories, in whatever order they come.
    #[test]
    fn a_bill_is_its_lines_in_any_order(lines in prop::collection::vec((any::<Index>(), 0i64..1_000_000_000, quantities(), approvals()), 1..40), turn in any::<Index>()) {
        let mut lines: Vec<SplitLine> = lines
            .into_iter()
            .map(|(place, price, quantity, approval)| line(place.get(items()), Price(price), quantity, approval))
            .collect();
        let (bill, categories) = roll_up(&lines).unwrap();
        let sum = |parts: Vec<Parts>| parts.iter().try_fold(Parts::default(), |sum, parts| sum.plus(parts));
        prop_assert_eq!(sum(lines.iter().map(|line| line.parts).collect()), Ok(bill));
        prop_assert_eq!(sum(categories.iter().map(|category| category.parts).collect()), Ok(bill));
        bill.check("bill").unwrap();
        let place = turn.index(lines.len());
        lines.rotate_left(place);
        lines.reverse();
        prop_assert_eq!(roll_up(&lines).unwrap(), (bill, categories));
    }
}
