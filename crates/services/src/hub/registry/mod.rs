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
use crate::{
    node::{Caller, limits},
    wire::pb,
};

/// The service's name on the wire.
pub(super) const SERVICE: &str = "zhijie.v1.Registry";

/// The service over a hub.
pub(super) fn server(hub: Arc<Hub>) -> RegistryServer<Hub> {
    RegistryServer::from_arc(hub).max_decoding_message_size(limits::DOCUMENT_BYTES_MAX)
}

impl Hub {
    /// Refuses a caller that is neither a service of a province nor an officer of the national agency.
    fn reader<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let reads = |caller: &Caller| self.takes_part(caller).or_else(|_| caller.is_national());
        Caller::admitted(request.extensions(), request.metadata(), reads).map(|_| ())
    }
}

#[tonic::async_trait]
impl Registry for Hub {
    async fn publish_list(
        &self,
        request: Request<pb::PublishListRequest>,
    ) -> Result<Response<pb::PublishListReply>, Status> {
        Hub::national(&request)?;
        reply(list::publish(self, request.into_inner()).await)
    }

    async fn chronic_list(
        &self,
        request: Request<pb::ChronicListRequest>,
    ) -> Result<Response<pb::ChronicListReply>, Status> {
        self.reader(&request)?;
        reply(list::all(self).await)
    }

    async fn load_institutions(
        &self,
        request: Request<Streaming<pb::LoadInstitutionsRequest>>,
    ) -> Result<Response<pb::LoadInstitutionsReply>, Status> {
        Hub::national(&request)?;
        load::load(self, request.into_inner()).await.map(Response::new)
    }

    async fn institution(
        &self,
        request: Request<pb::InstitutionRequest>,
    ) -> Result<Response<pb::InstitutionReply>, Status> {
        self.reader(&request)?;
        reply(institutions::look_up(self, request.into_inner()).await)
    }

    async fn close_institution(
        &self,
        request: Request<pb::CloseInstitutionRequest>,
    ) -> Result<Response<pb::InstitutionReply>, Status> {
        Hub::national(&request)?;
        reply(institutions::close(self, request.into_inner()).await)
    }
}
