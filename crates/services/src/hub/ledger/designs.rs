//! The clearing designs side by side (清算方案比较) over the payables of a period's tables. What a table leaves to the next
//! period as a credit is not paid, and no obligation.

use std::collections::BTreeMap;

use zhijie_domain::{
    clearing::{
        designs::{ALL, Design, Liquidity, Obligations, Report, compare},
        table::Outcome,
    },
    ids::RegionCode,
    money::Fen,
};

use crate::{
    hub::{
        Hub,
        clearing::{fold, list, not_now, outcome_of},
    },
    node::{Records, Stop, keys},
    wire::{self, pb},
};

/// Answers a query for the designs of a period.
pub(in crate::hub) async fn answer(hub: &Hub, request: &pb::DesignsRequest) -> Result<pb::DesignsReply, Stop> {
    let period = wire::month(&request.period, "period")?;
    let made = hub.node.store.begin().record::<pb::PeriodRecord>(&keys::period(period)).await?;
    if !made.is_some_and(|period| period.made) {
        return Err(not_now("period", format!("{period} 期无清算表"), format!("{period} has no tables")).into());
    }
    let tables = list::tables(&hub.node.store, Some(period), |_| true).await?;
    let mut obligations = Obligations::default();
    for table in &tables {
        let (_, home, care) = fold::names(table)?;
        if matches!(outcome_of(period, table)?, Outcome::HomePays(_) | Outcome::CarePays(_)) {
            obligations.owed.insert((home, care), Fen(table.payable));
        }
    }
    let terms = &hub.node.parameters.rules.designs;
    let liquidity = Liquidity::share_of_payables(&obligations, terms.liquidity, terms.rounds)?;
    let reports = compare(&obligations, &liquidity)?;
    let designs = ALL.iter().zip(&reports).map(|(design, report)| print(design, report)).collect();
    Ok(pb::DesignsReply { period: period.to_string(), designs, refused: None })
}

fn print(design: &Design, report: &Report) -> pb::DesignReport {
    let peaks = |peak: &BTreeMap<RegionCode, Fen>| {
        peak.iter().map(|(province, amount)| pb::Peak { province: province.to_string(), amount: amount.0 }).collect()
    };
    pb::DesignReport {
        design: design.key.into(),
        zh: design.zh.into(),
        en: design.en.into(),
        peak_total: report.peak_total.0,
        peaks: peaks(&report.peak),
        turnover: report.turnover.0,
        transfers: wire::count(report.transfers),
        delay: report.delay,
        injected: report.injected.0,
        unsettled: report.unsettled.0,
    }
}
