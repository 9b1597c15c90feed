//! Profiles (负载曲线; `data/profiles.toml`): how the rate goes, and the moments at which visits come: a Poisson process.

use std::{collections::BTreeMap, time::Duration};

use rand_distr::{Distribution, Exp1};
use serde::Deserialize;

use super::{PlanError, Tag, Wheel, wheel};

const DATA: &str = include_str!("../../data/profiles.toml");
/// Steps of a climb; the rate of the last would be beyond every machine.
const STEPS_MAX: usize = 48;

/// A profile as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    zh: String,
    en: String,
    #[serde(rename = "source")]
    _source: String,
    seconds: u32,
    #[serde(default)]
    part: Vec<Part>,
    #[serde(default)]
    hours: Vec<u32>,
    climb: Option<Climb>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    zh: String,
    en: String,
    time: u32,
    rate: u32,
}

/// A climb by steps until it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Climb {
    /// Percent of the rate at which it begins.
    pub from: u32,
    /// Percent of the last step.
    pub factor: u32,
    /// Length of a step, s.
    pub seconds: u32,
    /// Percent of the offered messages that must be answered well.
    pub good: u32,
    /// What 99 of 100 may take, ms.
    pub p99_ms: u64,
}

/// A profile, scaled.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name in the data.
    pub name: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
    /// It ends where a stage breaks.
    pub climb: Option<Climb>,
}

/// A part of a run with one rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// How long.
    pub lasts: Duration,
    /// Visits a second.
    pub rate: f64,
}

impl Profile {
    /// A profile at a rate of visits a second, for a time or for as long as it usually lasts.
    ///
    /// # Errors
    /// [`PlanError::Unknown`] with the names there are.
    pub fn shipped(name: &str, rate: f64, lasts: Option<Duration>) -> Result<Profile, PlanError> {
        let mut shapes = all()?;
        let names = shapes.keys().cloned().collect::<Vec<_>>().join(", ");
        let shape = shapes.remove(name).ok_or_else(|| PlanError::Unknown("profile", name.to_owned(), names))?;
        let lasts = lasts.unwrap_or(Duration::from_secs(shape.seconds.into()));
        let stages = shape.stages(rate, lasts);
        Ok(Profile { name: name.to_owned(), zh: shape.zh, en: shape.en, stages, climb: shape.climb })
    }

    /// The names of all profiles.
    ///
    /// # Errors
    /// When the file does not read, which a test excludes.
    pub fn names() -> Result<Vec<String>, PlanError> {
        Ok(all()?.into_keys().collect())
    }

    /// How long it lasts at most.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.stages.iter().map(|stage| stage.lasts).sum()
    }
}

impl Shape {
    fn stages(&self, rate: f64, lasts: Duration) -> Vec<Stage> {
        if let Some(climb) = self.climb {
            let step = |nth: usize| {
                let rate = rate * f64::from(climb.from) / 100.0 * (f64::from(climb.factor) / 100.0).powi(nth as i32);
                Stage { name: per_second(rate), lasts: Duration::from_secs(climb.seconds.into()), rate }
            };
            let steps = lasts.as_secs().div_ceil(climb.seconds.max(1).into());
            return (0..STEPS_MAX.min(steps.try_into().unwrap_or(STEPS_MAX))).map(step).collect();
        }
        if !self.hours.is_empty() {
            let mean = f64::from(self.hours.iter().sum::<u32>()) / self.hours.len() as f64;
            let hour = |(hour, share): (usize, &u32)| Stage {
                name: format!("{hour:02}:00"),
                lasts: lasts / 24,
                rate: rate * f64::from(*share) / mean,
            };
            return self.hours.iter().enumerate().map(hour).collect();
        }
        let whole: u32 = self.part.iter().map(|part| part.time).sum();
        let part = |part: &Part| {
            let rate = rate * f64::from(part.rate) / 100.0;
            let name = if self.part.len() == 1 { per_second(rate) } else { format!("{} {}", part.zh, part.en) };
            Stage { name, lasts: lasts * part.time / whole.max(1), rate }
        };
        self.part.iter().map(part).collect()
    }
}

/// A rate for people, such as `2,000/s`.
#[must_use]
pub fn per_second(rate: f64) -> String {
    let whole = rate.round() as u64;
    match whole {
        ..1_000 => format!("{whole}/s"),
        _ => format!("{},{:03}/s", whole / 1_000, whole % 1_000),
    }
}

fn all() -> Result<BTreeMap<String, Shape>, PlanError> {
    toml::from_str(DATA).map_err(|error| PlanError::Data("profiles.toml", error.to_string()))
}

/// The moments at which visits come, from the start of the run: gaps of a Poisson process, stage by stage.
#[derive(Debug, Clone)]
pub struct Arrivals {
    stages: Vec<Stage>,
    wheel: Wheel,
    /// Index of the stage, and when it began.
    at: usize,
    began: Duration,
    last: Duration,
}

impl Arrivals {
    /// The arrivals of a profile and a seed.
    #[must_use]
    pub fn of(profile: &Profile, seed: u64) -> Arrivals {
        let wheel = wheel(seed, Tag::Arrivals, 0);
        Arrivals { stages: profile.stages.clone(), wheel, at: 0, began: Duration::ZERO, last: Duration::ZERO }
    }
}

impl Iterator for Arrivals {
    /// When, and in which stage.
    type Item = (Duration, usize);

    fn next(&mut self) -> Option<(Duration, usize)> {
        loop {
            let stage = self.stages.get(self.at)?;
            let ends = self.began + stage.lasts;
            // The process has no memory: what would come after the stage's end is drawn anew in the next.
            let gap: f64 = Exp1.sample(&mut self.wheel);
            let due = if stage.rate > 0.0 { self.last + Duration::from_secs_f64(gap / stage.rate) } else { ends };
            if due < ends {
                self.last = due;
                return Some((due, self.at));
            }
            self.last = ends;
            self.began = ends;
            self.at += 1;
        }
    }
}
