//! Differences between the three books, and what cured them.

use zhijie_domain::{
    ids::SettlementId,
    reconcile::{Cure, Cured, Difference, Three, Unequal},
    refusal::Refusal,
};

use super::{codes, optional_id, pb, text};

/// The difference as a document, with the cures that fit.
#[must_use]
pub fn print(difference: &Difference) -> pb::Difference {
    let fits = |cure: &Cure| cure.fits(difference).is_ok();
    pb::Difference {
        kind: codes::print(difference.kind),
        settlement: difference.entry.id.to_string(),
        home: difference.entry.home.to_string(),
        care: difference.entry.care.to_string(),
        fields: difference.fields.iter().map(print_unequal).collect(),
        twin: text(difference.twin.as_ref()),
        cures: Cure::ALL.into_iter().filter(fits).map(codes::print).collect(),
        closed: None,
    }
}

/// A field that differs, as a document.
#[must_use]
pub fn print_unequal(unequal: &Unequal) -> pb::UnequalField {
    let Three { care, hub, home } = unequal.values.clone();
    pb::UnequalField { field: unequal.field.clone(), care, hub, home }
}

/// Reads how far a cure closes a difference.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_cured(outcome: &pb::CureOutcome) -> Result<Cured, Refusal> {
    let unequal = |field: &pb::UnequalField| Unequal {
        field: field.field.clone(),
        values: Three { care: field.care.clone(), hub: field.hub.clone(), home: field.home.clone() },
    };
    Ok(Cured {
        cure: codes::parse(outcome.cure, "outcome.cure")?,
        kind: codes::parse(outcome.kind, "outcome.kind")?,
        fields: outcome.fields.iter().map(unequal).collect(),
        negative: optional_id(SettlementId::parse, &outcome.negative, "outcome.negative")?,
    })
}
