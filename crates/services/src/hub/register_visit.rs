//! Registering a visit through the hub: the institution must be opened; home decides the rest and takes the snapshot.

use zhijie_domain::{
    refusal::{Code, Refusal},
    visit::Registration,
};
use zhijie_store::Txn;

use super::{
    Hub, from_care,
    registry::institution,
    relay::{known, outside, relay, unless_booked},
    road::Call,
};
use crate::{
    node::{Act, Caller, Failure, Key, Records, Stop, answer_of, digest, keys, road::RoadClient, stored},
    wire::{
        claim::{Header, parse_header},
        pb::{self, answer::Outcome, refuse_request::Message},
        required, visit,
    },
};

struct Record {
    registration: Registration,
    answer: pb::Answer,
}

pub(super) async fn register_visit(
    hub: &Hub,
    caller: &Caller,
    request: pb::RegisterRequest,
    first: bool,
) -> Result<pb::Answer, Failure> {
    answer_of(registered(hub, caller, request, first).await)
}

async fn registered(hub: &Hub, caller: &Caller, request: pb::RegisterRequest, first: bool) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Register, &header.message), digest(&request));
    let registration = visit::parse_registration(required(request.visit.as_ref(), "visit")?)?;
    let visit = registration.visit.clone();
    let visit = visit.as_str();
    let call = Call { hub, act: pb::Act::Register, key: &key, digest: &digest, header: &header, visit };
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let answer = match opened(hub, &header, &registration).await {
        Ok(home) => relay(hub, &key, &home, pb::RoadCall::RegisterVisit, &request).await?,
        Err(Stop::Refused(no)) => unless_booked(hub, (&key, &header), first, Message::Register(request), &no).await?,
        Err(failed) => return Err(failed),
    };
    Ok(call.answer(&Record { registration, answer }).await?)
}

async fn opened(hub: &Hub, header: &Header, registration: &Registration) -> Result<RoadClient, Stop> {
    if registration.institution != header.institution || registration.home != header.home {
        return Err(Refusal::malformed(
            "visit",
            "须与报文头的参保地、医药机构一致",
            "of the home and institution that its header names",
        )
        .into());
    }
    let home = hub.home(&header.home)?;
    if registered_otherwise(&mut hub.node.store.begin(), registration).await? {
        return Err(Refusal::new(Code::VisitState, "a visit is registered once", "visit.id").into());
    }
    let institution = institution(&hub.node, &mut hub.node.store.begin(), &registration.institution).await?;
    institution.opened(registration.service, None, registration.from)?;
    Ok(home)
}

/// True where another visit has this id.
async fn registered_otherwise(txn: &mut Txn, registration: &Registration) -> Result<bool, Failure> {
    let key = keys::visit(&registration.visit);
    let Some(document) = txn.record::<pb::Visit>(&key).await? else { return Ok(false) };
    Ok(stored(visit::parse(&document), &key)?.registration != *registration)
}

impl Act for Record {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.answer.outcome {
            Some(Outcome::Visit(document)) => {
                let visit = visit::parse(document).map_err(|refusal| outside(&refusal.to_string()))?;
                if visit.registration != self.registration {
                    return Err(outside("a registration is answered by its visit").into());
                }
                if registered_otherwise(txn, &self.registration).await? {
                    return Err(outside("a visit is registered once").into());
                }
                txn.keep(keys::visit(&visit.registration.visit), document);
            }
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a registration is answered by a visit or a refusal").into()),
        }
        Ok(self.answer.clone())
    }
}
