//! The road (业务通道): one stream carries all messages of a pair, each answered by itself. What has queued is sent
//! together when there is room, and nothing waits for company. Between services, and from hospitals to care.

mod client;
mod server;

pub use client::RoadClient;
pub use server::{Carrier, road_server};

use prost::bytes::Bytes;
use tonic::Status;
use zhijie_protocol::v1 as pb;

/// The road's name on the wire.
pub const ROAD: &str = "zhijie.v1.Road";
/// Messages that may be open on one stream, either way.
pub const OPEN_MAX: usize = 2_048;
/// Largest document that is read from the wire, bytes: ten thousand split lines take about two million.
pub const DOCUMENT_BYTES_MAX: usize = 8 << 20;

/// Bytes of letters or replies that are sent together; a longer one goes alone.
const TOGETHER_BYTES: usize = 64 << 10;
/// Letters or replies that are sent together.
const TOGETHER: usize = 64;

/// The request of a letter.
///
/// # Errors
/// [`Status`] for bytes that are no such request.
pub fn read_letter<M: prost::Message + Default>(bytes: Bytes) -> Result<M, Status> {
    M::decode(bytes).map_err(|error| Status::invalid_argument(format!("the letter does not read: {error}")))
}

/// What a service says to a call that is not for it.
#[must_use]
pub fn no_such_call() -> Status {
    Status::unimplemented("no such call")
}

/// The method of a call, for services that take their messages one by one.
fn method(call: pb::RoadCall) -> &'static str {
    match call {
        pb::RoadCall::Unspecified => "None",
        pb::RoadCall::RegisterVisit => "RegisterVisit",
        pb::RoadCall::PreSettle => "PreSettle",
        pb::RoadCall::Settle => "Settle",
        pb::RoadCall::SettleAtOnce => "SettleAtOnce",
        pb::RoadCall::Cancel => "Cancel",
        pb::RoadCall::Reverse => "Reverse",
        pb::RoadCall::Refuse => "Refuse",
    }
}
