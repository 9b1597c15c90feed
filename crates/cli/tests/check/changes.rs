//! Changes of single facts behind the services' back, and where the check must name each.

use std::path::Path;

use prost::Message;
use zhijie_services::{
    node::{document, open_store, sealed},
    pb,
};

use crate::block_on;

/// The stores, changed behind their services' backs.
pub(crate) struct Stores<'a>(pub(crate) &'a Path);

impl Stores<'_> {
    /// Takes the first record under a prefix whose document is wanted, and puts into the store what is made of it.
    fn change<M: Message + Default>(
        &self,
        service: &str,
        prefix: &str,
        wanted: impl Fn(&M) -> bool,
        change: impl FnOnce(&[u8], M) -> Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) {
        block_on(async {
            let store = open_store(&self.0.join(service)).expect("a store");
            let page = store.scan_prefix(prefix.as_bytes(), None, 1_000).await.expect("a page");
            let found = page.iter().map(|(key, record)| (key, document::<M>(key, &record.value).expect("it reads")));
            let (key, document) = found.into_iter().find(|(_, document)| wanted(document)).expect("a record");
            let mut txn = store.begin();
            for (key, value) in change(key, document) {
                match value {
                    Some(value) => txn.put(key, value),
                    None => txn.delete(key),
                }
            }
            txn.commit().await.expect("a commit");
        });
    }

    /// Changes a document where it stands, and seals it again.
    fn edit<M: Message + Default>(
        &self,
        service: &str,
        prefix: &str,
        wanted: impl Fn(&M) -> bool,
        edit: impl FnOnce(&mut M),
    ) {
        self.change(service, prefix, wanted, |key, mut document: M| {
            edit(&mut document);
            vec![(key.to_vec(), Some(sealed(key, &document)))]
        });
    }

    /// Changes a settlement in force alike in the books of the hub, of home and of care, and seals each again.
    fn edit_everywhere(&self, edit: fn(&mut pb::BookRecord)) {
        let mut found = None;
        self.edit("hub", "b/", in_force, |record: &mut pb::BookRecord| {
            let settlement = record.settlement.as_ref().expect("a settlement");
            let claim = settlement.claim.as_ref().expect("a claim");
            let place = |role: &str, code: &str| format!("{role}-{}0000", &code[..2]);
            found = Some((settlement.id.clone(), [place("home", &claim.home), place("care", &claim.care)]));
            edit(record);
        });
        let (id, services) = found.expect("a settlement");
        for service in services {
            let wanted = |record: &pb::BookRecord| record.settlement.as_ref().is_some_and(|s| s.id == id);
            self.edit(&service, "b/", wanted, edit);
        }
    }

    fn remove<M: Message + Default>(&self, service: &str, prefix: &str, wanted: impl Fn(&M) -> bool) {
        self.change(service, prefix, wanted, |key, _: M| vec![(key.to_vec(), None)]);
    }

    /// Takes all records of some kinds out of a store.
    fn empty(&self, service: &str, prefixes: &[&str]) {
        block_on(async {
            let store = open_store(&self.0.join(service)).expect("a store");
            for prefix in prefixes {
                for (key, _) in store.scan_prefix(prefix.as_bytes(), None, 1_000).await.expect("a page") {
                    let mut txn = store.begin();
                    txn.delete(key);
                    txn.commit().await.expect("a commit");
                }
            }
        });
    }
}

fn amounts(record: &mut pb::BookRecord) -> &mut pb::Amounts {
    let computation = record.settlement.as_mut().and_then(|settlement| settlement.computation.as_mut());
    computation.and_then(|computation| computation.amounts.as_mut()).expect("amounts")
}

fn in_force(record: &pb::BookRecord) -> bool {
    record.undone_by.is_empty() && record.settlement.as_ref().is_some_and(|s| s.kind() == pb::EntryKind::Settled)
}

fn entered(item: &pb::ClearedItem) -> bool {
    item.carried() == pb::CarriedReason::Unspecified
}

