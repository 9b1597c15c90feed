//! Curing a difference (差异处理): what the day's last reconciliation listed is looked at again, so that nothing is cured
//! that has cured itself; then the steps are taken in an order in which each may be repeated.

use zhijie_domain::{
    calendar::Date,
    ids::{RegionCode, SettlementId},
    limits::TEXT_CHARS_MAX,
    parameters::unknown_region,
    reconcile::{Cure, Difference, DifferenceKind, Filter, Held},
    refusal::{Code, Refusal},
    settlement::{Kind, Settlement},
};

use super::{
    super::{Hub, relay::ask_home},
    facts::{self, Fact, named},
    holders::{self, Booking},
    peers::{Missing, Owner, records},
    records::{Row, all, look_around},
    runs, signed,
};
use crate::{
    node::{Failure, Stop, call, limits},
    wire::{
        codes, date, difference, id, optional_id,
        pb::{self, answer::Outcome},
        refusal, settlement,
    },
};

struct Asked {
    day: Date,
    id: SettlementId,
    cure: Cure,
    note: pb::Note,
}

pub(super) async fn cure(hub: &Hub, request: pb::CureRequest) -> Result<pb::CureReply, Failure> {
    match cured(hub, request).await {
        Ok(outcome) => Ok(pb::CureReply { outcome: Some(outcome), refused: None }),
        Err(Stop::Refused(no)) => Ok(pb::CureReply { outcome: None, refused: Some(refusal::print(&no)) }),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn cured(hub: &Hub, request: pb::CureRequest) -> Result<pb::CureOutcome, Stop> {
    let asked = parse(request)?;
    let mut known = facts::of(hub, &asked.id).await?;
    let last = known.iter().rposition(|fact| fact.is(asked.cure));
    if let Some(begun) = last.filter(|place| known.get(*place).is_some_and(|fact| fact.record.begun)) {
        return go_on(hub, known.swap_remove(begun)).await;
    }
    let last = last.and_then(|place| known.get(place));
    match (last, now(hub, &asked).await?) {
        (Some(done), None) => Ok(done.outcome()),
        (Some(done), Some(found)) if done.closes(&found) => Ok(done.outcome()),
        (_, Some(found)) => begin(hub, asked, &known, &found).await,
        (None, None) => {
            let rule = "a difference that the day's last reconciliation listed, and that is still there";
            let no = Refusal::new(Code::SettlementUnknown, rule, "settlement");
            Err(no.with("当日对账无此差异，或已一致", "no difference of this record is open on the day").into())
        }
    }
}

fn parse(request: pb::CureRequest) -> Result<Asked, Refusal> {
    let note = request.note.unwrap_or_default();
    for (field, text) in [("note.by", &note.by), ("note.why", &note.why)] {
        if text.chars().count() > TEXT_CHARS_MAX {
            let no = Refusal::new(Code::LimitExceeded, "characters of a note", field);
            return Err(no.with(format!("至多 {TEXT_CHARS_MAX} 字"), format!("at most {TEXT_CHARS_MAX}")));
        }
    }
    Ok(Asked {
        day: date(&request.day, "day")?,
        id: named(&request.settlement)?,
        cure: codes::parse(request.cure, "cure")?,
        note,
    })
}

/// The difference as it is now, where the day's last reconciliation listed one.
async fn now(hub: &Hub, asked: &Asked) -> Result<Option<Difference>, Stop> {
    let last = runs::last(&mut hub.node.store.begin(), asked.day).await?.unwrap_or_default();
    let listed = last.differences.into_iter().find(|listed| listed.settlement == asked.id.as_str());
    let Some(listed) = listed else { return Ok(None) };
    let (home, care) = (id(RegionCode::parse, &listed.home, "home")?, id(RegionCode::parse, &listed.care, "care")?);
    let filter = Filter { settlements: [asked.id.clone()].into(), ..Filter::default() };
    let (mut row, mut missing) = (Row::default(), Missing::default());
    for (owner, slot) in [
        (Owner::Care(care.clone()), &mut row.care),
        (Owner::Hub, &mut row.hub),
        (Owner::Home(home.clone()), &mut row.home),
    ] {
        let found = all(records(hub, &owner, asked.day, &filter), &owner, &mut missing).await?;
        *slot = found.into_iter().next().map(|entry| Held { day: asked.day, entry });
    }
    let mut rows = [row];
    look_around(hub, asked.day, &mut rows, &mut missing).await?;
    if missing.concerns(&home, &care) {
        return Err(Refusal::new(Code::Busy, "a book that is missing is compared with nothing", "day").into());
    }
    let found = match rows.first().and_then(Difference::of) {
        None => signed::of_record(hub, &asked.id).await?,
        found => found,
    };
    let twin = optional_id(SettlementId::parse, &listed.twin, "twin")?;
    Ok(found.map(|found| match twin {
        Some(_) if found.may_be_double() => Difference { kind: DifferenceKind::Duplicate, twin, ..found },
        _ => found,
    }))
}

async fn begin(hub: &Hub, asked: Asked, known: &[Fact], found: &Difference) -> Result<pb::CureOutcome, Stop> {
    asked.cure.fits(found)?;
    if asked.cure.needs_note() && (asked.note.by.trim().is_empty() || asked.note.why.trim().is_empty()) {
        return Err(Refusal::malformed("note", "须写明处理人与原因", "who decided it, and why").into());
    }
    let mut record = pb::CureRecord {
        outcome: Some(pb::CureOutcome {
            day: asked.day.to_string(),
            settlement: asked.id.to_string(),
            cure: codes::print(asked.cure),
            kind: codes::print(found.kind),
            fields: found.fields.iter().map(difference::print_unequal).collect(),
            note: Some(asked.note),
            took: took(asked.cure, found),
            negative: String::new(),
            at: hub.node.now().0,
        }),
        begun: true,
        ..pb::CureRecord::default()
    };
    if asked.cure == Cure::ManualMatch {
        record.begun = false;
        return Ok(facts::add(hub, &asked.id, known, record, None).await?.outcome());
    }
    let mut booking = agreed(hub, found).await?;
    match asked.cure {
        Cure::ReQuery => {
            record.begun = false;
            return Ok(facts::add(hub, &asked.id, known, record, Some(&booking)).await?.outcome());
        }
        Cure::Reverse if found.held.home => {
            // Asked before home undoes: care must not be driving the message that home would undo.
            ask_care(hub, &booking, true).await?;
            record.message = hub.node.new_id();
        }
        Cure::Reverse => booking.record = Some(negative(hub, &booking.settlement)?),
        Cure::Replay | Cure::ManualMatch => {}
    }
    record.settlement = Some(settlement::print(&booking.settlement));
    record.record = booking.record.as_ref().map(settlement::print);
    let begun = facts::add(hub, &asked.id, known, record, None).await?;
    go_on(hub, begun).await
}

/// The books that take something by a cure.
fn took(cure: Cure, found: &Difference) -> Vec<String> {
    let held = found.held;
    let behind = |of: fn(&zhijie_domain::reconcile::Three<String>) -> &String| {
        found.fields.iter().any(|unequal| *of(&unequal.values) != unequal.values.home)
    };
    let (care, hub, home) = match cure {
        Cure::Replay => (!held.care || behind(|values| &values.care), !held.hub || behind(|values| &values.hub), false),
        Cure::ReQuery => (false, true, false),
        Cure::Reverse if held.home => (true, true, true),
        Cure::Reverse => (held.care, held.hub, false),
        Cure::ManualMatch => (false, false, false),
    };
    let named = [("care", care), ("hub", hub), ("home", home)];
    named.into_iter().filter(|(_, takes)| *takes).map(|(name, _)| name.to_owned()).collect()
}

/// What the books that hold the record hold, which must be one and the same; home's word where home holds it.
async fn agreed(hub: &Hub, found: &Difference) -> Result<Booking, Stop> {
    let (held, entry) = (found.held, &found.entry);
    let owners = [
        (Owner::Home(entry.home.clone()), held.home),
        (Owner::Hub, held.hub),
        (Owner::Care(entry.care.clone()), held.care),
    ];
    let mut agreed: Option<Booking> = None;
    for (owner, _) in owners.into_iter().filter(|(_, held)| *held) {
        let booking = holders::ask(hub, &owner, &entry.id).await?;
        let alike = |agreed: &Booking, booking: &Booking| {
            let records = agreed.record.as_ref().zip(booking.record.as_ref());
            agreed.settlement == booking.settlement && records.is_none_or(|(one, other)| one == other)
        };
        agreed = match (agreed, booking) {
            (None, Some(booking)) => Some(booking),
            (Some(agreed), Some(booking)) if alike(&agreed, &booking) => Some(agreed),
            _ => {
                let rule = "cure of a difference: the books that hold a record hold it alike";
                return Err(Refusal::new(Code::FieldInvalid, rule, "cure")
                    .with("各账内容不一致", "they do not")
                    .into());
            }
        };
    }
    agreed.ok_or_else(|| Refusal::new(Code::SettlementUnknown, "the three books", "settlement").into())
}

/// The negative record of a settlement that home does not know. No account at home moves, so the balance stays.
fn negative(hub: &Hub, settlement: &Settlement) -> Result<Settlement, Stop> {
    let id = SettlementId::parse(&hub.node.new_id()).map_err(Refusal::from)?;
    let balance = settlement.computation.amounts.balance;
    Ok(settlement.undone(id, Kind::Reversed, balance, hub.node.now())?)
}

/// Takes the steps of a cure that is begun: home, then care, then the hub's own book. Each may be taken again.
async fn go_on(hub: &Hub, fact: Fact) -> Result<pb::CureOutcome, Stop> {
    let mut booking = fact.booking()?;
    let at_home = !fact.record.message.is_empty();
    if at_home {
        match undo_at_home(hub, &fact.record.message, &booking.settlement).await {
            Ok(record) => booking.record = Some(record),
            Err(stop) => return ended(hub, fact, stop).await,
        }
    }
    if fact.gives_to("care") {
        match ask_care(hub, &booking, false).await {
            Ok(()) => {}
            // What home has undone stays undone: the cure stays begun, and goes on when it is asked for again.
            Err(stop) if at_home => return Err(stop),
            Err(stop) => return ended(hub, fact, stop).await,
        }
    }
    fact.finish(hub, &booking).await
}

/// The end of a cure that did nothing, unless the refusal asks to try again.
async fn ended(hub: &Hub, fact: Fact, stop: Stop) -> Result<pb::CureOutcome, Stop> {
    if matches!(&stop, Stop::Refused(no) if !no.code.is_transient()) {
        fact.drop(hub).await?;
    }
    Err(stop)
}

/// Home undoes what it booked, last in, first out, as for any cancellation: by now the settlement is a known one.
async fn undo_at_home(hub: &Hub, message: &str, settled: &Settlement) -> Result<Settlement, Stop> {
    let claim = &settled.claim;
    let request = pb::CancelRequest {
        header: Some(pb::Header {
            message_id: message.to_owned(),
            care: claim.care.to_string(),
            home: claim.home.to_string(),
            institution: claim.institution.to_string(),
            // Care is asked before, and signs nothing.
            signature: Vec::new(),
        }),
        settlement: settled.id.to_string(),
        visit: claim.visit.to_string(),
        person: claim.person.as_str().to_owned(),
    };
    let home = hub.home(&claim.home)?;
    let answer = ask_home(home.ask(pb::RoadCall::Cancel, &request)).await?;
    let outside = |what: String| Failure::Protocol { peer: "home".into(), what };
    match &answer.outcome {
        Some(Outcome::Settlement(document)) => {
            Ok(settlement::parse(document).map_err(|refusal| outside(refusal.to_string()))?)
        }
        Some(Outcome::Refused(no)) => Err(refused(no, "home")?.into()),
        _ => Err(outside("a cancel is answered by a negative record or a refusal".into()).into()),
    }
}

async fn ask_care(hub: &Hub, booking: &Booking, ask_only: bool) -> Result<(), Stop> {
    let place = booking.settlement.claim.care.province();
    let mut care = hub.cares.get(&place).cloned().ok_or_else(|| unknown_region("care", &place))?;
    let reply = call("care", limits::CALL_DEADLINE_MS, care.adopt(booking.request(ask_only))).await?;
    match &reply.refused {
        None => Ok(()),
        Some(no) => Err(refused(no, "care")?.into()),
    }
}

fn refused(no: &pb::Refusal, peer: &str) -> Result<Refusal, Failure> {
    let outside = || Failure::Protocol { peer: peer.into(), what: format!("a refusal with the code {}", no.code) };
    refusal::parse(no).ok_or_else(outside)
}
