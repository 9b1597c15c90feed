//! What happens between two provinces, and the double entries (复式记账) each of them makes of it.
//! Source: 医保发〔2022〕22号 for the events; their entries by design. A negative amount is a red-letter entry (红字冲销):
//! it stands on the same side with its sign turned, so that cancelled turnover does not look like turnover.

use super::account::{Account, AccountKind, Fund, Side};
use crate::{
    calendar::Date,
    ids::RegionCode,
    money::Fen,
    person::Scheme,
    settlement::{Funds, Settlement},
};

/// Something that changes the books of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The accounting day (业务日).
    pub day: Date,
    /// The home province.
    pub home: RegionCode,
    /// The care province.
    pub care: RegionCode,
    /// What it is known by: a settlement id, the number of a notice.
    pub reference: String,
    /// What happened.
    pub act: Act,
}

/// What happened. Every amount may be negative, which undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// 结算: a patient settled; negative for a cancellation (撤销) or a reversal (冲正).
    Settled(Cost),
    /// Care agreed bills with the hospital and paid it, fen.
    HospitalPaid(Fen),
    /// 审核扣款: part of a cost is not borne by the home province.
    Deducted(Cost, Bill),
    /// The hospital returned what was deducted after it had been paid, fen.
    HospitalReturned(Fen),
    /// Clearing money left the province that owes, fen: home where the amount is positive, care where it is negative.
    ClearingPaid(Fen),
    /// The same money reached the other province, fen, with the sign it was paid with.
    ClearingReceived(Fen),
    /// 预付金 paid or increased by home, fen; negative where care returns some.
    Prepaid(Fen),
}

/// Where the bill stood when a part of it was deducted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bill {
    /// The part is not paid to the hospital.
    Unpaid,
    /// The hospital has been paid and owes the part.
    Paid,
}

/// What a home province owes of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The scheme.
    pub scheme: Scheme,
    /// The funds, fen.
    pub funds: Funds,
    /// The personal account, fen.
    pub account: Fen,
}

impl Cost {
    /// The expense accounts that bear the cost.
    fn expenses(&self) -> [(AccountKind, Fen); 8] {
        let Cost { scheme, funds, account } = *self;
        let benefit = |fund, amount| (AccountKind::BenefitExpense(fund, scheme), amount);
        [
            benefit(Fund::Basic, funds.basic),
            benefit(Fund::CivilServant, funds.civil_servant),
            benefit(Fund::Enterprise, funds.enterprise),
            benefit(Fund::Catastrophic, funds.catastrophic),
            benefit(Fund::LargeAmount, funds.large_amount),
            benefit(Fund::Assistance, funds.assistance),
            benefit(Fund::Other, funds.other),
            (AccountKind::AccountExpense(scheme), account),
        ]
    }
}

impl From<&Settlement> for Event {
    /// The event of a settlement or of its negative record, on its accounting day.
    fn from(settlement: &Settlement) -> Event {
        let amounts = settlement.computation.amounts;
        let cost = Cost { scheme: settlement.claim.scheme, funds: amounts.funds, account: amounts.account };
        Event {
            day: settlement.day(),
            home: settlement.claim.home.province(),
            care: settlement.claim.care.province(),
            reference: settlement.id.to_string(),
            act: Act::Settled(cost),
        }
    }
}

/// A line of a province's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The accounting day.
    pub day: Date,
    /// The account.
    pub account: Account,
    /// Debit or credit.
    pub side: Side,
    /// Fen; negative in a red-letter entry.
    pub amount: Fen,
    /// What the event is known by.
    pub reference: String,
}

/// The entries of an event in both provinces' books, two by two: a debit and its credit. Nothing is written of zero.
#[must_use]
pub fn entries(event: &Event) -> Vec<Entry> {
    let mut pen = Pen { event, entries: Vec::new() };
    match &event.act {
        Act::Settled(cost) => {
            for (expense, amount) in cost.expenses() {
                pen.home(expense, AccountKind::PayableTo(event.care.clone()), amount);
                pen.unagreed(amount);
            }
        }
        Act::HospitalPaid(amount) => {
            pen.care(AccountKind::ReceivableFrom(event.home.clone()), AccountKind::Fiscal, *amount);
            pen.agreed(*amount);
        }
        Act::Deducted(cost, bill) => {
            let receivable = AccountKind::ReceivableFrom(event.home.clone());
            for (expense, amount) in cost.expenses() {
                pen.home(AccountKind::PayableTo(event.care.clone()), expense, amount);
                match bill {
                    Bill::Unpaid => pen.agreed(amount),
                    Bill::Paid => pen.care(AccountKind::RecoverableFromHospitals, receivable.clone(), amount),
                }
            }
        }
        Act::HospitalReturned(amount) => {
            pen.care(AccountKind::Fiscal, AccountKind::RecoverableFromHospitals, *amount);
        }
        Act::ClearingPaid(amount) => pen.clearing(*amount, !amount.is_negative()),
        Act::ClearingReceived(amount) => pen.clearing(*amount, amount.is_negative()),
        Act::Prepaid(amount) => {
            pen.home(AccountKind::PrepaidTo(event.care.clone()), AccountKind::Fiscal, *amount);
            pen.care(AccountKind::Fiscal, AccountKind::PrepaymentFrom(event.home.clone()), *amount);
        }
    }
    pen.entries
}

