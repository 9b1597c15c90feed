//! Tiers (分段): cost cut along an axis, each slice with its ratio, and the cap that stops payment inside a slice.
//! A cap limits payment, so the cost at which it is reached is solved for. Each slice's payment is rounded half up; so is that cost.

use super::{
    portion::Portion,
    run::{Fund, Run},
};
use crate::{
    money::{Bp, Fen, Overflow},
    refusal::Refusal,
};

/// Cost that one ratio applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) cost: Fen,
    pub(super) ratio: Bp,
}

/// What lies between two points of the axis, by tiers that end where they say; the last is open.
pub(super) fn cut(
    tiers: impl IntoIterator<Item = (Option<Fen>, Bp)>,
    from: Fen,
    to: Fen,
) -> Result<Vec<Slice>, Overflow> {
    let mut at = from;
    let mut slices = Vec::new();
    for (upto, ratio) in tiers {
        let end = upto.map_or(to, |upto| upto.min(to));
        if end > at {
            slices.push(Slice { cost: end.minus(at)?, ratio });
            at = end;
        }
    }
    Ok(slices)
}

/// What a bill adds above a yearly line, by the same tiers.
pub(super) fn above_line(
    tiers: impl IntoIterator<Item = (Option<Fen>, Bp)>,
    line: Fen,
    before: Fen,
    added: Fen,
) -> Result<Vec<Slice>, Overflow> {
    cut(tiers, before.max(line), before.plus(added)?.max(line))
}

/// What the slices are worth without a cap; no slice is worth more than its cost.
pub(super) fn worth(slices: &[Slice]) -> Result<Fen, Overflow> {
    slices.iter().try_fold(Fen::ZERO, |sum, slice| sum.plus(slice.cost.share_half_up(slice.ratio.min(Bp::WHOLE))?))
}

/// The cost of the slices.
pub(super) fn cost(slices: &[Slice]) -> Result<Fen, Overflow> {
    Fen::sum(slices.iter().map(|slice| slice.cost))
}

/// A ratio shown as points: `10`, `4.5`.
pub(super) fn points(ratio: Bp) -> String {
    ratio.to_string().trim_end_matches('%').into()
}

/// Changes every ratio and explains by how much the payment changes, any cap aside. A ratio may pass 100 % between
/// bonus and reduction, so that the reduction works on the whole of it; [`clamp`] comes after both.
pub(super) fn change(
    run: &mut Run<'_>,
    slices: &mut [Slice],
    [rule, source]: [&str; 2],
    ratio: impl Fn(Bp) -> Bp,
    texts: [String; 2],
) -> Result<(), Refusal> {
    if slices.is_empty() {
        return Ok(());
    }
    let before = worth(slices)?;
    for slice in slices.iter_mut() {
        slice.ratio = ratio(slice.ratio);
    }
    run.step(rule, source, [before, worth(slices)?], texts)
}

/// Brings every ratio down to 100 %.
pub(super) fn clamp(slices: &mut [Slice]) {
    for slice in slices {
        slice.ratio = slice.ratio.min(Bp::WHOLE);
    }
}

/// The slices up to the point at which a limit is reached, and why they end there; cost behind it stays unpaid.
pub(super) fn stop(run: &mut Run<'_>, slices: Vec<Slice>, limit: &Limit, source: &str) -> Result<Vec<Slice>, Refusal> {
    let (due, within) = (worth(&slices)?, within(&slices, Some(limit.room))?);
    if within.amount == due {
        return Ok(slices);
    }
    reached(run, limit, source, due, within, cost(&slices)?)?;
    let mut left = cost(&slices)?.minus(within.beyond)?;
    let mut kept = Vec::with_capacity(slices.len());
    for Slice { cost, ratio } in slices {
        let cost = cost.min(left);
        left = left.minus(cost)?;
        if cost > Fen::ZERO {
            kept.push(Slice { cost, ratio });
        }
    }
    Ok(kept)
}

/// Explains at which cost a limit was reached.
fn reached(run: &mut Run<'_>, limit: &Limit, source: &str, due: Fen, paid: Paid, cost: Fen) -> Result<(), Refusal> {
    let reached = cost.minus(paid.beyond)?;
    run.step(
        limit.rule,
        source,
        [due, paid.amount],
        [
            format!("{}：尚可支付 {}，在费用 {reached} 处用尽，其后 {} 不再支付", limit.zh, limit.room, paid.beyond),
            format!("{}: {} left, used up at a cost of {reached}; {} lie behind it", limit.en, limit.room, paid.beyond),
        ],
    )
}

