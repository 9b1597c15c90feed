//! The long run: millions of settlements into one cluster, as fast as it takes them, to see whether it tires.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::bail;
use serde::Serialize;
use zhijie_loadgen::watch::Watcher;

use super::{
    figures::{Measured, foreign, key},
    road::{Arrival, CARE, HOME, Road, agreed},
    rounds::SEED,
    shown::Progress,
};
use crate::spawn::{Layout, Spawned};

/// Messages that are open at any time.
const TOGETHER: usize = 256;
/// One look at the run.
const LOOK: Duration = Duration::from_secs(5);
/// Rows of the table.
const ROWS: u64 = 20;
/// The throughput at this count, and that of as many at the end, are compared.
pub(super) const EARLY: u64 = 100_000;

/// A long run.
#[derive(Debug, Serialize)]
pub(super) struct Long {
    pub(super) engine: String,
    /// Settlements.
    pub(super) settled: u64,
    /// Share of the machine that other programs took, basis points; nothing where the system does not tell.
    pub(super) foreign: Option<u32>,
    /// Settlements a second around the first [`EARLY`], and over the last as many.
    pub(super) early: f64,
    pub(super) late: f64,
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
    /// Latency and memory at its end, CPU; bytes on disk are of the whole run so far.
    pub(super) measured: Measured,
}

/// Settles so many.
pub(super) async fn run(engine: &str, count: u64, folder: &Path, progress: &Progress) -> anyhow::Result<Long> {
    let layout = Layout {
        homes: vec![HOME.into()],
        cares: vec![CARE.into()],
        engine: engine.to_owned(),
        folder: folder.to_owned(),
    };
    let cluster = Spawned::start(&layout).await?;
    let targets = cluster.targets();
    let mut road = Road::new(&targets, SEED)?;
    road.enrol(&targets).await?;
    let (whole, mut rows, mut settled) = (Watcher::begin(cluster.watched()), Vec::new(), 0);
    let mut disk = BTreeMap::<String, f64>::new();
    while settled < count {
        let watcher = Watcher::begin(cluster.watched());
        let shown = road.offer(Arrival::Closed(TOGETHER), LOOK).await?;
        let (processes, machine) = watcher.finish(shown.settled);
        if shown.settled == 0 {
            bail!("nothing is settled any more, after {settled}; {:?}", shown.others);
        }
        settled += shown.settled;
        let mut measured = Measured::stage(&shown.stage, &processes, &machine);
        for (key, bytes) in measured.figures.iter_mut().filter(|(key, _)| key.starts_with(key::DISK)) {
            let grown = disk.entry(key.clone()).or_default();
            *grown += *bytes * shown.settled as f64;
            *bytes = *grown / settled as f64;
        }
        rows.push(Row { settled, count: shown.settled, seconds: shown.seconds, measured });
        progress.say(&format!("{engine} · {settled} of {count} settled, {:.0}/s", shown.stage.settled));
    }
    progress.end();
    let (_, machine) = whole.finish(settled);
    agreed(&targets).await?;
    cluster.stop().await?;
    let (early, late) = (around(&rows, EARLY), around(&rows, settled.saturating_sub(EARLY / 2)));
    Ok(Long { engine: engine.to_owned(), settled, foreign: foreign(&machine), early, late, rows })
}

/// Settlements a second over the [`EARLY`] settlements around a count.
fn around(rows: &[Row], count: u64) -> f64 {
    let (from, to) = (count.saturating_sub(EARLY / 2), count + EARLY / 2);
    let near: Vec<&Row> = rows.iter().filter(|row| row.settled > from && row.settled - row.count < to).collect();
    let (count, seconds) =
        near.iter().fold((0, 0.0), |(count, seconds), row| (count + row.count, seconds + row.seconds));
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// A row for each part of the run: the last look of each.
pub(super) fn thinned(rows: &[Row]) -> Vec<&Row> {
    let whole = rows.last().map_or(0, |row| row.settled);
    let mut next = 0;
    let mut shown = Vec::new();
    for row in rows {
        if row.settled >= next || row.settled == whole {
            shown.push(row);
            next = row.settled + whole / ROWS;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_compared_around_its_counts() {
        // 50,000 each: in 10 s first, in 20 s from 300,000 on.
        let row = |index: u64| {
            let (settled, seconds) = (index * 50_000, if index <= 6 { 10.0 } else { 20.0 });
            Row { settled, count: 50_000, seconds, ..Row::default() }
        };
        let rows: Vec<Row> = (1..=40).map(row).collect();
        assert_eq!((around(&rows, EARLY), around(&rows, 1_950_000)), (5_000.0, 2_500.0));
        assert_eq!(around(&[], EARLY), 0.0);
        let thin = thinned(&rows);
        assert!((ROWS..=ROWS + 1).contains(&(thin.len() as u64)), "{}", thin.len());
        assert_eq!(thin.last().unwrap().settled, 2_000_000);
    }
}
