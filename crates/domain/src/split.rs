//! The split (费用分割) of a fee line by the care catalogue: own pay, over limit, pre-self-pay, in scope.
//! Source: the national interface's line result; the identity `total = own + over + pre + in scope` holds per line and bill.

use crate::{
    catalogue::{Catalogue, Class, Excess, FeeCategory, Item},
    ids::ItemCode,
    limits,
    money::{Bp, Fen, Overflow, Price, Quantity},
    refusal::{Code, Refusal},
};

/// What the hospital decided on restricted use (`hosp_appr_flag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approval {
    /// 无须审批, 0.
    #[default]
    NotNeeded,
    /// 审批通过, 1.
    Approved,
    /// 审批不通过, 2.
    Refused,
}

/// A fee line as the hospital sends it (`feedetail`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeLine {
    /// Serial within the visit (`feedetl_sn`).
    pub serial: String,
    /// National item code (`med_list_codg`).
    pub item: ItemCode,
    /// Unit price (`pric`), millionths of a yuan.
    pub price: Price,
    /// Quantity (`cnt`), ten-thousandths of a unit.
    pub quantity: Quantity,
    /// The line total the hospital declares (`det_item_fee_sumamt`), fen; checked to a tolerance of one fen.
    pub declared: Option<Fen>,
    /// Approval of restricted use (`hosp_appr_flag`).
    pub approval: Approval,
}

/// The four parts of an amount and their total, all in fen; `total = own + over + pre + in_scope` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// 费用总额 (`medfee_sumamt`, of a line `det_item_fee_sumamt`), fen.
    pub total: Fen,
    /// 全自费 (`fulamt_ownpay_amt`), fen.
    pub own: Fen,
    /// 超限价 (`overlmt_selfpay`, of a line `overlmt_amt`), fen.
    pub over: Fen,
    /// 先行自付 (`preselfpay_amt`), fen.
    pub pre: Fen,
    /// 符合政策范围 (`inscp_scp_amt`), fen.
    pub in_scope: Fen,
}

/// The parts of one fee category (医疗收费项目类别).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryParts {
    /// The category (`med_chrgitm_type`).
    pub category: FeeCategory,
    /// Its parts.
    pub parts: Parts,
}

/// A fee line with its split and what the catalogue said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitLine {
    /// The line as sent.
    pub line: FeeLine,
    /// The fee category (`med_chrgitm_type`).
    pub category: FeeCategory,
    /// The class (`chrgitm_lv`).
    pub class: Class,
    /// The pre-self-pay ratio (`selfpay_prop`).
    pub self_pay: Bp,
    /// The price limit of one unit (`pric_uplmt_amt`), millionths of a yuan, where there is one.
    pub limit: Option<Price>,
    /// The four parts, fen.
    pub parts: Parts,
}

impl Parts {
    /// The sum part by part.
    ///
    /// # Errors
    /// [`Overflow`] when a part does not fit.
    pub fn plus(&self, other: &Parts) -> Result<Parts, Overflow> {
        Ok(Parts {
            total: self.total.plus(other.total)?,
            own: self.own.plus(other.own)?,
            over: self.over.plus(other.over)?,
            pre: self.pre.plus(other.pre)?,
            in_scope: self.in_scope.plus(other.in_scope)?,
        })
    }

    /// The same with every sign turned.
    ///
    /// # Errors
    /// [`Overflow`] when a part has no negative.
    pub fn negated(&self) -> Result<Parts, Overflow> {
        Ok(Parts {
            total: self.total.negated()?,
            own: self.own.negated()?,
            over: self.over.negated()?,
            pre: self.pre.negated()?,
            in_scope: self.in_scope.negated()?,
        })
    }

    /// Refuses parts that do not add up or are negative.
    ///
    /// # Errors
    /// [`Code::SplitBroken`] naming the field, [`Code::AmountOverflow`].
    pub fn check(&self, field: &str) -> Result<(), Refusal> {
        let parts = [self.own, self.over, self.pre, self.in_scope];
        let sum = Fen::sum(parts).map_err(|_| Refusal::overflow(field))?;
        if sum != self.total || parts.into_iter().any(Fen::is_negative) {
            let shown = format!(
                "total {} ≠ own {} + over {} + pre {} + in scope {}",
                self.total, self.own, self.over, self.pre, self.in_scope
            );
            let zh = format!(
                "总额 {} ≠ 全自费 {} + 超限价 {} + 先行自付 {} + 范围内 {}",
                self.total, self.own, self.over, self.pre, self.in_scope
            );
            return Err(
                Refusal::new(Code::SplitBroken, "identity: total = own + over + pre + in scope", field).with(zh, shown)
            );
        }
        Ok(())
    }
}

