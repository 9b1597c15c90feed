//! Sending: one message at a time over channels that are opened once.

use std::time::Duration;

use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use zhijie_protocol::v1::{self as pb, care_client::CareClient, home_client::HomeClient};

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
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    homes: Vec<HomeClient<Channel>>,
    /// Several connections to each.
    cares: Vec<Vec<CareClient<Channel>>>,
}

/// A channel to `http://host:port`, which connects when it is first used.
pub(crate) fn channel(url: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?;
    let endpoint = endpoint.connect_timeout(CONNECT).http2_keep_alive_interval(KEEP_ALIVE);
    Ok(endpoint.keep_alive_timeout(KEEP_ALIVE).connect_lazy())
}

impl Clients {
    /// Clients of these addresses, for so many open messages.
    pub(crate) fn of(homes: &[String], cares: &[String], open: usize) -> Result<Clients, tonic::transport::Error> {
        let connections = open.div_ceil(OPEN_PER_CONNECTION).max(1);
        let care = |url: &String| (0..connections).map(|_| channel(url).map(CareClient::new)).collect();
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
    pub(crate) fn care(&self, index: usize, turn: u64) -> Option<CareClient<Channel>> {
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

async fn asked(mut home: HomeClient<Channel>, mut care: CareClient<Channel>, ask: Ask) -> Result<Reply, Status> {
    Ok(match ask {
        Ask::File(request) => Reply::Filing(home.file(request).await?.into_inner()),
        Ask::Register(request) => Reply::Answer(care.register_visit(request).await?.into_inner()),
        Ask::Upload(request) => Reply::Lines(care.upload_lines(request).await?.into_inner()),
        Ask::PreSettle(request) => Reply::Answer(care.pre_settle(request).await?.into_inner()),
        Ask::Discharge(request) => Reply::Visit(care.discharge(request).await?.into_inner()),
        Ask::Settle(request) => Reply::Answer(care.settle(request).await?.into_inner()),
        Ask::AtOnce(request) => Reply::Answer(care.settle_at_once(request).await?.into_inner()),
        Ask::Cancel(request) => Reply::Answer(care.cancel(request).await?.into_inner()),
        Ask::Reverse(request) => Reply::Answer(care.reverse(request).await?.into_inner()),
    })
}
