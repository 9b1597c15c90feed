//! The life of a pair's table (清算环节): made, confirmed by both, noticed, handed to finance, paid, received.
//! Source: 医保发〔2022〕22号, annex, the clearing calendar. Only the parties of the pair act, each step once.

use crate::{
    calendar::Date,
    party::Party,
    refusal::{Code, Refusal},
};

use super::table::Outcome;

/// Where a table stands: each step with its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Life {
    /// 参保省确认.
    pub confirmed_home: Option<Date>,
    /// 就医省确认.
    pub confirmed_care: Option<Date>,
    /// 付款、收款通知书: notices published.
    pub noticed: Option<Date>,
    /// Handed to finance by the payer's agency.
    pub submitted: Option<Date>,
    /// Paid by the payer's finance.
    pub paid: Option<Date>,
    /// Received by the payee, which closes the table.
    pub received: Option<Date>,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A province signs the table (确认).
    Confirm,
    /// A province takes a single item out (争议); what is left is to be confirmed anew.
    Dispute,
    /// The hub publishes the notices.
    Notice,
    /// The payer hands the notice to finance.
    Submit,
    /// The payer's finance pays.
    Pay,
    /// The payee has the money.
    Receive,
}

impl Life {
    /// Both provinces have confirmed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_home.is_some() && self.confirmed_care.is_some()
    }

    /// Nothing is left to do: received, or noticed where nothing is paid.
    #[must_use]
    pub fn is_closed(&self, outcome: Outcome) -> bool {
        let pays = matches!(outcome, Outcome::HomePays(_) | Outcome::CarePays(_));
        if pays { self.received.is_some() } else { self.noticed.is_some() }
    }

    /// The table after a step, or why it cannot be taken. A table that nothing is owed on ends with its notice.
    ///
    /// # Errors
    /// [`Code::ClearingState`] naming the step that stands against it.
    pub fn take(&self, step: Step, party: Party, outcome: Outcome, day: Date) -> Result<Life, Refusal> {
        let payer = match outcome {
            Outcome::HomePays(_) => Some((Party::Home, Party::Care)),
            Outcome::CarePays(_) => Some((Party::Care, Party::Home)),
            Outcome::Credit(_) | Outcome::Nothing => None,
        };
        let mut next = *self;
        let open = |slot: &mut Option<Date>, zh: &str, en: &str| match slot.replace(day) {
            None => Ok(()),
            Some(before) => refused(format!("{before} 已{zh}"), format!("it was {en} on {before}")),
        };
        match (step, party) {
            (Step::Confirm, Party::Home) => open(&mut next.confirmed_home, "由参保省确认", "confirmed by home")?,
            (Step::Confirm, Party::Care) => open(&mut next.confirmed_care, "由就医省确认", "confirmed by care")?,
            (Step::Dispute, Party::Home | Party::Care) if self.is_confirmed() => {
                refused("双方已确认".into(), "both provinces have confirmed it".into())?;
            }
            (Step::Dispute, Party::Home | Party::Care) => {
                next = Life::default();
            }
            (Step::Notice, Party::Hub) if !self.is_confirmed() => {
                refused("尚待双方确认".into(), "it waits for both confirmations".into())?;
            }
            (Step::Notice, Party::Hub) => open(&mut next.noticed, "通知", "noticed")?,
            (Step::Submit | Step::Pay | Step::Receive, _) if payer.is_none() => {
                refused("本期无应付款".into(), "nothing is paid on it".into())?;
            }
            (Step::Submit, party) if payer.is_some_and(|(payer, _)| payer == party) => {
                after(self.noticed, "通知书", "its notice")?;
                open(&mut next.submitted, "提交财政", "handed to finance")?;
            }
            (Step::Pay, party) if payer.is_some_and(|(payer, _)| payer == party) => {
                after(self.submitted, "提交财政", "it is handed to finance")?;
                open(&mut next.paid, "支付", "paid")?;
            }
            (Step::Receive, party) if payer.is_some_and(|(_, payee)| payee == party) => {
                after(self.paid, "支付", "it is paid")?;
                open(&mut next.received, "到账", "received")?;
            }
            (_, party) => {
                let (zh, en) = party.names();
                refused(format!("{zh}不办理此环节"), format!("this step is not taken by {en}"))?;
            }
        }
        Ok(next)
    }
}

