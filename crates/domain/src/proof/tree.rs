//! The tree over the facts of a day (默克尔树), as RFC 6962 builds it: its root stands for all facts in their order, and
//! a short path shows that one of them is among them.

use std::fmt;

use crate::signature::Digest;

/// A tree that grows leaf by leaf; it keeps the roots of its whole parts only, the largest first.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    parts: Vec<(u32, Digest)>,
    leaves: u64,
}

/// The digest of a leaf.
#[must_use]
pub fn leaf(content: &[u8]) -> Digest {
    Digest::of(&[&[0], content])
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], &left.0, &right.0])
}

impl Tree {
    /// The tree over some leaves.
    #[must_use]
    pub fn over(leaves: &[Digest]) -> Tree {
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree
    }

    /// Adds a leaf behind the others.
    pub fn push(&mut self, leaf: Digest) {
        let (mut height, mut right) = (0, leaf);
        while let Some((_, left)) = self.parts.pop_if(|(known, _)| *known == height) {
            (height, right) = (height + 1, node(&left, &right));
        }
        self.parts.push((height, right));
        self.leaves = self.leaves.saturating_add(1);
    }

    /// How many leaves it has.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// What stands for all leaves in their order.
    #[must_use]
    pub fn root(&self) -> Digest {
        let parts = self.parts.iter().rev().map(|(_, part)| *part);
        parts.reduce(|right, left| node(&left, &right)).unwrap_or_else(|| Digest::of(&[]))
    }
}

/// A step from a leaf towards the root: what stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Left of it.
    Left(Digest),
    /// Right of it.
    Right(Digest),
}

impl Step {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Step> {
        let (side, digest) = text.split_once(' ')?;
        let digest = Digest::parse(digest)?;
        match side {
            "left" => Some(Step::Left(digest)),
            "right" => Some(Step::Right(digest)),
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Left(digest) => write!(f, "left {digest}"),
            Step::Right(digest) => write!(f, "right {digest}"),
        }
    }
}

/// The path from a leaf to the root; nothing where there is no such leaf.
#[must_use]
pub fn path(leaves: &[Digest], place: usize) -> Option<Vec<Step>> {
    let (mut leaves, mut place, mut path) = (leaves, place, Vec::new());
    leaves.get(place)?;
    while leaves.len() > 1 {
        // The left part is the largest power of two that leaves something to the right.
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        if place < left.len() {
            path.push(Step::Right(Tree::over(right).root()));
            leaves = left;
        } else {
            path.push(Step::Left(Tree::over(left).root()));
            (leaves, place) = (right, place - left.len());
        }
    }
    path.reverse();
    Some(path)
}

/// The root to which a path leads from a leaf.
#[must_use]
pub fn climb(leaf: Digest, path: &[Step]) -> Digest {
    path.iter().fold(leaf, |below, step| match step {
        Step::Left(left) => node(left, &below),
        Step::Right(right) => node(&below, right),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_every_tree_leads_to_the_root_and_no_other_does() {
        let leaves: Vec<Digest> = (0..20u8).map(|number| leaf(&[number])).collect();
        for count in 1..=leaves.len() {
            let some = &leaves[..count];
            let root = Tree::over(some).root();
            for (place, own) in some.iter().enumerate() {
                let path = path(some, place).unwrap();
                assert_eq!(climb(*own, &path), root, "{place} of {count}");
                let other = leaves[(place + 1) % leaves.len()];
                assert_ne!(climb(other, &path), root, "{place} of {count}");
                for step in &path {
                    assert_eq!(Step::parse(&step.to_string()), Some(*step));
                }
            }
            assert!(path(some, count).is_none());
        }
    }

    /// The roots that the reference implementation of Certificate Transparency has for its first test leaves.
    #[test]
    fn the_roots_are_those_of_rfc_6962() {
        let leaves: [&[u8]; 3] = [&[], &[0x00], &[0x10]];
        let leaves = leaves.map(leaf);
        for (count, root) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb924"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9d"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264"),
        ] {
            assert!(Tree::over(&leaves[..count]).root().to_string().starts_with(root), "{count} leaves");
        }
    }
}
