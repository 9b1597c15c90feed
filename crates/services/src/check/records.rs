//! Every record of every store reads under its seal, decodes and parses, and stands under a key of its own content.
//! A new kind of record is a line of [`KINDS`]; a kind that has none is a difference.

use zhijie_domain::{
    calendar::Month,
    ids::{MessageId, PersonId, RegionCode, SettlementId},
    refusal::Refusal,
    settlement as settled,
    ticket::Status,
};
use zhijie_store::{Bytes, Store, StoreError};

use super::{Stores, Subject};
use crate::{
    home::member,
    hub::{clearing::fold, ledger::events, prepayment, screening, tickets},
    node::{Failure, Owner, Pages, Role, document, keys},
    wire::{
        self, case, claim, clearing, date, difference, id, month, optional_date, optional_id,
        pb::{self, agency_reply, answer::Outcome, message_record::State},
        person, prepayment as wire_prepayment, proof, refusal, registry, required, settlement, ticket, visit,
    },
};

/// What else must be so for a record to be right.
enum Then {
    /// Nothing.
    Nothing,
    /// A record under this key.
    Needs(Vec<u8>),
    /// A pointer to this record under this key.
    Pointed(Vec<u8>),
    /// A record under this key that leads to it.
    Told(Vec<u8>, Tells),
}

/// A key and what stands under it.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Whether a record, the second, leads to another, the first.
type Tells = fn(Pair<'_>, Pair<'_>) -> Result<bool, Wrong>;

/// Why a record is not right.
struct Wrong {
    field: String,
    what: String,
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Wrong {
        Wrong { field: refusal.field, what: refusal.en }
    }
}

impl From<Failure> for Wrong {
    fn from(_: Failure) -> Wrong {
        Wrong { field: "record".into(), what: "it does not read".into() }
    }
}

type Read = fn(Role, &[u8], &[u8]) -> Result<Then, Wrong>;

