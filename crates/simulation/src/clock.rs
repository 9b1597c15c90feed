//! Time. One sun for all, which tells simulated time and the days that the story lets pass; each service has a clock of
//! its own that may run apart from it and jump.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use zhijie_services::{
    domain::calendar::{Date, Moment},
    node::Clock,
};

/// The time that all clocks should tell.
#[derive(Debug)]
pub struct Sun {
    start: Moment,
    passed_ms: AtomicI64,
}

impl Sun {
    /// A sun that rises at a moment.
    #[must_use]
    pub fn from(start: Moment) -> Sun {
        Sun { start, passed_ms: AtomicI64::new(0) }
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        let since = turmoil::sim_elapsed().unwrap_or_default().as_millis();
        self.start.plus_ms(i64::try_from(since).unwrap_or(0) + self.passed_ms.load(Ordering::SeqCst))
    }

    /// The day.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().day()
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.passed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Lets days pass until it is nine in the morning of a later day.
    pub fn pass_until(&self, day: Date) {
        let ahead = Moment::start_of(day).plus_ms(9 * 3_600_000).0 - self.now().0;
        self.pass(ahead.max(0));
    }
}

/// The clock of one service.
#[derive(Debug, Clone)]
pub struct SimClock {
    sun: Arc<Sun>,
    apart_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// A clock under a sun, so much apart from it.
    #[must_use]
    pub fn under(sun: &Arc<Sun>, apart_ms: i64) -> SimClock {
        SimClock { sun: Arc::clone(sun), apart_ms: Arc::new(AtomicI64::new(apart_ms)) }
    }

    /// Jumps, forward or back, to be so much apart.
    pub fn jump(&self, apart_ms: i64) {
        self.apart_ms.store(apart_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        self.sun.now().plus_ms(self.apart_ms.load(Ordering::SeqCst))
    }
}
