//! The teller: keeps time, makes message ids, remembers what was settled, and calls the services as hospitals do.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use zhijie_services::{
    cluster::{Clients, HUB, Loopback},
    domain::{
        calendar::{Date, Moment, add_days},
        ids::RegionCode,
    },
    node::Store,
    node::{Clock, ManualClock, SystemClock},
    pb::{self, agency_reply, agency_request::Command, answer::Outcome},
};

use super::{
    cast::{Cast, Player},
    checks, morning, scenes,
    stage::{Scene, Stage},
};

/// How time passes in the story.
pub(super) enum Time {
    /// The story moves the clock.
    Business(Arc<ManualClock>),
    /// The clock is the machine's: everything happens today.
    Machine,
}

/// The story while it is told.
pub(super) struct Story {
    pub(super) clients: Clients,
    pub(super) net: Loopback,
    pub(super) cast: Cast,
    time: Time,
    stage: Stage,
    stamp: String,
    serial: u32,
    /// The store of Chongqing's care service, where it is at hand.
    pub(super) store: Option<Store>,
    pub(super) today: Date,
    /// Days on which something was booked.
    pub(super) days: BTreeSet<Date>,
    /// Every record that hospitals were told of.
    pub(super) records: Vec<pb::Settlement>,
}

/// How often a hospital asks again before it gives up, and the pause between, ms.
const PATIENCE: usize = 40;
const PAUSE_MS: u64 = 500;

impl Story {
    pub(super) fn new(clients: Clients, net: Loopback, time: Time, stage: Stage, start: Moment) -> Story {
        let stamp: String = start.to_string().chars().filter(char::is_ascii_digit).collect();
        let cast = Cast::new(&stamp[2..]);
        let (today, days, records) = (start.day(), BTreeSet::from([start.day()]), Vec::new());
        Story { clients, net, cast, time, stage, stamp, serial: 0, store: None, today, days, records }
    }

    /// Gives the story the store of a service, so that it can show damage and its cure.
    pub(super) fn with_store(mut self, store: Store) -> Story {
        self.store = Some(store);
        self
    }

    /// True where the story keeps the time, and can go on to the next month.
    pub(super) fn keeps_time(&self) -> bool {
        matches!(self.time, Time::Business(_))
    }

    /// An officer acts: of the national agency (`hub`), or of a province through the office of its service.
    pub(super) async fn act(
        &mut self,
        who: &str,
        officer: &str,
        command: Command,
    ) -> anyhow::Result<agency_reply::Outcome> {
        let request = pb::AgencyRequest {
            message_id: self.message_id(&format!("{who}-{officer}-")),
            officer: officer.into(),
            command: Some(command),
        };
        let reply = if who == HUB {
            let national = self.clients.national.clone();
            answered(|| {
                let (mut national, request) = (national.clone(), request.clone());
                async move { national.perform(request).await }
            })
            .await?
        } else {
            let agency = self.clients.agencies.get(who).cloned().context("the office of a service")?;
            answered(|| {
                let (mut agency, request) = (agency.clone(), request.clone());
                async move { agency.perform(request).await }
            })
            .await?
        };
        match reply.outcome {
            Some(agency_reply::Outcome::Refused(refusal)) => bail!("{who}: {}", refusal.en),
            Some(outcome) => Ok(outcome),
            None => bail!("{who}: an empty reply"),
        }
    }

    /// Tells the whole story; true when the books agree in the end.
    pub(super) async fn tell(mut self) -> anyhow::Result<bool> {
        scenes::opening::play(&mut self).await?;
        scenes::filing::play(&mut self).await?;
        let stay = scenes::stay::admit(&mut self).await?;
        scenes::stay::pre_settle(&mut self, &stay).await?;
        let expensive = scenes::stay::settle(&mut self, &stay).await?;
        let first = scenes::outpatient::play(&mut self).await?;
        scenes::chronic::play(&mut self).await?;
        scenes::refusal::play(&mut self).await?;
        scenes::emergency::play(&mut self).await?;
        scenes::lost_answer::play(&mut self).await?;
        scenes::cancel::play(&mut self, &first).await?;
        scenes::reconciliation::play(&mut self).await?;
        scenes::difference::play(&mut self).await?;
        scenes::review::play(&mut self, &expensive).await?;
        scenes::month::play(&mut self).await?;
        scenes::clearing::play(&mut self).await?;
        checks::play(&mut self).await
    }

    pub(super) async fn play(&mut self, scene: Scene) {
        self.stage.play(scene).await;
    }

    /// Moves to a later day, where the story keeps the time.
    pub(super) fn pass_days(&mut self, days: i64) {
        if let Time::Business(clock) = &self.time {
            self.today = add_days(self.today, days);
            clock.forward_to(morning(self.today));
        } else {
            self.today = SystemClock.now().day();
        }
        self.days.insert(self.today);
    }

