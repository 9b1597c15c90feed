//! What goes wrong, kept as facts where it is decided: a refusal, a difference, a missing book, something overdue. Each
//! has a key of its own, so that nothing contends, and a mark until a ticket has counted it. No personal data.

use zhijie_domain::{
    calendar::{Date, Moment},
    ids::RegionCode,
    ticket::Cause,
};
use zhijie_store::Txn;

use crate::{
    hub::Hub,
    node::{Failure, Records, keys},
    wire::{pb, ticket},
};

/// One thing that went wrong.
pub(in crate::hub) struct Problem<'a> {
    /// Why.
    pub(in crate::hub) cause: Cause,
    /// When, or the accounting day of a difference.
    pub(in crate::hub) day: Date,
    /// The home province.
    pub(in crate::hub) home: RegionCode,
    /// The care province.
    pub(in crate::hub) care: RegionCode,
    /// The message, settlement or period. Never a person's.
    pub(in crate::hub) reference: &'a str,
}

impl Problem<'_> {
    fn key(&self, of: fn(&str, &str, &str, &str, &str) -> Vec<u8>) -> Vec<u8> {
        let day = self.day.to_string();
        of(&day, ticket::name(self.cause), self.home.as_str(), self.care.as_str(), self.reference)
    }

    /// Keeps it, to be counted; of a refusal with its act and visit. The key is its own.
    pub(in crate::hub) fn keep(&self, txn: &mut Txn, at: Moment, act: pb::Act, visit: &str) {
        let record = pb::ProblemRecord {
            cause: Some(ticket::print_cause(self.cause)),
            day: self.day.to_string(),
            home: self.home.to_string(),
            care: self.care.to_string(),
            reference: self.reference.to_owned(),
            at: at.0,
            act: act.into(),
            visit: visit.to_owned(),
        };
        let key = self.key(keys::problem);
        txn.keep(key.clone(), &record);
        txn.put(self.key(keys::uncounted), key);
    }

    /// True where it is kept already.
    pub(super) async fn is_known(&self, txn: &mut Txn) -> Result<bool, Failure> {
        Ok(txn.get(&self.key(keys::problem)).await?.is_some())
    }

    /// Keeps it, unless it is known: what stays wrong is counted once.
    pub(in crate::hub) async fn note(&self, hub: &Hub, txn: &mut Txn) -> Result<(), Failure> {
        if !self.is_known(txn).await? {
            self.keep(txn, hub.node.glance(), pb::Act::Unspecified, "");
        }
        Ok(())
    }
}
