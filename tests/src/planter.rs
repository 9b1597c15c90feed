//! Plants differences: changes what the services of a cluster keep in their books, the way they keep it, so that
//! nothing but reconciliation can notice.

use zhijie_services::{
    domain::{
        calendar::{Date, Moment},
        ids::SettlementId,
    },
    node::{Book, Records, keys},
    pb,
    wire::settlement,
};
use zhijie_store::{Store, Txn};

use crate::World;

/// The books of one service.
pub struct Planter(Store);

impl Planter {
    /// The books of a service by its name in the cluster.
    #[must_use]
    pub fn of(world: &World, service: &str) -> Planter {
        Planter(world.cluster.store(service).expect("a service of the cluster").clone())
    }

    /// Takes a record out; what is known of the visit and of the message stays.
    pub async fn remove(&self, id: &str) {
        let (mut txn, key, _) = self.load(id).await;
        txn.delete(key);
        txn.delete(keys::settlement(&parsed(id)));
        txn.commit().await.expect("a commit");
    }

    /// Changes a record where it stands.
    pub async fn change(&self, id: &str, change: impl FnOnce(&mut pb::BookRecord)) {
        let (mut txn, key, mut record) = self.load(id).await;
        change(&mut record);
        txn.keep(key, &record);
        txn.commit().await.expect("a commit");
    }

    /// Books a record at another moment, and so maybe under another day.
    pub async fn rebook(&self, id: &str, at: Moment) {
        let (mut txn, key, mut record) = self.load(id).await;
        record.settlement.as_mut().expect("a settlement").at = at.0;
        let place = keys::book(at.day(), &parsed(id));
        txn.delete(key);
        txn.keep(place.clone(), &record);
        txn.put(keys::settlement(&parsed(id)), place);
        txn.commit().await.expect("a commit");
    }

    /// Books a record a second time, under another id.
    pub async fn book_twice(&self, id: &str, second: &str) {
        let (_, _, record) = self.load(id).await;
        self.add(&[pb::Settlement { id: second.into(), ..record.settlement.expect("a settlement") }]).await;
    }

    /// Adds records in one commit.
    pub async fn add(&self, records: &[pb::Settlement]) {
        let mut txn = self.0.begin();
        for record in records {
            let record = settlement::parse(record).expect("a sound record");
            Book::add(&mut txn, &record, None).await.expect("an addition");
        }
        txn.commit().await.expect("a commit");
    }

    /// Takes all records of a day out.
    pub async fn empty(&self, day: Date) {
        let prefix = keys::book_of(day);
        for (key, _) in self.0.scan_prefix(&prefix, None, 1_000).await.expect("a scan") {
            self.remove(std::str::from_utf8(&key[prefix.len()..]).expect("an id")).await;
        }
    }

    async fn load(&self, id: &str) -> (Txn, Vec<u8>, pb::BookRecord) {
        let mut txn = self.0.begin();
        let key = txn.get(&keys::settlement(&parsed(id))).await.expect("a read").expect("a booked record").to_vec();
        let record = txn.record::<pb::BookRecord>(&key).await.expect("a read").expect("a record");
        (txn, key, record)
    }
}

fn parsed(id: &str) -> SettlementId {
    SettlementId::parse(id).expect("an id")
}

/// Adds fen to one amount that books are compared by. The hospital bears the rest, so that every identity still holds
/// and the record reads as any other.
pub fn shift(settlement: &mut pb::Settlement, field: &str, fen: i64) {
    let computation = settlement.computation.as_mut().expect("a computation");
    let amounts = computation.amounts.as_mut().expect("amounts");
    match field {
        "total" => {
            let claimed = settlement.claim.as_mut().expect("a claim").parts.as_mut().expect("parts");
            for parts in [claimed, amounts.parts.as_mut().expect("parts")] {
                parts.total += fen;
                parts.in_scope += fen;
            }
            amounts.hospital += fen;
            return;
        }
        "fund" => {
            amounts.funds.as_mut().expect("funds").basic += fen;
            amounts.fund_total += fen;
        }
        "account" => {
            amounts.account += fen;
            amounts.family = amounts.family.min(amounts.account);
            amounts.personal += fen;
        }
        "cash" => {
            amounts.cash += fen;
            amounts.personal += fen;
        }
        other => panic!("no amount called {other}"),
    }
    amounts.hospital -= fen;
}
