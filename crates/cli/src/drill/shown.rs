//! What came of a drill, for people and for machines.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{Fault, Round};
use crate::table::{Cell, Table};

/// A line for each engine and fault, and whether anything was lost.
pub(super) fn people(rounds: &[Round], wrong: Option<&str>) -> String {
    let columns = [
        ("engine", "存储", "engine"),
        ("fault", "故障", "fault"),
        ("rounds", "轮次", "rounds"),
        ("settlements", "结算", "settled"),
        ("unknown", "未知", "unknown"),
        ("serving", "启动", "serving"),
        ("settles", "恢复结算", "settles"),
        ("known", "全部查明", "all known"),
    ];
    let mut table = Table::new("faults", &columns);
    let mut groups: BTreeMap<(&str, Fault), Vec<&Round>> = BTreeMap::new();
    for round in rounds {
        groups.entry((&round.engine, round.fault)).or_default().push(round);
    }
    for ((engine, fault), rounds) in groups {
        let sum = |of: fn(&Round) -> u64| Cell::Count(rounds.iter().map(|round| of(round)).sum::<u64>().cast_signed());
        let times = |of: fn(&Round) -> Duration| {
            let mut times: Vec<u128> = rounds.iter().map(|round| of(round).as_millis()).collect();
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            Cell::text(format!("{median} ≤ {}", times.last().copied().unwrap_or_default()))
        };
        table.row([
            Cell::text(engine),
            Cell::text(format!("{}\n{fault}", fault.zh())),
            sum(|_| 1),
            sum(|round| round.settlements),
            sum(|round| round.unknown),
            times(|round| round.serving),
            times(|round| round.settles),
            times(|round| round.known),
        ]);
    }
    let settled: u64 = rounds.iter().map(|round| round.settlements).sum();
    let verdict = match wrong {
        None => format!("✓ 无丢失，无重复 nothing lost, nothing doubled: {settled} 笔结算 settlements acknowledged"),
        Some(wrong) => format!("✗ {wrong}"),
    };
    let note = "毫秒，中位 ≤ 最长 · ms, median ≤ longest, since the new process started (or went on): until it served, until \
                a\nsettlement had gone through it, until no message of the round was unknown any more.";
    format!("{}\n{note}\n{verdict}", table.shown())
}

/// One object: each round, and whether anything was lost.
pub(super) fn machine(rounds: &[Round], wrong: Option<&str>) -> Value {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let round = |round: &Round| {
        json!({
            "engine": round.engine,
            "fault": round.fault.to_string(),
            "struck": round.struck,
            "serving_ms": ms(round.serving),
            "settles_ms": ms(round.settles),
            "known_ms": ms(round.known),
            "settlements": round.settlements,
            "unknown": round.unknown,
            "equal": round.wrong.is_none(),
        })
    };
    json!({ "passed": wrong.is_none(), "wrong": wrong, "rounds": rounds.iter().map(round).collect::<Vec<_>>() })
}
