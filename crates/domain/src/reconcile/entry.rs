//! A record of a day book (日账明细), its fields in one list, and its fingerprint.

use std::{collections::BTreeSet, fmt::Write as _};

use super::Group;
use crate::{
    author::Author,
    claim::Service,
    ids::{RegionCode, SettlementId, VisitId},
    money::Fen,
    person::Scheme,
    settlement::{Kind, Settlement},
    signature::Digest,
};

/// Room for the text of a record, bytes.
const TEXT_BYTES: usize = 384;

/// One record of a day book: what reconciliation and clearing need of a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record (`setl_id`).
    pub id: SettlementId,
    /// What it is.
    pub kind: Kind,
    /// For a negative record: what it undoes.
    pub undoes: Option<SettlementId>,
    /// For a settlement that is no longer in force: the negative record that undid it.
    pub undone_by: Option<SettlementId>,
    /// The visit (`mdtrt_id`).
    pub visit: VisitId,
    /// The home province.
    pub home: RegionCode,
    /// The care province.
    pub care: RegionCode,
    /// The scheme.
    pub scheme: Scheme,
    /// The kind of service.
    pub service: Service,
    /// The bill (`medfee_sumamt`), fen; like the amounts below negative in a negative record.
    pub total: Fen,
    /// All funds (`fund_pay_sumamt`), fen.
    pub fund: Fen,
    /// Personal account, family share inside it (`acct_pay`), fen.
    pub account: Fen,
    /// Cash (`psn_cash_pay`), fen.
    pub cash: Fen,
}

impl From<&Settlement> for Entry {
    /// The entry of a settlement as it was booked; what undid it since stands beside it in the book.
    fn from(settlement: &Settlement) -> Entry {
        let (claim, amounts) = (&settlement.claim, &settlement.computation.amounts);
        Entry {
            id: settlement.id.clone(),
            kind: settlement.kind,
            undoes: settlement.undoes.clone(),
            undone_by: None,
            visit: claim.visit.clone(),
            home: claim.home.province(),
            care: claim.care.province(),
            scheme: claim.scheme,
            service: claim.service,
            total: amounts.parts.total,
            fund: amounts.fund_total,
            account: amounts.account,
            cash: amounts.cash,
        }
    }
}

impl Entry {
    /// The totals it counts in.
    #[must_use]
    pub fn group(&self) -> Group {
        Group { home: self.home.clone(), care: self.care.clone(), scheme: self.scheme, kind: self.kind }
    }

    /// True for a record in the book of this region.
    #[must_use]
    pub fn is_of(&self, author: &Author) -> bool {
        author.is_of(&self.home, &self.care)
    }

    /// True for a settlement that nothing has undone.
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.kind == Kind::Settled && self.undone_by.is_none()
    }

    /// What the record is, field by field; with [`Entry::amounts`] everything that is compared and fingerprinted.
    pub(super) fn texts(&self) -> [(&'static str, &str); 8] {
        [
            ("kind", name_of_kind(self.kind)),
            ("undoes", self.undoes.as_ref().map_or("", SettlementId::as_str)),
            ("undone_by", self.undone_by.as_ref().map_or("", SettlementId::as_str)),
            ("visit", self.visit.as_str()),
            ("home", self.home.as_str()),
            ("care", self.care.as_str()),
            ("scheme", name_of_scheme(self.scheme)),
            ("service", name_of_service(self.service)),
        ]
    }

    /// The amounts by name, fen.
    pub(super) fn amounts(&self) -> [(&'static str, Fen); 4] {
        [("total", self.total), ("fund", self.fund), ("account", self.account), ("cash", self.cash)]
    }

    /// Writes what the record says for good, a line for each field: what undoes it later is a record of its own.
    pub(crate) fn write(&self, text: &mut String) {
        let lasting = self.texts().into_iter().filter(|(name, _)| *name != "undone_by");
        for (name, value) in [("id", self.id.as_str())].into_iter().chain(lasting) {
            text.extend([name, ": ", value, "\n"]);
        }
        for (name, amount) in self.amounts() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}: {}", amount.0);
        }
    }

    /// A number that stands for the whole record: half of the SHA-256 of its fields. Numbers of many records are added
    /// up, so the hash must spread every bit well; of a simple multiplicative one, two records that swap an
    /// amount would often give the same sum.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut text = String::with_capacity(TEXT_BYTES);
        self.write(&mut text);
        text.extend(self.undone_by.as_ref().map(SettlementId::as_str));
        Digest::of(&[text.as_bytes()]).0.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }
}

pub(crate) fn name_of_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Settled => "settled",
        Kind::Cancelled => "cancelled",
        Kind::Reversed => "reversed",
    }
}

pub(crate) fn name_of_scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Employee => "employee",
        Scheme::Resident => "resident",
    }
}

pub(crate) fn name_of_service(service: Service) -> &'static str {
    match service {
        Service::Outpatient => "outpatient",
        Service::Pharmacy => "pharmacy",
        Service::Chronic => "chronic",
        Service::Stay => "stay",
    }
}

/// Which records of a day are asked for; an empty list asks for any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Records of these totals.
    pub groups: BTreeSet<Group>,
    /// These records.
    pub settlements: BTreeSet<SettlementId>,
    /// Records of these visits.
    pub visits: BTreeSet<VisitId>,
}

impl Filter {
    /// True for a record that is asked for.
    #[must_use]
    pub fn passes(&self, entry: &Entry) -> bool {
        (self.groups.is_empty() || self.groups.contains(&entry.group()))
            && (self.settlements.is_empty() || self.settlements.contains(&entry.id))
            && (self.visits.is_empty() || self.visits.contains(&entry.visit))
    }
}
