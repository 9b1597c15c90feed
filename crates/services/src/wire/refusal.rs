//! Refusals. The number on the wire is the number in the code: `E201` is 201.

use zhijie_domain::refusal::{Code, Refusal};

use super::pb;
use crate::node::limits;

/// The refusal as a document.
#[must_use]
pub fn print(refusal: &Refusal) -> pb::Refusal {
    pb::Refusal {
        code: number(refusal.code),
        rule: refusal.rule.clone(),
        field: refusal.field.clone(),
        zh: refusal.zh.clone(),
        en: refusal.en.clone(),
        retry_after_ms: if refusal.code.is_transient() { limits::COME_AGAIN_MS } else { 0 },
    }
}

/// Reads a refusal of a peer; none of a code that nobody knows.
#[must_use]
pub fn parse(refusal: &pb::Refusal) -> Option<Refusal> {
    let pb::Refusal { rule, field, zh, en, .. } = refusal.clone();
    Some(Refusal { code: code(refusal.code)?, rule, field, zh, en })
}

/// The code behind a number, where there is one.
#[must_use]
pub fn code(number: i32) -> Option<Code> {
    Code::parse(&format!("E{number:03}"))
}

/// The number of a code.
#[must_use]
pub fn number(code: Code) -> i32 {
    code.as_str().trim_start_matches('E').parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_number_on_the_wire() {
        for known in Code::ALL {
            let wire = pb::RefusalCode::try_from(number(*known)).unwrap();
            assert!(wire.as_str_name().contains(known.as_str()), "{known} is {}", wire.as_str_name());
            assert_eq!(code(number(*known)), Some(*known));
        }
    }
}
