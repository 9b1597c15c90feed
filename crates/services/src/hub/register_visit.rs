//! Registering a visit through the hub: the institution must be opened; home decides the rest and takes the snapshot.

use zhijie_domain::refusal::Refusal;
use zhijie_store::Txn;

use super::{
    Hub, from_care,
    relay::{ask_home, known, outside, refuse, visit_id},
};
use crate::{
    node::{Act, Caller, Failure, Key, Records, Stop, answer_of, answer_once, digest, keys},
    wire::{
        claim::{Header, parse_header},
        pb::{self, answer::Outcome},
        required, visit,
    },
};

struct Record(pb::Answer);

pub(super) async fn register_visit(
    hub: &Hub,
    caller: &Caller,
    request: pb::RegisterRequest,
) -> Result<pb::Answer, Failure> {
    answer_of(registered(hub, caller, request).await)
}

async fn registered(hub: &Hub, caller: &Caller, request: pb::RegisterRequest) -> Result<pb::Answer, Stop> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let (key, digest) = (Key::new(&header.institution, pb::Act::Register, &header.message), digest(&request));
    if let Some(answer) = known(hub, &key, &digest).await? {
        return Ok(answer);
    }
    let mut home = match opened(hub, &header, &request) {
        Ok(home) => home,
        Err(refusal) => return Ok(refuse(hub, &key, &digest, refusal).await?),
    };
    let answer = ask_home(home.register_visit(request)).await?;
    Ok(answer_once(&hub.node.store, &key, &digest, &Record(answer)).await?)
}

fn opened(
    hub: &Hub,
    header: &Header,
    request: &pb::RegisterRequest,
) -> Result<zhijie_protocol::v1::home_client::HomeClient<crate::node::Link>, Refusal> {
    let registration = visit::parse_registration(required(request.visit.as_ref(), "visit")?)?;
    if registration.institution != header.institution || registration.home != header.home {
        return Err(Refusal::malformed("visit", "of the home and institution that its header names"));
    }
    let home = hub.home(&header.home)?;
    let institution = hub.node.parameters.institution(&registration.institution)?;
    institution.opened(registration.service, None, registration.from)?;
    Ok(home)
}

impl Act for Record {
    async fn decide(&self, txn: &mut Txn) -> Result<pb::Answer, Stop> {
        match &self.0.outcome {
            Some(Outcome::Visit(visit)) => txn.keep(keys::visit(&visit_id(&visit.id)?), visit),
            Some(Outcome::Refused(_)) => {}
            _ => return Err(outside("a registration is answered by a visit or a refusal").into()),
        }
        Ok(self.0.clone())
    }
}
