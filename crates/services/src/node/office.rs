//! The office of a province's agency (经办窗口): passes its officers' messages to the hub, in the name of the
//! service it belongs to. What an officer may do is the hub's to say.

use tonic::{
    Request, Response, Status, Streaming,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use zhijie_domain::ids::RegionCode;
use zhijie_protocol::v1::{
    agency_client::AgencyClient,
    agency_server::{Agency, AgencyServer},
};

use super::{Introduction, Link, call, limits, only};
use crate::wire::pb;

/// An office of the care or home service.
pub struct Office(AgencyClient<Link>);

impl Office {
    /// The office of a service that introduces itself so to the hub; only officers of its province may enter.
    #[must_use]
    pub fn open(
        hub: &Channel,
        introduction: &Introduction,
        province: &RegionCode,
    ) -> InterceptedService<AgencyServer<Office>, impl Interceptor + Clone + use<>> {
        let hub = AgencyClient::new(Link::new(hub.clone(), introduction.clone()));
        let office = Office(hub.max_decoding_message_size(limits::DOCUMENT_BYTES_MAX));
        let province = province.clone();
        InterceptedService::new(AgencyServer::new(office), only(move |caller| caller.is_officer_of(&province)))
    }
}

macro_rules! passed {
    ($self:ident, $request:ident, $call:ident) => {{
        let mut hub = $self.0.clone();
        let passed = call("hub", limits::OFFICE_DEADLINE_MS, hub.$call($request.into_inner())).await;
        passed.map(Response::new).map_err(super::Failure::into_status)
    }};
}

#[tonic::async_trait]
impl Agency for Office {
    async fn perform(&self, request: Request<pb::AgencyRequest>) -> Result<Response<pb::AgencyReply>, Status> {
        passed!(self, request, perform)
    }

    async fn tables(&self, request: Request<pb::TablesRequest>) -> Result<Response<pb::TablesReply>, Status> {
        passed!(self, request, tables)
    }

    type ItemsStream = Streaming<pb::ClearedItem>;

    async fn items(&self, request: Request<pb::ItemsRequest>) -> Result<Response<Self::ItemsStream>, Status> {
        passed!(self, request, items)
    }

    async fn cases(&self, request: Request<pb::CasesRequest>) -> Result<Response<pb::CasesReply>, Status> {
        passed!(self, request, cases)
    }

    async fn details(&self, request: Request<pb::DetailsRequest>) -> Result<Response<pb::DetailsReply>, Status> {
        passed!(self, request, details)
    }

    async fn quotas(&self, request: Request<pb::QuotasRequest>) -> Result<Response<pb::QuotasReply>, Status> {
        passed!(self, request, quotas)
    }

    async fn tickets(&self, request: Request<pb::TicketsRequest>) -> Result<Response<pb::TicketsReply>, Status> {
        passed!(self, request, tickets)
    }
}
