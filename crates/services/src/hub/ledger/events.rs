//! The events of clearing (记账事项) as books, tables and agreements tell them. Hospitals are paid when the care province
//! agrees the month; what was held back then, when a table takes it. Deductions are booked with the table that takes
//! them. What is undone before its table never reached a hospital. Source: 医保发〔2022〕22号 for the moments.

use zhijie_domain::{
    calendar::{Date, Month},
    claim::Claim,
    clearing::table::Outcome,
    ids::SettlementId,
    ledger::{
        Ledger,
        event::{Act, Bill, Cost, Event, entries},
    },
    money::{Fen, Overflow},
    reconcile,
    settlement::{Funds, Kind, Settlement},
};
use zhijie_store::Store;

use crate::{
    hub::{
        clearing::{
            fold, list, outcome_of,
            trail::{Dates, Trail},
        },
        prepayment,
    },
    node::{Failure, Pages, Stop, document, keys, stored},
    wire::{clearing, date, optional_id, pb, required, settlement},
};

/// Books an event.
pub(crate) fn post(ledger: &mut Ledger, event: &Event) -> Result<(), Overflow> {
    ledger.post(&entries(event))
}

/// A record of a book.
pub(crate) struct Read {
    /// The record.
    pub(crate) settlement: Settlement,
    /// The negative record that undid it.
    pub(crate) undone_by: Option<SettlementId>,
}

/// Reads a booked record.
///
/// # Errors
/// [`Failure::Damaged`].
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Read, Failure> {
    let record: pb::BookRecord = document(key, value)?;
    let booked = required(record.settlement.as_ref(), "settlement").and_then(settlement::parse);
    let undone_by = optional_id(SettlementId::parse, &record.undone_by, "undone_by");
    Ok(Read { settlement: stored(booked, key)?, undone_by: stored(undone_by, key)? })
}

/// Books what the hub's own book and tables tell.
///
/// # Errors
/// A failure of the store, a refusal where a sum does not fit.
pub(crate) async fn of_hub(store: &Store) -> Result<Ledger, Stop> {
    let (mut ledger, dates) = (Ledger::default(), Dates::load(store).await?);
    let mut pages = Pages::of(store, keys::BOOK);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let read = read(key, &record.value)?;
            post(&mut ledger, &Event::from(&read.settlement))?;
            for event in at_care(store, &dates, &read).await? {
                post(&mut ledger, &event)?;
            }
        }
    }
    for event in of_pairs(store).await? {
        post(&mut ledger, &event)?;
    }
    Ok(ledger)
}

/// What care and clearing make of a settlement, with what its negative record takes back; nothing of a negative record.
///
/// # Errors
/// A failure of the store, a refusal where a sum does not fit.
pub(crate) async fn at_care(store: &Store, dates: &Dates, read: &Read) -> Result<Vec<Event>, Stop> {
    let settlement = &read.settlement;
    if settlement.kind != Kind::Settled {
        return Ok(Vec::new());
    }
    let trail = trail_of(store, dates, settlement).await?;
    if read.undone_by.is_some() && trail.cleared.is_none() {
        return Ok(Vec::new());
    }
    let mut bill = Bills { settlement, events: Vec::new(), unpaid: Fen::ZERO, deducted: Fen::ZERO };
    bill.paid(dates, &trail)?;
    if let Some(undone_by) = &read.undone_by {
        let key = store.get(&keys::settlement(undone_by)).await?.map(|record| record.value);
        let record = match &key {
            Some(key) => store.get(key).await?.map(|record| self::read(key, &record.value)).transpose()?,
            None => None,
        };
        if let Some(record) = record {
            let trail = trail_of(store, dates, &record.settlement).await?;
            bill.taken_back(dates, &trail, &record.settlement)?;
        }
    }
    Ok(bill.events)
}

async fn trail_of(store: &Store, dates: &Dates, record: &Settlement) -> Result<Trail, Failure> {
    Trail::of(store, dates, &reconcile::Entry::from(record), record.day()).await
}

/// The events of one settlement at care.
struct Bills<'a> {
    settlement: &'a Settlement,
    events: Vec<Event>,
    /// Deducted before the hospital was paid.
    unpaid: Fen,
    /// Deducted in all.
    deducted: Fen,
}

