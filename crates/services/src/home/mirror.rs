//! Mirroring filings to the hub: what stands in the outbox is sent until the hub has it, across restarts.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use zhijie_domain::ids::PersonId;

use super::{Home, member::Member};
use crate::{
    node::{Failure, call, commit, keys, limits},
    wire::{pb, person},
};

/// Sends what waits in the outbox of one person.
///
/// # Errors
/// [`Failure`] when the hub gave no answer; the outbox keeps what it holds.
pub(super) async fn flush(home: &Home, person: &PersonId) -> Result<(), Failure> {
    let mut prefix = keys::OUTBOX.to_vec();
    prefix.extend_from_slice(format!("{}/", person.as_str()).as_bytes());
    for (key, _) in home.node.store.scan_prefix(&prefix, None, limits::PAGE).await? {
        send(home, &key).await?;
    }
    Ok(())
}

/// Sends one filing as it stands now and takes it from the outbox, unless it changed meanwhile.
async fn send(home: &Home, key: &[u8]) -> Result<(), Failure> {
    let mut txn = home.node.store.begin();
    if txn.get(key).await?.is_none() {
        return Ok(());
    }
    let Some(filing) = waiting(&mut txn, key).await? else { return Ok(()) };
    let request = pb::MirrorFilingRequest { home: home.region.to_string(), filing: Some(filing) };
    let reply = call("hub", limits::CALL_DEADLINE_MS, home.hub.clone().mirror_filing(request)).await?;
    if let Some(refused) = reply.refused {
        return Err(Failure::Protocol { peer: "hub".into(), what: format!("it refused a mirror: {}", refused.en) });
    }
    txn.delete(key.to_vec());
    commit(txn).await.map(|_| ())
}

/// The filing that an outbox key names. Reading its person makes a later change of the filing a conflict.
async fn waiting(txn: &mut zhijie_store::Txn, key: &[u8]) -> Result<Option<pb::Filing>, Failure> {
    let damaged = || Failure::Damaged(keys::shown(key));
    let text = std::str::from_utf8(key).map_err(|_| damaged())?;
    let mut parts = text.split('/').skip(1);
    let (Some(person_id), Some(filing_id)) = (parts.next(), parts.next()) else { return Err(damaged()) };
    let person_id = PersonId::parse(person_id).map_err(|_| damaged())?;
    let member = Member::find(txn, &person_id).await?;
    let filing = member.and_then(|member| member.filings.into_iter().find(|f| f.id.as_str() == filing_id));
    Ok(filing.map(|filing| person::print_filing(&filing)))
}

/// Sends whatever waits, when there is something new and every so often, until the service stops.
pub(super) async fn run(home: Arc<Home>, mut stopping: watch::Receiver<bool>) {
    loop {
        match home.node.store.scan_prefix(keys::OUTBOX, None, limits::SWEEP_MAX).await {
            Ok(waiting) => {
                for (key, _) in waiting {
                    if let Err(failure) = send(&home, &key).await {
                        tracing::debug!(%failure, "a filing is not mirrored yet");
                        break;
                    }
                }
            }
            Err(failure) => tracing::error!(%failure, "the outbox cannot be read"),
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = home.to_mirror.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(limits::SWEEP_MS)) => {}
        }
    }
}
