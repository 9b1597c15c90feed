//! Prepayment (预付金): what a home province lends a care province, so that hospitals are paid before clearing.
//! Source: 医保发〔2022〕22号, annex, remembered: the yearly quota, the use rate, its two warnings, and the emergency
//! increase (紧急调增). The numbers are in `parameters/national/rules.toml`.

use std::collections::BTreeMap;

use crate::{
    calendar::{Date, Month},
    clearing::schedule::{Payment, payment},
    ids::RegionCode,
    money::{Bp, Fen, Overflow},
    parameters::{Prepayment, Rules},
    refusal::{Code, Refusal},
    workdays::Workdays,
};

const RULE: &str = "医保发〔2022〕22号, annex: prepayment";

/// The quota (额度) by last year's October, November and December: their mean times the months, half up to the fen.
/// It is multiplied before it is divided, so that nothing is rounded twice.
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn quota(q4: [Fen; 3], months: u8) -> Result<Fen, Overflow> {
    Fen::sum(q4)?.scaled_half_up(i64::from(months), 3)
}

/// The quota of a year, for any pair: by the fourth quarter, however small; where nothing was cleared in it, or less
/// than nothing, by the forecast of a month, and not below the floor.
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn yearly_quota(q4: [Fen; 3], forecast: Fen, rules: &Prepayment) -> Result<Fen, Overflow> {
    if Fen::sum(q4)? > Fen::ZERO {
        return quota(q4, rules.quota_months);
    }
    let forecast = forecast.scaled_half_up(i64::from(rules.months_without_history), 1)?;
    Ok(forecast.max(rules.floor))
}

/// The use rate (使用率): a month's clearing over the quota, half up to the basis point, for show only. None without a
/// quota; nothing where the month is negative; the largest ratio where it is larger.
#[must_use]
pub fn use_rate(payable: Fen, quota: Fen) -> Option<Bp> {
    let (part, whole) = (i128::from(payable.max(Fen::ZERO).0), i128::from(quota.0));
    let rate = (whole > 0).then(|| (part * i128::from(Bp::WHOLE.0) + whole / 2) / whole)?;
    Some(Bp(u32::try_from(rate).unwrap_or(u32::MAX)))
}

/// A warning (预警) of the use rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Warning {
    /// 黄色.
    Yellow,
    /// 红色: care may ask for an emergency increase.
    Red,
}

/// The warning of a month, judged by the exact amounts and not by the rounded rate. Anything to pay without a quota is
/// red; nothing to pay never is.
#[must_use]
pub fn warning(payable: Fen, quota: Fen, rules: &Prepayment) -> Option<Warning> {
    let reaches =
        |level: Bp| i128::from(payable.0) * i128::from(Bp::WHOLE.0) >= i128::from(quota.0) * i128::from(level.0);
    if payable <= Fen::ZERO {
        None
    } else if reaches(rules.red) {
        Some(Warning::Red)
    } else {
        reaches(rules.yellow).then_some(Warning::Yellow)
    }
}

/// What [`warning`] judges, of a pair or in total, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// The month's clearing.
    pub payable: Fen,
    /// The quota.
    pub quota: Fen,
}

impl Use {
    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn plus(self, other: Use) -> Result<Use, Overflow> {
        Ok(Use { payable: self.payable.plus(other.payable)?, quota: self.quota.plus(other.quota)? })
    }
}

/// The use of each care province in total, from that of its pairs (home, care). No rule says which of the two is
/// judged: the pair's warning opens the emergency increase, the total is for show.
///
/// # Errors
/// [`Overflow`] when a sum does not fit.
pub fn by_care(pairs: &BTreeMap<(RegionCode, RegionCode), Use>) -> Result<BTreeMap<RegionCode, Use>, Overflow> {
    let mut totals = BTreeMap::<RegionCode, Use>::new();
    for ((_, care), used) in pairs {
        let total = totals.entry(care.clone()).or_default();
        *total = total.plus(*used)?;
    }
    Ok(totals)
}

/// Money under way between the two provinces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// From home to care, fen; negative where care returns it.
    pub amount: Fen,
    /// Until when.
    pub days: Payment,
}

