//! The asking side of a story: clients of every service, and the patience to ask the same again until there is an end.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use tonic::{Response, Status, transport::Channel};
use zhijie_services::{
    cluster::{HUB, care_of, home_of},
    domain::ids::RegionCode,
    pb::{
        self, agency_client::AgencyClient, answer::Outcome, books_client::BooksClient, care_client::CareClient,
        home_client::HomeClient, hub_client::HubClient, national_client::NationalClient,
        registry_client::RegistryClient,
    },
};

use crate::{dice::Dice, model::Model, network::channel_to, stage::Stage};

/// How long one answer is listened for, how often it is asked for, and the pause between, ms.
const LISTENS_MS: u64 = 4_500;
const TRIES_MAX: usize = 80;
const PAUSE_MS: u64 = 250;

/// Sends a request with a client, as often as it is called.
macro_rules! sends {
    ($client:expr, $call:ident, $request:expr) => {
        || {
            let (mut client, request) = ($client.clone(), $request.clone());
            async move { client.$call(request).await }
        }
    };
}
pub(crate) use sends;

/// What a reply is to whoever asked: an end, or a reason to ask again.
pub(crate) type Told = Result<String, String>;

/// The asking side, shared by all who ask.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) stage: Stage,
    pub(crate) model: Rc<RefCell<Model>>,
    pub(crate) dice: Rc<RefCell<Dice>>,
    pub(crate) hub: HubClient<Channel>,
    pub(crate) national: NationalClient<Channel>,
    pub(crate) books: BooksClient<Channel>,
    pub(crate) registry: RegistryClient<Channel>,
    pub(crate) cares: BTreeMap<String, CareClient<Channel>>,
    pub(crate) homes: BTreeMap<String, HomeClient<Channel>>,
    /// By the name of the service.
    pub(crate) offices: BTreeMap<String, AgencyClient<Channel>>,
}

impl Desk {
    /// Clients of the services of some homes and cares, on the host that runs this.
    pub(crate) fn of(seed: u64, homes: &[RegionCode], cares: &[RegionCode], stage: Stage) -> Result<Desk, String> {
        let open = |service: &str| channel_to(service).map_err(|error| error.to_string());
        let (mut of_care, mut of_home, mut offices) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for code in cares {
            of_care.insert(code.to_string(), CareClient::new(open(&care_of(code))?));
            offices.insert(care_of(code), AgencyClient::new(open(&care_of(code))?));
        }
        for code in homes {
            of_home.insert(code.to_string(), HomeClient::new(open(&home_of(code))?));
            offices.insert(home_of(code), AgencyClient::new(open(&home_of(code))?));
        }
        Ok(Desk {
            stage,
            model: Rc::default(),
            dice: Rc::new(RefCell::new(Dice::of(seed, "desk"))),
            hub: HubClient::new(open(HUB)?),
            national: NationalClient::new(open(HUB)?),
            books: BooksClient::new(open(HUB)?),
            registry: RegistryClient::new(open(HUB)?),
            cares: of_care,
            homes: of_home,
            offices,
        })
    }

    /// The care service of an institution's province.
    pub(crate) fn care(&self, institution: &str) -> Result<CareClient<Channel>, String> {
        let code = format!("{}0000", &institution[1..3]);
        self.cares.get(&code).cloned().ok_or_else(|| format!("no care service of {code}"))
    }

    /// The home service of a person's province.
    pub(crate) fn home(&self, person: &str) -> Result<HomeClient<Channel>, String> {
        let code = format!("{}0000", &person[..2]);
        self.homes.get(&code).cloned().ok_or_else(|| format!("no home service of {code}"))
    }

    /// Asks, and asks the same again while the outcome is unknown or nobody answers.
    pub(crate) async fn ask<T, A>(
        &self,
        act: &str,
        told: impl Fn(&T) -> Told,
        send: impl Fn() -> A,
    ) -> Result<T, String>
    where
        A: Future<Output = Result<Response<T>, Status>>,
    {
        self.stage.begin();
        for _ in 0..TRIES_MAX {
            let again = match tokio::time::timeout(Duration::from_millis(LISTENS_MS), send()).await {
                Ok(Ok(reply)) => match told(reply.get_ref()) {
                    Ok(end) => {
                        self.stage.say(format_args!("{act}: {end}"));
                        return Ok(reply.into_inner());
                    }
                    Err(again) => again,
                },
                Ok(Err(status)) => format!("{:?}: {}", status.code(), status.message()),
                Err(_) => "silence".into(),
            };
            self.stage.say(format_args!("{act}: again, {again}"));
            tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
        }
        Err(format!("{act}: no end after {TRIES_MAX} tries"))
    }

    /// Asks on the road. What the answer says of a message goes into the model, which may object.
    pub(crate) async fn drive<A>(
        &self,
        act: &str,
        message: &pb::MessageKey,
        send: impl Fn() -> A,
    ) -> Result<pb::Answer, String>
    where
        A: Future<Output = Result<Response<pb::Answer>, Status>>,
    {
        self.model.borrow_mut().asks(message);
        let answer = self.ask(act, told, send).await?;
        self.model.borrow_mut().hear(message, &answer).map_err(|broken| format!("{act}: {broken}"))?;
        Ok(answer)
    }

    /// What became of a message, from the care service that took it.
    pub(crate) async fn find(&self, act: &str, message: &pb::MessageKey) -> Result<pb::Answer, String> {
        let request = pb::FindRequest { by: Some(pb::find_request::By::Message(message.clone())) };
        let care = self.care(&message.institution)?;
        self.ask(act, told, sends!(care, find, request)).await
    }
}

/// What a reply without outcomes tells.
pub(crate) fn taken(refused: Option<&pb::Refusal>) -> Told {
    match refused {
        None => Ok("done".into()),
        Some(refused) => refusal(refused),
    }
}

fn refusal(refused: &pb::Refusal) -> Told {
    match refused.code() {
        pb::RefusalCode::E503PersonBusy | pb::RefusalCode::E605Busy => Err(refused.en.clone()),
        code => Ok(format!("{} {}", code.as_str_name().trim_start_matches("REFUSAL_CODE_"), refused.en)),
    }
}

/// What an answer of the road tells.
pub(crate) fn told(answer: &pb::Answer) -> Told {
    match &answer.outcome {
        Some(Outcome::Visit(visit)) => Ok(format!("visit {}", visit.id)),
        Some(Outcome::Computation(computation)) => Ok(format!("computed {}", shown(computation))),
        Some(Outcome::Settlement(record)) => Ok(recorded(record)),
        Some(Outcome::Reversal(reversal)) => Ok(match (&reversal.undone, &reversal.record) {
            (Some(undone), Some(record)) => format!("{}, undone by {}", recorded(undone), recorded(record)),
            _ => "nothing had been booked".into(),
        }),
        Some(Outcome::Refused(refused)) => refusal(refused),
        Some(Outcome::Unknown(unknown)) => Err(format!("unknown: {}", unknown.reason)),
        None => Err("an empty answer".into()),
    }
}

fn recorded(record: &pb::Settlement) -> String {
    let kind = record.kind().as_str_name().trim_start_matches("ENTRY_KIND_").to_lowercase();
    format!("{kind} {} {}", record.id, shown(&record.computation.clone().unwrap_or_default()))
}

fn shown(computation: &pb::Computation) -> String {
    let amounts = computation.amounts.unwrap_or_default();
    format!("fund {} account {} cash {}", amounts.fund_total, amounts.account, amounts.cash)
}
