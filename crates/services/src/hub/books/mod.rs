//! The three books at the hub (三方账): totals of every book first, records only where totals differ, each difference
//! with its cure, and every result kept as a fact.

mod cure;
mod facts;
mod holders;
mod peers;
mod reconcile;
mod records;
mod runs;
mod signed;
mod totals;

use tonic::{Request, Response, Status};
use zhijie_domain::calendar::Date;
use zhijie_protocol::v1::books_server;

use super::{Hub, reply};
use crate::{
    node::{Failure, Stop},
    wire::pb,
};

/// Reconciles a day and keeps the result.
pub(super) async fn reconcile_day(hub: &Hub, day: Date) -> Result<(), Stop> {
    reconcile::reconciled(hub, day).await.map(|_| ())
}

/// What the last reconciliation of a day came to.
pub(super) async fn last_result(hub: &Hub, day: Date) -> Result<Option<pb::ReconcileReply>, Failure> {
    runs::last(&mut hub.node.store.begin(), day).await
}

#[tonic::async_trait]
impl books_server::Books for Hub {
    async fn reconcile(&self, request: Request<pb::ReconcileRequest>) -> Result<Response<pb::ReconcileReply>, Status> {
        reply(reconcile::reconcile(self, request.into_inner()).await)
    }

    async fn cure(&self, request: Request<pb::CureRequest>) -> Result<Response<pb::CureReply>, Status> {
        reply(cure::cure(self, request.into_inner()).await)
    }

    type RunsStream = runs::Runs;

    async fn runs(&self, request: Request<pb::RunsRequest>) -> Result<Response<runs::Runs>, Status> {
        runs::list(self, &request.into_inner()).map(Response::new)
    }
}
