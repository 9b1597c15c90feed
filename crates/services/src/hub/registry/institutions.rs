//! Institutions in the registry: looking one up, and closing one. The parameters' institution stands until the store
//! holds one of its code.

use zhijie_domain::{
    ids::InstitutionCode,
    institution::{Institution, unknown},
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::super::Hub;
use crate::{
    node::{Committed, Failure, Node, Records, Stop, commit, keys, limits, stored},
    wire::{id, pb, refusal, registry},
};

/// The institution of a code.
pub(in crate::hub) async fn institution(
    node: &Node,
    txn: &mut Txn,
    code: &InstitutionCode,
) -> Result<Institution, Stop> {
    Ok(find(node, txn, code).await?.ok_or_else(|| unknown(code))?)
}

/// The institution of a code, where there is one.
pub(super) async fn find(node: &Node, txn: &mut Txn, code: &InstitutionCode) -> Result<Option<Institution>, Failure> {
    let key = keys::institution(code);
    match txn.record::<pb::Institution>(&key).await? {
        Some(document) => stored(registry::parse_institution(&document), &key).map(Some),
        None => Ok(node.parameters.institutions.get(code).cloned()),
    }
}

/// Keeps an institution.
pub(super) fn keep(txn: &mut Txn, institution: &Institution) {
    txn.keep(keys::institution(&institution.code), &registry::print_institution(institution));
}

pub(super) async fn look_up(hub: &Hub, request: pb::InstitutionRequest) -> Result<pb::InstitutionReply, Failure> {
    let found = async {
        let code = id(InstitutionCode::parse, &request.code, "code")?;
        institution(&hub.node, &mut hub.node.store.begin(), &code).await
    };
    replied(found.await)
}

pub(super) async fn close(hub: &Hub, request: pb::CloseInstitutionRequest) -> Result<pb::InstitutionReply, Failure> {
    replied(closed(hub, request).await)
}

async fn closed(hub: &Hub, request: pb::CloseInstitutionRequest) -> Result<Institution, Stop> {
    let registry::Closing { code, service, disease, to } = registry::parse_closing(&request)?;
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = institution(&hub.node, &mut txn, &code).await?;
        let closed = known.closed(service, disease.as_ref(), to, hub.node.now())?;
        if closed == known {
            return Ok(known);
        }
        keep(&mut txn, &closed);
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(closed);
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

fn replied(result: Result<Institution, Stop>) -> Result<pb::InstitutionReply, Failure> {
    match result {
        Ok(institution) => {
            Ok(pb::InstitutionReply { institution: Some(registry::print_institution(&institution)), refused: None })
        }
        Err(Stop::Refused(refused)) => {
            Ok(pb::InstitutionReply { institution: None, refused: Some(refusal::print(&refused)) })
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}
