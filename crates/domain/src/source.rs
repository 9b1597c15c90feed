//! Source marks (出处): every number says where it is from, in words that begin with one of five marks.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, de};

/// `rule: ` quotes a document, `found: ` a public source, `remembered` a text not at hand, `derived: ` a calculation,
/// `design` a choice of this simulator.
const MARKS: [&str; 5] = ["rule: ", "found: ", "remembered", "derived: ", "design"];

/// A source mark. Only text that begins with a mark becomes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(Box<str>);

impl Source {
    /// Reads the text; nothing where it does not begin with a mark.
    #[must_use]
    pub fn parse(text: &str) -> Option<Source> {
        MARKS.iter().any(|mark| text.starts_with(mark)).then(|| Source(text.into()))
    }
}

impl Deref for Source {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Source::parse(&text).ok_or_else(|| {
            de::Error::custom("a source mark begins with `rule: `, `found: `, `remembered`, `derived: ` or `design`")
        })
    }
}
