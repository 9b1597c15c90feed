//! How long a settle took at the hub, since it started: a histogram of bounded size.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// Upper bounds of the buckets, ms, and in the unit of metrics, s.
const BOUNDS: [(u64, f64); 13] = [
    (1, 0.001),
    (2, 0.002),
    (5, 0.005),
    (10, 0.01),
    (20, 0.02),
    (50, 0.05),
    (100, 0.1),
    (200, 0.2),
    (400, 0.4),
    (800, 0.8),
    (1_600, 1.6),
    (3_200, 3.2),
    (u64::MAX, f64::INFINITY),
];

/// Durations by bucket; clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Latency(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    buckets: [AtomicU64; BOUNDS.len()],
    sum_us: AtomicU64,
}

impl Latency {
    /// Counts one.
    pub(super) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|(bound, _)| us <= bound.saturating_mul(1_000));
        if let Some(bucket) = place.and_then(|place| self.0.buckets.get(place)) {
            bucket.fetch_add(1, Ordering::Relaxed);
            self.0.sum_us.fetch_add(us, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> Vec<(u64, f64, u64)> {
        let counts = BOUNDS.iter().zip(&self.0.buckets);
        counts.map(|((ms, seconds), count)| (*ms, *seconds, count.load(Ordering::Relaxed))).collect()
    }

    /// How many, and how long all together, ms rounded down.
    pub(super) fn total(&self) -> (u64, u64) {
        (self.counts().iter().map(|(_, _, count)| count).sum(), self.0.sum_us.load(Ordering::Relaxed) / 1_000)
    }

    /// The bound that so many of a hundred do not exceed, ms; none without any, or where they exceed every bound.
    pub(super) fn percentile(&self, percent: u64) -> Option<u64> {
        let (count, _) = self.total();
        let wanted = count.saturating_mul(percent).div_ceil(100);
        let mut below = 0;
        let found = self.counts().into_iter().find(|(_, _, count)| {
            below += count;
            below >= wanted && wanted > 0
        });
        found.map(|(ms, _, _)| ms).filter(|ms| *ms < u64::MAX)
    }
}

impl EncodeMetric for Latency {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (count, _) = self.total();
        let sum = Duration::from_micros(self.0.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        let buckets: Vec<_> = self.counts().into_iter().map(|(_, seconds, count)| (seconds, count)).collect();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_bounds_of_buckets() {
        for (observed, percentile, total) in [
            (&[][..], None, (0, 0)),
            (&[3][..], Some(5), (1, 3)),
            (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 700][..], Some(1), (20, 719)),
            (&[1, 700][..], Some(800), (2, 701)),
            (&[1, 9_000][..], None, (2, 9_001)),
        ] {
            let latency = Latency::default();
            for ms in observed {
                latency.observe(Duration::from_millis(*ms));
            }
            assert_eq!((latency.percentile(95), latency.total()), (percentile, total), "{observed:?}");
        }
    }
}
