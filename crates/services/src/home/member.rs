//! A person with everything that moves with them: one record in the store.

use zhijie_domain::{
    accumulator::Accumulators,
    calendar::Date,
    filing::Filing,
    ids::{PersonId, RegionCode, SettlementId, VisitId},
    person::{Person, Purse, Scheme},
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use crate::{
    node::{Failure, Records, Stop, keys},
    wire::{optional_id, pb, person, required, text},
};

/// A person of this home region.
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) purse: Purse,
    /// The purse as the person was entered.
    pub(crate) opening: Purse,
    pub(crate) accumulators: Accumulators,
    pub(crate) filings: Vec<Filing>,
    pub(super) open_stay: Option<VisitId>,
    pub(crate) last_settlement: Option<SettlementId>,
}

impl Member {
    /// A person new to the register.
    pub(super) fn new(person: Person, purse: Purse) -> Member {
        let (accumulators, filings) = (Accumulators::default(), Vec::new());
        Member { person, purse, opening: purse, accumulators, filings, open_stay: None, last_settlement: None }
    }

    /// Reads a person, where there is one.
    pub(super) async fn find(txn: &mut Txn, id: &PersonId) -> Result<Option<Member>, Failure> {
        let key = keys::person(id);
        let Some(record) = txn.record::<pb::PersonRecord>(&key).await? else { return Ok(None) };
        crate::node::stored(parse(&record), &key).map(Some)
    }

    /// Reads a person.
    pub(super) async fn load(txn: &mut Txn, id: &PersonId) -> Result<Member, Stop> {
        let found = Member::find(txn, id).await?;
        Ok(found.ok_or_else(|| Refusal::new(Code::PersonUnknown, "register of the home region", "person"))?)
    }

    /// Refuses a person who is not insured in that area and scheme on the day.
    pub(super) fn insured_as(&self, home: &RegionCode, scheme: Scheme, day: Date) -> Result<(), Refusal> {
        let named = [("header.home", self.person.area == *home), ("scheme", self.person.scheme == scheme)];
        if let Some((field, _)) = named.into_iter().find(|(_, same)| !same) {
            return Err(Refusal::new(Code::PersonUnknown, "register of the home region", field)
                .with("参保统筹区或险种不符", "insured in another pooling area or scheme"));
        }
        self.person.insured_on(day)
    }

    /// Keeps the person.
    pub(super) fn keep(&self, txn: &mut Txn) {
        let record = pb::PersonRecord {
            person: Some(person::print(&self.person)),
            purse: Some(person::print_purse(self.purse)),
            accumulators: person::print_accumulators(&self.accumulators),
            filings: self.filings.iter().map(person::print_filing).collect(),
            open_stay: text(self.open_stay.as_ref()),
            last_settlement: text(self.last_settlement.as_ref()),
            opening: Some(person::print_purse(self.opening)),
        };
        txn.keep(keys::person(&self.person.id), &record);
    }
}

/// Reads a person's record.
pub(crate) fn parse(record: &pb::PersonRecord) -> Result<Member, Refusal> {
    Ok(Member {
        person: person::parse(required(record.person.as_ref(), "person")?)?,
        purse: person::parse_purse(record.purse.as_ref())?,
        opening: person::parse_purse(record.opening.as_ref())?,
        accumulators: person::parse_accumulators(&record.accumulators)?,
        filings: record.filings.iter().map(person::parse_filing).collect::<Result<_, Refusal>>()?,
        open_stay: optional_id(VisitId::parse, &record.open_stay, "open_stay")?,
        last_settlement: optional_id(SettlementId::parse, &record.last_settlement, "last_settlement")?,
    })
}
