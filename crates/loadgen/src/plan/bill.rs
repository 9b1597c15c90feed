//! Bills (费用明细): lines drawn from the items of their kind, near a log-normal total. The generator knows the total of
//! what it sends to the fen.

use std::collections::BTreeMap;

use rand::{RngExt, seq::IndexedRandom};
use rand_distr::{Distribution, LogNormal};
use zhijie_protocol::v1 as pb;

use super::{
    Kind, PlanError, Wheel,
    mix::Bills,
    world::{Item, World},
};

/// Millionths of a yuan in a fen.
const MICRO: i64 = 10_000;
/// Ten-thousandths of a unit in a unit.
const UNIT: i64 = 10_000;
/// The most units of an item on a line.
const UNITS_MAX: i64 = 400;
/// An item may cost so many times its share of the bill.
const DEAREST: i64 = 4;

/// A bill.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// Its lines, serials from 1.
    pub lines: Vec<pb::FeeLine>,
    /// Their total, fen.
    pub total: i64,
}

/// Makes bills of one kind, or for one disease.
#[derive(Debug, Clone)]
struct Maker {
    /// By price.
    items: Vec<Item>,
    bills: Bills,
    total: LogNormal<f64>,
}

/// Makes bills.
#[derive(Debug, Clone)]
pub struct Billing {
    makers: BTreeMap<(Kind, &'static str), Maker>,
}

impl Billing {
    /// The bills of a mix.
    ///
    /// # Errors
    /// [`PlanError::Data`] for a kind without items.
    pub fn of(world: &World, bills: &BTreeMap<Kind, Bills>, diseases: &[&'static str]) -> Result<Billing, PlanError> {
        let mut makers = BTreeMap::new();
        for (&kind, &bills) in bills {
            let names: &[&'static str] = if kind == Kind::Chronic { diseases } else { &[""] };
            for name in names {
                let words: &[&str] = match kind {
                    Kind::Chronic => &[name, "visit"],
                    Kind::Outpatient => &["outpatient", "visit"],
                    Kind::Pharmacy => &["pharmacy"],
                    Kind::Stay | Kind::Filing => &["stay"],
                };
                makers.insert((kind, *name), Maker::of(world, words, bills)?);
            }
        }
        Ok(Billing { makers })
    }

    /// Draws a bill.
    pub(super) fn draw(&self, kind: Kind, disease: &'static str, wheel: &mut Wheel) -> Bill {
        self.makers.get(&(kind, disease)).map(|maker| maker.draw(wheel)).unwrap_or_default()
    }
}

impl Maker {
    fn of(world: &World, words: &[&str], bills: Bills) -> Result<Maker, PlanError> {
        let fits = |item: &&Item| item.on.split(' ').any(|word| words.contains(&word));
        let mut items: Vec<Item> = world.item.iter().filter(fits).cloned().collect();
        items.sort_by_key(|item| item.fen);
        if items.is_empty() {
            return Err(PlanError::Data("world.toml", format!("no item for {}", words.join(", "))));
        }
        // Mean and variation of a log-normal give its parameters.
        let variance = (1.0 + (f64::from(bills.variation) / 100.0).powi(2)).ln();
        let mean = (f64::from(bills.yuan) * 100.0).ln() - variance / 2.0;
        let total = LogNormal::new(mean, variance.sqrt());
        let total = total.map_err(|error| PlanError::Data("mixes.toml", error.to_string()))?;
        Ok(Maker { items, bills, total })
    }

    fn draw(&self, wheel: &mut Wheel) -> Bill {
        let mean = self.bills.lines.max(1);
        let lines = if self.bills.exact { mean } else { wheel.random_range(mean.div_ceil(2)..=mean + mean / 2) };
        let share = (self.total.sample(wheel) as i64 / i64::from(lines)).max(1);
        let dear = self.items.partition_point(|item| item.fen <= share * DEAREST).max(1);
        let affordable = self.items.get(..dear).unwrap_or(&self.items);
        let mut bill = Bill { lines: Vec::with_capacity(lines as usize), total: 0 };
        for serial in 1..=lines {
            let Some(item) = affordable.choose(wheel) else { break };
            // A fifth more or less than usual, in whole hundredths of a fen.
            let price = item.fen * wheel.random_range(80..=120) * (MICRO / 100);
            let units = (share / item.fen.max(1)).clamp(1, UNITS_MAX);
            let quantity = wheel.random_range(1..=units * 2 - 1) * UNIT;
            bill.total += total(price, quantity);
            bill.lines.push(pb::FeeLine {
                serial: serial.to_string(),
                item: item.code.clone(),
                price,
                quantity,
                ..pb::FeeLine::default()
            });
        }
        bill
    }
}

/// The total of a line, fen, half up: 12 decimals of a yuan less ten. Far below 64 bits with what is drawn here.
fn total(price: i64, quantity: i64) -> i64 {
    const FEN: i64 = MICRO * UNIT;
    (price * quantity + FEN / 2) / FEN
}