impl Bills<'_> {
    fn paid(&mut self, dates: &Dates, trail: &Trail) -> Result<(), Overflow> {
        let (first, waiting) = (trail.first_taken(), trail.waiting.as_ref());
        let taken =
            |(period, item): &(Month, pb::ClearedItem)| (dates.tables.get(period).copied(), Fen(item.deduction));
        let before = first.map(taken).map(|(_, deduction)| deduction);
        self.unpaid = before.or(waiting.map(|waiting| Fen(waiting.deduction))).unwrap_or_default();
        if let Some(day) = paid_on(dates, trail, &self.settlement.claim, self.settlement.day()) {
            let amount = self.amount()?.minus(self.unpaid)?;
            self.tell(day, Act::HospitalPaid(amount));
        }
        for (day, deduction) in trail.entered().map(taken) {
            if let Some(day) = day {
                self.deduct(day, self.unpaid, Bill::Unpaid)?;
                // What a dispute took away once the hospital had been paid.
                self.deduct(day, deduction.minus(self.unpaid)?, Bill::Paid)?;
            }
        }
        for (day, deduction) in trail.deductions.iter().map(taken) {
            if let Some(day) = day {
                self.deduct(day, deduction, Bill::Paid)?;
            }
        }
        Ok(())
    }

    /// A table took the negative record: the hospital returns what it was paid, and nothing is deducted any more.
    fn taken_back(&mut self, dates: &Dates, trail: &Trail, record: &Settlement) -> Result<(), Overflow> {
        let Some(day) = trail.entered().next().and_then(|(period, _)| dates.tables.get(period).copied()) else {
            return Ok(());
        };
        let paid = self.amount()?.minus(self.unpaid)?;
        let (unpaid, later) = (self.unpaid, self.deducted.minus(self.unpaid)?);
        let before = self.events.len();
        self.tell(day, Act::HospitalPaid(paid.negated()?));
        self.deduct(day, later.negated()?, Bill::Paid)?;
        self.deduct(day, unpaid.negated()?, Bill::Unpaid)?;
        for event in self.events.iter_mut().skip(before) {
            event.reference = record.id.to_string();
        }
        Ok(())
    }

    fn amount(&self) -> Result<Fen, Overflow> {
        let amounts = &self.settlement.computation.amounts;
        amounts.fund_total.plus(amounts.account)
    }

    /// Splits what is deducted so far and a part more over the funds; the difference is the part's. So a deduction and
    /// its return cancel in every fund.
    fn deduct(&mut self, day: Date, part: Fen, bill: Bill) -> Result<(), Overflow> {
        if part == Fen::ZERO {
            return Ok(());
        }
        let (before, after) = (self.deducted, self.deducted.plus(part)?);
        let cost = difference(&borne(self.settlement, after)?, &borne(self.settlement, before)?)?;
        self.deducted = after;
        self.tell(day, Act::Deducted(cost, bill));
        Ok(())
    }

    fn tell(&mut self, day: Date, act: Act) {
        let claim = &self.settlement.claim;
        let reference = self.settlement.id.to_string();
        self.events.push(Event { day, home: claim.home.province(), care: claim.care.province(), reference, act });
    }
}

/// The day on which the hospital was paid: that of the agreement, but for what was held back then.
fn paid_on(dates: &Dates, trail: &Trail, claim: &Claim, day: Date) -> Option<Date> {
    let agreed = dates.agreed.get(&(claim.care.province(), Month::of(day))).copied();
    let taken = trail.first_taken().and_then(|(period, _)| dates.tables.get(period).copied());
    let first = trail.first_taken().map(|(period, _)| *period);
    let carried = trail.items.iter().filter(|(period, _)| first.is_none_or(|first| *period < first));
    let held_now = taken.is_none() && trail.waiting.as_ref().is_some_and(|item| item.excepted || item.under_review);
    let held = |agreed: Date| carried.clone().any(|(period, _)| dates.tables.get(period) >= Some(&agreed));
    match agreed {
        Some(agreed) if !held_now && !held(agreed) => Some(agreed),
        _ => taken,
    }
}

