//! The basic pooled fund (统筹基金): first share, deductible, ratios by segment, yearly cap — the same way
//! for stays, outpatient visits and chronic diseases. Source: the frame of the 待遇清单.

use super::{
    portion::Portion,
    run::{Fund, Run},
    steps::{bonus, reduction},
    tiers::{self, Layer, Limit, Slice},
};
use crate::{
    claim::Level,
    money::{Fen, Overflow},
    person::Category,
    policy::{Ratios, Segment},
    refusal::Refusal,
};

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
    /// A limit of the service's own; cost behind it stays with the patient, and no other fund of this layer takes it.
    pub(super) quota: Option<Limit>,
    /// Whether the terms away from home apply: the reduction, or the ratio's own segments for the class.
    pub(super) reduced: bool,
    pub(super) source: &'a str,
}

/// What the fund did.
pub(super) struct Settled {
    pub(super) paid: Fen,
    /// What was due before the inpatient cap: it counts against the quota.
    pub(super) counted: Fen,
    /// The deductible that was charged.
    pub(super) charged: Fen,
}

/// Pays what the terms give.
pub(super) fn pay(run: &mut Run<'_>, portion: &mut Portion, terms: &Terms<'_>) -> Result<Settled, Refusal> {
    let own = terms.ratios.away.get(&run.case.class).filter(|_| terms.reduced);
    let reduced = terms.reduced && own.is_none();
    if reduced {
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
    let span = [terms.position.plus(charged)?, terms.position.plus(base)?];
    let mut slices = cut(run, terms, &terms.ratios.segments, span)?;
    match own {
        Some(segments) => reduction::own::replace(run, &mut slices, cut(run, terms, segments, span)?, terms.source)?,
        None => bonus::add(run, &mut slices, terms)?,
    }
    if reduced {
        reduction::lower(run, &mut slices)?;
    }
    tiers::clamp(&mut slices);
    if let Some(first) = slices.iter().find(|slice| slice.ratio.0 > 0) {
        run.report(first.ratio);
    }
    // The quota first: only cost before its point may reach the cap and go on to large-amount aid.
    let slices = match &terms.quota {
        Some(quota) => tiers::stop(run, slices, quota, terms.source)?,
        None => slices,
    };
    let (names, limit) = (["统筹支付", "basic fund"], terms.cap);
    let layer = Layer { fund: Fund::Basic, rule: "segment", names, source: terms.source, limit };
    let paid = tiers::pay(run, portion, &layer, &slices)?;
    portion.above_cap = paid.beyond;
    Ok(Settled { paid: paid.amount, counted: tiers::worth(&slices)?, charged })
}

/// The bill on the axis of the segments, with the ratios of the level.
fn cut(run: &Run<'_>, terms: &Terms<'_>, segments: &[Segment], [from, to]: [Fen; 2]) -> Result<Vec<Slice>, Overflow> {
    let retired = run.case.person.category == Category::Retired;
    let segments = segments.iter().map(|segment| {
        let ratio = segment.retired.filter(|_| retired).unwrap_or(segment.ratio);
        (segment.upto, ratio.of(terms.level))
    });
    tiers::cut(segments, from, to)
}
