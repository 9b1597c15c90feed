//! The road between services: one stream for each pair of services carries all their messages, each answered by itself.
//! What has queued is sent together when there is room, and nothing waits for company.

mod client;
mod server;

pub use client::RoadClient;
pub use server::{Carrier, road_server};

use prost::bytes::Bytes;
use tonic::Status;

use crate::wire::pb;

/// The road's name on the wire.
pub const ROAD: &str = "zhijie.v1.Road";

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

/// The method of a call, for services that take their messages one by one.
fn method(call: pb::RoadCall) -> &'static str {
    match call {
        pb::RoadCall::Unspecified => "None",
        pb::RoadCall::RegisterVisit => "RegisterVisit",
        pb::RoadCall::PreSettle => "PreSettle",
        pb::RoadCall::Settle => "Settle",
        pb::RoadCall::Cancel => "Cancel",
        pb::RoadCall::Reverse => "Reverse",
    }
}