/// A kind of record: the letter of its keys, who keeps it, and how it reads.
struct Kind(u8, &'static [Role], Read);

const ALL: &[Role] = &[Role::Care, Role::Hub, Role::Home];
const CARE: &[Role] = &[Role::Care];
const HUB: &[Role] = &[Role::Hub];
const HOME: &[Role] = &[Role::Home];

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind(b'x', ALL, |_, key, value| whole(key, value, |of| Owner::parse(of).map(|_| keys::OWNER.to_vec()))),
    Kind(b'm', ALL, message),
    Kind(b'p', CARE, |_, key, value| mark(value, key.strip_prefix(keys::PENDING).map(|rest| [b"m/", rest].concat()))),
    Kind(b'b', ALL, booked),
    Kind(b's', ALL, |_, key, value| pointer(key, value, b"s/", keys::BOOK)),
    Kind(b'v', ALL, kept_visit),
    Kind(b'l', CARE, |_, key, value| loose(key, value, lines)),
    Kind(b'r', HOME, |_, key, value| whole(key, value, |of| Ok(keys::person(&member::parse(of)?.person.id)))),
    Kind(b'o', HOME, outboxed),
    Kind(b'f', HUB, filings),
    Kind(b'q', HUB, |_, key, value| whole(key, value, waiting)),
    Kind(b'a', HUB, |_, key, value| whole(key, value, opened_case)),
    Kind(b'j', HUB, |_, key, value| loose(key, value, |of: &pb::ClearedRecord| month(&of.period, "period").map(drop))),
    Kind(b'k', HUB, item),
    Kind(b't', HUB, |_, key, value| whole(key, value, table)),
    Kind(b'z', HUB, |_, key, value| loose(key, value, |of: &pb::PeriodRecord| date(&of.day, "day").map(drop))),
    Kind(b'g', HUB, |_, key, value| loose(key, value, |of: &pb::AgreementRecord| date(&of.day, "day").map(drop))),
    Kind(b'y', HUB, |_, key, value| loose(key, value, |of: &pb::YearReply| date(&of.closed, "closed").map(drop))),
    Kind(b'u', HUB, |_, key, value| whole(key, value, quota)),
    Kind(b'h', HUB, |_, key, value| loose(key, value, agency)),
    Kind(b'w', HUB, |_, key, value| loose(key, value, |of: &pb::TurnRecord| date(&of.day, "day").map(drop))),
    Kind(b'i', HUB, |_, key, value| whole(key, value, institution)),
    Kind(b'c', HUB, |_, key, value| loose(key, value, published)),
    Kind(b'd', HUB, revised),
    Kind(b'e', HUB, |_, key, value| pointer(key, value, b"e/", b"d/")),
    Kind(b'n', HUB, |_, key, value| loose(key, value, cure)),
    Kind(b'A', HUB, |_, key, value| mark(value, keys::settlement_behind(keys::OPEN_CASES, key).map(|id| keys::case(&id)))),
    Kind(b'V', HUB, |_, key, value| mark(value, key.strip_prefix(keys::UNNOTICED).map(|rest| [keys::TABLES, rest].concat()))),
    Kind(b'U', CARE, |_, key, value| mark(value, keys::settlement_behind(keys::TO_UPLOAD, key).map(|id| keys::settlement(&id)))),
    Kind(b'I', HUB, |_, key, value| loose(key, value, |_: &pb::DetailsRecord| Ok(()))),
    Kind(b'L', HUB, |_, key, value| loose(key, value, lines)),
    Kind(b'S', HUB, |_, key, value| mark(value, keys::settlement_behind(keys::TO_SCREEN, key).map(|id| keys::settlement(&id)))),
    Kind(b'H', HUB, stayed),
    Kind(b'P', HUB, |_, key, value| whole(key, value, problem)),
    Kind(b'N', HUB, |_, _, value| Ok(Then::Told(value.to_vec(), counts))),
    Kind(b'D', HUB, |_, key, value| loose(key, value, |_: &pb::DoneRecord| Ok(()))),
    Kind(b'T', HUB, |_, key, value| whole(key, value, ticketed)),
    Kind(b'O', HUB, |_, _, value| Ok(Then::Told(value.to_vec(), opens))),
    Kind(b'K', ALL, |_, key, value| whole(key, value, |of| proof::parse_key(of).map(|key| keys::signing_key(&key.author, &key.public)))),
    Kind(b'G', ALL, |_, key, value| whole(key, value, |of| proof::parse_head(of).map(|(head, _)| keys::head(&head.author, head.number)))),
    Kind(b'E', ALL, |_, _, value| Ok(Then::Needs(value.to_vec()))),
    Kind(b'R', HUB, |_, key, _| Ok(Then::Told(last_run(key.strip_prefix(keys::FRESH_RUNS)), |own, last| Ok(own.1 == last.1)))),
];

/// A mark that a stay of a person stands settled.
fn stayed(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let part = key.rsplit(|byte| *byte == b'/').next().and_then(|part| std::str::from_utf8(part).ok());
    let settlement = part.and_then(|part| SettlementId::parse(part).ok());
    let Some((settlement, true)) = settlement.map(|id| (id, value.is_empty())) else { return unread() };
    Ok(Then::Told(keys::settlement(&settlement), |(own, _), (key, value)| {
        let booked = events::read(key, value)?;
        let stands = booked.undone_by.is_none() && booked.settlement.kind == settled::Kind::Settled;
        Ok(stands && screening::place(&booked.settlement) == own)
    }))
}

fn problem(of: &pb::ProblemRecord) -> Result<Vec<u8>, Refusal> {
    let cause = ticket::name(ticket::parse_cause(of.cause.as_ref())?);
    Ok(keys::problem(&of.day, cause, &of.home, &of.care, &of.reference))
}

fn ticketed(of: &pb::Ticket) -> Result<Vec<u8>, Refusal> {
    Ok(keys::ticket(&ticket::parse(of)?.id))
}

/// A mark that no ticket has counted a thing that went wrong.
fn counts((own, _): Pair<'_>, (key, value): Pair<'_>) -> Result<bool, Wrong> {
    let of: pb::ProblemRecord = document(key, value)?;
    let cause = ticket::name(ticket::parse_cause(of.cause.as_ref())?);
    Ok(keys::uncounted(&of.day, cause, &of.home, &of.care, &of.reference) == own)
}

