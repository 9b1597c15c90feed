//! Loading institutions in bulk (批量导入): rows are taken from the stream into batches of one commit each. The stream is
//! read no further while a batch is committed, so that memory is bounded by a batch and a message.

use std::{collections::BTreeMap, time::Duration};

use tonic::{Status, Streaming};
use zhijie_domain::{chronic::ChronicList, institution::Institution, parameters::unknown_region, refusal::Refusal};

use super::{
    super::Hub,
    institutions::{find, keep},
};
use crate::{
    node::{Committed, Failure, commit, limits},
    wire::{pb, refusal, registry},
};

/// Rows of one commit, and what became of those before.
#[derive(Default)]
struct Load {
    line: i64,
    /// With their lines.
    batch: Vec<(i64, Institution)>,
    reply: pb::LoadInstitutionsReply,
}

pub(super) async fn load(
    hub: &Hub,
    mut requests: Streaming<pb::LoadInstitutionsRequest>,
) -> Result<pb::LoadInstitutionsReply, Status> {
    // Diseases are checked by one state of the list from the first row to the last.
    let list = hub.chronic.list(&hub.node.store).await.map_err(Failure::into_status)?;
    let mut load = Load::default();
    while let Some(request) = requests.message().await? {
        for row in &request.rows {
            load.line += 1;
            match read(hub, &list, row) {
                Ok(institution) => load.batch.push((load.line, institution)),
                Err(refused) => load.refuse(load.line, &refused),
            }
            if load.batch.len() >= limits::LOAD_BATCH {
                load.enter(hub).await.map_err(Failure::into_status)?;
            }
        }
    }
    load.enter(hub).await.map_err(Failure::into_status)?;
    tracing::info!(taken = load.reply.taken, refused = load.reply.refused, "institutions loaded");
    Ok(load.reply)
}

fn read(hub: &Hub, list: &ChronicList, row: &pb::Institution) -> Result<Institution, Refusal> {
    let mut institution = registry::parse_institution(row)?;
    // When something was entered is the hub's to say.
    for term in institution.openings.values_mut() {
        (term.entered, term.ended) = (None, None);
    }
    let province = institution.code.division().province();
    if !hub.node.parameters.regions.contains_key(&province) {
        return Err(unknown_region("code", &province));
    }
    institution.check(list)?;
    Ok(institution)
}

impl Load {
    fn refuse(&mut self, line: i64, refused: &Refusal) {
        self.reply.refused += 1;
        if self.reply.first_refused.len() < limits::REFUSED_ROWS_NAMED {
            let row = pb::RefusedRow { line, refused: Some(refusal::print(refused)) };
            self.reply.first_refused.push(row);
        }
    }

    /// Enters the batch in one commit, again where another commit came between.
    async fn enter(&mut self, hub: &Hub) -> Result<(), Failure> {
        let mut pause = limits::RETRY_MS;
        loop {
            let (mut txn, at) = (hub.node.store.begin(), hub.node.now());
            let (mut taken, mut known, mut refused) = (0, 0, Vec::new());
            for (line, row) in &self.batch {
                let before = find(&hub.node, &mut txn, &row.code).await?;
                let new = Institution { openings: BTreeMap::new(), ..row.clone() };
                match before.as_ref().unwrap_or(&new).with(row, at) {
                    Ok(after) if before.as_ref() == Some(&after) => known += 1,
                    Ok(after) => {
                        keep(&mut txn, &after);
                        taken += 1;
                    }
                    Err(refusal) => refused.push((*line, refusal)),
                }
            }
            match commit(txn).await? {
                Committed::Yes => {
                    self.reply.taken += taken;
                    self.reply.known += known;
                    self.batch.clear();
                    refused.iter().for_each(|(line, refusal)| self.refuse(*line, refusal));
                    return Ok(());
                }
                Committed::Conflict => {}
                // The sender waits as well: the stream is not read meanwhile.
                Committed::Busy => {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    pause = (pause * 2).min(limits::RETRY_MS_MAX);
                }
            }
        }
    }
}
