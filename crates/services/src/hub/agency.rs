//! What agencies (经办机构) do at the hub: who acts is proven, a message is answered once, and one handler decides.
//! A province acts through its own care or home service; the national agency's officers speak to the hub itself.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};
use zhijie_domain::{
    calendar::Date,
    ids::{MessageId, OfficerId, RegionCode},
    party::Party,
    refusal::{Code, Refusal},
};
use zhijie_protocol::v1::{agency_server, national_server};
use zhijie_store::Txn;

use super::{Hub, audit, clearing, details, duties, events, feed, indicators, ledger, prepayment, reply, tickets};
use crate::{
    node::{
        Caller, Committed, Failure, Records, Role, Stop, commit, digest, keys, limits, planted::planted, road::Carrier,
    },
    wire::{
        count, id,
        pb::{self, agency_reply::Outcome, agency_request::Command},
        refusal, required,
    },
};

/// Who acts, and when.
pub(super) struct Actor {
    /// As what.
    pub(super) party: Party,
    /// For which province; the national agency has none.
    pub(super) province: Option<RegionCode>,
    /// The officer's number.
    pub(super) officer: OfficerId,
    /// The business day.
    pub(super) today: Date,
}

impl Actor {
    /// The province, where it acts as that party.
    pub(super) fn province_as(&self, party: Party) -> Result<RegionCode, Refusal> {
        match &self.province {
            Some(province) if self.party == party => Ok(province.clone()),
            _ => Err(stranger(party)),
        }
    }

    /// Refuses an actor that is not of the pair in its role.
    pub(super) fn is_of(&self, home: &RegionCode, care: &RegionCode) -> Result<(), Refusal> {
        let own = match self.party {
            Party::Home => home,
            Party::Care => care,
            Party::Hub => return Ok(()),
        };
        if self.province.as_ref() == Some(own) { Ok(()) } else { Err(stranger(self.party)) }
    }

    /// Refuses anybody but the national agency.
    pub(super) fn is_national(&self) -> Result<(), Refusal> {
        if self.party == Party::Hub { Ok(()) } else { Err(stranger(Party::Hub)) }
    }
}

fn stranger(needed: Party) -> Refusal {
    let (zh, en) = needed.names();
    Refusal::new(Code::NotYourRegion, "who may act in clearing and review", "command")
        .with(format!("须由{zh}办理"), format!("it is for {en}"))
}

/// An answer that says only that it is done.
pub(super) fn done(items: usize) -> pb::AgencyReply {
    told(Outcome::Done(pb::Done { items: count(items) }))
}

fn told(outcome: Outcome) -> pb::AgencyReply {
    pb::AgencyReply { outcome: Some(outcome) }
}

