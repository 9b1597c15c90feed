//! What the hub keeps of a settlement besides its book: it waits for clearing, and one above the threshold has a case.
//! Everything is in the commit that books it, so that nothing is cleared that no book holds, nor forgotten.

use zhijie_domain::{
    clearing::item::{Item, ItemKind},
    money::Fen,
    settlement::Settlement,
};
use zhijie_store::Txn;

use super::{Hub, audit};
use crate::{
    node::{Book, Failure, Records, Undone, keys},
    wire::{clearing, pb},
};

/// Books a settlement, unless the book has it, and lets it wait for clearing, unless a table holds it.
pub(super) async fn settlement(hub: &Hub, txn: &mut Txn, settlement: &Settlement) -> Result<(), Failure> {
    if Book::load(txn, &settlement.id).await?.is_some() {
        return Book::add(txn, settlement, None).await;
    }
    Book::add(txn, settlement, None).await?;
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
    let (original, record) = (&undone.settlement.id, &undone.record.id);
    let known = Book::load(txn, record).await?.is_some();
    Book::add_undone(txn, undone).await?;
    if known {
        return Ok(());
    }
    audit::lapse(hub, txn, original).await?;
    for deduction in [false, true] {
        let key = keys::waiting(original, deduction);
        if txn.get(&key).await?.is_some() {
            txn.delete(key);
        }
    }
    let key = keys::cleared(original);
    if let Some(mut cleared) = txn.record::<pb::ClearedRecord>(&key).await? {
        let item = Item { kind: ItemKind::Correction, deduction: Fen(-cleared.deducted), ..waiting(&undone.record) };
        txn.keep(keys::waiting(record, false), &clearing::print_waiting(&item, Vec::new()));
        cleared.deducted = 0;
        txn.keep(key, &cleared);
    }
    Ok(())
}

/// A settlement or a negative record as it waits for clearing.
pub(crate) fn waiting(settlement: &Settlement) -> Item {
    let (claim, amounts) = (&settlement.claim, &settlement.computation.amounts);
    Item {
        id: settlement.id.clone(),
        kind: ItemKind::Settlement,
        day: settlement.day(),
        home: claim.home.province(),
        care: claim.care.province(),
        scheme: claim.scheme,
        service: claim.service,
        total: amounts.parts.total,
        fund: amounts.fund_total,
        account: amounts.account,
        deduction: Fen::ZERO,
        under_review: false,
        disputed: false,
        excepted: false,
    }
}
