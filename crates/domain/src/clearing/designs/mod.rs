//! Clearing designs side by side (清算方案比较): one period's obligations, and the money each design moves for them.
//! Source: gross per ordered pair is the rule in force (医保发〔2022〕22号, annex); the other designs are what-ifs.
//! In a round all provinces pay at once, before they receive; only the hub's account pays on in the round what came in.

pub mod bilateral;
pub mod gross;
pub mod multilateral;
pub mod queue;

use std::collections::BTreeMap;

use crate::{
    ids::RegionCode,
    money::{Bp, Fen, Overflow},
    refusal::Refusal,
};

/// A way to clear: a line of [`ALL`] and a file of this folder.
#[derive(Debug, Clone, Copy)]
pub struct Design {
    /// Its stable name.
    pub key: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
    settle: fn(&[Payment], &Liquidity) -> Result<Run, Overflow>,
}

/// Every design, the rule in force first.
#[rustfmt::skip]
pub const ALL: &[Design] = &[
    Design { key: "gross", zh: "逐对全额清算", en: "gross per ordered pair", settle: gross::settle },
    Design { key: "bilateral", zh: "双边轧差", en: "bilateral netting", settle: bilateral::settle },
    Design { key: "multilateral", zh: "多边净额清算", en: "multilateral netting", settle: multilateral::settle },
    Design { key: "queue", zh: "排队与轧差", en: "gross with queue and offset", settle: queue::settle },
];

/// A home province and a care province.
pub type Pair = (RegionCode, RegionCode);

/// What home provinces owe care provinces for one period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Obligations {
    /// Fen by pair; a negative amount is owed by the care province.
    pub owed: BTreeMap<Pair, Fen>,
    /// The round from which a pair's amount is due; the first round, 0, where nothing is said.
    pub due: BTreeMap<Pair, u32>,
}

impl Obligations {
    /// One payment for each pair that owes, in the order of pairs: a negative amount is turned around, and what a
    /// province owes itself needs no payment.
    ///
    /// # Errors
    /// [`Overflow`] for the one amount that has no negative.
    pub fn payments(&self) -> Result<Vec<Payment>, Overflow> {
        let mut payments = Vec::new();
        for (pair, amount) in &self.owed {
            let (home, care) = pair.clone();
            let due = self.due.get(pair).copied().unwrap_or_default();
            if home == care || *amount == Fen::ZERO {
                continue;
            }
            payments.push(if amount.is_negative() {
                Payment { from: care, to: home, amount: amount.negated()?, due }
            } else {
                Payment { from: home, to: care, amount: *amount, due }
            });
        }
        Ok(payments)
    }
}

/// An obligation as it is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payment {
    /// Who owes.
    pub from: RegionCode,
    /// Who is owed.
    pub to: RegionCode,
    /// Fen, positive.
    pub amount: Fen,
    /// The first round in which it may be paid.
    pub due: u32,
}

/// The money with which provinces enter the queue. Designs without a queue take what money they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liquidity {
    start: BTreeMap<RegionCode, Fen>,
    rounds_max: u32,
}

impl Liquidity {
    /// Starting money by province, fen, nothing where a province is not named; and the last round in which the queue
    /// works on its own.
    ///
    /// # Errors
    /// `FieldInvalid` for a negative amount.
    pub fn new(start: BTreeMap<RegionCode, Fen>, rounds_max: u32) -> Result<Liquidity, Refusal> {
        if start.values().any(|money| money.is_negative()) {
            return Err(Refusal::malformed("liquidity", "不得为负数", "not negative"));
        }
        Ok(Liquidity { start, rounds_max })
    }

    /// Each province with a share of all that it has to pay, half up to the fen.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn share_of_payables(obligations: &Obligations, share: Bp, rounds_max: u32) -> Result<Liquidity, Overflow> {
        let mut start = BTreeMap::new();
        for payment in obligations.payments()? {
            add(&mut start, &payment.from, payment.amount)?;
        }
        for money in start.values_mut() {
            *money = money.share_half_up(share)?;
        }
        Ok(Liquidity { start, rounds_max })
    }
}

/// Who holds money in clearing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A province's fiscal account (省级财政专户).
    Province(RegionCode),
    /// The hub's clearing account (国家清算账户); it exists in netting designs only and is empty between rounds.
    Hub,
}

/// A movement of money.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// The round.
    pub round: u32,
    /// Who pays.
    pub from: Party,
    /// Who receives.
    pub to: Party,
    /// Fen, positive.
    pub amount: Fen,
}

/// What a design made of the payments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The movements, in order of rounds.
    pub transfers: Vec<Transfer>,
    /// Each obligation with the round in which it was discharged.
    pub discharged: Vec<(Payment, u32)>,
    /// Money put into the queue because its rounds were over, by province, fen.
    pub injected: BTreeMap<RegionCode, Fen>,
}

impl Run {
    /// Moves money between two provinces and discharges nothing yet; moves nothing where there is nothing to move.
    fn transfer(&mut self, round: u32, from: &RegionCode, to: &RegionCode, amount: Fen) {
        if amount != Fen::ZERO {
            let (from, to) = (Party::Province(from.clone()), Party::Province(to.clone()));
            self.transfers.push(Transfer { round, from, to, amount });
        }
    }
}

