//! Sending: one message at a time over channels that are opened once.

use std::time::Duration;

use prost::Message;
use tonic::{
    Status,
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};
use zhijie_protocol::v1::{self as pb, RoadCall, care_client::CareClient, home_client::HomeClient};
use zhijie_road::RoadClient;

/// How long a message may take before it counts as not answered: longer than the care region lets a hospital wait.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(3);
/// Interval of HTTP/2 keep-alive, and how long one may stay unanswered.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Messages open on one connection, about; services take twice as many.
const OPEN_PER_CONNECTION: usize = 512;

/// A message on its way.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    File(pb::FileRequest),
    Register(pb::RegisterVisitRequest),
    Upload(pb::UploadLinesRequest),
    PreSettle(pb::SettleRequest),
    Discharge(pb::DischargeRequest),
    Settle(pb::SettleRequest),
    AtOnce(pb::SettleAtOnceRequest),
    Cancel(pb::CancelRequest),
    Reverse(pb::ReverseRequest),
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(pb::Answer),
    Lines(pb::UploadLinesReply),
    Visit(pb::VisitReply),
    Filing(pb::FilingReply),
    /// The answer was thrown away on purpose.
    Dropped,
    Failed(Status),
}

/// The services of a cluster, in the order of the plan's places.
#[derive(Clone)]
pub(crate) struct Clients {
    homes: Vec<HomeClient<Channel>>,
    /// Several connections to each.
    cares: Vec<Vec<Care>>,
}

/// A connection to a care: the road, and what is not on it.
#[derive(Clone)]
pub(crate) struct Care {
    pub(crate) calls: CareClient<Channel>,
    road: RoadClient,
}

/// A channel to `http://host:port`, which connects when it is first used.
pub(crate) fn channel(url: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?;
    let endpoint = endpoint.connect_timeout(CONNECT).http2_keep_alive_interval(KEEP_ALIVE);
    Ok(endpoint.keep_alive_timeout(KEEP_ALIVE).connect_lazy())
}

impl Clients {
    /// Clients of these addresses, for so many open messages, each in a call of its own where that is asked for.
    pub(crate) fn of(
        homes: &[String],
        cares: &[String],
        open: usize,
        one_by_one: bool,
    ) -> Result<Clients, tonic::transport::Error> {
        let connections = open.div_ceil(OPEN_PER_CONNECTION).max(1);
        let care = |url: &String| (0..connections).map(|_| Ok(Care::of(channel(url)?, one_by_one))).collect();
        Ok(Clients {
            homes: homes.iter().map(|url| channel(url).map(HomeClient::new)).collect::<Result<_, _>>()?,
            cares: cares.iter().map(care).collect::<Result<_, _>>()?,
        })
    }

    /// A home.
    pub(crate) fn home(&self, index: usize) -> Option<HomeClient<Channel>> {
        self.homes.get(index).cloned()
    }

    /// A care, over one of its connections.
    pub(crate) fn care(&self, index: usize, turn: u64) -> Option<Care> {
        let connections = self.cares.get(index)?;
        connections.get(usize::try_from(turn).unwrap_or(0) % connections.len().max(1)).cloned()
    }

    /// Sends a message to a home or a care, and throws its answer away after a time where one is given.
    pub(crate) fn send(
        &self,
        home: usize,
        care: usize,
        turn: u64,
        ask: Ask,
        drop_after: Option<Duration>,
    ) -> impl Future<Output = Reply> + Send + use<> {
        let (home, care) = (self.home(home), self.care(care, turn));
        async move {
            let (Some(home), Some(care)) = (home, care) else {
                return Reply::Failed(Status::internal("no such service in the plan"));
            };
            let asked = tokio::time::timeout(drop_after.unwrap_or(PATIENCE), asked(home, care, ask)).await;
            match asked {
                _ if drop_after.is_some() => Reply::Dropped,
                Ok(Ok(reply)) => reply,
                Ok(Err(status)) => Reply::Failed(status),
                Err(_) => Reply::Failed(Status::deadline_exceeded("no answer in time")),
            }
        }
    }
}

impl Care {
    fn of(channel: Channel, one_by_one: bool) -> Care {
        // Hospitals are not asked who they are.
        let road = RoadClient::new(channel.clone(), MetadataMap::new(), "zhijie.v1.Care");
        let road = if one_by_one { road.one_by_one() } else { road };
        Care { calls: CareClient::new(channel), road }
    }

    async fn answer(&self, call: RoadCall, request: &impl Message) -> Result<Reply, Status> {
        self.road.ask(call, request).await.map(|answer| Reply::Answer(answer.into_inner()))
    }
}

async fn asked(mut home: HomeClient<Channel>, mut care: Care, ask: Ask) -> Result<Reply, Status> {
    match ask {
        Ask::File(request) => Ok(Reply::Filing(home.file(request).await?.into_inner())),
        Ask::Upload(request) => Ok(Reply::Lines(care.calls.upload_lines(request).await?.into_inner())),
        Ask::Discharge(request) => Ok(Reply::Visit(care.calls.discharge(request).await?.into_inner())),
        Ask::Register(request) => care.answer(RoadCall::RegisterVisit, &request).await,
        Ask::PreSettle(request) => care.answer(RoadCall::PreSettle, &request).await,
        Ask::Settle(request) => care.answer(RoadCall::Settle, &request).await,
        Ask::AtOnce(request) => care.answer(RoadCall::SettleAtOnce, &request).await,
        Ask::Cancel(request) => care.answer(RoadCall::Cancel, &request).await,
        Ask::Reverse(request) => care.answer(RoadCall::Reverse, &request).await,
    }
}
