//! Refusals (拒付原因): a "no" is a value with a stable code, the rule, the field, and a sentence in both languages.
//!
//! The variants of [`Code`] stand in order of precedence: where a request breaks several rules at one hop, the answer
//! names the first of them. The codes are a choice of this simulator; no national list of business errors is public.

use std::fmt;

use crate::{ids::Malformed, money::Overflow};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $zh:literal, $en:literal;)*) => {
        /// Why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code in order of precedence.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The stable code, such as `E201`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The cause in Chinese.
            #[must_use]
            pub fn zh(self) -> &'static str {
                match self { $(Code::$variant => $zh,)* }
            }

            /// The cause in English.
            #[must_use]
            pub fn en(self) -> &'static str {
                match self { $(Code::$variant => $en,)* }
            }
        }
    };
}

codes! {
    /// The caller may not speak for the region, the role or the institution it names.
    NotYourRegion = "E010", "无权代表该统筹区或机构", "the caller may not speak for this region or institution";
    /// A field is missing or not of its form.
    FieldInvalid = "E001", "字段缺失或格式错误", "a field is missing or malformed";
    /// No region of that code takes part, or it is not served here.
    RegionUnknown = "E011", "医保区划不存在或不由本服务承办", "no such region takes part here";
    /// More than the stated limit.
    LimitExceeded = "E002", "超过规定上限", "more than the stated limit";
    /// A quantity that is not positive.
    QuantityInvalid = "E004", "数量必须为正数", "a quantity must be positive";
    /// An amount that leaves the range of money.
    AmountOverflow = "E003", "金额溢出", "an amount leaves the range of money";
    /// A fee line repeats a known serial with other content.
    LineConflict = "E403", "费用明细流水号重复且内容不一致", "a known line serial came with other content";
    /// The item is not in the care catalogue.
    ItemUnknown = "E401", "项目未对照医保目录", "the item is not in the care catalogue";
    /// The parts of a bill do not add up.
    SplitBroken = "E402", "费用分割不平", "the parts of the bill do not add up";
    /// A third party is liable for the injury.
    ThirdPartyLiable = "E204", "涉及第三方责任，不予直接结算", "a third party is liable; no direct settlement";
    /// The same message id came before with other content.
    MessageReused = "E602", "报文ID重复且内容不一致", "this message id was used with other content";
    /// The message was reversed before it arrived.
    AlreadyReversed = "E604", "该报文已被冲正", "this message has been reversed";
    /// The institution is not opened for the service.
    InstitutionNotOpened = "E301", "医药机构未开通该类跨省结算", "the institution is not opened for this service";
    /// The disease is not on the national list of the date.
    DiseaseNotListed = "E303", "病种不在跨省结算目录内", "the disease is not on the national list of the date";
    /// An item that is not related to the disease of the settlement.
    ItemUnrelated = "E304", "项目与病种无关，应按普通门诊结算", "an item is not related to the disease; bill it as ordinary outpatient";
    /// No such person at the home region.
    PersonUnknown = "E101", "参保人不存在", "no such insured person";
    /// Not insured, paused, or in a waiting period on the service date.
    InsuranceInactive = "E102", "参保状态异常或处于等待期", "the insurance is not in force on the date";
    /// No such visit.
    VisitUnknown = "E504", "就诊登记不存在", "no such visit";
    /// The visit is not in a state that allows this.
    VisitState = "E505", "就诊状态不允许该操作", "the state of the visit does not allow this";
    /// A stay of the person is still open elsewhere.
    OpenStay = "E502", "存在未结束的住院登记", "another stay of this person is open";
    /// The person has no qualification for the disease.
    DiseaseNotQualified = "E302", "无该门诊慢特病资格", "the person is not qualified for this disease";
    /// No filing covers the place and the date.
    FilingMissing = "E201", "无有效异地就医备案", "no valid filing covers this place and date";
    /// The filing does not allow this service.
    FilingNotAllowed = "E202", "备案类型不支持该业务", "the filing does not allow this service";
    /// No such filing, or its state does not allow the change.
    FilingState = "E205", "备案不存在或状态不允许", "no such filing, or its state does not allow this";
    /// Two settlements of one person met too often; send again.
    PersonBusy = "E503", "该参保人正在结算，请稍后重试", "this person is being settled; send again";
    /// The service takes no more work just now; send again.
    Busy = "E605", "系统繁忙，请稍后重试", "the service is busy; send again";
    /// No such settlement or message.
    SettlementUnknown = "E703", "结算记录不存在", "no such settlement";
    /// The settlement stands in a clearing table.
    AlreadyCleared = "E705", "已进入清算，由后续期更正", "the settlement is in a clearing table; a later period corrects it";
    /// The settlement was cancelled before.
    AlreadyCancelled = "E704", "结算已撤销", "the settlement is cancelled already";
    /// A later settlement of the person must be cancelled first.
    CancelRefused = "E701", "须先撤销其后的结算", "a later settlement must be cancelled first";
    /// A step of clearing, prepayment or a ticket that is not due now.
    ClearingState = "E801", "办理环节不符", "this is not due at this step";
    /// The review is at another step, or the step is another's.
    AuditState = "E802", "审核环节不符", "the review is not at this step";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Code {
    /// The code of that text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// True where the same message may be sent again and then succeed: nothing was decided.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Code::PersonBusy | Code::Busy)
    }
}

/// A refused request: it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The cause.
    pub code: Code,
    /// The rule that was broken, and where it is written, such as `医保发〔2022〕22号, art. 16` or a parameter's id.
    pub rule: String,
    /// The field that broke it, by its name in the documents.
    pub field: String,
    /// What exactly, in Chinese.
    pub zh: String,
    /// What exactly, in English.
    pub en: String,
}

impl Refusal {
    /// A refusal with the general sentences of its code.
    #[must_use]
    pub fn new(code: Code, rule: &str, field: &str) -> Refusal {
        Refusal { code, rule: rule.into(), field: field.into(), zh: code.zh().into(), en: code.en().into() }
    }

    /// The same with the particulars added behind the general sentences.
    #[must_use]
    pub fn with(mut self, zh: impl fmt::Display, en: impl fmt::Display) -> Refusal {
        self.zh = format!("{}：{zh}", self.code.zh());
        self.en = format!("{}: {en}", self.code.en());
        self
    }

    /// The refusal of an amount out of range in a field.
    #[must_use]
    pub fn overflow(field: &str) -> Refusal {
        Refusal::new(Code::AmountOverflow, "money: 64-bit fen", field)
    }

    /// The refusal of a field that does not have its form.
    #[must_use]
    pub fn malformed(field: &str, zh: impl fmt::Display, en: impl fmt::Display) -> Refusal {
        Refusal::new(Code::FieldInvalid, "form of the field", field).with(zh, format!("it must be {en}"))
    }
}

impl From<Overflow> for Refusal {
    fn from(_: Overflow) -> Refusal {
        Refusal::overflow("amount")
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        Refusal::malformed(malformed.what, malformed.zh, malformed.form)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} [{}; field {}]", self.code, self.en, self.rule, self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
    }
}
