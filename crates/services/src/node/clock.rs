//! The seam of time.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::UNIX_EPOCH,
};

use zhijie_domain::calendar::{Date, Moment};

/// Tells the time of business.
pub trait Clock: Send + Sync + 'static {
    /// The moment.
    fn now(&self) -> Moment;

    /// The moment, for what runs by itself: to look moves no clock, so that the moments of others do not depend on it.
    fn glance(&self) -> Moment {
        self.now()
    }

    /// The business day. To ask for it moves no clock.
    fn today(&self) -> Date {
        self.glance().day()
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A business clock that stands until it is moved; every look moves it by a millisecond, so that ids stay in order.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at a moment.
    #[must_use]
    pub fn at(moment: Moment) -> ManualClock {
        ManualClock(AtomicI64::new(moment.0))
    }

    /// Moves the clock forward to a moment; it never goes back.
    pub fn forward_to(&self, moment: Moment) {
        self.0.fetch_max(moment.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn glance(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}
