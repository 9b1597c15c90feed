//! The facts of a day in a book, summed up so that a region can sign them all at once: the tree over its records, each
//! with its signatures, ascending by id.

use super::{
    Statement,
    tree::{Tree, leaf},
};
use crate::{
    reconcile::Entry,
    signature::{Digest, Proof, Signature},
};

/// What a head says of the records of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// How many there are.
    pub records: u64,
    /// The root of the tree over them.
    pub root: Digest,
}

impl Facts {
    /// Those that a tree stands for.
    #[must_use]
    pub fn of(tree: &Tree) -> Facts {
        Facts { records: tree.leaves(), root: tree.root() }
    }

    /// A record with its signatures as a leaf of the tree.
    #[must_use]
    pub fn leaf(entry: &Entry, proof: &Proof) -> Digest {
        let mut fact = Statement::titled(TITLE);
        fact.entry(entry);
        leaf(signed(fact, proof.care.as_ref(), proof.home.as_ref()).as_str().as_bytes())
    }

    /// The leaf of a record that is known by its statement; nothing where it is none.
    #[must_use]
    pub fn leaf_of(record: &Statement, care: Option<&Signature>, home: Option<&Signature>) -> Option<Digest> {
        let mut fact = Statement::titled(TITLE);
        let mut lines = record.lines().skip(1);
        loop {
            let line = lines.next()?;
            let (name, value) = line.split_once(": ")?;
            fact.line(name, value);
            if name == "cash" {
                return Some(leaf(signed(fact, care, home).as_str().as_bytes()));
            }
        }
    }
}

const TITLE: &str = "zhijie fact 1";

fn signed(mut fact: Statement, care: Option<&Signature>, home: Option<&Signature>) -> Statement {
    let text = |signature: Option<&Signature>| signature.map(ToString::to_string).unwrap_or_default();
    fact.line("care_signature", text(care)).line("home_signature", text(home));
    fact
}