/// Where the prepayment of a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// Not taken over yet.
    #[default]
    Unopened,
    /// Nothing is under way.
    Settled,
    /// A red month: care may ask for an emergency increase until the day.
    Warned {
        /// Last day.
        ask_by: Date,
    },
    /// Care has asked for so much more, fen; the hub decides.
    Asked(Fen),
    /// The hub's notice is out; the one who owes has not paid.
    Due(Transfer),
    /// Paid, and not received yet.
    Paid(Transfer),
}

impl Step {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Step::Unopened => ("未建立", "not opened"),
            Step::Settled => ("无在途事项", "nothing is under way"),
            Step::Warned { .. } => ("红色预警", "red warning"),
            Step::Asked(_) => ("紧急调增待审核", "an emergency increase waits for review"),
            Step::Due(_) => ("待拨付", "waiting for payment"),
            Step::Paid(_) => ("在途", "paid and not received"),
        }
    }
}

/// The prepayment of an ordered pair, home → care, under which it is kept. What is under way is always
/// `quota - balance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prepaid {
    /// The quota in force, fen: with what was decided and is not received.
    pub quota: Fen,
    /// What care holds of home's money, fen.
    pub balance: Fen,
    /// The year of the last yearly quota.
    pub reset_in: Option<i16>,
    /// The last month judged.
    pub judged: Option<Month>,
    /// Where it stands.
    pub step: Step,
}

/// What one party wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Hub: takes over what care holds already; it counts as the quota until the first re-set.
    Open {
        /// Fen; zero for a pair that begins.
        balance: Fen,
    },
    /// Hub: the quota of the year of the day (年度核定), made in January, and once for a pair that begins later.
    Reset {
        /// Fen, as [`yearly_quota`] makes it.
        quota: Fen,
    },
    /// Hub: judges the use of a confirmed month, each once and in their order.
    Judge {
        /// The service month.
        period: Month,
        /// Its clearing, fen.
        payable: Fen,
        /// The day the tables were confirmed.
        confirmed_on: Date,
    },
    /// Care: asks for an emergency increase (紧急调增).
    Ask {
        /// How much more, fen.
        amount: Fen,
    },
    /// Hub: grants it.
    Approve {
        /// Fen, at most what was asked.
        amount: Fen,
    },
    /// Hub: refuses it.
    Deny,
    /// The one who owes: home, or care where it returns.
    Pay,
    /// The one who is owed.
    Receive,
}

/// What happened, with all that [`apply`] needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Taken over.
    Opened {
        /// What care holds, fen.
        balance: Fen,
    },
    /// The year's quota.
    Reset {
        /// The year.
        year: i16,
        /// The quota, fen.
        quota: Fen,
        /// The difference from the one before; none where there is none.
        transfer: Option<Transfer>,
    },
    /// A month's use.
    Judged {
        /// The month.
        period: Month,
        /// What was judged.
        used: Use,
        /// The warning.
        warning: Option<Warning>,
        /// After red: the last day to ask for an increase; none while another change is under way.
        ask_by: Option<Date>,
    },
    /// An increase was asked for.
    Asked {
        /// Fen.
        amount: Fen,
    },
    /// It was granted.
    Approved {
        /// The quota with it, fen.
        quota: Fen,
        /// What home pays.
        transfer: Transfer,
    },
    /// It was refused.
    Denied,
    /// Paid.
    Paid {
        /// What.
        transfer: Transfer,
        /// When.
        on: Date,
        /// True when not after [`Payment::paid_by`].
        in_time: bool,
    },
    /// Received.
    Received {
        /// Fen; negative where home received.
        amount: Fen,
        /// What care holds now, fen.
        balance: Fen,
        /// When.
        on: Date,
    },
}