/// Splits one line by the care catalogue.
///
/// # Errors
/// [`Code::ItemUnknown`], [`Code::QuantityInvalid`], [`Code::AmountOverflow`], [`Code::LimitExceeded`],
/// [`Code::FieldInvalid`] when price or declared total is wrong.
pub fn split(line: FeeLine, catalogue: &Catalogue) -> Result<SplitLine, Refusal> {
    let item = catalogue.item(&line.item).ok_or_else(|| {
        let (serial, item) = (&line.serial, &line.item);
        Refusal::new(Code::ItemUnknown, "care catalogue", "lines.item")
            .with(format!("明细 {serial}，{item}"), format!("line {serial}, {item}"))
    })?;
    let total = line_total(&line)?;
    let parts = split_total(&line, item, total)?;
    Ok(SplitLine {
        category: item.category,
        class: item.class,
        self_pay: item.self_pay(),
        limit: item.limit,
        parts,
        line,
    })
}

fn line_total(line: &FeeLine) -> Result<Fen, Refusal> {
    let named = |refusal: Refusal| refusal.with(format!("明细 {}", line.serial), format!("line {}", line.serial));
    if line.quantity.0 <= 0 {
        return Err(named(Refusal::new(Code::QuantityInvalid, "a line's quantity is positive", "lines.quantity")));
    }
    if line.price.0 < 0 {
        return Err(named(Refusal::new(Code::FieldInvalid, "a price is not negative", "lines.price")));
    }
    let above = |rule: &str, field: &str| Err(named(Refusal::new(Code::AmountOverflow, rule, field)));
    if line.quantity.0 > limits::QUANTITY_MAX {
        return above("limit: at most 1,000,000 units a line", "lines.quantity");
    }
    if line.price.0 > limits::PRICE_MAX {
        return above("limit: at most 100,000,000 yuan a unit", "lines.price");
    }
    let total = line.price.times(line.quantity)?;
    if total.0 > limits::BILL_FEN_MAX {
        return above("limit: at most 100,000,000 yuan a bill", "lines.price × lines.quantity");
    }
    match line.declared {
        Some(declared) if declared.0.abs_diff(total.0) > 1 => {
            let shown = format!("{}: {declared} ≠ {} × {} = {total}", line.serial, line.price, line.quantity);
            Err(Refusal::new(Code::SplitBroken, "line total = price × quantity, half up, ±0.01", "lines.declared")
                .with(format!("明细 {shown}"), format!("line {shown}")))
        }
        _ => Ok(total),
    }
}

fn split_total(line: &FeeLine, item: &Item, total: Fen) -> Result<Parts, Overflow> {
    let own_pay = Parts { total, own: total, ..Parts::default() };
    let approved = match line.approval {
        Approval::Refused => false,
        Approval::NotNeeded => !item.restricted,
        Approval::Approved => true,
    };
    if item.class == Class::C || !approved {
        return Ok(own_pay);
    }
    let over = match item.limit {
        Some(limit) if line.price > limit && item.excess == Excess::Line => return Ok(own_pay),
        Some(limit) if line.price > limit => line.price.above(limit)?.times(line.quantity)?.min(total),
        _ => Fen::ZERO,
    };
    let within = total.minus(over)?;
    let pre = within.share_half_up(item.self_pay())?;
    Ok(Parts { total, own: Fen::ZERO, over, pre, in_scope: within.minus(pre)? })
}

