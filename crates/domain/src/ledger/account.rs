//! The chart of accounts (会计科目): the fewest with which every event of clearing balances in both provinces' books.
//! Source: no chart was found; names by design, logic after 医保发〔2022〕22号. Benefit is expensed by fund and scheme.

use crate::{ids::RegionCode, person::Scheme};

/// A fund that pays a benefit (基金类别).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fund {
    /// 基本医保统筹基金.
    Basic,
    /// 公务员医疗补助.
    CivilServant,
    /// 企业补充医疗保险.
    Enterprise,
    /// 居民大病保险.
    Catastrophic,
    /// 职工大额补助.
    LargeAmount,
    /// 医疗救助.
    Assistance,
    /// 其他.
    Other,
}

impl Fund {
    /// Its stable name.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Fund::Basic => "basic",
            Fund::CivilServant => "civil-servant",
            Fund::Enterprise => "enterprise",
            Fund::Catastrophic => "catastrophic",
            Fund::LargeAmount => "large-amount",
            Fund::Assistance => "assistance",
            Fund::Other => "other",
        }
    }
}

/// One province's account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose books it stands in.
    pub owner: RegionCode,
    /// Which it is.
    pub kind: AccountKind,
}

/// The accounts of a province. The last three are memo accounts (备查账): they hold what the other side of a pair has
/// booked and this side has not, so that the two can be compared on any day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// 财政专户: the money. What came in before the first event is not in it.
    Fiscal,
    /// 预付金 given to a care province.
    PrepaidTo(RegionCode),
    /// 预付金 held of a home province.
    PrepaymentFrom(RegionCode),
    /// 应付: owed to a care province for patients who have settled.
    PayableTo(RegionCode),
    /// 应收: hospitals were paid for a home province's patients.
    ReceivableFrom(RegionCode),
    /// 待遇支出 of a fund.
    BenefitExpense(Fund, Scheme),
    /// 个人账户支出: not a benefit, and cleared with it.
    AccountExpense(Scheme),
    /// 应向医疗机构追回: deducted after the hospital was paid, and not returned yet.
    RecoverableFromHospitals,
    /// 备查, at care: 已结算未核定, settled by patients of a home province, not yet agreed and paid to the hospital.
    UnagreedOf(RegionCode),
    /// 备查, at home: 清算在途, clearing money between this home province and a care province that one has paid and the
    /// other has not received, whichever way it goes.
    UnderWay(RegionCode),
    /// 备查对方科目: the other side of every memo entry.
    MemoContra,
}

/// 借 or 贷.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// 借.
    Debit,
    /// 贷.
    Credit,
}

impl AccountKind {
    /// The side on which the account grows, and so the side on which its balance is positive.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            AccountKind::PrepaymentFrom(_) | AccountKind::PayableTo(_) | AccountKind::MemoContra => Side::Credit,
            _ => Side::Debit,
        }
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            AccountKind::Fiscal => "fiscal",
            AccountKind::PrepaidTo(_) => "prepaid-to",
            AccountKind::PrepaymentFrom(_) => "prepayment-from",
            AccountKind::PayableTo(_) => "payable-to",
            AccountKind::ReceivableFrom(_) => "receivable-from",
            AccountKind::BenefitExpense(..) => "benefit-expense",
            AccountKind::AccountExpense(_) => "account-expense",
            AccountKind::RecoverableFromHospitals => "recoverable-from-hospitals",
            AccountKind::UnagreedOf(_) => "unagreed-of",
            AccountKind::UnderWay(_) => "under-way",
            AccountKind::MemoContra => "memo-contra",
        }
    }

    /// The other province, where the account has one.
    #[must_use]
    pub fn other(&self) -> Option<&RegionCode> {
        match self {
            AccountKind::PrepaidTo(other)
            | AccountKind::PrepaymentFrom(other)
            | AccountKind::PayableTo(other)
            | AccountKind::ReceivableFrom(other)
            | AccountKind::UnagreedOf(other)
            | AccountKind::UnderWay(other) => Some(other),
            _ => None,
        }
    }

    /// The names in Chinese and English, without the other province.
    #[must_use]
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            AccountKind::Fiscal => ("财政专户", "fiscal account"),
            AccountKind::PrepaidTo(_) => ("预付金", "prepaid to"),
            AccountKind::PrepaymentFrom(_) => ("预收预付金", "prepayment received from"),
            AccountKind::PayableTo(_) => ("应付异地医疗费", "payable to"),
            AccountKind::ReceivableFrom(_) => ("应收异地医疗费", "receivable from"),
            AccountKind::BenefitExpense(..) => ("待遇支出", "benefit expense"),
            AccountKind::AccountExpense(_) => ("个人账户支出", "personal-account expense"),
            AccountKind::RecoverableFromHospitals => ("应向医疗机构追回", "recoverable from hospitals"),
            AccountKind::UnagreedOf(_) => ("备查：已结算未核定", "memo: settled and not agreed, of"),
            AccountKind::UnderWay(_) => ("备查：清算在途", "memo: clearing under way with"),
            AccountKind::MemoContra => ("备查对方科目", "memo: contra"),
        }
    }
}