/// Decides a command on a day.
///
/// # Errors
/// [`Code::ClearingState`] when the step, the year, the month or the day does not allow it, [`Code::FieldInvalid`] for
/// an amount out of its bounds, [`Code::AmountOverflow`].
pub fn decide(
    state: &Prepaid,
    command: Command,
    rules: &Rules,
    workdays: &Workdays,
    at: Date,
) -> Result<Fact, Refusal> {
    let transfer = |amount| Transfer { amount, days: payment(at, &rules.calendar, workdays) };
    match (command, state.step) {
        (Command::Open { balance }, Step::Unopened) => {
            demand(!balance.is_negative(), "balance", "不得为负数", "zero or more")?;
            Ok(Fact::Opened { balance })
        }
        (Command::Reset { quota }, Step::Settled | Step::Warned { .. }) => {
            demand(!quota.is_negative(), "quota", "不得为负数", "zero or more")?;
            let year = at.year();
            if state.reset_in >= Some(year) {
                return Err(not_now(format!("{year} 年度额度已核定"), format!("the quota of {year} stands already")));
            }
            let difference = quota.minus(state.quota)?;
            Ok(Fact::Reset { year, quota, transfer: (difference != Fen::ZERO).then(|| transfer(difference)) })
        }
        (Command::Judge { period, payable, confirmed_on }, step) if step != Step::Unopened => {
            if state.judged >= Some(period) {
                return Err(not_now(format!("{period} 已预警评估"), format!("{period} or a later month was judged")));
            }
            let warning = warning(payable, state.quota, &rules.prepayment);
            let free = matches!(step, Step::Settled | Step::Warned { .. });
            let ask_by = (free && warning == Some(Warning::Red))
                .then(|| workdays.after(confirmed_on, rules.prepayment.ask_working_days));
            Ok(Fact::Judged { period, used: Use { payable, quota: state.quota }, warning, ask_by })
        }
        (Command::Ask { amount }, Step::Warned { ask_by }) => {
            demand(amount > Fen::ZERO, "amount", "必须为正数", "more than nothing")?;
            if at > ask_by {
                return Err(not_now(format!("申请截止日 {ask_by}"), format!("it could be asked for until {ask_by}")));
            }
            Ok(Fact::Asked { amount })
        }
        (Command::Approve { amount }, Step::Asked(asked)) => {
            demand(amount > Fen::ZERO, "amount", "必须为正数", "more than nothing")?;
            demand(amount <= asked, "amount", "不得超过申请额", "at most what was asked")?;
            Ok(Fact::Approved { quota: state.quota.plus(amount)?, transfer: transfer(amount) })
        }
        (Command::Deny, Step::Asked(_)) => Ok(Fact::Denied),
        (Command::Pay, Step::Due(transfer)) => {
            Ok(Fact::Paid { transfer, on: at, in_time: at <= transfer.days.paid_by })
        }
        (Command::Receive, Step::Paid(Transfer { amount, .. })) => {
            Ok(Fact::Received { amount, balance: state.balance.plus(amount)?, on: at })
        }
        (_, step) => {
            let (zh, en) = step.names();
            Err(not_now(format!("当前{zh}"), en.into()))
        }
    }
}

/// The state after a fact. It never fails: what could not be computed was not decided.
#[must_use]
pub fn apply(state: Prepaid, fact: &Fact) -> Prepaid {
    match *fact {
        Fact::Opened { balance } => Prepaid { quota: balance, balance, step: Step::Settled, ..state },
        Fact::Reset { year, quota, transfer } => {
            // A warning speaks of the old quota, and ends with it.
            Prepaid { quota, reset_in: Some(year), step: transfer.map_or(Step::Settled, Step::Due), ..state }
        }
        Fact::Judged { period, ask_by, .. } => {
            let step = match (ask_by, state.step) {
                (Some(ask_by), _) => Step::Warned { ask_by },
                (None, Step::Warned { .. }) => Step::Settled,
                (None, step) => step,
            };
            Prepaid { judged: Some(period), step, ..state }
        }
        Fact::Asked { amount } => Prepaid { step: Step::Asked(amount), ..state },
        Fact::Approved { quota, transfer } => Prepaid { quota, step: Step::Due(transfer), ..state },
        Fact::Denied => Prepaid { step: Step::Settled, ..state },
        Fact::Paid { transfer, .. } => Prepaid { step: Step::Paid(transfer), ..state },
        Fact::Received { balance, .. } => Prepaid { balance, step: Step::Settled, ..state },
    }
}

fn demand(holds: bool, field: &str, zh: &str, en: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::malformed(field, zh, en)) }
}

fn not_now(zh: String, en: String) -> Refusal {
    Refusal::new(Code::ClearingState, RULE, "step").with(zh, en)
}