/// Writes the entries of one event.
struct Pen<'a> {
    event: &'a Event,
    entries: Vec<Entry>,
}

impl Pen<'_> {
    fn home(&mut self, debit: AccountKind, credit: AccountKind, amount: Fen) {
        self.write(&self.event.home, debit, credit, amount);
    }

    fn care(&mut self, debit: AccountKind, credit: AccountKind, amount: Fen) {
        self.write(&self.event.care, debit, credit, amount);
    }

    /// Care notes what the home province owes already and no hospital has been paid for.
    fn unagreed(&mut self, amount: Fen) {
        self.care(AccountKind::UnagreedOf(self.event.home.clone()), AccountKind::MemoContra, amount);
    }

    /// The note is done with.
    fn agreed(&mut self, amount: Fen) {
        self.care(AccountKind::MemoContra, AccountKind::UnagreedOf(self.event.home.clone()), amount);
    }

    /// One side of clearing books its money. The note of money under way is what home has booked less what care has:
    /// positive whoever pays, as a negative amount is booked by care first.
    fn clearing(&mut self, amount: Fen, at_home: bool) {
        let note = AccountKind::UnderWay(self.event.care.clone());
        if at_home {
            self.home(AccountKind::PayableTo(self.event.care.clone()), AccountKind::Fiscal, amount);
            self.home(note, AccountKind::MemoContra, amount);
        } else {
            self.care(AccountKind::Fiscal, AccountKind::ReceivableFrom(self.event.home.clone()), amount);
            self.home(AccountKind::MemoContra, note, amount);
        }
    }

    fn write(&mut self, owner: &RegionCode, debit: AccountKind, credit: AccountKind, amount: Fen) {
        if amount == Fen::ZERO {
            return;
        }
        for (kind, side) in [(debit, Side::Debit), (credit, Side::Credit)] {
            let account = Account { owner: owner.clone(), kind };
            let reference = self.event.reference.clone();
            self.entries.push(Entry { day: self.event.day, account, side, amount, reference });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calendar::{Moment, add_days},
        claim::tests::claim,
        ids::SettlementId,
        ledger::Ledger,
        money::Bp,
        policy::TreatmentClass,
        settlement::{Amounts, Computation, Kind},
    };

    #[test]
    fn a_settlement_and_its_negative_record_are_events() {
        let claim = claim();
        let funds = Funds { basic: Fen(600), assistance: Fen(40), ..Funds::default() };
        let amounts = Amounts { funds, fund_total: Fen(640), account: Fen(7), ..Amounts::default() };
        let (class, ratio) = (TreatmentClass::Local, Bp::ZERO);
        let computation = Computation { class, amounts, ratio, steps: Vec::new(), differences: Default::default() };
        let id = |text| SettlementId::parse(text).unwrap();
        let day = claim.to;
        let at = |days| Moment::start_of(add_days(day, days));
        let settled = Settlement::booked(id("S1"), claim, computation, at(0));
        let undone = settled.undone(id("S2"), Kind::Cancelled, Fen::ZERO, at(2)).unwrap();

        let mut ledger = Ledger::default();
        for event in [Event::from(&settled), Event::from(&undone)] {
            ledger.post(&entries(&event)).unwrap();
        }
        let (home, care) = (settled.claim.home.province(), settled.claim.care.province());
        let payable = Account { owner: home, kind: AccountKind::PayableTo(care) };
        for (days, owed) in [(-1, 0), (0, 647), (1, 647), (2, 0)] {
            assert_eq!(ledger.balance(&payable, add_days(day, days)), Ok(Fen(owed)), "after {days} days");
        }
    }
}
