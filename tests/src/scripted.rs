//! A home region that answers from a script: whatever bill it is sent, the basic fund pays all of it, on the test's day.
//! It lets a test put exact amounts on exact days through the real hub.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use tonic::{Request, Response, Status, service::Routes};
use zhijie_services::{
    cluster::home_of,
    node::{Clock, Entries, Introduction, ManualClock, Net, Office, Role, Served, channel, reflection, serve},
    pb::{self, answer::Outcome, home_server, refuse_request::Message},
};

use crate::world::{World, region};

/// The scripted home service.
struct Script {
    clock: Arc<ManualClock>,
    serial: AtomicU64,
    settled: Mutex<Vec<(String, pb::Settlement)>>,
}

/// Puts a scripted home in the place of a province's own.
pub async fn script_home(world: &mut World, province: &str) -> Served {
    let name = home_of(&region(province));
    world.cluster.kill(&name);
    let net: Arc<dyn Net> = Arc::new(world.cluster.net().seen_by(&name));
    let script = Script { clock: world.clock(), serial: AtomicU64::new(0), settled: Mutex::default() };
    let introduction = Introduction::of(&Role::Home.of(&region(province)));
    let hub = channel(&net, "http://hub").expect("an address");
    let office = Office::open(&hub, &introduction, &region(province));
    let routes = Routes::new(home_server::HomeServer::new(script)).add_service(office);
    let names = &["zhijie.v1.Home", "zhijie.v1.Agency"];
    serve(&net, &name, names, reflection(routes, names).expect("routes"), tokio::sync::watch::Sender::new(false))
        .await
        .expect("it serves")
}

impl Script {
    fn keep(&self, message: &str, settlement: &pb::Settlement) {
        self.settled.lock().expect("no panic").push((message.to_owned(), settlement.clone()));
    }

    fn known(&self, of: impl Fn(&(String, pb::Settlement)) -> bool) -> Option<pb::Settlement> {
        let settled = self.settled.lock().expect("no panic");
        settled.iter().find(|known| of(known)).map(|(_, settlement)| settlement.clone())
    }

    /// The negative record of a settlement.
    fn negative(&self, settlement: &pb::Settlement, kind: pb::EntryKind) -> pb::Settlement {
        let mut record = settlement.clone();
        if let Some(amounts) = record.computation.as_mut().and_then(|computation| computation.amounts.as_mut()) {
            let parts = amounts.parts.unwrap_or_default();
            amounts.parts = Some(pb::Parts {
                total: -parts.total,
                own: -parts.own,
                over: -parts.over,
                pre: -parts.pre,
                in_scope: -parts.in_scope,
            });
            amounts.fund_total = -amounts.fund_total;
            if let Some(funds) = &mut amounts.funds {
                funds.basic = -funds.basic;
            }
        }
        let (undoes, at) = (settlement.id.clone(), self.clock.now().0);
        let record = pb::Settlement { id: self.id(), kind: kind.into(), undoes, at, ..record };
        self.keep("", &record);
        record
    }

    fn id(&self) -> String {
        format!("S{:08}", self.serial.fetch_add(1, Ordering::SeqCst))
    }
}

fn answered(settlement: pb::Settlement) -> pb::Answer {
    pb::Answer { outcome: Some(Outcome::Settlement(settlement.into())) }
}

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the script holds no such act"))
}

#[tonic::async_trait]
impl home_server::Home for Script {
    async fn settle(&self, request: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        let request = request.into_inner();
        let message = request.header.unwrap_or_default().message_id;
        if let Some(known) = self.known(|(of, _)| *of == message) {
            return Ok(Response::new(answered(known)));
        }
        let claim = request.claim.unwrap_or_default();
        let parts = claim.parts.unwrap_or_default();
        let amounts = pb::Amounts {
            parts: claim.parts,
            funds: Some(pb::Funds { basic: parts.total, ..pb::Funds::default() }),
            fund_total: parts.total,
            ..pb::Amounts::default()
        };
        let computation = pb::Computation {
            treatment_class: pb::TreatmentClass::Emergency.into(),
            amounts: Some(amounts),
            ratio: 10_000,
            ..pb::Computation::default()
        };
        let settlement = pb::Settlement {
            id: self.id(),
            kind: pb::EntryKind::Settled.into(),
            undoes: String::new(),
            claim: Some(pb::Claim { lines: Vec::new(), ..claim }),
            computation: Some(computation),
            at: self.clock.now().0,
            proof: None,
        };
        self.keep(&message, &settlement);
        Ok(Response::new(answered(settlement)))
    }

    async fn cancel(&self, request: Request<pb::CancelRequest>) -> Result<Response<pb::Answer>, Status> {
        let asked = request.into_inner().settlement;
        let known = self.known(|(_, known)| known.id == asked);
        let known = known.ok_or_else(|| Status::not_found("no such settlement"))?;
        Ok(Response::new(answered(self.negative(&known, pb::EntryKind::Cancelled))))
    }

    async fn reverse(&self, request: Request<pb::ReverseRequest>) -> Result<Response<pb::Answer>, Status> {
        let original = request.into_inner().original_message_id;
        let undone = self.known(|(message, _)| *message == original);
        let record = undone.as_ref().map(|undone| self.negative(undone, pb::EntryKind::Reversed));
        let reversal = pb::Reversal { undone, record, visit: None };
        Ok(Response::new(pb::Answer { outcome: Some(Outcome::Reversal(reversal.into())) }))
    }

    async fn enrol(&self, _: Request<pb::EnrolRequest>) -> Result<Response<pb::PersonReply>, Status> {
        not_here()
    }

    async fn look_up(&self, _: Request<pb::LookUpRequest>) -> Result<Response<pb::PersonReply>, Status> {
        not_here()
    }

    async fn file(&self, _: Request<pb::FileRequest>) -> Result<Response<pb::FilingReply>, Status> {
        not_here()
    }

    async fn change_filing(&self, _: Request<pb::ChangeFilingRequest>) -> Result<Response<pb::FilingReply>, Status> {
        not_here()
    }

    async fn register_visit(&self, _: Request<pb::RegisterRequest>) -> Result<Response<pb::Answer>, Status> {
        not_here()
    }

    async fn pre_settle(&self, _: Request<pb::ClaimRequest>) -> Result<Response<pb::Answer>, Status> {
        not_here()
    }

    async fn refuse(&self, request: Request<pb::RefuseRequest>) -> Result<Response<pb::Answer>, Status> {
        let pb::RefuseRequest { message, refused } = request.into_inner();
        let known = match message {
            Some(Message::Settle(claim)) => {
                let message = claim.header.unwrap_or_default().message_id;
                self.known(|(of, _)| *of == message)
            }
            _ => None,
        };
        let refused = || pb::Answer { outcome: refused.map(Outcome::Refused) };
        Ok(Response::new(known.map_or_else(refused, answered)))
    }

    async fn find(&self, _: Request<pb::FindRequest>) -> Result<Response<pb::Answer>, Status> {
        not_here()
    }

    async fn day_totals(&self, _: Request<pb::DayTotalsRequest>) -> Result<Response<pb::DayTotalsReply>, Status> {
        not_here()
    }

    type DayBookStream = Entries;

    async fn day_book(&self, _: Request<pb::DayBookRequest>) -> Result<Response<Entries>, Status> {
        not_here()
    }
}
