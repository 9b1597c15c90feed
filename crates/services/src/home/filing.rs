//! Filings at the window (备案窗口): made, reviewed, cancelled, replaced; each state is mirrored to the hub.

use sha2::{Digest, Sha256};
use zhijie_domain::{
    filing::{Change, Filing, change as moved, file as filed},
    ids::{FilingId, MessageId, PersonId},
    parameters::unknown_region,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use super::{Home, member::Member, mirror};
use crate::{
    node::{Committed, Failure, Stop, commit, keys, limits},
    wire::{codes, id, pb, person, refusal, required},
};

pub(super) async fn file(home: &Home, request: pb::FileRequest) -> Result<pb::FilingReply, Failure> {
    let task = Task::File(&request);
    perform(home, &task).await
}

pub(super) async fn change(home: &Home, request: pb::ChangeFilingRequest) -> Result<pb::FilingReply, Failure> {
    let task = Task::Change(&request);
    perform(home, &task).await
}

enum Task<'a> {
    File(&'a pb::FileRequest),
    Change(&'a pb::ChangeFilingRequest),
}

async fn perform(home: &Home, task: &Task<'_>) -> Result<pb::FilingReply, Failure> {
    let refused = |refused: &Refusal| pb::FilingReply { refused: Some(refusal::print(refused)), ..Default::default() };
    for _ in 0..limits::ATTEMPTS_MAX {
        let mut txn = home.node.store.begin();
        let decided = match task {
            Task::File(request) => made(home, &mut txn, request).await,
            Task::Change(request) => changed(home, &mut txn, request).await,
        };
        let filing = match decided {
            Ok(filing) => filing,
            Err(Stop::Refused(refusal)) => return Ok(refused(&refusal)),
            Err(Stop::Failed(failure)) => return Err(failure),
        };
        if matches!(commit(txn).await?, Committed::Yes) {
            let mirrored = mirror::flush(home, &filing.person).await.is_ok();
            home.to_mirror.notify_one();
            return Ok(pb::FilingReply { filing: Some(person::print_filing(&filing)), mirrored, refused: None });
        }
    }
    Ok(refused(&Refusal::new(Code::PersonBusy, "one change of a person at a time", "person")))
}

async fn made(home: &Home, txn: &mut Txn, request: &pb::FileRequest) -> Result<Filing, Stop> {
    let application = person::parse_application(request)?;
    let message = id(MessageId::parse, &request.message_id, "message_id")?;
    if !home.node.parameters.regions.contains_key(&application.place.province()) {
        return Err(unknown_region("place", &application.place).into());
    }
    let mut member = Member::load(txn, &application.person).await?;
    let filing_id = id_of(&application.person, &message)?;
    if let Some(known) = member.filings.iter().find(|filing| filing.id == filing_id) {
        let same = known.kind == application.kind && known.place == application.place && known.from == application.from;
        let reused = || Refusal::new(Code::MessageReused, "one message id, one content", "message_id");
        return if same { Ok(known.clone()) } else { Err(reused().into()) };
    }
    if member.filings.len() >= limits::FILINGS_MAX {
        return Err(Refusal::new(Code::LimitExceeded, "limit: filings of one person", "person").into());
    }
    let terms = &home.node.parameters.rules.filing;
    let filing = filed(application, &home.region, terms, filing_id, home.node.now())?;
    member.filings.push(filing.clone());
    member.keep(txn);
    txn.put(keys::outbox(&filing.person, &filing.id), Vec::new());
    Ok(filing)
}

/// The id of a filing follows from its message, so that a message sent twice makes one filing.
fn id_of(person: &PersonId, message: &MessageId) -> Result<FilingId, Refusal> {
    let hash = Sha256::digest(format!("{}/{message}", person.as_str()));
    let text: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(FilingId::parse(&text)?)
}

async fn changed(home: &Home, txn: &mut Txn, request: &pb::ChangeFilingRequest) -> Result<Filing, Stop> {
    let (person_id, filing_id) =
        (id(PersonId::parse, &request.person, "person")?, id(FilingId::parse, &request.filing, "filing")?);
    let act: Change = codes::parse(request.change, "change")?;
    let mut member = Member::load(txn, &person_id).await?;
    let at = home.node.now();
    let terms = &home.node.parameters.rules.filing;
    let unknown = || Refusal::new(Code::FilingState, "register of the home region", "filing");
    let filing = member.filings.iter_mut().find(|filing| filing.id == filing_id).ok_or_else(unknown)?;
    *filing = moved(filing, act, terms, at)?;
    let filing = filing.clone();
    txn.put(keys::outbox(&filing.person, &filing.id), Vec::new());
    member.keep(txn);
    if act != Change::Replace {
        return Ok(filing);
    }
    let replacement = required(request.replacement.as_ref(), "replacement")?;
    if replacement.person != request.person {
        return Err(Refusal::malformed(
            "replacement.person",
            "须为被变更备案的参保人",
            "the person whose filing is replaced",
        )
        .into());
    }
    made(home, txn, replacement).await
}