/// Explains how much of the burden lies above a yearly line.
pub(super) fn count(
    run: &mut Run<'_>,
    rule: &str,
    source: &str,
    line: Fen,
    [before, added, above]: [Fen; 3],
) -> Result<(), Refusal> {
    let all = before.plus(added)?;
    run.step(
        rule,
        source,
        [added, above],
        [
            format!("年度负担 {before} + {added} = {all}，起付标准 {line}，本次超出 {above}"),
            format!("burden of the year {before} + {added} = {all}, line {line}, this bill adds {above} above it"),
        ],
    )
}

/// The most that may still be paid, and which rule says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) rule: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    pub(super) room: Fen,
}

impl Limit {
    /// What a yearly cap still allows.
    pub(super) fn yearly(
        rule: &'static str,
        [zh, en]: [&'static str; 2],
        cap: Fen,
        used: Fen,
    ) -> Result<Limit, Overflow> {
        Ok(Limit { rule, zh, en, room: cap.minus_to_zero(used)? })
    }
}

/// How a layer pays its slices.
pub(super) struct Layer<'a> {
    pub(super) fund: Fund,
    pub(super) rule: &'static str,
    pub(super) names: [&'static str; 2],
    pub(super) source: &'a str,
    pub(super) limit: Option<Limit>,
}

/// What a layer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) amount: Fen,
    /// Cost behind the point at which the limit was reached.
    pub(super) beyond: Fen,
}

/// Pays slices from a fund, up to the limit, and explains each.
pub(super) fn pay(
    run: &mut Run<'_>,
    portion: &mut Portion,
    layer: &Layer<'_>,
    slices: &[Slice],
) -> Result<Paid, Refusal> {
    let [zh, en] = layer.names;
    for slice in slices {
        let due = slice.cost.share_half_up(slice.ratio)?;
        run.step(
            layer.rule,
            layer.source,
            [slice.cost, due],
            [
                format!("{zh}：{} × {} = {due}", slice.cost, slice.ratio),
                format!("{en}: {} × {} = {due}", slice.cost, slice.ratio),
            ],
        )?;
    }
    let due = worth(slices)?;
    let paid = within(slices, layer.limit.map(|limit| limit.room))?;
    run.pay(layer.fund, portion, paid.amount)?;
    if let Some(limit) = layer.limit.filter(|_| paid.amount < due) {
        reached(run, &limit, layer.source, due, paid, cost(slices)?)?;
    }
    Ok(paid)
}

/// The payment that fits the room. The cost at which the room ends is solved for inside the slice, half up to the fen.
fn within(slices: &[Slice], room: Option<Fen>) -> Result<Paid, Overflow> {
    let Some(room) = room else { return Ok(Paid { amount: worth(slices)?, beyond: Fen::ZERO }) };
    let mut amount = Fen::ZERO;
    let mut reached = Fen::ZERO;
    for slice in slices {
        let due = slice.cost.share_half_up(slice.ratio)?;
        let left = room.minus(amount)?;
        if due > left {
            // Less than what is due covers at most the slice's cost, rounding included.
            let covered = left.scaled_half_up(i64::from(Bp::WHOLE.0), i64::from(slice.ratio.0))?;
            return Ok(Paid { amount: room, beyond: cost(slices)?.minus(reached.plus(covered)?)? });
        }
        amount = amount.plus(due)?;
        reached = reached.plus(slice.cost)?;
    }
    Ok(Paid { amount, beyond: Fen::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiers `upto@percent`, `-` for open; from, to; room; expected payment and cost beyond, yuan.
    fn check(tiers: &str, from: &str, to: &str, room: &str, paid: &str, beyond: &str) {
        let yuan = |text: &str| Fen::parse_yuan(text).unwrap();
        let tiers: Vec<(Option<Fen>, Bp)> = tiers
            .split(' ')
            .map(|tier| tier.split_once('@').unwrap())
            .map(|(upto, ratio)| (Fen::parse_yuan(upto).filter(|_| upto != "-"), Bp::parse_percent(ratio).unwrap()))
            .collect();
        let slices = cut(tiers, yuan(from), yuan(to)).unwrap();
        let expected = Paid { amount: yuan(paid), beyond: yuan(beyond) };
        assert_eq!(within(&slices, Fen::parse_yuan(room)).unwrap(), expected, "{from}..{to} room {room}");
    }

    #[test]
    fn slices_are_paid_up_to_the_room() {
        let beijing = "30000@85% 40000@90% -@95%";
        check(beijing, "1300", "150000", "100000", "100000", "39889.47");
        check(beijing, "1300", "150000", "none", "137895", "0");
        check(beijing, "1300", "150000", "0", "0", "148700");
        check(beijing, "0", "0", "5", "0", "0");
        check(beijing, "30000", "40000", "9000", "9000", "0");
        check(beijing, "30000", "40000", "8999.99", "8999.99", "0.01");
        check("-@0%", "0", "100", "0", "0", "0");
    }
}