async fn perform(hub: &Hub, caller: Option<Caller>, request: pb::AgencyRequest) -> Result<pb::AgencyReply, Failure> {
    match performed(hub, caller, request).await {
        Ok(reply) => Ok(reply),
        Err(Stop::Refused(refused)) => Ok(told(Outcome::Refused(refusal::print(&refused)))),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn performed(hub: &Hub, caller: Option<Caller>, request: pb::AgencyRequest) -> Result<pb::AgencyReply, Stop> {
    let message = id(MessageId::parse, &request.message_id, "message_id")?;
    let officer = id(OfficerId::parse, &request.officer, "officer")?;
    let (party, province) = match &caller {
        None => (Party::Hub, None),
        Some(caller) => {
            let (role, region) = caller.place().ok_or_else(|| stranger(Party::Home))?;
            (if role == Role::Home { Party::Home } else { Party::Care }, Some(region))
        }
    };
    let agency = province.as_ref().map_or_else(|| "hub".to_owned(), |region| format!("{party:?}-{region}"));
    let actor = Actor { party, province, officer, today: hub.node.today() };
    let command = required(request.command.as_ref(), "command")?;
    if let Command::MakeTables(making) = command {
        // Made in many commits, and harmless to do again.
        actor.is_national()?;
        clearing::make::make(hub, crate::wire::month(&making.period, "make_tables.period")?).await?;
        let request = pb::TablesRequest { period: making.period.clone(), ..pb::TablesRequest::default() };
        return Ok(told(Outcome::Tables(clearing::list::answer(hub, &request, None).await?)));
    }
    let (key, digest) = (keys::agency_message(&agency, &message), digest(&request));
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = hub.node.store.begin();
        let known = txn.record::<pb::AgencyRecord>(&key).await?;
        if let Some(known) = known.filter(|_| !planted!(ForgetAgency)) {
            if known.digest != digest {
                return Err(Refusal::new(Code::MessageReused, "one message id, one content", "message_id").into());
            }
            return Ok(known.reply.unwrap_or_default());
        }
        let reply = match decide(hub, &mut txn, &actor, command).await {
            // Another copy of the message may have done meanwhile what is refused now.
            Err(Stop::Refused(_)) if hub.node.store.get(&key).await?.is_some() => continue,
            reply => reply?,
        };
        txn.keep(key.clone(), &pb::AgencyRecord { digest: digest.clone(), reply: Some(reply.clone()) });
        match commit(txn).await? {
            Committed::Yes => {
                if let Some(event) = reply.outcome.as_ref().and_then(|outcome| events::of_agency(command, outcome)) {
                    hub.tell(by(&actor, event));
                }
                return Ok(reply);
            }
            Committed::Conflict => {}
            Committed::Busy => break,
        }
    }
    Err(Refusal::new(Code::Busy, "bounded queues", "").into())
}

/// What is of no pair is told of the province that acted.
fn by(actor: &Actor, event: pb::HubEvent) -> pb::HubEvent {
    let province = actor.province.as_ref().filter(|_| event.home.is_empty() && event.care.is_empty());
    match (province, actor.party) {
        (Some(province), Party::Home) => pb::HubEvent { home: province.to_string(), ..event },
        (Some(province), Party::Care) => pb::HubEvent { care: province.to_string(), ..event },
        _ => event,
    }
}

async fn decide(hub: &Hub, txn: &mut Txn, actor: &Actor, command: &Command) -> Result<pb::AgencyReply, Stop> {
    Ok(match command {
        Command::AgreeMonth(command) => clearing::agree::month_agreed(txn, actor, command).await?,
        Command::AgreeItems(command) => clearing::agree::items_agreed(txn, actor, command).await?,
        Command::TakeStep(command) => told(Outcome::Table(clearing::steps::take(hub, txn, actor, command).await?)),
        Command::DisputeItem(command) => {
            told(Outcome::Table(clearing::dispute::dispute(hub, txn, actor, command).await?))
        }
        Command::ResolveDispute(command) => clearing::dispute::resolve(txn, actor, command).await?,
        Command::CloseYear(command) => told(Outcome::Year(clearing::year::close(hub, txn, actor, command).await?)),
        Command::Audit(command) => told(Outcome::Case(audit::act(hub, txn, actor, command).await?)),
        Command::Prepayment(command) => told(Outcome::Quota(prepayment::act(hub, txn, actor, command).await?)),
        Command::Ticket(command) => told(Outcome::Ticket(tickets::act(hub, txn, actor, command).await?)),
        Command::MakeTables(_) => return Err(Refusal::malformed("command", "无此业务", "a known command").into()),
    })
}

/// The agencies of provinces, through their services.
pub(super) struct Provinces(pub(super) Arc<Hub>);

/// The officers of the national agency.
pub(super) struct Nation(pub(super) Arc<Hub>);

impl Provinces {
    fn admit<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        self.0.admit(request.extensions(), request.metadata())
    }

    fn own<T>(&self, request: &Request<T>) -> Result<Option<RegionCode>, Status> {
        Ok(self.admit(request)?.place().map(|(_, region)| region))
    }
}

#[tonic::async_trait]
impl agency_server::Agency for Provinces {
    async fn perform(&self, request: Request<pb::AgencyRequest>) -> Result<Response<pb::AgencyReply>, Status> {
        let caller = self.admit(&request)?;
        reply(perform(&self.0, Some(caller), request.into_inner()).await)
    }

    async fn tables(&self, request: Request<pb::TablesRequest>) -> Result<Response<pb::TablesReply>, Status> {
        let own = self.own(&request)?;
        reply(listed(clearing::list::answer(&self.0, &request.into_inner(), own.as_ref()).await))
    }

    type ItemsStream = clearing::list::Items;

    async fn items(&self, request: Request<pb::ItemsRequest>) -> Result<Response<Self::ItemsStream>, Status> {
        let own = self.own(&request)?;
        items(&self.0, &request.into_inner(), own.as_ref())
    }

    async fn cases(&self, request: Request<pb::CasesRequest>) -> Result<Response<pb::CasesReply>, Status> {
        let own = self.own(&request)?;
        reply(listed(audit::list(&self.0, &request.into_inner(), own.as_ref()).await))
    }

    async fn details(&self, request: Request<pb::DetailsRequest>) -> Result<Response<pb::DetailsReply>, Status> {
        let own = self.own(&request)?;
        reply(listed(details::look(&self.0, &request.into_inner(), own.as_ref()).await))
    }

    async fn quotas(&self, request: Request<pb::QuotasRequest>) -> Result<Response<pb::QuotasReply>, Status> {
        let own = self.own(&request)?;
        reply(listed(prepayment::list(&self.0, &request.into_inner(), own.as_ref()).await))
    }

