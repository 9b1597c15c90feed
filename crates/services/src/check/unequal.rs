//! Showing differences: the first field in which two documents differ, and keys and values without person numbers.

use std::fmt::Debug;

/// Kinds of keys that hold a person number, with the place of its part.
const PERSONAL: &[(&str, usize)] = &[("H", 1), ("r", 0), ("o", 0), ("f", 1)];
/// What is shown of a person number, characters: the area it was given in.
const SHOWN: usize = 6;

/// A key in two parts: the letter of its kind and the rest, with person numbers masked.
pub(super) fn shown(key: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(key);
    let (kind, rest) = text.split_once('/').unwrap_or((&text, ""));
    let place = PERSONAL.iter().find(|(personal, _)| *personal == kind).map(|(_, place)| *place);
    let parts = rest.split('/').enumerate();
    let parts = parts.map(|(index, part)| if Some(index) == place { masked(part) } else { part.to_owned() });
    (kind.to_owned(), parts.collect::<Vec<_>>().join("/"))
}

fn masked(number: &str) -> String {
    let shown: String = number.chars().take(SHOWN).collect();
    format!("{shown}…")
}

/// A field in which two documents differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unequal {
    /// Its path.
    pub(super) field: String,
    /// Its value in the first.
    pub(super) found: String,
    /// Its value in the second.
    pub(super) right: String,
}

/// The first field in which two documents differ. Read from their debug form, so that a field that is new in a document
/// is compared without a line here. Whose person number differs is not shown.
pub(super) fn first<M: Debug + PartialEq>(found: &M, right: &M) -> Option<Unequal> {
    if found == right {
        return None;
    }
    let (found, right) = (format!("{found:#?}"), format!("{right:#?}"));
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut others = right.lines();
    for line in found.lines() {
        let other = others.next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        while path.pop_if(|(outer, _)| *outer >= indent).is_some() {}
        if let Some((name, _)) = line.trim_start().split_once(": ") {
            path.push((indent, name));
        }
        if line != other {
            let names: Vec<&str> = path.iter().map(|(_, name)| *name).collect();
            let field = names.join(".");
            let personal = names.last() == Some(&"person") || field.ends_with("person.id");
            let shown =
                |line: &str| if personal { masked(value(line).trim_matches('"')) } else { value(line).to_owned() };
            return Some(Unequal { found: shown(line), right: shown(other), field });
        }
    }
    let (found, right) = (String::from("an end"), String::from("more"));
    Some(Unequal { field: String::new(), found, right })
}

fn value(line: &str) -> &str {
    let line = line.trim().trim_end_matches([',', '(', '{', '[']);
    line.split_once(": ").map_or(line, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pb;

    #[test]
    fn the_first_field_that_differs_is_named_with_its_path() {
        let claim = |total, person: &str| pb::Settlement {
            claim: Some(pb::Claim {
                person: person.into(),
                parts: Some(pb::Parts { total, ..pb::Parts::default() }),
                ..pb::Claim::default()
            }),
            ..pb::Settlement::default()
        };
        for (found, right, expected) in [
            (claim(5, "A"), claim(6, "A"), "claim.parts.total 5 6"),
            (claim(5, "34120000000000000001"), claim(5, "31010000000000000001"), "claim.person 341200… 310100…"),
        ] {
            let Unequal { field, found, right } = first(&found, &right).unwrap();
            assert_eq!(format!("{field} {found} {right}"), expected);
        }
        assert_eq!(first(&claim(5, "A"), &claim(5, "A")), None);
    }

    #[test]
    fn person_numbers_are_not_shown_whole() {
        for (key, kind, rest) in [
            ("r/34120000000000000009", "r", "341200…"),
            ("f/340000/34120000000000000009/F1", "f", "340000/341200…/F1"),
            ("b/2025-03-10/S1", "b", "2025-03-10/S1"),
            ("x", "x", ""),
        ] {
            assert_eq!(shown(key.as_bytes()), (kind.to_owned(), rest.to_owned()));
        }
    }
}