/// Adds lines up by fee category, in the order of the categories.
///
/// # Errors
/// [`Overflow`] when a sum does not fit.
pub fn roll_up<'a>(lines: impl IntoIterator<Item = &'a SplitLine>) -> Result<(Parts, Vec<CategoryParts>), Overflow> {
    let mut bill = Parts::default();
    let mut by_category = std::collections::BTreeMap::<FeeCategory, Parts>::new();
    for line in lines {
        bill = bill.plus(&line.parts)?;
        let sum = by_category.entry(line.category).or_default();
        *sum = sum.plus(&line.parts)?;
    }
    Ok((bill, by_category.into_iter().map(|(category, parts)| CategoryParts { category, parts }).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A catalogue of one item: class, first share in percent, limit or `-`, `part` or `line`, restricted or free.
    fn catalogue(row: &str) -> Catalogue {
        let words: Vec<&str> = row.split(' ').collect();
        let [class, share, limit, excess, use_] = words[..] else { panic!("{row}") };
        let item = Item {
            code: ItemCode::parse("A1").unwrap(),
            zh: "项目".into(),
            en: "item".into(),
            category: FeeCategory::new(8).unwrap(),
            class: match class {
                "A" => Class::A,
                "B" => Class::B,
                _ => Class::C,
            },
            first_share: Bp(share.parse::<u32>().unwrap() * 100),
            limit: limit.parse::<i64>().ok().map(|yuan| Price(yuan * 1_000_000)),
            excess: if excess == "line" { Excess::Line } else { Excess::Part },
            restricted: use_ == "restricted",
            price: Price(1),
            unit: "个".into(),
            sex: None,
            ages: None,
        };
        Catalogue::new("test".into(), [item])
    }

    /// Splits a line of `price quantity declared approval`, the first two scaled, the third in fen or `-`, the last 0,
    /// 1 or 2; expects `total own over pre in_scope` in fen, or the code and field of a refusal.
    fn check(item: &str, line: &str, expected: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let [price, quantity, declared, approval] = words[..] else { panic!("{line}") };
        let sent = FeeLine {
            serial: "1".into(),
            item: ItemCode::parse("A1").unwrap(),
            price: Price(price.parse().unwrap()),
            quantity: Quantity(quantity.parse().unwrap()),
            declared: declared.parse().ok().map(Fen),
            approval: match approval {
                "0" => Approval::NotNeeded,
                "1" => Approval::Approved,
                _ => Approval::Refused,
            },
        };
        let found = match split(sent, &catalogue(item)) {
            Ok(SplitLine { parts: p, .. }) => {
                p.check("line").unwrap();
                format!("{} {} {} {} {}", p.total.0, p.own.0, p.over.0, p.pre.0, p.in_scope.0)
            }
            Err(refusal) => format!("{} {}", refusal.code, refusal.field),
        };
        assert_eq!(found, expected, "{item}: {line}");
    }

    #[test]
    fn lines_split_by_class_limit_and_use() {
        for (item, line, expected) in [
            // Class, first share; the share is rounded half up on what is within the limit.
            ("A 0 - part free", "10000000 10000 - 0", "1000 0 0 0 1000"),
            ("C 0 - part free", "10000000 10000 - 0", "1000 1000 0 0 0"),
            ("B 10 - part free", "50000 10000 - 0", "5 0 0 1 4"),
            ("B 10 - part free", "40000 10000 - 0", "4 0 0 0 4"),
            ("B 15 - part free", "30000 10000 - 0", "3 0 0 0 3"),
            // A limit: the part above it, or the whole line.
            ("A 0 45 part free", "80000000 120000 - 0", "96000 0 42000 0 54000"),
            ("B 20 14000 part free", "16000000000 20000 - 0", "3200000 0 400000 560000 2240000"),
            ("B 20 45 line free", "80000000 10000 - 0", "8000 8000 0 0 0"),
            ("B 20 80 line free", "80000000 10000 - 0", "8000 0 0 1600 6400"),
            // Restricted use is in scope when approved; a refusal always stands.
            ("A 0 - part restricted", "10000000 10000 - 0", "1000 1000 0 0 0"),
            ("A 0 - part restricted", "10000000 10000 - 1", "1000 0 0 0 1000"),
            ("A 0 - part restricted", "10000000 10000 - 2", "1000 1000 0 0 0"),
            ("A 0 - part free", "10000000 10000 - 2", "1000 1000 0 0 0"),
            // Six decimals of price: 3 × 0.333333 = 0.999999.
            ("A 0 - part free", "333333 30000 - 0", "100 0 0 0 100"),
            // The declared total may be one fen off, at the ends of 64 bits too.
            ("A 0 - part free", "10000000 10000 999 0", "1000 0 0 0 1000"),
            ("A 0 - part free", "10000000 10000 1001 0", "1000 0 0 0 1000"),
            ("A 0 - part free", "10000000 10000 1002 0", "E402 lines.declared"),
            ("A 0 - part free", "10000000 10000 -9223372036854775808 0", "E402 lines.declared"),
            ("A 0 - part free", "0 10000 -9223372036854775808 0", "E402 lines.declared"),
            // What is no line.
            ("A 0 - part free", "10000000 0 - 0", "E004 lines.quantity"),
            ("A 0 - part free", "10000000 -9223372036854775808 - 0", "E004 lines.quantity"),
            ("A 0 - part free", "-1 10000 - 0", "E001 lines.price"),
            ("A 0 - part free", "100000000000001 10000 - 0", "E003 lines.price"),
            ("A 0 - part free", "100000000000000 10001 - 0", "E003 lines.price × lines.quantity"),
            ("A 0 - part free", "100000000000000 10000 - 0", "10000000000 0 0 0 10000000000"),
        ] {
            check(item, line, expected);
        }
    }
}
