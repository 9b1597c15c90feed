//! After the faults and the recovery: the model's books against the three of the services, the purses, the accumulators
//! and the clearing tables. Nothing acknowledged is lost, nothing stands twice, no fen is anywhere else.

use std::collections::{BTreeMap, BTreeSet};

use tonic::{Response, Status, Streaming};
use zhijie_services::{
    domain::calendar::Moment,
    pb::{self, answer::Outcome},
};

use crate::{
    desk::{Desk, sends, taken},
    errands::Someone,
    model::add,
    officers::Officers,
    rules,
};

/// A book of one service: its records by id.
type Book = BTreeMap<String, pb::BookEntry>;
type Done = Result<(), String>;

/// Compares everything; `days` are those on which records may be booked.
pub(crate) async fn compare(desk: &Desk, cast: &[Someone], days: &BTreeSet<String>) -> Done {
    find_the_unsure(desk).await?;
    let told = desk.model.borrow().moments().map(|at| Moment(at).day().to_string()).collect();
    let hub = books(desk, days, &told).await?;
    records(desk, &hub)?;
    for someone in cast {
        person(desk, someone).await?;
    }
    Ok(())
}

/// Messages that nobody asked for again: care has driven them to an end, if they had come.
async fn find_the_unsure(desk: &Desk) -> Done {
    let unsure = desk.model.borrow().unsure();
    for message in unsure {
        let answer = desk.find(&format!("find {}", message.message_id), &message).await?;
        let mut model = desk.model.borrow_mut();
        match &answer.outcome {
            Some(Outcome::Settlement(record)) => model.take(record)?,
            Some(Outcome::Reversal(reversal)) => model.take_reversal(reversal)?,
            Some(Outcome::Refused(refused)) if refused.code() == pb::RefusalCode::E703SettlementUnknown => {}
            other => return Err(format!("an abandoned message is found as {other:?}")),
        }
    }
    Ok(())
}

/// Reads the books of all services, which must be the same, and which the hub must find equal; gives the hub's.
async fn books(desk: &Desk, days: &BTreeSet<String>, told: &BTreeSet<String>) -> Result<Book, String> {
    let (mut of_care, mut of_home, mut of_hub) = (Book::new(), Book::new(), Book::new());
    for day in days.union(told) {
        let request = pb::DayBookRequest { day: day.clone(), ..pb::DayBookRequest::default() };
        let hub = &desk.hub;
        if told.contains(day) {
            reconcile(desk, day).await?;
        }
        let whole = book(desk, &format!("hub {day}"), sends!(hub, day_book, request)).await?;
        // What others hold of a day that the hub knows nothing of is found by the check of the stores.
        if whole.is_empty() {
            continue;
        }
        of_hub.extend(whole);
        for (code, care) in &desk.cares {
            of_care.extend(book(desk, &format!("care-{code} {day}"), sends!(care, day_book, request)).await?);
        }
        for (code, home) in &desk.homes {
            of_home.extend(book(desk, &format!("home-{code} {day}"), sends!(home, day_book, request)).await?);
        }
    }
    for (name, other) in [("care", &of_care), ("home", &of_home)] {
        if *other != of_hub {
            let differs = |id: &&String| of_hub.get(*id) != other.get(*id);
            let id = of_hub.keys().chain(other.keys()).find(differs).cloned().unwrap_or_default();
            return Err(format!("{id}: the hub has {:?}, {name} has {:?}", of_hub.get(&id), other.get(&id)));
        }
    }
    Ok(of_hub)
}

/// The hub finds the three books of a day equal, when what was under way has come to its end.
async fn reconcile(desk: &Desk, day: &str) -> Done {
    let request = pb::ReconcileRequest { day: day.into() };
    let told = |reply: &pb::ReconcileReply| match (reply.equal, &reply.hub) {
        (true, hub) => Ok(format!("equal, {} records", hub.clone().unwrap_or_default().records)),
        (false, _) => Err(format!("{} differences, {} books missing", reply.found, reply.missing.len())),
    };
    let books = &desk.books;
    desk.ask(&format!("reconcile {day}"), told, sends!(books, reconcile, request)).await.map(drop)
}

async fn book<A>(desk: &Desk, what: &str, open: impl Fn() -> A) -> Result<Book, String>
where
    A: Future<Output = Result<Response<Streaming<pb::BookEntry>>, Status>>,
{
    let read = async || {
        let (mut entries, mut book) = (open().await?.into_inner(), Book::new());
        while let Some(entry) = entries.message().await? {
            book.insert(entry.id.clone(), entry);
        }
        Ok(Response::new(book))
    };
    desk.ask(&format!("book of {what}"), |book: &Book| Ok(format!("{} records", book.len())), read).await
}

