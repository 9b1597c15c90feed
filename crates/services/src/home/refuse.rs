//! The hub's refusal of a message that may have come before: home answers with what it answered then, or else by it.

use zhijie_domain::refusal::Refusal;
use zhijie_store::Txn;

use super::Home;
use crate::{
    node::{Act, Failure, Key, Stop, answer_of, answer_once, digest},
    wire::{
        self,
        claim::parse_header,
        pb::{self, refuse_request::Message},
        refusal, required,
    },
};

struct Refuse(Refusal);

pub(super) async fn refuse(home: &Home, request: pb::RefuseRequest) -> Result<pb::Answer, Failure> {
    match parse(home, &request) {
        Ok((key, digest, refuse)) => answer_once(&home.node.store, &key, &digest, &refuse).await,
        Err(refusal) => answer_of(Err(refusal.into())),
    }
}

fn parse(home: &Home, request: &pb::RefuseRequest) -> Result<(Key, Vec<u8>, Refuse), Refusal> {
    let (header, act, digest) = match required(request.message.as_ref(), "message")? {
        Message::Register(register) => (&register.header, pb::Act::Register, digest(register)),
        Message::Settle(claim) => (&claim.header, pb::Act::Settle, digest(claim)),
        Message::Cancel(cancel) => (&cancel.header, pb::Act::Cancel, digest(cancel)),
    };
    let header = parse_header(header.as_ref())?;
    home.serves(&header.home, "header.home")?;
    let no = refusal::parse(required(request.refused.as_ref(), "refused")?);
    let no = no.ok_or_else(|| Refusal::malformed("refused.code", "无此代码", "a known code"))?;
    Ok((Key::new(&header.institution, act, &header.message), digest, Refuse(no)))
}

impl Act for Refuse {
    async fn decide(&self, _: &mut Txn) -> Result<pb::Answer, Stop> {
        Ok(wire::refused(&self.0))
    }
}
