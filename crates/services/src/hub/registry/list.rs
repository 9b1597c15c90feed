//! The published chronic list (病种目录发布), one record: a publication is one commit.

use std::sync::{Arc, PoisonError, RwLock};

use zhijie_domain::{
    chronic::ChronicList,
    refusal::{Code, Refusal},
};
use zhijie_store::{Record, Store, Txn, Version};

use super::super::{Hub, events};
use crate::{
    node::{Committed, Failure, Node, Records, Stop, commit, document, keys, limits, stored},
    wire::{pb, refusal, registry, required},
};

/// Puts the parameters' list into an empty store, so that a later change of the parameters changes no past day.
pub(in crate::hub) async fn seed(node: &Node) -> Result<(), Failure> {
    let mut txn = node.store.begin();
    if txn.get(keys::CHRONIC_LIST).await?.is_none() {
        keep(&mut txn, &node.parameters.chronic);
        // Where another commit came first, the list is there.
        commit(txn).await?;
    }
    Ok(())
}

/// The list as published, read anew only where its record is another one: each claim looks at the record, not at its
/// thousands of codes.
#[derive(Default)]
pub(in crate::hub) struct Published(RwLock<Option<(Version, Arc<ChronicList>)>>);

impl Published {
    /// The list as it stands in the store.
    pub(in crate::hub) async fn list(&self, store: &Store) -> Result<Arc<ChronicList>, Failure> {
        let Some(Record { version, value }) = store.get(keys::CHRONIC_LIST).await? else {
            return Err(Failure::Damaged(keys::shown(keys::CHRONIC_LIST)));
        };
        if let Some((known, list)) = &*self.0.read().unwrap_or_else(PoisonError::into_inner)
            && *known == version
        {
            return Ok(Arc::clone(list));
        }
        let record: pb::PublishedList = document(keys::CHRONIC_LIST, &value)?;
        let list = Arc::new(parse(&record)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&list)));
        Ok(list)
    }
}

fn parse(record: &pb::PublishedList) -> Result<ChronicList, Failure> {
    stored(registry::parse_list(&record.versions), keys::CHRONIC_LIST)
}

fn keep(txn: &mut Txn, list: &ChronicList) {
    txn.keep(keys::CHRONIC_LIST.to_vec(), &pb::PublishedList { versions: registry::print_list(list) });
}

pub(super) async fn all(hub: &Hub) -> Result<pb::ChronicListReply, Failure> {
    let list = hub.chronic.list(&hub.node.store).await?;
    Ok(pb::ChronicListReply { versions: registry::print_list(&list) })
}

pub(super) async fn publish(hub: &Hub, request: pb::PublishListRequest) -> Result<pb::PublishListReply, Failure> {
    match published(hub, request).await {
        Ok(list) => Ok(pb::PublishListReply { versions: registry::print_list(&list), refused: None }),
        Err(Stop::Refused(refused)) => {
            Ok(pb::PublishListReply { versions: Vec::new(), refused: Some(refusal::print(&refused)) })
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn published(hub: &Hub, request: pb::PublishListRequest) -> Result<ChronicList, Stop> {
    let takes_part = |code: &_| hub.node.parameters.regions.contains_key(code);
    let version = registry::parse_version(required(request.list.as_ref(), "list")?, takes_part)?;
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = parse(&txn.record(keys::CHRONIC_LIST).await?.unwrap_or_default())?;
        let Some(list) = known.publish(version.clone(), hub.node.today())? else { return Ok(known) };
        keep(&mut txn, &list);
        if matches!(commit(txn).await?, Committed::Yes) {
            tracing::info!(version = version.name(), from = %version.from(), "chronic list published");
            hub.tell(events::of(pb::HubEventKind::List, "", "", version.name(), 0, "published"));
            return Ok(list);
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}