    async fn tickets(&self, request: Request<pb::TicketsRequest>) -> Result<Response<pb::TicketsReply>, Status> {
        let own = self.own(&request)?;
        reply(listed(tickets::list(&self.0, &request.into_inner(), own.as_ref()).await))
    }
}

#[tonic::async_trait]
impl national_server::National for Nation {
    async fn perform(&self, request: Request<pb::AgencyRequest>) -> Result<Response<pb::AgencyReply>, Status> {
        reply(perform(&self.0, None, request.into_inner()).await)
    }

    async fn tables(&self, request: Request<pb::TablesRequest>) -> Result<Response<pb::TablesReply>, Status> {
        reply(listed(clearing::list::answer(&self.0, &request.into_inner(), None).await))
    }

    async fn preview(&self, request: Request<pb::PreviewRequest>) -> Result<Response<pb::TablesReply>, Status> {
        reply(listed(clearing::list::preview(&self.0, &request.into_inner()).await))
    }

    type ItemsStream = clearing::list::Items;

    async fn items(&self, request: Request<pb::ItemsRequest>) -> Result<Response<Self::ItemsStream>, Status> {
        items(&self.0, &request.into_inner(), None)
    }

    async fn cases(&self, request: Request<pb::CasesRequest>) -> Result<Response<pb::CasesReply>, Status> {
        reply(listed(audit::list(&self.0, &request.into_inner(), None).await))
    }

    async fn details(&self, request: Request<pb::DetailsRequest>) -> Result<Response<pb::DetailsReply>, Status> {
        reply(listed(details::look(&self.0, &request.into_inner(), None).await))
    }

    async fn quotas(&self, request: Request<pb::QuotasRequest>) -> Result<Response<pb::QuotasReply>, Status> {
        reply(listed(prepayment::list(&self.0, &request.into_inner(), None).await))
    }

    async fn ledger(&self, request: Request<pb::LedgerRequest>) -> Result<Response<pb::LedgerReply>, Status> {
        reply(listed(ledger::answer(&self.0, &request.into_inner()).await))
    }

    async fn designs(&self, request: Request<pb::DesignsRequest>) -> Result<Response<pb::DesignsReply>, Status> {
        reply(listed(ledger::designs::answer(&self.0, &request.into_inner()).await))
    }

    async fn tickets(&self, request: Request<pb::TicketsRequest>) -> Result<Response<pb::TicketsReply>, Status> {
        reply(listed(tickets::list(&self.0, &request.into_inner(), None).await))
    }

    async fn error_report(
        &self,
        request: Request<pb::ErrorReportRequest>,
    ) -> Result<Response<pb::ErrorReport>, Status> {
        reply(listed(tickets::report::report(&self.0, &request.into_inner()).await))
    }

    async fn indicators(
        &self,
        request: Request<pb::IndicatorsRequest>,
    ) -> Result<Response<pb::IndicatorsReply>, Status> {
        reply(listed(indicators::answer(&self.0, &request.into_inner()).await))
    }

    type WatchStream = feed::Events;

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(self.0.feed.watch(request.get_ref())))
    }

    async fn turn(&self, _: Request<pb::TurnRequest>) -> Result<Response<pb::TurnReply>, Status> {
        reply(duties::turn(&self.0).await)
    }
}

/// A reply that has a place for a refusal.
trait Refusable: Message + Default {
    fn refused(refusal: pb::Refusal) -> Self;
}

macro_rules! refusable {
    ($($reply:ident),*) => {
        $(impl Refusable for pb::$reply {
            fn refused(refusal: pb::Refusal) -> Self {
                pb::$reply { refused: Some(refusal), ..pb::$reply::default() }
            }
        })*
    };
}

refusable!(
    TablesReply,
    CasesReply,
    DetailsReply,
    QuotasReply,
    TicketsReply,
    ErrorReport,
    IndicatorsReply,
    LedgerReply,
    DesignsReply
);

fn listed<T: Refusable>(result: Result<T, Stop>) -> Result<T, Failure> {
    match result {
        Err(Stop::Refused(refused)) => Ok(T::refused(refusal::print(&refused))),
        Err(Stop::Failed(failure)) => Err(failure),
        Ok(reply) => Ok(reply),
    }
}

/// A stream has no place for a refusal.
fn items(
    hub: &Arc<Hub>,
    request: &pb::ItemsRequest,
    own: Option<&RegionCode>,
) -> Result<Response<clearing::list::Items>, Status> {
    let items = clearing::list::items(hub, request, own);
    items.map(Response::new).map_err(|refusal| Status::invalid_argument(refusal.to_string()))
}