/// The open ticket of a cause and pair.
fn opens((own, _): Pair<'_>, (key, value): Pair<'_>) -> Result<bool, Wrong> {
    let of = ticket::parse(&document(key, value)?)?;
    Ok(of.status != Status::Closed && tickets::pointer(&of) == own)
}

/// What is looked at.
pub(super) fn subject() -> Subject {
    Subject::new("records", "记录", "every record reads and parses")
}

/// Checks every record of a store.
pub(super) async fn check(stores: &Stores, owner: &Owner) -> Result<Subject, Failure> {
    let mut subject = subject();
    let Some(store) = stores.get(owner) else { return Ok(subject) };
    match store.verify().await {
        Err(StoreError::Damaged { what }) => subject.differs(owner, b"", "store", what),
        read => read.map_err(Failure::from)?,
    }
    let mut pages = Pages::of(store, []);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            subject.look();
            if let Err(Wrong { field, what }) = right(owner.role, store, key, &record.value).await? {
                subject.differs(owner, key, field, what);
            }
        }
    }
    Ok(subject)
}

async fn right(role: Role, store: &Store, key: &[u8], value: &[u8]) -> Result<Result<(), Wrong>, Failure> {
    let kind = KINDS.iter().find(|kind| key.first() == Some(&kind.0) && kind.1.contains(&role));
    let Some(Kind(_, _, read)) = kind else {
        return Ok(wrong("key", format!("a store of {} keeps no such kind of record", role.name())));
    };
    Ok(match read(role, key, value) {
        Err(wrong) => Err(wrong),
        Ok(Then::Nothing) => Ok(()),
        Ok(Then::Needs(needed)) if store.get(&needed).await?.is_none() => {
            wrong("key", "the record that it is about is not there")
        }
        Ok(Then::Needs(_)) => Ok(()),
        Ok(Then::Told(about, tells)) => match behind(store, about).await? {
            None => wrong("key", "the record that it is about is not there"),
            Some((about, found)) => match tells((key, value), (&about, &found)) {
                Ok(true) => Ok(()),
                Ok(false) => wrong("key", "the record that it is about does not lead to it"),
                Err(wrong) => Err(wrong),
            },
        },
        Ok(Then::Pointed(pointer)) => match store.get(&pointer).await? {
            Some(pointer) if pointer.value == key => Ok(()),
            Some(_) => wrong("key", "its id leads to another record"),
            None => wrong("key", "its id does not lead to it"),
        },
    })
}

/// What stands under a key; from the pointer of a settlement's id, the settlement.
async fn behind(store: &Store, key: Vec<u8>) -> Result<Option<(Bytes, Bytes)>, Failure> {
    let Some(found) = store.get(&key).await? else { return Ok(None) };
    if !key.starts_with(b"s/") {
        return Ok(Some((key.into(), found.value)));
    }
    Ok(store.get(&found.value).await?.map(|record| (found.value, record.value)))
}

fn unread<T>() -> Result<T, Wrong> {
    wrong("record", "it does not read")
}

fn wrong<T>(field: &str, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field: field.into(), what: what.into() })
}

/// A document whose content gives its key.
fn whole<M: prost::Message + Default>(
    key: &[u8],
    value: &[u8],
    own: impl Fn(&M) -> Result<Vec<u8>, Refusal>,
) -> Result<Then, Wrong> {
    let own = own(&document(key, value)?)?;
    if own == key { Ok(Then::Nothing) } else { wrong("key", "its content is that of another key") }
}

/// A document that does not hold its key.
fn loose<M: prost::Message + Default>(
    key: &[u8],
    value: &[u8],
    parse: impl Fn(&M) -> Result<(), Refusal>,
) -> Result<Then, Wrong> {
    parse(&document(key, value)?)?;
    Ok(Then::Nothing)
}

