//! Sending: one message at a time over channels that are opened once.

use std::time::Duration;

use prost::Message;
use tonic::{Status, metadata::MetadataMap, transport::Channel};
use zhijie_identity::Identity;
use zhijie_protocol::v1::{self as pb, RoadCall, care_client::CareClient, home_client::HomeClient};
use zhijie_road::RoadClient;

use crate::{Targets, plan::world::Places, run::RunError};

/// How long a message may take before it counts as not answered: longer than the care region lets a hospital wait.
const PATIENCE: Duration = Duration::from_secs(15);
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
    cares: Vec<Province>,
}

/// A care, as those who speak to it.
#[derive(Clone)]
struct Province {
    office: CareClient<Channel>,
    /// Several connections of each institution; in plaintext all are the same caller.
    institutions: Vec<Vec<Care>>,
}

/// A connection to a care: the road, and what is not on it.
#[derive(Clone)]
pub(crate) struct Care {
    pub(crate) calls: CareClient<Channel>,
    road: RoadClient,
}

impl Clients {
    /// Clients of the services of a plan's places, for so many open messages, each in a call of its own where that is asked
    /// for.
    ///
    /// # Errors
    /// [`RunError`] where an address is none, or an identity is missing.
    pub(crate) fn of(targets: &Targets, places: &Places, open: usize, one_by_one: bool) -> Result<Clients, RunError> {
        let connections = open.div_ceil(OPEN_PER_CONNECTION).max(1);
        let url = |these: &[(String, String)], code: &str| {
            these.iter().find(|(of, _)| of == code).map(|(_, url)| url.clone()).unwrap_or_default()
        };
        let home = |code: &String| {
            let (office, home) = (Identity::Office(code.clone()), Identity::Home(code.clone()));
            targets.channel(&url(&targets.homes, code), &office, home).map(HomeClient::new)
        };
        let care = |code: &String, institutions: Vec<String>| {
            let url = url(&targets.cares, code);
            let channel = |own: &Identity| targets.channel(&url, own, Identity::Care(code.clone()));
            // The most popular of them takes more than its share.
            let (callers, each) = match (targets.identities.is_some(), institutions.len().max(1)) {
                (true, count) => (institutions, connections.div_ceil(count) + 1),
                (false, _) => (institutions.into_iter().take(1).collect(), connections),
            };
            let of = |institution: String| {
                let own = Identity::Institution(code.clone(), institution);
                (0..each).map(|_| Ok(Care::of(channel(&own)?, one_by_one))).collect::<Result<Vec<_>, RunError>>()
            };
            let office = CareClient::new(channel(&Identity::Office(code.clone()))?);
            Ok::<_, RunError>(Province { office, institutions: callers.into_iter().map(of).collect::<Result<_, _>>()? })
        };
        let cares = places.cares.iter().map(|province| {
            care(&province.code, province.institutions.iter().map(|institution| institution.0.clone()).collect())
        });
        Ok(Clients {
            homes: places.homes.iter().map(|province| home(&province.code)).collect::<Result<_, _>>()?,
            cares: cares.collect::<Result<_, _>>()?,
        })
    }

    /// A home, as the window of its agency.
    pub(crate) fn home(&self, index: usize) -> Option<HomeClient<Channel>> {
        self.homes.get(index).cloned()
    }

    /// A care, as an officer of its agency.
    pub(crate) fn office(&self, index: usize) -> Option<CareClient<Channel>> {
        self.cares.get(index).map(|province| province.office.clone())
    }

    /// A care, as one of its institutions, over one of its connections.
    pub(crate) fn care(&self, index: usize, institution: usize, turn: u64) -> Option<Care> {
        let institutions = &self.cares.get(index)?.institutions;
        let connections = institutions.get(institution).or_else(|| institutions.first())?;
        connections.get(usize::try_from(turn).unwrap_or(0) % connections.len().max(1)).cloned()
    }

    /// Sends a message to a home or a care, and throws its answer away after a time where one is given.
    pub(crate) fn send(
        &self,
        home: usize,
        (care, institution): (usize, usize),
        turn: u64,
        ask: Ask,
        drop_after: Option<Duration>,
    ) -> impl Future<Output = Reply> + Send + use<> {
        let (home, care) = (self.home(home), self.care(care, institution, turn));
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
        // A hospital says nothing of itself: its certificate does, or nobody asks.
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
