//! The month's gross clearing table (清算表), from the hub's own book, streamed day by day.

use futures_util::TryStreamExt;
use zhijie_domain::{
    calendar::Month,
    clearing::gross::{Key, Position, Row, Table},
    ids::RegionCode,
    refusal::Refusal,
};

use super::Hub;
use crate::{
    node::{Failure, Stop},
    wire::{book, codes, pb, refusal},
};

pub(super) async fn month_table(hub: &Hub, request: pb::MonthTableRequest) -> Result<pb::MonthTableReply, Failure> {
    match table(hub, &request.month).await {
        Ok(reply) => Ok(reply),
        Err(Stop::Refused(refused)) => {
            Ok(pb::MonthTableReply { refused: Some(refusal::print(&refused)), ..pb::MonthTableReply::default() })
        }
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn table(hub: &Hub, month: &str) -> Result<pb::MonthTableReply, Stop> {
    let month = Month::parse(month)
        .ok_or_else(|| Refusal::malformed("month", "应为月份，如 2025-03", "a month such as 2025-03"))?;
    let mut table = Table::default();
    for day in month.days() {
        let mut entries = hub.book.day(day);
        let failed = |status| Failure::Peer { peer: "hub".into(), status: Box::new(status) };
        while let Some(entry) = entries.try_next().await.map_err(failed)? {
            table.add(&book::parse(&entry)?)?;
        }
    }
    let positions = table.positions()?;
    Ok(pb::MonthTableReply {
        rows: table.rows.iter().map(|(key, row)| print_row(key, row)).collect(),
        positions: positions.iter().map(|(region, position)| print_position(region, position)).collect(),
        refused: None,
    })
}

fn print_row(key: &Key, row: &Row) -> pb::ClearingRow {
    pb::ClearingRow {
        home: key.home.to_string(),
        care: key.care.to_string(),
        scheme: codes::print(key.scheme),
        service: codes::print(key.service),
        settlements: row.settlements,
        negatives: row.negatives,
        total: row.total.0,
        fund: row.fund.0,
        account: row.account.0,
        payable: row.payable.0,
    }
}

fn print_position(region: &RegionCode, position: &Position) -> pb::Position {
    pb::Position { region: region.to_string(), payable: position.payable.0, receivable: position.receivable.0 }
}
