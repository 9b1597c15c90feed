//! The split (费用分割) of a fee line by the care catalogue: own pay, over limit, pre-self-pay, in scope.
//! Source: the national interface's line result; the identity `total = own + over + pre + in scope` holds per line and bill.

use crate::{
    catalogue::{Catalogue, Class, Excess, FeeCategory, Item},
    ids::ItemCode,
    limits,
    money::{Bp, Fen, Overflow, TenThousandths},
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
    /// Unit price (`pric`), ten-thousandths of a yuan.
    pub price: TenThousandths,
    /// Quantity (`cnt`), ten-thousandths of a unit.
    pub quantity: TenThousandths,
    /// The line total the hospital declares (`det_item_fee_sumamt`); checked to a tolerance of one fen.
    pub declared: Option<Fen>,
    /// Approval of restricted use (`hosp_appr_flag`).
    pub approval: Approval,
}

/// The four parts of an amount and their total; `total = own + over + pre + in_scope` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// 费用总额 (`medfee_sumamt`, of a line `det_item_fee_sumamt`).
    pub total: Fen,
    /// 全自费 (`fulamt_ownpay_amt`).
    pub own: Fen,
    /// 超限价 (`overlmt_selfpay`, of a line `overlmt_amt`).
    pub over: Fen,
    /// 先行自付 (`preselfpay_amt`).
    pub pre: Fen,
    /// 符合政策范围 (`inscp_scp_amt`).
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
    /// The price limit (`pric_uplmt_amt`), where there is one.
    pub limit: Option<TenThousandths>,
    /// The four parts.
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
            return Err(Refusal::new(Code::SplitBroken, "identity: total = own + over + pre + in scope", field)
                .with(&shown, &shown));
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
    let item = catalogue
        .item(&line.item)
        .ok_or_else(|| Refusal::new(Code::ItemUnknown, "care catalogue", "lines.item").with(&line.item, &line.item))?;
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
        return Err(Refusal::malformed("lines.price", "not negative"));
    }
    if line.quantity.0 > limits::QUANTITY_MAX || line.price.0 > limits::PRICE_MAX {
        return Err(named(Refusal::overflow("lines.price × lines.quantity")));
    }
    let total = line.price.times(line.quantity)?;
    if total.0 > limits::BILL_FEN_MAX {
        return Err(named(Refusal::overflow("lines.price × lines.quantity")));
    }
    match line.declared {
        Some(declared) if declared.minus(total)?.0.abs() > 1 => {
            let shown = format!("{}: {declared} ≠ {} × {} = {total}", line.serial, line.price, line.quantity);
            Err(Refusal::new(Code::SplitBroken, "line total = price × quantity, half up, ±0.01", "lines.declared")
                .with(&shown, &shown))
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
        Some(limit) if line.price > limit => TenThousandths(line.price.0 - limit.0).times(line.quantity)?.min(total),
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
