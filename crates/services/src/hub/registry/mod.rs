//! The registry at the hub: the published list of chronic diseases and the designated institutions. What stands in the
//! store comes before the parameters, which are only the beginning. A claim reads one record of each: a get of the store
//! is cheap and always as new as the last commit, where an index over all institutions would have to be filled at each
//! start and kept right by every load.

mod institutions;
mod list;
mod load;

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};
use zhijie_protocol::v1::registry_server::{Registry, RegistryServer};

pub(super) use institutions::institution;
pub(super) use list::{Published, seed};

use super::{Hub, reply};
use crate::{node::limits, wire::pb};

/// The service's name on the wire.
pub(super) const SERVICE: &str = "zhijie.v1.Registry";

/// The service over a hub.
pub(super) fn server(hub: Arc<Hub>) -> RegistryServer<Hub> {
    RegistryServer::from_arc(hub).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX)
}

#[tonic::async_trait]
impl Registry for Hub {
    async fn publish_list(
        &self,
        request: Request<pb::PublishListRequest>,
    ) -> Result<Response<pb::PublishListReply>, Status> {
        reply(list::publish(self, request.into_inner()).await)
    }

    async fn chronic_list(&self, _: Request<pb::ChronicListRequest>) -> Result<Response<pb::ChronicListReply>, Status> {
        reply(list::all(self).await)
    }

    async fn load_institutions(
        &self,
        request: Request<Streaming<pb::LoadInstitutionsRequest>>,
    ) -> Result<Response<pb::LoadInstitutionsReply>, Status> {
        load::load(self, request.into_inner()).await.map(Response::new)
    }

    async fn institution(
        &self,
        request: Request<pb::InstitutionRequest>,
    ) -> Result<Response<pb::InstitutionReply>, Status> {
        reply(institutions::look_up(self, request.into_inner()).await)
    }

    async fn close_institution(
        &self,
        request: Request<pb::CloseInstitutionRequest>,
    ) -> Result<Response<pb::InstitutionReply>, Status> {
        reply(institutions::close(self, request.into_inner()).await)
    }
}