/// A mark that another record is to be worked on.
fn mark(value: &[u8], about: Option<Vec<u8>>) -> Result<Then, Wrong> {
    match about {
        Some(about) if value.is_empty() => Ok(Then::Needs(about)),
        _ => unread(),
    }
}

/// A mark that a filing of a person waits to be mirrored.
fn outboxed(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let rest = key.strip_prefix(keys::OUTBOX).and_then(|rest| std::str::from_utf8(rest).ok());
    let person = rest.and_then(|rest| rest.split_once('/')).and_then(|(person, _)| PersonId::parse(person).ok());
    let Some((person, true)) = person.map(|person| (person, value.is_empty())) else { return unread() };
    Ok(Then::Told(keys::person(&person), |(own, _), (key, value)| {
        let member = member::parse(&document(key, value)?)?;
        Ok(member.filings.iter().any(|filing| keys::outbox(&member.person.id, &filing.id) == own))
    }))
}

/// A result of a day, which is its last one or came before that.
fn revised(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    whole(key, value, run)?;
    let day = key.strip_prefix(b"d/").and_then(|rest| rest.split(|byte| *byte == b'/').next());
    Ok(Then::Told(last_run(day), |(own, _), (_, last)| Ok(own <= last)))
}

/// The pointer to the last result of a day.
fn last_run(day: Option<&[u8]>) -> Vec<u8> {
    [b"e/", day.unwrap_or_default()].concat()
}

/// A pointer from an id to the record's key.
fn pointer(key: &[u8], value: &[u8], kind: &[u8], target: &[u8]) -> Result<Then, Wrong> {
    let id = key.strip_prefix(kind).unwrap_or_default();
    let leads = value.strip_prefix(target).is_some_and(|rest| rest.split(|byte| *byte == b'/').any(|part| part == id));
    if leads { Ok(Then::Needs(value.to_vec())) } else { wrong("record", "it leads to another record") }
}

fn message(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let record: pb::MessageRecord = document(key, value)?;
    match required(record.state, "state")? {
        State::Intent(_) => {}
        State::Answer(answer) | State::Reversed(answer) => match required(answer.outcome, "answer")? {
            Outcome::Settlement(kept) => {
                let id = SettlementId::parse(&kept.id).map_err(Refusal::from)?;
                return Ok(Then::Needs(keys::settlement(&id)));
            }
            Outcome::Reversal(reversal) => {
                reversal
                    .undone
                    .iter()
                    .chain(&reversal.record)
                    .try_for_each(|record| settlement::parse(record).map(drop))?;
            }
            Outcome::Computation(computed) => settlement::parse_computation(&computed).map(drop)?,
            Outcome::Visit(kept) => visit::parse_registration(&kept).map(drop)?,
            Outcome::Refused(refused) => {
                refusal::code(refused.code)
                    .map(drop)
                    .ok_or_else(|| Refusal::malformed("answer.code", "", "a known code"))?;
            }
            Outcome::Unknown(_) => {}
        },
    }
    Ok(Then::Nothing)
}

fn booked(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let record: pb::BookRecord = document(key, value)?;
    let booked = settlement::parse(required(record.settlement.as_ref(), "settlement")?)?;
    optional_id(SettlementId::parse, &record.undone_by, "undone_by")?;
    optional_id(SettlementId::parse, &record.previous, "previous")?;
    if keys::book(booked.day(), &booked.id) != key {
        return wrong("key", "its content is that of another key");
    }
    Ok(Then::Pointed(keys::settlement(&booked.id)))
}

fn kept_visit(role: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    if role != Role::Care {
        return whole(key, value, |kept: &pb::Visit| Ok(keys::visit(&visit::parse(kept)?.registration.visit)));
    }
    whole(key, value, |kept: &pb::CareVisit| {
        claim::parse_parts(kept.bill.as_ref(), "bill")?;
        Ok(keys::visit(&visit::parse_registration(required(kept.visit.as_ref(), "visit")?)?.visit))
    })
}

