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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        calendar::Moment,
        claim::tests::claim,
        ids::{MessageId, SettlementId},
        money::{Bp, Fen},
        policy::TreatmentClass,
        proof::{CLAIM, RECORD, record, request},
        settlement::{Amounts, Computation, Kind, Settlement},
    };

    /// The settlement of a stay of 1,000 yuan, of which the fund pays 600.
    fn settled() -> Settlement {
        let claim = claim();
        let (fund_total, cash) = (Fen(60_000), Fen(40_000));
        let amounts = Amounts { parts: claim.parts, fund_total, personal: cash, cash, ..Amounts::default() };
        let computation = Computation {
            class: TreatmentClass::Referred,
            amounts,
            ratio: Bp(6_000),
            steps: Vec::new(),
            differences: BTreeMap::new(),
        };
        let id = SettlementId::parse("S1").unwrap();
        let booked = Settlement::booked(id, claim, computation, Moment(1_741_568_400_000));
        Settlement { proof: Proof { message: MessageId::parse("m1").ok(), ..Proof::default() }, ..booked }
    }

    #[test]
    fn a_leaf_follows_from_the_statement_that_home_signed() {
        let settled = settled();
        let (care, home) = (Some(Signature([1; 64])), Some(Signature([2; 64])));
        let proof = Proof { care, home, ..settled.proof.clone() };
        let leaf = Facts::leaf(&Entry::from(&settled), &proof);
        let stated = record(&settled);
        assert_eq!(Facts::leaf_of(&stated, care.as_ref(), home.as_ref()), Some(leaf));
        assert_ne!(Facts::leaf_of(&stated, home.as_ref(), care.as_ref()), Some(leaf));
        assert_ne!(Facts::leaf_of(&stated, care.as_ref(), None), Some(leaf));
        assert_eq!(Facts::leaf_of(&request(&settled), None, None), None, "a claim is no record");
    }

    #[test]
    fn statements_say_in_lines_what_is_claimed_and_owed() {
        let settled = settled();
        let (asked, stated) = (request(&settled), record(&settled));
        assert_eq!((asked.lines().next(), stated.lines().next()), (Some(CLAIM), Some(RECORD)));
        assert_eq!(asked.as_str().lines().last(), Some("category: 9 100000 10000 0 0 90000"));
        for (name, value) in [("message", "m1"), ("to", "2025-03-11"), ("parts", "100000 10000 0 0 90000")] {
            assert_eq!(asked.value(name), Some(value));
        }
        let claim = asked.digest().to_string();
        for (name, value) in [("fund", "60000"), ("cash", "40000"), ("day", "2025-03-10"), ("claim", &claim)] {
            assert_eq!(stated.value(name), Some(value));
        }
        let negative = SettlementId::parse("S2").unwrap();
        let asks = |kind| {
            let undone = settled.undone(negative.clone(), kind, Fen::ZERO, settled.at).unwrap();
            assert_eq!(record(&undone).value("fund"), Some("-60000"));
            assert_eq!(record(&undone).value("claim"), Some(claim.as_str()));
            request(&undone).as_str().lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(asks(Kind::Cancelled), "cancel: S1");
        assert_eq!(asks(Kind::Reversed), "reverse: m1");
    }
}
