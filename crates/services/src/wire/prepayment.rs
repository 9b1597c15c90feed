//! The prepayment of a pair.

use zhijie_domain::{
    calendar::Date,
    clearing::schedule::Payment,
    money::Fen,
    prepayment::{Prepaid, Step, Transfer, Warning},
    refusal::Refusal,
};

use super::{date, month, pb, text};

/// Reads where a prepayment stands.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse(quota: &pb::Quota) -> Result<Prepaid, Refusal> {
    let transfer = || {
        let day = |text: &str, field: &str| date(text, field);
        let days = Payment {
            submitted_by: day(&quota.submit_by, "quota.submit_by")?,
            paid_by: day(&quota.pay_by, "quota.pay_by")?,
        };
        Ok::<_, Refusal>(Transfer { amount: Fen(quota.under_way), days })
    };
    Ok(Prepaid {
        quota: Fen(quota.quota),
        balance: Fen(quota.balance),
        reset_in: i16::try_from(quota.reset_in).ok().filter(|year| *year != 0),
        judged: if quota.judged.is_empty() { None } else { Some(month(&quota.judged, "quota.judged")?) },
        step: match quota.step() {
            pb::QuotaStep::Unspecified => Step::Unopened,
            pb::QuotaStep::Settled => Step::Settled,
            pb::QuotaStep::Warned => Step::Warned { ask_by: date(&quota.ask_by, "quota.ask_by")? },
            pb::QuotaStep::Asked => Step::Asked(Fen(quota.asked)),
            pb::QuotaStep::Due => Step::Due(transfer()?),
            pb::QuotaStep::Paid => Step::Paid(transfer()?),
        },
    })
}

/// Writes where a prepayment stands into its document.
pub fn print(prepaid: &Prepaid, quota: &mut pb::Quota) {
    quota.quota = prepaid.quota.0;
    quota.balance = prepaid.balance.0;
    quota.reset_in = prepaid.reset_in.unwrap_or_default().into();
    quota.judged = text(prepaid.judged.as_ref());
    let (mut ask_by, mut asked, mut transfer) = (None::<Date>, Fen::ZERO, None);
    let step = match prepaid.step {
        Step::Unopened => pb::QuotaStep::Unspecified,
        Step::Settled => pb::QuotaStep::Settled,
        Step::Warned { ask_by: day } => {
            ask_by = Some(day);
            pb::QuotaStep::Warned
        }
        Step::Asked(amount) => {
            asked = amount;
            pb::QuotaStep::Asked
        }
        Step::Due(due) => {
            transfer = Some(due);
            pb::QuotaStep::Due
        }
        Step::Paid(paid) => {
            transfer = Some(paid);
            pb::QuotaStep::Paid
        }
    };
    quota.set_step(step);
    quota.ask_by = text(ask_by.as_ref());
    quota.asked = asked.0;
    quota.under_way = transfer.map_or(0, |transfer| transfer.amount.0);
    quota.submit_by = text(transfer.map(|transfer| transfer.days.submitted_by).as_ref());
    quota.pay_by = text(transfer.map(|transfer| transfer.days.paid_by).as_ref());
}

/// A warning on the wire.
#[must_use]
pub fn print_warning(warning: Option<Warning>) -> pb::Warning {
    match warning {
        None => pb::Warning::Unspecified,
        Some(Warning::Yellow) => pb::Warning::Yellow,
        Some(Warning::Red) => pb::Warning::Red,
    }
}
