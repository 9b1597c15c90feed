//! What holds of the books of two provinces at the end of every day (账账相符), and which pair breaks it by how much.
//! Home owes from the patient's settlement, care claims from paying the hospital, and money takes days: so on every day
//! `payable + under way = receivable + settled and not agreed`. Source: 22号 for the moments, the identity by design.

use std::{collections::BTreeMap, fmt};

use super::{Ledger, account::AccountKind};
use crate::{
    calendar::Date,
    ids::RegionCode,
    money::{Fen, Overflow},
};

/// An identity that does not hold. Amounts are fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// 借贷不平: a province's debits are not its credits.
    Unbalanced {
        /// The province.
        province: RegionCode,
        /// All its debits.
        debit: Fen,
        /// All its credits.
        credit: Fen,
    },
    /// 应付与应收不符: the two sides of a pair do not say the same of what is owed.
    Owed {
        /// The home province.
        home: RegionCode,
        /// The care province.
        care: RegionCode,
        /// At home: payable, and clearing money under way.
        by_home: Fen,
        /// At care: receivable, and what is settled and not agreed yet.
        to_care: Fen,
    },
    /// 预付金不符: what one gave is not what the other holds.
    Prepayment {
        /// The home province.
        home: RegionCode,
        /// The care province.
        care: RegionCode,
        /// Given, in home's books.
        given: Fen,
        /// Held, in care's books.
        held: Fen,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Unbalanced { province, debit, credit } => {
                write!(f, "{province}: debits {debit} ≠ credits {credit}")
            }
            Violation::Owed { home, care, by_home, to_care } => {
                write!(f, "{home} → {care}: payable and under way {by_home} ≠ receivable and not agreed {to_care}")
            }
            Violation::Prepayment { home, care, given, held } => {
                write!(f, "{home} → {care}: prepayment given {given} ≠ held {held}")
            }
        }
    }
}

/// The two sides of a pair's two identities.
#[derive(Default)]
struct Sides {
    by_home: Fen,
    to_care: Fen,
    given: Fen,
    held: Fen,
}

impl Ledger {
    /// Every identity that does not hold at the end of a day: provinces first, then pairs.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn invariants(&self, on: Date) -> Result<Vec<Violation>, Overflow> {
        let mut violations = Vec::new();
        for (province, totals) in self.trial(on)? {
            if totals.debit != totals.credit {
                violations.push(Violation::Unbalanced { province, debit: totals.debit, credit: totals.credit });
            }
        }
        for ((home, care), Sides { by_home, to_care, given, held }) in self.sides(on)? {
            let (home, care) = (home.clone(), care.clone());
            if by_home != to_care {
                violations.push(Violation::Owed { home: home.clone(), care: care.clone(), by_home, to_care });
            }
            if given != held {
                violations.push(Violation::Prepayment { home, care, given, held });
            }
        }
        Ok(violations)
    }

    fn sides(&self, on: Date) -> Result<BTreeMap<(&RegionCode, &RegionCode), Sides>, Overflow> {
        let mut pairs = BTreeMap::<(&RegionCode, &RegionCode), Sides>::new();
        for (account, totals) in self.accounts(on)? {
            let owner = &account.owner;
            let amount = totals.balance(account.kind.side())?;
            let side = match &account.kind {
                AccountKind::PayableTo(care) | AccountKind::UnderWay(care) => {
                    &mut pairs.entry((owner, care)).or_default().by_home
                }
                AccountKind::ReceivableFrom(home) | AccountKind::UnagreedOf(home) => {
                    &mut pairs.entry((home, owner)).or_default().to_care
                }
                AccountKind::PrepaidTo(care) => &mut pairs.entry((owner, care)).or_default().given,
                AccountKind::PrepaymentFrom(home) => &mut pairs.entry((home, owner)).or_default().held,
                _ => continue,
            };
            *side = side.plus(amount)?;
        }
        Ok(pairs)
    }
}
