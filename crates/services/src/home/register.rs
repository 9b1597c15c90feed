//! The register (参保登记): entering a person, and looking one up.

use zhijie_domain::{
    ids::PersonId,
    person::{Category, Person, Purse, Scheme},
    refusal::{Code, Refusal},
};

use super::{Home, member::Member};
use crate::{
    node::{Committed, Failure, Stop, commit, limits},
    wire::{id, pb, person, refusal, required, text},
};

pub(super) async fn enrol(home: &Home, request: pb::EnrolRequest) -> Result<pb::PersonReply, Failure> {
    let parsed = parse(home, &request);
    let (person, purse) = match parsed {
        Ok(parsed) => parsed,
        Err(refused) => return Ok(refused_reply(&refused)),
    };
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = home.node.store.begin();
        let member = match Member::find(&mut txn, &person.id).await? {
            Some(known) => Member { person: person.clone(), ..known },
            None => Member::new(person.clone(), purse),
        };
        member.keep(&mut txn);
        if matches!(commit(txn).await?, Committed::Yes) {
            return Ok(print(&member));
        }
    }
    Ok(refused_reply(&Refusal::new(Code::PersonBusy, "one change of a person at a time", "person")))
}

fn parse(home: &Home, request: &pb::EnrolRequest) -> Result<(Person, Purse), Refusal> {
    let person = person::parse(required(request.person.as_ref(), "person")?)?;
    home.serves(&person.area, "person.area")?;
    let of_employees = matches!(person.category, Category::Active | Category::Retired);
    if of_employees != (person.scheme == Scheme::Employee) {
        let (zh, en) =
            ("在职、退休属职工医保，其余属居民医保", "active or retired for employees, another for residents");
        return Err(Refusal::malformed("person.category", zh, en));
    }
    home.node.parameters.policy(&person.area, person.scheme, home.node.today())?;
    Ok((person, person::parse_purse(request.purse.as_ref())?))
}

pub(super) async fn look_up(home: &Home, request: pb::LookUpRequest) -> Result<pb::PersonReply, Failure> {
    let looked_up = async {
        let id = id(PersonId::parse, &request.person, "person")?;
        Member::load(&mut home.node.store.begin(), &id).await
    };
    match looked_up.await {
        Ok(member) => Ok(print(&member)),
        Err(Stop::Refused(refused)) => Ok(refused_reply(&refused)),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

fn refused_reply(refused: &Refusal) -> pb::PersonReply {
    pb::PersonReply { refused: Some(refusal::print(refused)), ..pb::PersonReply::default() }
}

fn print(member: &Member) -> pb::PersonReply {
    pb::PersonReply {
        person: Some(person::print(&member.person)),
        purse: Some(person::print_purse(member.purse)),
        accumulators: person::print_accumulators(&member.accumulators),
        filings: member.filings.iter().map(person::print_filing).collect(),
        open_stay: text(member.open_stay.as_ref()),
        refused: None,
    }
}
