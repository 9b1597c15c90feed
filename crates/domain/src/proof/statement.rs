//! Statements: texts that are signed. A title with its version, then a line for each field in a fixed order, so that
//! people read what was signed, and whoever has the record can write it again.

use std::fmt::{Display, Write as _};

use crate::{
    claim::{AccountUse, Claim, Level},
    ids::{InstitutionCode, MessageId, PersonId, RegionCode, SettlementId, VisitId},
    reconcile::{Entry, name_of_scheme, name_of_service},
    settlement::{Kind, Settlement},
    signature::Digest,
    split::Parts,
};

/// The title of what care states of a claim.
pub const CLAIM: &str = "zhijie claim 1";
/// The title of what care states when it asks to undo a settlement.
pub const UNDO: &str = "zhijie undo 1";
/// The title of what home states of a record.
pub const RECORD: &str = "zhijie record 1";
/// The title of what a region states of a day.
pub const DAY: &str = "zhijie day 1";

/// A text that is signed. No value holds the end of a line, so that different facts are never the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(String);

impl Statement {
    /// Begins with a title, which names the kind and the version of the statement.
    pub(super) fn titled(title: &str) -> Statement {
        let mut text = String::with_capacity(1_024);
        text.push_str(title);
        text.push('\n');
        Statement(text)
    }

    /// Adds a line.
    pub(super) fn line(&mut self, name: &str, value: impl Display) -> &mut Statement {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{name}: {value}");
        self
    }

    /// Adds the lines of a record of a book.
    pub(super) fn entry(&mut self, entry: &Entry) -> &mut Statement {
        entry.write(&mut self.0);
        self
    }

    /// The lines of a text as a statement.
    #[must_use]
    pub fn of_lines(lines: &[String]) -> Statement {
        Statement(lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect())
    }

    /// The lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a line.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// What stands for the whole text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&[self.0.as_bytes()])
    }
}

/// What care states when it sends a claim in a message.
#[must_use]
pub fn claim(message: Option<&MessageId>, claim: &Claim) -> Statement {
    let mut statement = Statement::titled(CLAIM);
    statement
        .line("message", text(message))
        .line("visit", &claim.visit)
        .line("person", claim.person.as_str())
        .line("home", &claim.home)
        .line("scheme", name_of_scheme(claim.scheme))
        .line("care", &claim.care)
        .line("institution", &claim.institution)
        .line("level", level(claim.level))
        .line("service", name_of_service(claim.service))
        .line("disease", text(claim.disease.as_ref()))
        .line("emergency", claim.emergency)
        .line("injury", claim.injury)
        .line("third_party", claim.third_party)
        .line("from", claim.from)
        .line("to", claim.to)
        .line("account_use", account_use(claim.account_use))
        .line("parts", parts(&claim.parts));
    for category in &claim.categories {
        statement.line("category", format_args!("{} {}", category.category.number(), parts(&category.parts)));
    }
    statement
}

/// A request to undo the settlement of a claim.
#[derive(Debug, Clone, Copy)]
pub struct Undo<'a> {
    /// What it names.
    pub named: Named<'a>,
    /// The visit.
    pub visit: &'a VisitId,
    /// The person.
    pub person: &'a PersonId,
    /// The home pooling area.
    pub home: &'a RegionCode,
    /// The institution.
    pub institution: &'a InstitutionCode,
}

/// How a request names what it undoes.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// A cancel: the settlement.
    Settlement(&'a SettlementId),
    /// A reverse: the message in which the claim was sent.
    Message(Option<&'a MessageId>),
}

impl<'a> Undo<'a> {
    /// The request that a negative record answers; nothing for a settlement.
    #[must_use]
    pub fn answered_by(record: &'a Settlement) -> Option<Undo<'a>> {
        let named = match record.kind {
            Kind::Settled => return None,
            Kind::Cancelled => Named::Settlement(record.undoes.as_ref()?),
            Kind::Reversed => Named::Message(record.proof.message.as_ref()),
        };
        let Claim { visit, person, home, institution, .. } = &record.claim;
        Some(Undo { named, visit, person, home, institution })
    }

    /// What care states when it sends it.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let mut statement = Statement::titled(UNDO);
        match self.named {
            Named::Settlement(settlement) => statement.line("cancel", settlement),
            Named::Message(message) => statement.line("reverse", text(message)),
        };
        statement
            .line("visit", self.visit)
            .line("person", self.person.as_str())
            .line("home", self.home)
            .line("institution", self.institution);
        statement
    }
}

/// What care stated to make home book a record: the claim, or the request to undo it.
#[must_use]
pub fn request(record: &Settlement) -> Statement {
    match Undo::answered_by(record) {
        Some(undo) => undo.statement(),
        None => claim(record.proof.message.as_ref(), &record.claim),
    }
}

/// What home states when it books a record: everything that is owed, and the claim that it answers.
#[must_use]
pub fn record(record: &Settlement) -> Statement {
    let mut statement = Statement::titled(RECORD);
    let amounts = &record.computation.amounts;
    let funds = &amounts.funds;
    statement
        .entry(&Entry::from(record))
        .line("claim", claim(record.proof.message.as_ref(), &record.claim).digest())
        .line("person", record.claim.person.as_str())
        .line("at", record.at.0)
        .line("day", record.day())
        .line("parts", parts(&amounts.parts))
        .line("out_prepay", amounts.out_prepay.0)
        .line("deductible", amounts.deductible.0)
        .line("basic", funds.basic.0)
        .line("civil_servant", funds.civil_servant.0)
        .line("enterprise", funds.enterprise.0)
        .line("catastrophic", funds.catastrophic.0)
        .line("large_amount", funds.large_amount.0)
        .line("assistance", funds.assistance.0)
        .line("other", funds.other.0)
        .line("hospital", amounts.hospital.0)
        .line("personal", amounts.personal.0)
        .line("family", amounts.family.0)
        .line("balance", amounts.balance.0);
    statement
}

fn text<T: Display>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Total, own, over, pre, in scope.
fn parts(parts: &Parts) -> String {
    let Parts { total, own, over, pre, in_scope } = parts;
    format!("{} {} {} {} {}", total.0, own.0, over.0, pre.0, in_scope.0)
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Primary => "primary",
        Level::Secondary => "secondary",
        Level::Tertiary => "tertiary",
    }
}

fn account_use(account_use: AccountUse) -> &'static str {
    match account_use {
        AccountUse::None => "none",
        AccountUse::Own => "own",
        AccountUse::OwnAndFamily => "own-and-family",
    }
}
