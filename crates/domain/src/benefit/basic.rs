//! The basic pooled fund (统筹基金): first share, deductible, ratios by segment, yearly cap — the same way
//! for stays, outpatient visits and chronic diseases. Source: regulations 3.2, lines 3 to 6.

use super::{
    portion::Portion,
    run::{Fund, Run},
    steps::{bonus, reduction},
    tiers::{self, Layer, Limit},
};
use crate::{claim::Level, money::Fen, person::Category, policy::Ratios, refusal::Refusal};

/// The terms on which the fund pays one service.
pub(super) struct Terms<'a> {
    pub(super) ratios: &'a Ratios,
    pub(super) level: Level,
    /// Where the bill begins on the axis of the segments: the cost that came before it.
    pub(super) position: Fen,
    /// The deductible that is asked for.
    pub(super) deductible: Fen,
    /// The inpatient cap, where it binds: cost above it goes on to large-amount aid.
    pub(super) cap: Option<Limit>,
    /// A limit of the service's own; cost above it stays with the patient.
    pub(super) quota: Option<Limit>,
    /// Whether the reduction away from home applies.
    pub(super) reduced: bool,
    pub(super) source: &'a str,
}

/// What the fund did.
pub(super) struct Settled {
    pub(super) paid: Fen,
    /// The deductible that was charged.
    pub(super) charged: Fen,
}

/// Pays what the terms give.
pub(super) fn pay(run: &mut Run<'_>, portion: &mut Portion, terms: &Terms<'_>) -> Result<Settled, Refusal> {
    if terms.reduced {
        reduction::prepay::take(run, portion)?;
    }
    let base = portion.base()?;
    let charged = terms.deductible.min(base);
    if charged > Fen::ZERO {
        run.charge(charged)?;
        let rest = base.minus(charged)?;
        run.step(
            "deductible.charged",
            terms.source,
            [base, rest],
            [
                format!("扣除起付线：{base} − {charged} = {rest}"),
                format!("deductible charged: {base} − {charged} = {rest}"),
            ],
        )?;
    }
    let retired = run.case.person.category == Category::Retired;
    let segments = terms.ratios.segments.iter().map(|segment| {
        let ratio = segment.retired.filter(|_| retired).unwrap_or(segment.ratio);
        (segment.upto, ratio.of(terms.level))
    });
    let (from, to) = (terms.position.plus(charged)?, terms.position.plus(base)?);
    let mut slices = tiers::cut(segments, from, to)?;
    bonus::add(run, &mut slices, terms)?;
    if terms.reduced {
        reduction::lower(run, &mut slices)?;
    }
    if let Some(first) = slices.iter().find(|slice| slice.ratio.0 > 0) {
        run.report(first.ratio);
    }
    let own_binds = match (&terms.quota, &terms.cap) {
        (Some(quota), Some(cap)) => quota.room < cap.room,
        (quota, _) => quota.is_some(),
    };
    let limit = if own_binds { terms.quota } else { terms.cap };
    let layer =
        Layer {
            fund: Fund::Basic, rule: "segment", names: ["统筹支付", "basic fund"], source: terms.source, limit
        };
    let paid = tiers::pay(run, portion, &layer, &slices)?;
    if !own_binds {
        portion.above_cap = paid.beyond;
    }
    Ok(Settled { paid: paid.amount, charged })
}
