//! The head of a day (日链头): what a region signs of all facts of a day at once. Heads are numbered and each names the
//! one before it, so that none can be changed, left out or put between without a break. Facts that come to a past day
//! later make a new head, which names the earlier one of the day.

use super::{DAY, Facts, Statement};
use crate::{author::Author, calendar::Date, signature::Digest};

/// A head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose book it is about.
    pub author: Author,
    /// Its number among the heads of that book, from 1.
    pub number: u64,
    /// The digest of the head before it; the first has none.
    pub previous: Option<Digest>,
    /// The accounting day.
    pub day: Date,
    /// The number of the head that the day had before, 0 where it had none.
    pub earlier: u64,
    /// The records of the day.
    pub facts: Facts,
}

impl Head {
    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let mut statement = Statement::titled(DAY);
        statement
            .line("role", self.author.side.name())
            .line("region", &self.author.region)
            .line("number", self.number)
            .line("previous", self.previous.map(|previous| previous.to_string()).unwrap_or_default())
            .line("day", self.day)
            .line("earlier", self.earlier)
            .line("records", self.facts.records)
            .line("facts", self.facts.root);
        statement
    }
}