fn after(before: Option<Date>, zh: &str, en: &str) -> Result<(), Refusal> {
    if before.is_some() { Ok(()) } else { refused(format!("尚待{zh}"), format!("it comes after {en}")) }
}

fn refused(zh: String, en: String) -> Result<(), Refusal> {
    Err(Refusal::new(Code::ClearingState, "医保发〔2022〕22号, annex: the steps of monthly clearing", "step")
        .with(zh, en))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calendar::parse_date, money::Fen};

    /// Takes steps such as `confirm home`; the last one expects `-` or a part of its refusal.
    fn check(outcome: Outcome, steps: &str, expected: &str) {
        let day = parse_date("2024-07-25").unwrap();
        let mut life = Life::default();
        let mut last = String::from("-");
        for step in steps.split(", ") {
            assert_eq!(last, "-", "only the last step of {steps} may be refused");
            let (name, party) = step.split_once(' ').unwrap();
            let step = match name {
                "confirm" => Step::Confirm,
                "dispute" => Step::Dispute,
                "notice" => Step::Notice,
                "submit" => Step::Submit,
                "pay" => Step::Pay,
                "receive" => Step::Receive,
                other => panic!("{other}"),
            };
            let party = match party {
                "home" => Party::Home,
                "care" => Party::Care,
                _ => Party::Hub,
            };
            match life.take(step, party, outcome, day) {
                Ok(next) => life = next,
                Err(refusal) => last = refusal.en,
            }
        }
        assert!(if expected == "-" { last == "-" } else { last.contains(expected) }, "{steps}: {last}");
    }

    #[test]
    fn every_step_in_its_order_by_its_party() {
        let (pays, back, credit) = (Outcome::HomePays(Fen(1)), Outcome::CarePays(Fen(1)), Outcome::Credit(Fen(-1)));
        let both = "confirm home, confirm care";
        for (outcome, steps, expected) in [
            (pays, both, "-"),
            (pays, "confirm home, confirm home", "confirmed by home on 2024-07-25"),
            (pays, "confirm hub", "not taken by the national agency"),
            (pays, "confirm home, dispute care", "-"),
            (pays, "confirm home, dispute care, confirm home", "-"),
            (pays, "confirm home, confirm care, dispute home", "both provinces have confirmed"),
            (pays, "dispute hub", "not taken by the national agency"),
            (pays, "confirm home, notice hub", "waits for both"),
            (pays, "confirm home, confirm care, notice home", "not taken by the home"),
            (pays, "confirm home, confirm care, submit home", "after its notice"),
            (pays, "confirm home, confirm care, notice hub, pay home", "after it is handed to finance"),
            (pays, "confirm home, confirm care, notice hub, submit care", "not taken by the care"),
            (pays, "confirm home, confirm care, notice hub, submit home, pay home, receive care", "-"),
            (pays, "confirm home, confirm care, notice hub, submit home, receive care", "after it is paid"),
            (pays, "confirm home, confirm care, notice hub, submit home, pay home, pay home", "paid on 2024"),
            (back, "confirm home, confirm care, notice hub, submit care, pay care, receive home", "-"),
            (back, "confirm home, confirm care, notice hub, submit home", "not taken by the home"),
            (credit, "confirm home, confirm care, notice hub, submit home", "nothing is paid"),
            (credit, "confirm home, confirm care, notice hub, notice hub", "noticed on"),
        ] {
            check(outcome, steps, expected);
        }
    }
}