/// The books hold what hospitals were told, and nothing else.
fn records(desk: &Desk, book: &Book) -> Done {
    let model = desk.model.borrow();
    for (id, told) in &model.records {
        let Some(entry) = book.get(id) else { return Err(format!("{id} was acknowledged, and no book has it")) };
        let held = (entry.total, entry.fund, entry.account, entry.cash);
        if held != (told.total, told.fund, told.account, told.cash) {
            return Err(format!("{id} is booked as {held:?}, and was acknowledged as {told:?}"));
        }
        let undone_by = model.undone.get(id).cloned().unwrap_or_default();
        if entry.kind() != told.kind || entry.undoes != told.undoes || entry.undone_by != undone_by {
            return Err(format!("{id} is booked as {entry:?}, and was told as {told:?}, undone by {undone_by:?}"));
        }
    }
    if let Some(id) = book.keys().find(|id| !model.records.contains_key(*id)) {
        return Err(format!("{id} is booked, and nobody was told of it"));
    }
    match model.out_of_order() {
        Some((first, later)) => Err(format!("{first} was cancelled while {later}, which came later, stands")),
        None => Ok(()),
    }
}

/// A purse and accumulators moved by exactly what the records say.
async fn person(desk: &Desk, someone: &Someone) -> Done {
    let home = desk.home(&someone.id)?;
    let request = pb::LookUpRequest { person: someone.id.clone() };
    let told = |reply: &pb::PersonReply| taken(reply.refused.as_ref());
    let reply = desk.ask(&format!("look up {}", someone.id), told, sends!(home, look_up, request)).await?;
    let (mut left, mut used) = (someone.purse, BTreeMap::new());
    for told in desk.model.borrow().records.values().filter(|told| told.person == someone.id) {
        left.account -= told.account - told.family;
        left.family -= told.family;
        for (name, amount) in &told.adds {
            *used.entry(name.clone()).or_default() += amount;
        }
    }
    used.retain(|_, amount| *amount != 0);
    let mut kept = BTreeMap::new();
    add(&mut kept, 1, &reply.accumulators);
    if reply.purse != Some(left) {
        return Err(format!("the purse of {} is {:?}, and should be {left:?}", someone.id, reply.purse));
    }
    if kept != used {
        return Err(format!("the accumulators of {} are {kept:?}, and should be {used:?}", someone.id));
    }
    Ok(())
}

/// What funds paid outpatient in the area whose rules change, they paid by the rules of its day.
pub(crate) fn rules(desk: &Desk) -> Done {
    for (id, told) in &desk.model.borrow().records {
        let paid = told.kind == pb::EntryKind::Settled && told.service == pb::Service::Outpatient && told.fund > 0;
        let right = told.person.starts_with(rules::AREA) && told.from.as_str() >= rules::FROM;
        if paid && told.renewed != right {
            return Err(format!("{id} of {} is settled by rules of another day: {told:?}", told.from));
        }
    }
    Ok(())
}

/// The clearing tables hold the worth of every settlement once: what provinces owe is what they are owed, and is what the
/// records say. `made_at` is when the last tables were begun, ms.
pub(crate) async fn clearing(desk: &Desk, months: &[&str], made_at: i64) -> Done {
    let mut tables = Vec::new();
    for month in months {
        let reply = Officers { desk, month }.tables(month).await?;
        let payable: i64 = reply.positions.iter().map(|position| position.payable).sum();
        let receivable: i64 = reply.positions.iter().map(|position| position.receivable).sum();
        if payable != receivable {
            return Err(format!("provinces owe {payable} fen in {month}, and are owed {receivable}"));
        }
        tables.extend(reply.tables);
    }
    let mut cleared: BTreeMap<String, i64> = BTreeMap::new();
    let mut held = BTreeSet::new();
    for table in &tables {
        let mut sum = table.credit;
        for item in (Officers { desk, month: "" }).items(table).await? {
            let negative = desk.model.borrow().records.get(&item.settlement).map(|told| told.undoes.clone());
            let settlement = negative.filter(|undoes| !undoes.is_empty()).unwrap_or(item.settlement.clone());
            if item.carried() == pb::CarriedReason::Unspecified {
                let worth = item.fund + item.account - item.deduction;
                sum += worth;
                *cleared.entry(settlement).or_default() += worth;
            } else {
                held.insert(settlement);
            }
        }
        if sum != table.payable {
            let (period, home, care) = (&table.period, &table.home, &table.care);
            return Err(format!("table {period} {home}→{care}: {} fen, and its items are {sum}", table.payable));
        }
    }
    let model = desk.model.borrow();
    for (id, told) in model.records.iter().filter(|(_, told)| told.kind == pb::EntryKind::Settled) {
        let found = cleared.remove(id).unwrap_or(0);
        let deduction = model.deductions.get(id).copied().unwrap_or(0);
        let worth = told.fund + told.account - deduction;
        let right = match model.undone_by(id) {
            // Undone after the last tables, its correction still waits.
            Some(record) => found == 0 || (found == worth && record.at >= made_at),
            None if found == worth => true,
            // Booked after the last tables, or held out of them.
            None => found == 0 && (told.at >= made_at || held.contains(id) || model.disputed.contains(id)),
        };
        if !right {
            let undone = if model.in_force(id) { "stands" } else { "is undone" };
            return Err(format!("{id} {undone}, is worth {worth} fen, and {found} fen of it are cleared"));
        }
    }
    match cleared.into_iter().find(|(_, fen)| *fen != 0) {
        Some((id, fen)) => Err(format!("{fen} fen of {id} are cleared, and nobody was told of it")),
        None => Ok(()),
    }
}
