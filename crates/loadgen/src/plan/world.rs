//! The country as the generator knows it (`data/world.toml`): provinces, institutions and items; cut down to the
//! provinces that a cluster serves.

use rand::{
    RngExt,
    distr::{Distribution, weighted::WeightedIndex},
    rngs::Xoshiro256PlusPlus,
};
use serde::Deserialize;

use super::{Kind, PlanError, Wheel};

const DATA: &str = include_str!("../../data/world.toml");

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Whence it is.
    pub about: About,
    /// Provinces.
    pub province: Vec<Province>,
    /// Items of bills.
    pub item: Vec<Item>,
}

/// Whence the file is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Source mark.
    pub source: String,
}

/// A province.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Province {
    /// Its code.
    pub code: String,
    /// Share of the settlements as care province, basis points.
    pub inflow: u32,
    /// Share of the settlements as home province, basis points.
    pub outflow: u32,
    /// Pooling areas.
    pub areas: Vec<String>,
    /// Institutions.
    pub institutions: Vec<Institution>,
}

/// An institution: its code, the services and the chronic diseases it is opened for, in words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Institution(pub String, pub String, pub String);

impl Institution {
    /// True when it may settle such a visit.
    #[must_use]
    pub fn takes(&self, kind: Kind, disease: &str) -> bool {
        let service = kind.service();
        self.1.split(' ').any(|word| word == service)
            && (disease.is_empty() || self.2.split(' ').any(|word| word == "*" || word == disease))
    }
}

/// An item of bills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its national code.
    pub code: String,
    /// What a unit costs, about; fen.
    pub fen: i64,
    /// The bills it stands on, in words.
    pub on: String,
}

impl World {
    /// The whole country.
    ///
    /// # Errors
    /// When the file does not read, which a test excludes.
    pub fn shipped() -> Result<World, PlanError> {
        toml::from_str(DATA).map_err(|error| PlanError::Data("world.toml", error.to_string()))
    }

    /// Province of that code.
    fn province(&self, code: &str) -> Result<&Province, PlanError> {
        let found = self.province.iter().find(|province| province.code == code);
        found.ok_or_else(|| PlanError::Province(code.to_owned()))
    }
}

/// The provinces that take part in a run, with who goes where.
#[derive(Debug, Clone)]
pub struct Places {
    /// Homes, in the order in which people are shared out.
    pub homes: Vec<Province>,
    /// Cares.
    pub cares: Vec<Province>,
    home: WeightedIndex<u32>,
    /// For each home: the weights of the cares, its own with none.
    care: Vec<WeightedIndex<u32>>,
}

impl Places {
    /// The places of a cluster with these homes and cares. A home that has no care besides its own is left out.
    ///
    /// # Errors
    /// [`PlanError::Province`] for one that is not in the data, [`PlanError::Nowhere`] when nobody could go anywhere.
    pub fn of(world: &World, homes: &[String], cares: &[String]) -> Result<Places, PlanError> {
        let find = |codes: &[String]| codes.iter().map(|code| world.province(code).cloned()).collect::<Result<_, _>>();
        let (mut homes, cares): (Vec<Province>, Vec<Province>) = (find(homes)?, find(cares)?);
        homes.retain(|home| cares.iter().any(|care| care.code != home.code));
        let home = weights(homes.iter().map(|home| home.outflow.max(1)))?;
        let to = |home: &Province| {
            weights(cares.iter().map(|care| if care.code == home.code { 0 } else { care.inflow.max(1) }))
        };
        let care = homes.iter().map(to).collect::<Result<_, _>>()?;
        Ok(Places { homes, cares, home, care })
    }

    /// Draws a home.
    pub(super) fn draw_home(&self, wheel: &mut Wheel) -> usize {
        self.home.sample(wheel)
    }

    /// Draws a care for people of a home.
    pub(super) fn draw_care(&self, home: usize, wheel: &mut Wheel) -> usize {
        self.care.get(home).map_or(0, |cares| cares.sample(wheel))
    }

    /// Draws a care other than `but` for people of a home, where there is one.
    pub(super) fn draw_other_care(&self, home: usize, but: usize, wheel: &mut Xoshiro256PlusPlus) -> Option<usize> {
        let code = &self.homes.get(home)?.code;
        let others = self.cares.iter().enumerate().filter(|(index, care)| *index != but && care.code != *code);
        let others: Vec<usize> = others.map(|(index, _)| index).collect();
        if others.is_empty() { None } else { others.get(wheel.random_range(0..others.len())).copied() }
    }
}

fn weights(weights: impl Iterator<Item = u32>) -> Result<WeightedIndex<u32>, PlanError> {
    WeightedIndex::new(weights).map_err(|_| PlanError::Nowhere)
}
