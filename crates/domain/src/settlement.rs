//! The settlement (结算): amounts by fund and payer, each step explained, and the negative record that cancels it.
//! Source of the identities: the national interface's `setlinfo`; see [`Amounts::check`].

use std::collections::BTreeMap;

use crate::{
    accumulator::Accumulator,
    calendar::{Date, Moment},
    claim::Claim,
    ids::SettlementId,
    money::{Bp, Fen, Overflow},
    policy::TreatmentClass,
    refusal::{Code, Refusal},
    signature::{Proof, Signature},
    split::Parts,
};

/// What each fund pays, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Funds {
    /// 基本医保统筹基金 (`hifp_pay`; 310100 or 390100).
    pub basic: Fen,
    /// 公务员医疗补助 (`cvlserv_pay`; 320100).
    pub civil_servant: Fen,
    /// 企业补充医疗保险 (`hifes_pay`; 370100).
    pub enterprise: Fen,
    /// 居民大病保险 (`hifmi_pay`; 390200).
    pub catastrophic: Fen,
    /// 职工大额补助 (`hifob_pay`; 330100).
    pub large_amount: Fen,
    /// 医疗救助 (`maf_pay`; 610100).
    pub assistance: Fen,
    /// 其他 (`oth_pay`).
    pub other: Fen,
}

impl Funds {
    /// The funds with their Chinese and English names, in the order they pay.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &'static str, Fen); 7] {
        [
            ("统筹基金", "basic pooled fund", self.basic),
            ("大病保险", "catastrophic insurance", self.catastrophic),
            ("大额补助", "large-amount aid", self.large_amount),
            ("公务员补助", "civil-servant supplement", self.civil_servant),
            ("企业补充", "enterprise supplement", self.enterprise),
            ("医疗救助", "medical assistance", self.assistance),
            ("其他", "other", self.other),
        ]
    }

    /// 基金支付总额 (`fund_pay_sumamt`).
    ///
    /// # Errors
    /// [`Overflow`] when the sum does not fit.
    pub fn total(&self) -> Result<Fen, Overflow> {
        Fen::sum(self.named().map(|(_, _, amount)| amount))
    }

    fn each(&self, change: fn(Fen) -> Result<Fen, Overflow>) -> Result<Funds, Overflow> {
        Ok(Funds {
            basic: change(self.basic)?,
            civil_servant: change(self.civil_servant)?,
            enterprise: change(self.enterprise)?,
            catastrophic: change(self.catastrophic)?,
            large_amount: change(self.large_amount)?,
            assistance: change(self.assistance)?,
            other: change(self.other)?,
        })
    }
}

/// The amounts of one settlement, fen. A cancellation holds the same with every sign turned, but for the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// The bill and its parts.
    pub parts: Parts,
    /// 先行扣除: the in-scope share that the PREPAY reduction leaves to the patient.
    pub out_prepay: Fen,
    /// 实际起付线 (`act_pay_dedc`).
    pub deductible: Fen,
    /// The funds.
    pub funds: Funds,
    /// 基金支付总额 (`fund_pay_sumamt`).
    pub fund_total: Fen,
    /// 医院负担 (`hosp_part_amt`).
    pub hospital: Fen,
    /// 个人负担 (`psn_part_amt`).
    pub personal: Fen,
    /// 个人账户支出 (`acct_pay`), the family's share inside it.
    pub account: Fen,
    /// 其中家庭共济 (`acct_mulaid_pay`).
    pub family: Fen,
    /// 个人现金 (`psn_cash_pay`).
    pub cash: Fen,
    /// 个人账户余额 (`balc`) after payment.
    pub balance: Fen,
}

impl Amounts {
    /// Asserts every identity of the settlement, in release builds too:
    /// the parts add up; `fund_total` = the funds; `total = fund + personal + hospital`;
    /// `personal = account + cash`; `family ≤ account`; all of one sign.
    ///
    /// # Errors
    /// [`Code::SplitBroken`] naming the identity and the amounts.
    pub fn check(&self) -> Result<(), Refusal> {
        let negative = self.parts.total.is_negative();
        let oriented = if negative { self.negated()? } else { *self };
        oriented.parts.check("amounts.parts")?;
        let identities = [
            ("fund_total = sum of funds", oriented.fund_total, oriented.funds.total()?),
            (
                "total = fund + personal + hospital",
                oriented.parts.total,
                Fen::sum([oriented.fund_total, oriented.personal, oriented.hospital])?,
            ),
            ("personal = account + cash", oriented.personal, oriented.account.plus(oriented.cash)?),
        ];
        for (identity, left, right) in identities {
            if left != right {
                return Err(broken(identity, format!("{left} ≠ {right}")));
            }
        }
        let signed = [
            oriented.out_prepay,
            oriented.deductible,
            oriented.hospital,
            oriented.personal,
            oriented.family,
            oriented.account.minus(oriented.family)?,
            oriented.cash,
        ];
        let funds = oriented.funds.named().map(|(_, _, amount)| amount);
        if signed.into_iter().chain(funds).any(Fen::is_negative) {
            return Err(broken("every amount has the sign of the bill", format!("{}", oriented.parts.total)));
        }
        Ok(())
    }