fn filings(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let mirrored: pb::MirroredFilings = document(key, value)?;
    let home = std::str::from_utf8(key).ok().and_then(|key| key.split('/').nth(1));
    let home = id(RegionCode::parse, home.unwrap_or_default(), "key")?;
    let mut before = "";
    for filing in &mirrored.filings {
        if keys::filings(&home, &person::parse_filing(filing)?.person) != key {
            return wrong("key", "its content is that of another key");
        }
        if filing.id.as_str() <= before {
            return wrong("filings", "they ascend by id, each once");
        }
        before = &filing.id;
    }
    Ok(Then::Nothing)
}

fn waiting(item: &pb::WaitingItem) -> Result<Vec<u8>, Refusal> {
    let deduction = item.kind() == pb::ClearedKind::Deduction;
    Ok(keys::waiting(&clearing::parse_waiting(item)?.id, deduction))
}

fn opened_case(opened: &pb::Case) -> Result<Vec<u8>, Refusal> {
    optional_date(&opened.lapsed, "case.lapsed")?;
    Ok(keys::case(&case::parse(opened)?.settlement))
}

fn item(_: Role, key: &[u8], value: &[u8]) -> Result<Then, Wrong> {
    let document: pb::ClearedItem = document(key, value)?;
    let parts: Vec<&str> = std::str::from_utf8(key).unwrap_or_default().split('/').collect();
    let [_, period, home, care, ..] = parts.as_slice() else { return wrong("key", "it names no period and no pair") };
    let (home, care) = (id(RegionCode::parse, home, "key")?, id(RegionCode::parse, care, "key")?);
    let (item, _) = clearing::parse_cleared(&document, &home, &care)?;
    let deduction = document.kind() == pb::ClearedKind::Deduction;
    let own = keys::table_item(wire::month(period, "key")?, &home, &care, &item.id, deduction);
    if own == key { Ok(Then::Nothing) } else { wrong("key", "its content is that of another key") }
}

fn table(table: &pb::ClearingTable) -> Result<Vec<u8>, Refusal> {
    clearing::parse_life(table)?;
    let malformed = |_| Refusal::malformed("table", "应有期间与两省", "a period and two provinces");
    let (period, home, care): (Month, _, _) = fold::names(table).map_err(malformed)?;
    Ok(keys::table(period, &home, &care))
}

fn quota(quota: &pb::Quota) -> Result<Vec<u8>, Refusal> {
    wire_prepayment::parse(quota)?;
    quota.moved.iter().try_for_each(|moved| date(&moved.day, "quota.moved.day").map(drop))?;
    let malformed = |_| Refusal::malformed("quota", "应有两省", "two provinces");
    let (home, care) = prepayment::pair(quota).map_err(malformed)?;
    Ok(keys::quota(&home, &care))
}

fn lines(chunk: &pb::LineChunk) -> Result<(), Refusal> {
    chunk.lines.iter().try_for_each(|line| claim::parse_split(line).map(drop))
}

fn institution(row: &pb::Institution) -> Result<Vec<u8>, Refusal> {
    Ok(keys::institution(&registry::parse_institution(row)?.code))
}

fn published(list: &pb::PublishedList) -> Result<(), Refusal> {
    registry::parse_list(&list.versions).map(drop)
}

fn run(run: &pb::ReconcileReply) -> Result<Vec<u8>, Refusal> {
    Ok(keys::run(date(&run.day, "day")?, run.revision))
}

fn agency(record: &pb::AgencyRecord) -> Result<(), Refusal> {
    let reply = required(record.reply.as_ref(), "reply")?;
    match required(reply.outcome.as_ref(), "reply.outcome")? {
        agency_reply::Outcome::Case(opened) => case::parse(opened).map(drop),
        agency_reply::Outcome::Table(table) => clearing::parse_life(table).map(drop),
        agency_reply::Outcome::Quota(quota) => wire_prepayment::parse(quota).map(drop),
        _ => Ok(()),
    }
}

fn cure(record: &pb::CureRecord) -> Result<(), Refusal> {
    difference::parse_cured(required(record.outcome.as_ref(), "outcome")?)?;
    optional_id(MessageId::parse, &record.message, "message")?;
    record.settlement.iter().chain(&record.record).try_for_each(|booked| settlement::parse(booked).map(drop))
}
