//! Clearing tables as folds: in whatever order and in however many parts their items come, and what a correction takes back.

use proptest::prelude::*;
use zhijie_domain::{
    claim::Service,
    clearing::{
        item::{Carried, Item, ItemKind, Verdict},
        table::Table,
    },
    ids::{RegionCode, SettlementId},
    money::Fen,
    person::Scheme,
};

use crate::day;

fn item(kind: ItemKind, scheme: Scheme, service: Service, [fund, account, deduction]: [i64; 3]) -> Item {
    Item {
        id: SettlementId::parse("S1").unwrap(),
        kind,
        day: day("2024-06-10"),
        home: RegionCode::parse("340000").unwrap(),
        care: RegionCode::parse("310000").unwrap(),
        scheme,
        service,
        total: Fen(fund + account),
        fund: Fen(fund),
        account: Fen(account),
        deduction: Fen(deduction),
        under_review: false,
        disputed: false,
        excepted: false,
    }
}

/// An item, and what the period's table does with it.
fn judged() -> impl Strategy<Value = (Item, Verdict)> {
    let verdict = (0usize..3, 0u16..3).prop_map(|(way, late)| match way {
        0 => Verdict::Enters { late },
        1 => Verdict::Carried { why: Carried::Disputed, late },
        _ => Verdict::Later,
    });
    let amounts = (0i64..10_000_000, 0i64..100_000, 0i64..100_000);
    (0usize..3, any::<bool>(), any::<bool>(), amounts, verdict).prop_map(
        |(kind, employee, stay, (fund, account, deduction), verdict)| {
            let scheme = if employee { Scheme::Employee } else { Scheme::Resident };
            let service = if stay { Service::Stay } else { Service::Outpatient };
            let of = |kind, amounts| item(kind, scheme, service, amounts);
            let item = match kind {
                0 => of(ItemKind::Settlement, [fund, account, deduction]),
                1 => of(ItemKind::Correction, [-fund, -account, 0]),
                _ => of(ItemKind::Deduction, [0, 0, deduction]),
            };
            (item, verdict)
        },
    )
}

fn table<'a>(items: impl IntoIterator<Item = &'a (Item, Verdict)>) -> Table {
    let mut table = Table::default();
    items.into_iter().for_each(|(item, verdict)| table.add(item, *verdict).unwrap());
    table
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A table owes the net worth of the items that enter it, and nothing of the others; their order decides nothing.
    #[test]
    fn a_table_owes_what_enters_it_in_any_order(items in prop::collection::vec(judged(), 0..40), credit in -1_000_000i64..=0) {
        let mut made = table(&items);
        prop_assert_eq!(&made, &table(items.iter().rev()));
        made.credit = Fen(credit);
        let worth = |(item, verdict): &(Item, Verdict)| match verdict {
            Verdict::Enters { .. } => item.fund.0 + item.account.0 - item.deduction.0,
            _ => 0,
        };
        prop_assert_eq!(made.payable(), Ok(Fen(credit + items.iter().map(worth).sum::<i64>())));
    }

    /// What entered and was reversed later is owed by nobody over both tables, deductions given back.
    #[test]
    fn a_reversal_takes_back_all_that_was_owed(items in prop::collection::vec(judged(), 0..40)) {
        let entered: Vec<_> = items.into_iter().filter(|(item, _)| item.kind == ItemKind::Settlement).map(|(item, _)| item).collect();
        let mut both = Table::default();
        for settled in &entered {
            both.add(settled, Verdict::Enters { late: 0 }).unwrap();
            let amounts = [-settled.fund.0, -settled.account.0, -settled.deduction.0];
            both.add(&item(ItemKind::Correction, settled.scheme, settled.service, amounts), Verdict::Enters { late: 1 }).unwrap();
        }
        prop_assert_eq!(both.payable(), Ok(Fen::ZERO));
    }
}