    /// The amounts of the negative record; the balance is set by who books it.
    ///
    /// # Errors
    /// [`Overflow`] when an amount has no negative.
    pub fn negated(&self) -> Result<Amounts, Overflow> {
        Ok(Amounts {
            parts: self.parts.negated()?,
            out_prepay: self.out_prepay.negated()?,
            deductible: self.deductible.negated()?,
            funds: self.funds.each(Fen::negated)?,
            fund_total: self.fund_total.negated()?,
            hospital: self.hospital.negated()?,
            personal: self.personal.negated()?,
            account: self.account.negated()?,
            family: self.family.negated()?,
            cash: self.cash.negated()?,
            balance: self.balance,
        })
    }
}

fn broken(identity: &str, shown: String) -> Refusal {
    Refusal::new(Code::SplitBroken, &format!("identity: {identity}"), "amounts").with(&shown, &shown)
}

/// One line of the explanation: a rule turned one amount into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule's id, such as `deductible.per-level`; stable, one per file in `benefit/steps`.
    pub rule: String,
    /// The place in the parameters with its source mark, such as `341200/resident: found: …`.
    pub source: String,
    /// What was done, in Chinese.
    pub zh: String,
    /// What was done, in English.
    pub en: String,
    /// The amount the rule was given, fen.
    pub before: Fen,
    /// The amount it left, fen.
    pub after: Fen,
}

/// What the home policy makes of a claim: nothing is booked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computation {
    /// The class of treatment.
    pub class: TreatmentClass,
    /// The amounts.
    pub amounts: Amounts,
    /// The ratio of the basic fund (`pool_prop_selfpay`): that of the first segment that paid.
    pub ratio: Bp,
    /// Each step in order.
    pub steps: Vec<Step>,
    /// What the accumulators gain, by year.
    pub differences: BTreeMap<i16, Accumulator>,
}

/// What kind of record a book entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 结算: a settlement.
    Settled,
    /// 撤销: the negative record of a cancellation.
    Cancelled,
    /// 冲正: the negative record of a technical reversal.
    Reversed,
}

/// A record in the three books: a settlement, or the negative record that undoes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its id (`setl_id`), issued by the home region.
    pub id: SettlementId,
    /// What it is.
    pub kind: Kind,
    /// For a negative record: the settlement it undoes.
    pub undoes: Option<SettlementId>,
    /// The claim it answers.
    pub claim: Claim,
    /// What the home policy made of it; its amounts are negative in a negative record, its differences are those
    /// of the settlement, which a negative record gives back.
    pub computation: Computation,
    /// When the home region booked it (`setl_time`); its day is the accounting day.
    pub at: Moment,
    /// What care and home signed of it.
    pub proof: Proof,
}

impl Settlement {
    /// The settlement that a computation becomes when it is booked.
    #[must_use]
    pub fn booked(id: SettlementId, claim: Claim, computation: Computation, at: Moment) -> Settlement {
        Settlement { id, kind: Kind::Settled, undoes: None, claim, computation, at, proof: Proof::default() }
    }

    /// The negative record that undoes this settlement.
    ///
    /// # Errors
    /// [`Code::AlreadyCancelled`] for a record that is negative itself, [`Code::AmountOverflow`].
    pub fn undone(&self, id: SettlementId, kind: Kind, balance: Fen, at: Moment) -> Result<Settlement, Refusal> {
        if self.kind != Kind::Settled || kind == Kind::Settled {
            return Err(Refusal::new(Code::AlreadyCancelled, "only a settlement can be undone", "settlement_id"));
        }
        let amounts = Amounts { balance, ..self.computation.amounts.negated()? };
        let computation = Computation { amounts, ..self.computation.clone() };
        let proof = Proof { message: self.proof.message.clone(), ..Proof::default() };
        Ok(Settlement { id, kind, undoes: Some(self.id.clone()), claim: self.claim.clone(), computation, at, proof })
    }

    /// True for the settlement of a claim that was sent with this signature.
    #[must_use]
    pub fn answers(&self, claim: &Claim, signature: Option<Signature>) -> bool {
        self.kind == Kind::Settled && self.claim == *claim && self.proof.care == signature
    }

    /// The accounting day (业务日).
    #[must_use]
    pub fn day(&self) -> Date {
        self.at.day()
    }
}

/// Refuses to undo a settlement that is not the person's last: later ones were computed upon it.
///
/// # Errors
/// [`Code::CancelRefused`] naming the settlement that must go first.
pub fn undo_in_order(settlement: &SettlementId, last: Option<&SettlementId>) -> Result<(), Refusal> {
    match last {
        Some(last) if last != settlement => Err(Refusal::new(Code::CancelRefused, "last in, first out", "settlement")
            .with(format!("须先撤销 {last}"), format!("{last} must go first"))),
        _ => Ok(()),
    }
}