/// What of a settlement's funds and account a deduction of so much takes: the funds first, in proportion to what they
/// paid, by largest remainder; the account bears what the funds did not pay.
fn borne(settlement: &Settlement, deduction: Fen) -> Result<Cost, Overflow> {
    let funds = settlement.computation.amounts.funds;
    let of_funds = deduction.min(settlement.computation.amounts.fund_total);
    let weights = funds.named().map(|(_, _, paid)| paid.0);
    let mut parts = of_funds.allocate(&weights)?.into_iter();
    let mut next = || parts.next().unwrap_or_default();
    // In the order in which `named` gives them.
    let funds = Funds {
        basic: next(),
        catastrophic: next(),
        large_amount: next(),
        civil_servant: next(),
        enterprise: next(),
        assistance: next(),
        other: next(),
    };
    Ok(Cost { scheme: settlement.claim.scheme, funds, account: deduction.minus(of_funds)? })
}

fn difference(left: &Cost, right: &Cost) -> Result<Cost, Overflow> {
    let (more, less) = (&left.funds, &right.funds);
    let funds = Funds {
        basic: more.basic.minus(less.basic)?,
        catastrophic: more.catastrophic.minus(less.catastrophic)?,
        large_amount: more.large_amount.minus(less.large_amount)?,
        civil_servant: more.civil_servant.minus(less.civil_servant)?,
        enterprise: more.enterprise.minus(less.enterprise)?,
        assistance: more.assistance.minus(less.assistance)?,
        other: more.other.minus(less.other)?,
    };
    Ok(Cost { scheme: left.scheme, funds, account: left.account.minus(right.account)? })
}

/// Money that moved between provinces: tables paid and received, prepayments.
///
/// # Errors
/// A failure of the store, a refusal where a record names what is none.
pub(crate) async fn of_pairs(store: &Store) -> Result<Vec<Event>, Stop> {
    let mut events = Vec::new();
    for table in list::tables(store, None, |_| true).await? {
        let (period, home, care) = fold::names(&table)?;
        if !matches!(outcome_of(period, &table)?, Outcome::HomePays(_) | Outcome::CarePays(_)) {
            continue;
        }
        let (life, amount) = (clearing::parse_life(&table)?, Fen(table.payable));
        let acts = [(life.paid, Act::ClearingPaid(amount)), (life.received, Act::ClearingReceived(amount))];
        for (day, act) in acts.into_iter().filter_map(|(day, act)| Some((day?, act))) {
            let reference = format!("{period}/{home}/{care}");
            events.push(Event { day, home: home.clone(), care: care.clone(), reference, act });
        }
    }
    for quota in prepayment::all(store).await? {
        let (home, care) = prepayment::pair(&quota)?;
        for moved in &quota.moved {
            let (day, act) = (date(&moved.day, "moved.day")?, Act::Prepaid(Fen(moved.amount)));
            let reference = format!("prepayment/{home}/{care}");
            events.push(Event { day, home: home.clone(), care: care.clone(), reference, act });
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::settlement;

    /// A settlement of 100 fen that four funds and the account paid.
    fn paid() -> Settlement {
        settlement::parse(&settlement::examples::paid()).unwrap()
    }

    #[test]
    fn a_deduction_is_borne_by_the_funds_in_proportion_and_then_by_the_account() {
        let settlement = paid();
        for (deduction, expected) in [
            (0, "0 0 0 0 + 0"),
            (9, "5 2 1 1 + 0"),
            (90, "50 20 13 7 + 0"),
            (95, "50 20 13 7 + 5"),
            (100, "50 20 13 7 + 10"),
        ] {
            let Cost { funds, account, .. } = borne(&settlement, Fen(deduction)).unwrap();
            let parts = [funds.basic, funds.catastrophic, funds.assistance, funds.other].map(|part| part.0.to_string());
            assert_eq!(format!("{} + {}", parts.join(" "), account.0), expected, "{deduction}");
            assert_eq!(funds.total().unwrap().plus(account), Ok(Fen(deduction)));
        }
    }

    #[test]
    fn a_deduction_and_its_return_cancel_in_every_fund() {
        let settlement = paid();
        let mut bill = Bills { settlement: &settlement, events: Vec::new(), unpaid: Fen::ZERO, deducted: Fen::ZERO };
        for part in [7, 30, -11, 60, -86] {
            bill.deduct(settlement.day(), Fen(part), Bill::Paid).unwrap();
        }
        let mut ledger = Ledger::default();
        bill.events.iter().for_each(|event| post(&mut ledger, event).unwrap());
        assert_eq!((bill.deducted, bill.events.len()), (Fen::ZERO, 5));
        for (account, totals) in ledger.accounts(settlement.day()).unwrap() {
            assert_eq!(totals.balance(account.kind.side()), Ok(Fen::ZERO), "{account:?}");
        }
    }
}
