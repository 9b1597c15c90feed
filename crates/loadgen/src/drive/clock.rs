//! The generator's clock: the one place that asks the machine for the time. An alarm rings more precisely than a runtime's
//! timer, whose ticks are a millisecond: a thread of its own sleeps until the next message is due.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;

/// Messages due within so long of each other go out together: an alarm costs some microseconds of CPU.
const GRAIN: Duration = Duration::from_micros(400);
/// China is eight hours ahead, all the year.
const OFFSET_MS: i64 = 8 * 3_600_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Time since the start of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "a load generator measures real time")]
    pub(crate) fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Milliseconds since 1970 UTC.
#[expect(clippy::disallowed_methods, reason = "the days of a run, and when it was, are those of the wall clock")]
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The day in China of a moment, counted from 1970.
pub(crate) fn day_of(ms: i64) -> i64 {
    (ms + OFFSET_MS).div_euclid(DAY_MS)
}

/// A day as `yyyy-MM-dd`.
pub(crate) fn date(day: i64) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().days(day)).unwrap_or(epoch).to_string()
}

/// Rings when something is due.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    shared: Arc<Shared>,
    set: Option<Duration>,
}

#[derive(Debug, Default)]
struct Shared {
    at: Mutex<At>,
    changed: Condvar,
    rung: Notify,
}

#[derive(Debug, Default)]
struct At {
    due: Option<Duration>,
    over: bool,
}

impl Alarm {
    /// An alarm on a clock, not set.
    pub(crate) fn new(clock: Clock) -> Alarm {
        let shared = Arc::new(Shared::default());
        let ringing = Arc::clone(&shared);
        thread::spawn(move || ring(clock, &ringing));
        Alarm { clock, shared, set: None }
    }

    /// Sets it; a moment that has passed rings at once.
    pub(crate) fn set(&mut self, due: Duration) {
        let due = due.max(self.clock.now() + GRAIN);
        if self.set.is_some_and(|set| set <= due && set > self.clock.now()) {
            return;
        }
        self.set = Some(due);
        self.shared.at.lock().unwrap_or_else(PoisonError::into_inner).due = Some(due);
        self.shared.changed.notify_one();
    }

    /// Waits until it rings.
    pub(crate) async fn rung(&self) {
        self.shared.rung.notified().await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.at.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.shared.changed.notify_one();
    }
}

fn ring(clock: Clock, shared: &Shared) {
    let mut at = shared.at.lock().unwrap_or_else(PoisonError::into_inner);
    while !at.over {
        let now = clock.now();
        at = match at.due {
            Some(due) if due <= now => {
                at.due = None;
                shared.rung.notify_one();
                at
            }
            Some(due) => shared.changed.wait_timeout(at, due - now).unwrap_or_else(PoisonError::into_inner).0,
            None => shared.changed.wait(at).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
