//! The long run: millions of settlements into one cluster, as fast as it takes them, to see whether it tires.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use tokio::sync::Notify;
use zhijie_loadgen::{
    Arrival, Look,
    plan::profile::Profile,
    report::{Process, Report, Second},
    watch::allocated,
};

use super::{
    drive::{Bench, layout},
    figures::{Figures, Measured, key, of, role},
    shown::Progress,
};
use crate::spawn::Spawned;

/// Bills that are open at any time.
const TOGETHER: usize = 256;
/// Longer than any run: it ends when enough is settled.
const LONG: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Rows of the table.
const ROWS: u64 = 20;
/// The throughput around this count, and that of as many at the end, are compared.
pub(super) const EARLY: u64 = 100_000;

/// A long run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) engine: String,
    /// Settlements a second around the first [`EARLY`], and over the last as many; nothing where so many were not settled.
    pub(super) early: Option<f64>,
    pub(super) late: Option<f64>,
    /// The whole of it.
    pub(super) measured: Measured,
    pub(super) rows: Vec<Row>,
}

/// A stretch of the run.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    /// Settlements since the beginning, at its end.
    pub(super) settled: u64,
    /// Settlements in it.
    pub(super) count: u64,
    /// Its length, s.
    pub(super) seconds: f64,
    /// Latency and memory in it; bytes on disk of the whole run so far.
    pub(super) figures: Figures,
}

impl Run {
    /// How many were settled.
    pub(super) fn settled(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.settled)
    }
}

