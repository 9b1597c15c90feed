//! Screening of settled stays (智能筛查) at the hub: when its lines have come, a stay is read against the rules together with
//! the person's other stays, and what is doubtful goes into its case. It runs beside the road, one stay at a time; what is
//! due is kept in the commit that takes the lines, and taken off in the commit that holds the findings.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use zhijie_domain::{
    audit::screening::{Finding, OtherStay, Stay, screen},
    claim::{Claim, Service},
    person::Patient,
    settlement::Settlement,
};
use zhijie_store::Txn;

use super::{Hub, audit, events};
use crate::{
    node::{Book, Committed, Failure, Pages, Records, Stop, commit, keys, limits, stored, stored_lines},
    wire::{pb, settlement, visit},
};

/// A stay is settled: the person's other stays are screened with it.
pub(super) fn keep(txn: &mut Txn, settlement: &Settlement) {
    if settlement.claim.service == Service::Stay {
        txn.put(place(settlement), Vec::new());
    }
}

/// A settlement is undone: it is screened no more, by itself or with others.
pub(super) fn forget(txn: &mut Txn, settlement: &Settlement) {
    if settlement.claim.service == Service::Stay {
        txn.delete(place(settlement));
        txn.delete(keys::to_screen(&settlement.id));
    }
}

/// The mark of a stay that stands settled.
pub(crate) fn place(settlement: &Settlement) -> Vec<u8> {
    let claim = &settlement.claim;
    keys::stay(&claim.home.province(), &claim.person, &settlement.id)
}

/// Screens what is due, when lines have come and every so often, until the hub stops.
pub(super) async fn run(hub: Arc<Hub>, mut stopping: watch::Receiver<bool>) {
    loop {
        let screened = async {
            if let Err(failure) = screen_all(&hub).await {
                tracing::error!(%failure, "what is to be screened cannot be read");
            }
            let pause = tokio::time::sleep(Duration::from_millis(limits::SWEEP_MS));
            tokio::select! {
                biased;
                () = hub.to_screen.notified() => {}
                () = pause => {}
            }
        };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = screened => {}
        }
    }
}

async fn screen_all(hub: &Hub) -> Result<(), Failure> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = hub.node.store.scan_prefix(keys::TO_SCREEN, after.as_deref(), limits::SWEEP_MAX).await?;
        for (key, _) in &page {
            match screen_one(hub, key).await {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => tracing::error!(%refusal, "a stay cannot be screened"),
                Err(Stop::Failed(failure)) => tracing::error!(%failure, "a stay cannot be screened"),
            }
            // Ten thousand lines take a moment: the calls of the road come in between.
            tokio::task::yield_now().await;
        }
        if page.len() < limits::SWEEP_MAX {
            return Ok(());
        }
        after = page.last().map(|(key, _)| key.to_vec());
    }
}

async fn screen_one(hub: &Hub, key: &[u8]) -> Result<(), Stop> {
    let damaged = || Failure::Damaged(keys::shown(key));
    let settlement = keys::settlement_behind(keys::TO_SCREEN, key).ok_or_else(damaged)?;
    let mut txn = hub.node.store.begin();
    if txn.get(key).await?.is_none() {
        return Ok(());
    }
    let booked = Book::load(&mut txn, &settlement).await?.ok_or_else(damaged)?;
    let mut told = None;
    if booked.record.undone_by.is_empty() {
        let findings = findings(hub, &mut txn, &booked.settlement).await?;
        if !findings.is_empty() {
            tracing::info!(%settlement, findings = findings.len(), "screening found doubts");
            audit::found(hub, &mut txn, &booked.settlement, findings).await?;
            told = Some(events::case_of(&settlement::print(&booked.settlement), "found"));
        }
    }
    txn.delete(key.to_vec());
    // Where another commit came first, the stay is still due.
    if matches!(commit(txn).await?, Committed::Yes) {
        told.into_iter().for_each(|event| hub.tell(event));
    }
    Ok(())
}

async fn findings(hub: &Hub, txn: &mut Txn, settlement: &Settlement) -> Result<Vec<Finding>, Stop> {
    let (claim, parameters) = (&settlement.claim, &hub.node.parameters);
    let lines = stored_lines(&hub.node.store, &keys::detail_lines_of(&settlement.id)).await?;
    let others = others(hub, txn, settlement).await?;
    let stay = Stay {
        settlement: &settlement.id,
        person: &claim.person,
        home: &claim.home,
        care: &claim.care,
        institution: &claim.institution,
        from: claim.from,
        to: claim.to,
        total: claim.parts.total,
        patient: patient(txn, claim).await?,
        lines: &lines,
        others: &others,
    };
    let catalogue = parameters.catalogue(&claim.care.province())?;
    Ok(screen(&stay, catalogue, &parameters.rules.verification, &parameters.screening)?)
}

/// The person as home knew them when the stay was registered.
async fn patient(txn: &mut Txn, claim: &Claim) -> Result<Option<Patient>, Failure> {
    let key = keys::visit(&claim.visit);
    let Some(document) = txn.record::<pb::Visit>(&key).await? else { return Ok(None) };
    Ok(stored(visit::parse(&document), &key)?.patient)
}

/// The person's other stays that stand settled. One that is booked meanwhile is screened with this one later.
async fn others(hub: &Hub, txn: &mut Txn, settlement: &Settlement) -> Result<Vec<OtherStay>, Failure> {
    let claim = &settlement.claim;
    let prefix = keys::stays_of(&claim.home.province(), &claim.person);
    let mut others = Vec::new();
    let mut pages = Pages::of(&hub.node.store, &prefix[..]);
    while let Some(page) = pages.next().await? {
        for (key, _) in &page {
            let damaged = || Failure::Damaged(keys::shown(key));
            let id = keys::settlement_behind(&prefix, key).ok_or_else(damaged)?;
            if id == settlement.id {
                continue;
            }
            let booked = Book::load(txn, &id).await?.ok_or_else(damaged)?;
            if booked.record.undone_by.is_empty() {
                others.push(other(&booked.settlement));
            }
        }
    }
    Ok(others)
}

fn other(settlement: &Settlement) -> OtherStay {
    let claim = &settlement.claim;
    OtherStay {
        settlement: settlement.id.clone(),
        care: claim.care.clone(),
        institution: claim.institution.clone(),
        from: claim.from,
        to: claim.to,
        total: claim.parts.total,
    }
}
