//! What the hub keeps of a settlement besides its book: it waits for clearing, one above the threshold has a
//! case, and a stay is one of its person's.
//! Everything is in the commit that books it, so that nothing is cleared that no book holds, nor forgotten.

use zhijie_domain::{
    calendar::add_days,
    clearing::item::{Item, ItemKind},
    money::Fen,
    reconcile::Entry,
    settlement::Settlement,
};
use zhijie_store::Txn;

use super::{Hub, audit, relay::outside, screening};
use crate::{
    node::{Book, Failure, Records, Undone, keys, planted::planted},
    wire::{clearing, pb},
};

/// Books a settlement, unless the book has it, and lets it wait for clearing, unless a table holds it.
///
/// # Errors
/// [`Failure::Protocol`] for a record of a day on which it cannot have been booked.
pub(super) async fn settlement(hub: &Hub, txn: &mut Txn, settlement: &Settlement) -> Result<(), Failure> {
    has_come(hub, settlement)?;
    if Book::load(txn, &settlement.id).await?.is_some() {
        return Book::add(txn, settlement, None).await;
    }
    Book::add(txn, settlement, None).await?;
    screening::keep(txn, settlement);
    if txn.get(&keys::cleared(&settlement.id)).await?.is_some() {
        return Ok(());
    }
    let under_review = audit::open_above_threshold(hub, txn, settlement)?;
    let item = Item { under_review, ..waiting(settlement) };
    txn.keep(keys::waiting(&item.id, false), &clearing::print_waiting(&item, Vec::new()));
    Ok(())
}

/// Books a negative record. A settlement that no table holds is never cleared; for one that a table holds, the
/// negative record waits as its correction and gives back what was deducted.
pub(super) async fn undone(hub: &Hub, txn: &mut Txn, undone: &Undone) -> Result<(), Failure> {
    has_come(hub, &undone.settlement)?;
    has_come(hub, &undone.record)?;
    let (original, record) = (&undone.settlement.id, &undone.record.id);
    let known = Book::load(txn, record).await?.is_some();
    Book::add_undone(txn, undone).await?;
    if known {
        return Ok(());
    }
    audit::lapse(hub, txn, original).await?;
    screening::forget(txn, &undone.settlement);
    for deduction in [false, true] {
        let key = keys::waiting(original, deduction);
        if txn.get(&key).await?.is_some() && !planted!(ClearUndone) {
            txn.delete(key);
        }
    }
    let key = keys::cleared(original);
    if let Some(mut cleared) = txn.record::<pb::ClearedRecord>(&key).await? {
        let given_back = Fen(cleared.deducted).negated().map_err(|_| Failure::Damaged(keys::shown(&key)))?;
        let item = Item { kind: ItemKind::Correction, deduction: given_back, ..waiting(&undone.record) };
        txn.keep(keys::waiting(record, false), &clearing::print_waiting(&item, Vec::new()));
        cleared.deducted = 0;
        txn.keep(key, &cleared);
    }
    Ok(())
}

/// A settlement is booked from the first day of its claim on, and not after tomorrow: clocks run apart, not by days.
fn has_come(hub: &Hub, settlement: &Settlement) -> Result<(), Failure> {
    let day = settlement.day();
    if (settlement.claim.from..=add_days(hub.node.today(), 1)).contains(&day) {
        return Ok(());
    }
    Err(outside(&format!("a record is booked on the days of its claim or after them, not on {day}")))
}

/// A settlement or a negative record as it waits for clearing.
pub(crate) fn waiting(settlement: &Settlement) -> Item {
    Item::of(&Entry::from(settlement), settlement.day())
}