    /// Moves to a day on which nothing is booked.
    pub(super) fn move_to(&mut self, day: Date) {
        if let Time::Business(clock) = &self.time {
            self.today = day;
            clock.forward_to(morning(day));
        }
    }

    /// A new message id, in the national form: institution, time, serial.
    pub(super) fn message_id(&mut self, institution: &str) -> String {
        self.serial += 1;
        format!("{institution}{}{:04}", self.stamp, self.serial)
    }

    /// The head of a hospital's message about a person.
    pub(super) fn header(&mut self, institution: &str, player: &Player) -> pb::Header {
        pb::Header {
            message_id: self.message_id(institution),
            care: institution[1..7].into(),
            home: player.person.area.clone(),
            institution: institution.into(),
            ..pb::Header::default()
        }
    }

    pub(super) fn care(
        &self,
        institution: &str,
    ) -> anyhow::Result<pb::care_client::CareClient<tonic::transport::Channel>> {
        Ok(self.clients.hospital(institution)?)
    }

    pub(super) fn home(
        &self,
        player: &Player,
    ) -> anyhow::Result<pb::home_client::HomeClient<tonic::transport::Channel>> {
        let province = RegionCode::parse(&player.province())?;
        self.clients.home.get(&province).cloned().context("the home service of the person")
    }

    /// Settles, and asks again with the same message as long as the outcome is unknown: a message is answered once.
    pub(super) async fn settle_at_once(&mut self, request: pb::SettleAtOnceRequest) -> anyhow::Result<pb::Answer> {
        let institution = request.header.clone().unwrap_or_default().institution;
        let care = self.care(&institution)?;
        let answer = patiently(|| {
            let (mut care, request) = (care.clone(), request.clone());
            async move { care.settle_at_once(request).await }
        });
        let answer = answer.await?;
        self.remember(&answer);
        Ok(answer)
    }

    /// Remembers a record that an answer brought.
    pub(super) fn remember(&mut self, answer: &pb::Answer) {
        match &answer.outcome {
            Some(Outcome::Settlement(settlement)) => self.records.push((**settlement).clone()),
            Some(Outcome::Reversal(reversal)) => {
                self.records.extend(reversal.undone.iter().chain(&reversal.record).cloned())
            }
            _ => {}
        }
    }
}

/// Asks until the outcome is known: an unknown outcome and a service that is away are the same to a hospital.
pub(super) async fn patiently<F, A>(ask: F) -> anyhow::Result<pb::Answer>
where
    F: Fn() -> A,
    A: Future<Output = Result<tonic::Response<pb::Answer>, tonic::Status>>,
{
    let mut last = String::new();
    for _ in 0..PATIENCE {
        match ask().await.map(tonic::Response::into_inner) {
            Ok(pb::Answer { outcome: Some(Outcome::Unknown(unknown)) }) => last = unknown.reason,
            Ok(answer) => return Ok(answer),
            Err(status) => last = status.message().to_owned(),
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
    }
    bail!("no answer after {PATIENCE} tries: {last}")
}

/// Asks until somebody answers, for calls that may be repeated: a service that is away comes back.
pub(super) async fn answered<F, A, T>(ask: F) -> anyhow::Result<T>
where
    F: Fn() -> A,
    A: Future<Output = Result<tonic::Response<T>, tonic::Status>>,
{
    let mut last = String::new();
    for _ in 0..PATIENCE {
        match ask().await {
            Ok(reply) => return Ok(reply.into_inner()),
            Err(status) => last = status.message().to_owned(),
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
    }
    bail!("no answer after {PATIENCE} tries: {last}")
}

/// The settlement in an answer, or what stood in its place.
pub(super) fn settled(answer: &pb::Answer) -> anyhow::Result<&pb::Settlement> {
    match &answer.outcome {
        Some(Outcome::Settlement(settlement)) => Ok(settlement),
        other => bail!("expected a settlement, got {}", told(other.as_ref())),
    }
}

/// The refusal in an answer, or what stood in its place.
pub(super) fn refused(answer: &pb::Answer) -> anyhow::Result<&pb::Refusal> {
    match &answer.outcome {
        Some(Outcome::Refused(refused)) => Ok(refused),
        other => bail!("expected a refusal, got {}", told(other.as_ref())),
    }
}

/// An outcome in words.
pub(super) fn told(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::Visit(visit)) => format!("visit {}", visit.id),
        Some(Outcome::Computation(_)) => "a computation".into(),
        Some(Outcome::Settlement(settlement)) => format!("settlement {}", settlement.id),
        Some(Outcome::Reversal(_)) => "a reversal".into(),
        Some(Outcome::Refused(refused)) => format!("refusal {}: {}", refused.code().as_str_name(), refused.en),
        Some(Outcome::Unknown(unknown)) => format!("unknown: {}", unknown.reason),
        None => "nothing".into(),
    }
}