/// Settles so many, or until it is interrupted.
pub(super) async fn run(
    engine: &str,
    count: u64,
    people: u32,
    folder: PathBuf,
    progress: &Progress,
) -> anyhow::Result<Run> {
    let layout = layout(engine, false, folder);
    let cluster = Spawned::start(&layout).await?;
    let stores: Vec<PathBuf> = cluster.watched().into_iter().filter_map(|watched| watched.store).collect();
    let bench = Bench::new(cluster, engine, people, false);
    let (enough, mut settled) = (Notify::new(), 0);
    // What the stores hold at each second.
    let (before, mut sizes) = (size(&stores), Vec::new());
    let report = bench.run(
        Profile::shipped("constant", 1.0, Some(LONG))?,
        Arrival::Closed(TOGETHER),
        async {
            tokio::select! {
                () = enough.notified() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        },
        |look: &Look| {
            settled += look.second.good;
            sizes.push(size(&stores).saturating_sub(before));
            progress.say(&format!("{engine} · {settled} of {count} settled, {}/s", look.second.good));
            if settled >= count {
                enough.notify_one();
            }
        },
    );
    let report = report.await?;
    bench.cluster.stop().await?;
    std::fs::remove_dir_all(&layout.folder)?;
    let rows = rows(&report, &sizes);
    let (early, late) = (around(&rows, EARLY), around(&rows, settled.saturating_sub(EARLY / 2)));
    Ok(Run { engine: engine.to_owned(), early, late, measured: Measured::run(&report), rows: together(&rows) })
}

fn size(stores: &[PathBuf]) -> u64 {
    stores.iter().filter_map(|store| allocated(store)).sum()
}

/// The seconds of a run in which something was settled.
fn rows(report: &Report, sizes: &[u64]) -> Vec<Row> {
    let mut settled = 0;
    let seconds = report.seconds.iter().zip(sizes).zip(1..);
    let row = |((second, size), at): ((&Second, &u64), u64)| {
        settled += second.good;
        let mut figures = Figures::from([(key::P99.to_owned(), second.latency.p99 as f64)]);
        figures.insert(of(key::DISK, key::ALL), *size as f64 / settled.max(1) as f64);
        figures.extend(report.processes.iter().filter_map(|process| memory(process, at * 1_000)));
        Row { settled, count: second.good, seconds: 1.0, figures }
    };
    seconds.map(row).collect()
}

/// The memory of a process at a moment, ms.
fn memory(process: &Process, at_ms: u64) -> Option<(String, f64)> {
    let sample = process.samples.iter().take_while(|sample| sample.at_ms <= at_ms).last()?;
    Some((of(key::MEMORY, role(&process.name)), sample.memory as f64))
}

/// Settlements a second over the [`EARLY`] settlements around a count; nothing where the count was not reached.
fn around(rows: &[Row], count: u64) -> Option<f64> {
    let (from, to) = (count.saturating_sub(EARLY / 2), count + EARLY / 2);
    let reached = rows.last().is_some_and(|row| row.settled >= count.max(EARLY));
    let near = rows.iter().filter(|row| row.settled > from && row.settled - row.count < to);
    let (count, seconds) = near.fold((0, 0.0), |(count, seconds), row| (count + row.count, seconds + row.seconds));
    (reached && seconds > 0.0).then(|| count as f64 / seconds)
}

/// The rows put together to a few long ones: the longest tail of each, memory and disk at its end.
fn together(rows: &[Row]) -> Vec<Row> {
    let whole = rows.last().map_or(0, |row| row.settled);
    let mut long: Vec<Row> = Vec::new();
    for row in rows {
        let part = |settled: u64| settled.saturating_sub(1) * ROWS / whole.max(1);
        match long.last_mut().filter(|last| part(last.settled) == part(row.settled)) {
            Some(last) => {
                let tail = |row: &Row| row.figures.get(key::P99).copied().unwrap_or_default();
                let longest = tail(last).max(tail(row));
                let (count, seconds) = (last.count + row.count, last.seconds + row.seconds);
                *last = Row { count, seconds, ..row.clone() };
                last.figures.insert(key::P99.to_owned(), longest);
            }
            None => long.push(row.clone()),
        }
    }
    long
}

#[cfg(test)]
mod tests {
    use zhijie_loadgen::report::Sample;

    use super::*;

    #[test]
    fn throughput_is_compared_around_its_counts() {
        // 50,000 each: in 10 s first, in 20 s from 300,000 on.
        let row = |index: u64| {
            let (settled, seconds) = (index * 50_000, if index <= 6 { 10.0 } else { 20.0 });
            let figures = Figures::from([(key::P99.to_owned(), if index == 39 { 900.0 } else { 100.0 })]);
            Row { settled, count: 50_000, seconds, figures }
        };
        let rows: Vec<Row> = (1..=40).map(row).collect();
        assert_eq!((around(&rows, EARLY), around(&rows, 1_950_000)), (Some(5_000.0), Some(2_500.0)));
        assert_eq!((around(&rows[..1], EARLY), around(&rows[..1], 0)), (None, None));
        let long = together(&rows);
        let shown: Vec<_> =
            long.iter().map(|row| (row.settled, row.count, row.seconds, row.figures[key::P99])).collect();
        assert_eq!(shown.len() as u64, ROWS);
        assert_eq!(shown[0], (100_000, 100_000, 20.0, 100.0));
        assert_eq!(shown[19], (2_000_000, 100_000, 40.0, 900.0));
    }

    #[test]
    fn a_row_is_a_second_with_what_the_stores_hold_by_then() {
        let second = |good| Second { good, ..Second::default() };
        let sample = |at_ms, memory| Sample { at_ms, cpu: 0, memory };
        let hub = Process { name: "hub".into(), samples: vec![sample(900, 5), sample(1_900, 7)], ..Process::default() };
        let report = Report { seconds: vec![second(10), second(30)], processes: vec![hub], ..Report::default() };
        let rows = rows(&report, &[1_000, 8_000]);
        let shown = rows
            .iter()
            .map(|row| (row.settled, row.figures[&of(key::DISK, key::ALL)], row.figures["memory_bytes.hub"]));
        assert_eq!(shown.collect::<Vec<_>>(), [(10, 100.0, 5.0), (40, 200.0, 7.0)]);
    }
}
