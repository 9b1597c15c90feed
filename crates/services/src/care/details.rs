//! Detail lines of settled stays (住院费用明细上传) on their way to the hub: what stands in the outbox is sent until the hub has
//! taken it, across restarts; what is undone before is forgotten. Nobody waits for it.
//! Source: 医保发〔2022〕22号, annex, remembered: within 3 days after the settlement.

use std::{sync::Arc, time::Duration};

use futures_util::stream;
use tokio::sync::watch;
use zhijie_domain::{
    claim::Service,
    ids::SettlementId,
    refusal::{Code, Refusal},
    settlement::Settlement,
    split::SplitLine,
};
use zhijie_store::Txn;

use super::{Care, drive::outside, visits::CareVisit};
use crate::{
    node::{Book, Committed, Failure, call, commit, keys, limits},
    wire::{claim::print_split, pb, refusal},
};

/// A stay is settled: its lines are to be uploaded.
pub(super) fn keep(txn: &mut Txn, settlement: &Settlement) {
    if settlement.claim.service == Service::Stay {
        txn.put(keys::to_upload(&settlement.id), Vec::new());
    }
}

/// A settlement is undone: its lines are wanted no more.
pub(super) fn forget(txn: &mut Txn, settlement: &SettlementId) {
    txn.delete(keys::to_upload(settlement));
}

/// Sends whatever waits, when there is something new and every so often, until the service stops.
pub(super) async fn run(care: Arc<Care>, mut stopping: watch::Receiver<bool>) {
    loop {
        let sent = async {
            match send_all(&care).await {
                Ok(()) => {}
                Err(Failure::Peer { .. }) => tracing::debug!("the hub takes no detail lines just now"),
                Err(failure) => tracing::error!(%failure, "what is to be uploaded cannot be read"),
            }
            let pause = tokio::time::sleep(Duration::from_millis(limits::SWEEP_MS));
            tokio::select! {
                biased;
                () = care.to_upload.notified() => {}
                () = pause => {}
            }
        };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = sent => {}
        }
    }
}

async fn send_all(care: &Care) -> Result<(), Failure> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = care.node.store.scan_prefix(keys::TO_UPLOAD, after.as_deref(), limits::SWEEP_MAX).await?;
        for (key, _) in &page {
            match send(care, key).await {
                Ok(()) => {}
                Err(failure @ Failure::Peer { .. }) => return Err(failure),
                // The others are not held up by one that does not read.
                Err(failure) => tracing::error!(%failure, "the detail lines of a stay cannot be sent"),
            }
        }
        if page.len() < limits::SWEEP_MAX {
            return Ok(());
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

/// Sends the lines of one stay, and takes it from the outbox once the hub has taken them, or has refused them for good.
async fn send(care: &Care, key: &[u8]) -> Result<(), Failure> {
    let damaged = || Failure::Damaged(keys::shown(key));
    let settlement = keys::settlement_behind(keys::TO_UPLOAD, key).ok_or_else(damaged)?;
    let mut txn = care.node.store.begin();
    if txn.get(key).await?.is_none() {
        return Ok(());
    }
    let booked = Book::load(&mut txn, &settlement).await?.ok_or_else(damaged)?;
    // Read in the transaction: lines of a visit that is opened again meanwhile make the end a conflict.
    let visit = CareVisit::find(&mut txn, &booked.settlement.claim.visit).await?.ok_or_else(damaged)?;
    let lines = visit.lines(&care.node.store).await?;
    let parts = stream::iter(messages(&settlement, &lines));
    let reply = call("hub", limits::UPLOAD_DEADLINE_MS, care.hub.clone().upload_details(parts)).await?;
    let refused = match &reply.refused {
        Some(no) => Some(refusal::parse(no).ok_or_else(|| outside("a refusal with an unknown code"))?),
        None => None,
    };
    if refused.as_ref().is_some_and(may_be_taken_later) {
        return Ok(());
    }
    txn.delete(key.to_vec());
    if let (Committed::Yes, Some(refused)) = (commit(txn).await?, refused) {
        // Said once. The hub keeps it as well, for whoever looks at the lines.
        tracing::error!(%settlement, code = %refused.code, rule = refused.rule, "the hub refuses the lines of a stay");
    }
    Ok(())
}

/// True where the hub is busy, or lacks the settlement, which a cure gives it.
fn may_be_taken_later(refused: &Refusal) -> bool {
    refused.code.is_transient() || refused.code == Code::SettlementUnknown
}

fn messages(settlement: &SettlementId, lines: &[SplitLine]) -> Vec<pb::UploadDetailsRequest> {
    let message = |lines: &[SplitLine]| pb::UploadDetailsRequest {
        settlement: settlement.to_string(),
        lines: lines.iter().map(print_split).collect(),
    };
    if lines.is_empty() {
        // A record that was adopted without its lines: the hub says so.
        return vec![message(lines)];
    }
    lines.chunks(limits::DETAILS_CHUNK).map(message).collect()
}
