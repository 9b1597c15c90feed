//! What is sent, and when (负载计划): pure, from a seed. The n-th visit of a run is the same whatever the cluster does.

pub mod bill;
pub mod mix;
pub mod population;
pub mod profile;
pub mod visits;
pub mod world;

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use serde::Deserialize;

/// The source of chance.
pub(crate) type Wheel = Xoshiro256PlusPlus;

/// Something cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A shipped file is wrong.
    #[error("{0}: {1}")]
    Data(&'static str, String),
    /// There is no such mix or profile.
    #[error("there is no {0} `{1}`; there are {2}")]
    Unknown(&'static str, String, String),
    /// A province of the cluster is not in the data.
    #[error("the generator does not know the province {0}")]
    Province(String),
    /// Nobody could be treated outside the home province.
    #[error("a home and a care service of two provinces are needed")]
    Nowhere,
}

/// A kind of visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 普通门诊.
    Outpatient,
    /// 购药.
    Pharmacy,
    /// 门诊慢特病.
    Chronic,
    /// 住院.
    Stay,
    /// 备案: at the window of the home agency.
    Filing,
}

impl Kind {
    /// Its name in the data.
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Kind::Outpatient => "outpatient",
            Kind::Pharmacy => "pharmacy",
            Kind::Chronic => "chronic",
            Kind::Stay => "stay",
            Kind::Filing => "filing",
        }
    }
}

/// What a wheel is for: each purpose has its own numbers, so that one more draw of one changes no other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tag {
    Person = 1,
    Purse = 2,
    Visit = 3,
    Arrivals = 4,
}

/// The wheel of one thing of a seed.
pub(crate) fn wheel(seed: u64, tag: Tag, number: u64) -> Wheel {
    let mut bytes = [0; 32];
    let words = [seed, tag as u64, number, 0x6c6f_6164];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let mut wheel = Wheel::from_seed(bytes);
    // Seeds that differ in a few bits only need some turns to part.
    for _ in 0..8 {
        rand::Rng::next_u64(&mut wheel);
    }
    wheel
}