/// What a design costs and how long it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The design's [`Design::key`].
    pub design: &'static str,
    /// The most money each province had to have beyond what it had received, fen.
    pub peak: BTreeMap<RegionCode, Fen>,
    /// The sum of these, fen.
    pub peak_total: Fen,
    /// Money paid by provinces, fen. What the hub pays out is the same money again and not counted.
    pub turnover: Fen,
    /// Movements, those of the hub included.
    pub transfers: usize,
    /// Rounds between due and discharged, weighted by amount, in basis points of a round, half up.
    pub delay: i64,
    /// What still had to be put into the queue, fen.
    pub injected: Fen,
    /// What the movements leave unpaid, fen: nothing, or the design is wrong.
    pub unsettled: Fen,
}

impl Design {
    /// The movements of money for the obligations.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn run(&self, obligations: &Obligations, liquidity: &Liquidity) -> Result<Run, Overflow> {
        (self.settle)(&obligations.payments()?, liquidity)
    }

    /// The report on a run of this design, taken from its movements and not from what the design says of itself.
    ///
    /// # Errors
    /// [`Overflow`] when a sum does not fit.
    pub fn report(&self, obligations: &Obligations, run: &Run) -> Result<Report, Overflow> {
        let peak = peak(&run.transfers)?;
        let by_provinces = run.transfers.iter().filter(|transfer| transfer.from != Party::Hub);
        Ok(Report {
            design: self.key,
            peak_total: Fen::sum(peak.values().copied())?,
            peak,
            turnover: Fen::sum(by_provinces.map(|transfer| transfer.amount))?,
            transfers: run.transfers.len(),
            delay: delay(&run.discharged)?,
            injected: Fen::sum(run.injected.values().copied())?,
            unsettled: unsettled(&obligations.payments()?, &run.transfers)?,
        })
    }
}

/// The reports of all designs on the same obligations, in the order of [`ALL`].
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn compare(obligations: &Obligations, liquidity: &Liquidity) -> Result<Vec<Report>, Overflow> {
    ALL.iter().map(|design| design.report(obligations, &design.run(obligations, liquidity)?)).collect()
}

/// Adds to the amount of a key.
fn add<K: Ord + Clone>(amounts: &mut BTreeMap<K, Fen>, key: &K, amount: Fen) -> Result<(), Overflow> {
    let sum = amounts.get(key).copied().unwrap_or_default().plus(amount)?;
    amounts.insert(key.clone(), sum);
    Ok(())
}

/// Net positions: what each province receives less what it pays, fen. They sum to zero.
fn positions<'a>(payments: impl IntoIterator<Item = &'a Payment>) -> Result<BTreeMap<RegionCode, Fen>, Overflow> {
    let mut positions = BTreeMap::new();
    for payment in payments {
        add(&mut positions, &payment.to, payment.amount)?;
        add(&mut positions, &payment.from, payment.amount.negated()?)?;
    }
    Ok(positions)
}

fn peak(transfers: &[Transfer]) -> Result<BTreeMap<RegionCode, Fen>, Overflow> {
    let mut rounds = BTreeMap::<u32, (BTreeMap<RegionCode, Fen>, BTreeMap<RegionCode, Fen>)>::new();
    for Transfer { round, from, to, amount } in transfers {
        let (paid, received) = rounds.entry(*round).or_default();
        if let Party::Province(from) = from {
            add(paid, from, *amount)?;
        }
        if let Party::Province(to) = to {
            add(received, to, *amount)?;
        }
    }
    let (mut needed, mut peak) = (BTreeMap::new(), BTreeMap::<RegionCode, Fen>::new());
    for (paid, received) in rounds.into_values() {
        for (province, amount) in paid {
            add(&mut needed, &province, amount)?;
            let now = needed.get(&province).copied().unwrap_or_default();
            let most = peak.entry(province).or_default();
            *most = now.max(*most);
        }
        for (province, amount) in received {
            add(&mut needed, &province, amount.negated()?)?;
        }
    }
    Ok(peak)
}

fn delay(discharged: &[(Payment, u32)]) -> Result<i64, Overflow> {
    let (mut waited, mut total) = (0i128, 0i128);
    for (payment, round) in discharged {
        let rounds = i128::from(*round) - i128::from(payment.due);
        waited += i128::from(payment.amount.0) * rounds;
        total += i128::from(payment.amount.0);
    }
    // Half up: nobody is discharged before the due round, so that nothing here is negative.
    let basis_points = (waited * i128::from(Bp::WHOLE.0) + total / 2).checked_div(total).unwrap_or_default();
    i64::try_from(basis_points).map_err(|_| Overflow)
}

fn unsettled(payments: &[Payment], transfers: &[Transfer]) -> Result<Fen, Overflow> {
    let mut open = positions(payments)?;
    for Transfer { from, to, amount, .. } in transfers {
        if let Party::Province(from) = from {
            add(&mut open, from, *amount)?;
        }
        if let Party::Province(to) = to {
            add(&mut open, to, amount.negated()?)?;
        }
    }
    // The larger side counts: money that stays with the hub is missing on one side only.
    let (owed, owing): (Vec<Fen>, Vec<Fen>) = open.into_values().partition(|left| *left > Fen::ZERO);
    Ok(Fen::sum(owed)?.max(Fen::sum(owing)?.negated()?))
}