/// What is changed, where the check must find it: subject, store, kind of key and a part of the field.
pub(crate) type Row = (&'static str, &'static str, fn(&Stores<'_>));

pub(crate) const CHANGES: &[Row] = &[
    ("one byte of a booked settlement", "records care-310000 b record", |stores| {
        stores.change("care-310000", "b/", in_force, |key, record| {
            let mut value = sealed(key, &record);
            value[9] ^= 1;
            vec![(key.to_vec(), Some(value))]
        });
    }),
    ("a record of a person moved to another person's key", "records home-340000 r record", |stores| {
        stores.change(
            "home-340000",
            "r/",
            |_| true,
            |key, record: pb::PersonRecord| vec![(b"r/34120000000000000009".to_vec(), Some(sealed(key, &record)))],
        );
    }),
    ("a kind of record that nobody keeps", "records hub ? key", |stores| {
        stores.change(
            "hub",
            "w",
            |_| true,
            |key, turn: pb::TurnRecord| vec![(b"?/1".to_vec(), Some(sealed(key, &turn)))],
        );
    }),
    ("the id of a record leads nowhere", "records hub H key", |stores| {
        stores.change("hub", "b/", in_force, |_, record| {
            let id = record.settlement.expect("a settlement").id;
            vec![(format!("s/{id}").into_bytes(), None)]
        });
    }),
    ("a settlement changed in one book", "books care-310000 b settlement.computation.ratio", |stores| {
        stores.edit("care-310000", "b/", in_force, |record| {
            record
                .settlement
                .as_mut()
                .and_then(|settlement| settlement.computation.as_mut())
                .expect("a computation")
                .ratio += 1;
        });
    }),
    ("a settlement changed in the hub's book", "books hub b settlement.at", |stores| {
        stores.edit("hub", "b/", in_force, |record| record.settlement.as_mut().expect("a settlement").at += 1);
    }),
    ("a settlement that one book holds for undone", "books care-500000 b undone_by", |stores| {
        stores.edit(
            "care-500000",
            "b/",
            |record: &pb::BookRecord| !record.undone_by.is_empty(),
            |record| record.undone_by.clear(),
        );
    }),
    ("a whole book emptied", "books home-340000 b record", |stores| stores.empty("home-340000", &["b/", "s/"])),
    ("an accumulator", "persons home-340000 r accumulators", |stores| {
        stores.edit(
            "home-340000",
            "r/",
            |record: &pb::PersonRecord| !record.accumulators.is_empty(),
            |record| {
                *record.accumulators[0].amounts.get_mut("basic").expect("an amount") += 1;
            },
        );
    }),
    ("a purse", "persons home-510000 r purse.account", |stores| {
        stores.edit(
            "home-510000",
            "r/",
            |_| true,
            |record: &mut pb::PersonRecord| record.purse.as_mut().expect("a purse").account += 1,
        );
    }),
    ("a last settlement forgotten", "persons home-310000 r accumulators", |stores| {
        stores.edit(
            "home-310000",
            "r/",
            |record: &pb::PersonRecord| !record.last_settlement.is_empty(),
            |record| record.last_settlement.clear(),
        );
    }),
    ("a balance in all books", "persons home-510000 b amounts.balance", |stores| {
        stores.edit("home-510000", "b/", in_force, |record| amounts(record).balance += 1);
    }),
    ("a waiting item removed", "places hub b place", |stores| {
        stores.remove("hub", "q/", |item: &pb::WaitingItem| item.kind() == pb::ClearedKind::Settlement)
    }),
    ("a waiting item's amount", "places hub q amounts", |stores| {
        stores.edit("hub", "q/", |_| true, |item: &mut pb::WaitingItem| item.fund += 1)
    }),
    ("an item of a table removed", "places hub b place", |stores| stores.remove("hub", "k/2025-03", entered)),
    ("an item doubled into a second table", "places hub b place", |stores| {
        stores.change("hub", "k/2025-03/340000/310000/", entered, |key, item| {
            let key = String::from_utf8_lossy(key).replace("2025-03", "2025-04").into_bytes();
            let value = sealed(&key, &item);
            vec![(key, Some(value))]
        });
    }),
    ("an item in a table of a period that was never made", "places hub k period", |stores| {
        stores.change("hub", "k/2025-03/340000/310000/", entered, |key, item| {
            let key = String::from_utf8_lossy(key).replace("2025-03", "2026-03").into_bytes();
            let value = sealed(&key, &item);
            vec![(key, Some(value))]
        });
    }),
    ("a cleared pointer removed", "places hub b place", |stores| {
        stores.remove("hub", "j/", |_: &pb::ClearedRecord| true)
    }),
    ("a cleared pointer to another table", "places hub b cleared.period", |stores| {
        stores.edit("hub", "j/", |_| true, |cleared: &mut pb::ClearedRecord| cleared.period = "2025-05".into());
    }),
    ("what was deducted", "places hub b sum over tables", |stores| {
        stores.edit("hub", "j/", |cleared: &pb::ClearedRecord| cleared.deducted > 0, |cleared| cleared.deducted += 1);
    }),
    ("a table's payable", "tables hub t payable", |stores| {
        stores.edit("hub", "t/", |_| true, |table: &mut pb::ClearingTable| table.payable += 1)
    }),
    ("a table's row", "tables hub t rows.new.amount", |stores| {
        stores.edit(
            "hub",
            "t/",
            |table: &pb::ClearingTable| !table.rows.is_empty(),
            |table| {
                table.rows[0].new.as_mut().expect("a sum").amount += 1;
            },
        );
    }),
    ("a table's credit", "tables hub t credit", |stores| {
        stores.edit("hub", "t/", |_| true, |table: &mut pb::ClearingTable| table.credit -= 1)
    }),
    ("a table removed", "tables hub k table", |stores| stores.remove("hub", "t/", |_: &pb::ClearingTable| true)),
    ("a case's deduction", "cases hub a deduction", |stores| {
        stores.edit("hub", "a/", |case: &pb::Case| case.stage() == pb::CaseStage::Closed, |case| case.deduction += 1);
    }),
    ("a case open since before its settlement was cleared", "cases hub a stage", |stores| {
        stores.edit(
            "hub",
            "a/",
            |case: &pb::Case| !case.reopened,
            |case| {
                case.opened = "2025-07-01".into();
                case.set_stage(pb::CaseStage::Opened);
            },
        );
    }),
    ("a prepayment's balance", "ledger hub u balance", |stores| {
        stores.edit("hub", "u/", |_| true, |quota: &mut pb::Quota| quota.balance += 1)
    }),
    ("a settlement's fund at home, its identities whole", "ledger hub t payable", |stores| {
        stores.edit("home-310000", "b/", in_force, |record| {
            let amounts = amounts(record);
            amounts.funds.as_mut().expect("funds").basic -= 1;
            amounts.fund_total -= 1;
            amounts.hospital += 1;
        });
    }),
    ("an amount in all three books, its identities whole", "proofs hub b proof.home", |stores| {
        stores.edit_everywhere(|record| {
            let amounts = amounts(record);
            amounts.funds.as_mut().expect("funds").basic -= 1;
            amounts.fund_total -= 1;
            amounts.hospital += 1;
        });
    }),
    ("the bill's patient in all three books", "proofs hub b proof.care", |stores| {
        stores.edit_everywhere(|record| {
            record.settlement.as_mut().and_then(|settlement| settlement.claim.as_mut()).expect("a claim").injury = true;
        });
    }),
    ("a signature taken away in all three books", "proofs hub b proof.home", |stores| {
        stores.edit_everywhere(|record| {
            record.settlement.as_mut().and_then(|s| s.proof.as_mut()).expect("a proof").home.clear();
        });
    }),
    ("another's signature", "proofs care-310000 b proof.care", |stores| {
        stores.edit("care-310000", "b/", in_force, |record| {
            let proof = record.settlement.as_mut().and_then(|s| s.proof.as_mut()).expect("a proof");
            proof.care = proof.home.clone();
        });
    }),
    ("a record taken out of a day that its region has signed", "proofs home-340000 G facts", |stores| {
        stores.change("home-340000", "b/", in_force, |key, record| {
            let id = record.settlement.expect("a settlement").id;
            vec![(key.to_vec(), None), (format!("s/{id}").into_bytes(), None)]
        });
    }),
    ("what a head says", "proofs hub G signature", |stores| {
        stores.edit("hub", "G/", |_| true, |head: &mut pb::DayHead| head.records += 1)
    }),
    ("a head taken out", "proofs care-310000 G previous", |stores| {
        stores.remove("care-310000", "G/", |_: &pb::DayHead| true)
    }),
    ("a key that its region does not have", "proofs hub K key", |stores| {
        stores.change(
            "hub",
            "K/",
            |_| true,
            |_, mut key: pb::SigningKey| {
                key.public[0] ^= 1;
                let hex: String = key.public.iter().map(|byte| format!("{byte:02x}")).collect();
                let place = format!("K/{}/{}/{hex}", key.role, key.region).into_bytes();
                let value = sealed(&place, &key);
                vec![(place, Some(value))]
            },
        );
    }),
];
