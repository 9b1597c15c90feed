//! Tables and items for those who look: officers, the next period's credits, the ledger.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::stream::{self, BoxStream, StreamExt};
use tonic::Status;
use zhijie_domain::{
    calendar::Month,
    clearing::{item::Verdict, table::Table},
    ids::RegionCode,
    money::Fen,
    refusal::{Code, Refusal},
};
use zhijie_store::Store;

use crate::{
    hub::Hub,
    node::{Failure, Pages, Stop, document, keys, limits, stored},
    wire::{self, clearing, id, pb},
};

/// The items of a table, streamed.
pub(in crate::hub) type Items = BoxStream<'static, Result<pb::ClearedItem, Status>>;

/// Every table of a period, or of all, ascending by period, home and care. All are a lot: for one province only.
pub(crate) async fn tables(
    store: &Store,
    period: Option<Month>,
    wanted: impl Fn(&pb::ClearingTable) -> bool,
) -> Result<Vec<pb::ClearingTable>, Failure> {
    let prefix = period.map_or_else(|| keys::TABLES.to_vec(), keys::tables_of);
    let mut tables = Vec::new();
    let mut pages = Pages::of(store, &prefix[..]);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            tables.extend(Some(document(key, &record.value)?).filter(&wanted));
        }
    }
    Ok(tables)
}

/// Answers a query for tables; an agency sees those of its province.
pub(in crate::hub) async fn answer(
    hub: &Hub,
    request: &pb::TablesRequest,
    own: Option<&RegionCode>,
) -> Result<pb::TablesReply, Stop> {
    let period = if request.period.is_empty() { None } else { Some(wire::month(&request.period, "period")?) };
    let province = wire::optional_id(RegionCode::parse, &request.province, "province")?;
    let of = |table: &pb::ClearingTable, province: Option<&RegionCode>| {
        province.is_none_or(|province| table.home == province.as_str() || table.care == province.as_str())
    };
    if period.is_none() && own.is_none() && province.is_none() {
        return Err(Refusal::malformed("period", "须指定期次或省份", "given, or else a province").into());
    }
    let tables = tables(&hub.node.store, period, |table| of(table, own) && of(table, province.as_ref())).await?;
    let positions = positions(&tables)?;
    Ok(pb::TablesReply { tables, positions, refused: None })
}

/// The tables of a period as they would be if every bill were agreed now.
pub(in crate::hub) async fn preview(hub: &Hub, request: &pb::PreviewRequest) -> Result<pb::TablesReply, Stop> {
    let period = wire::month(&request.period, "period")?;
    let mut pairs = BTreeMap::<(RegionCode, RegionCode), Table>::new();
    let mut pages = Pages::of(&hub.node.store, keys::WAITING);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            let item = stored(clearing::parse_waiting(&document(key, &record.value)?), key)?;
            let verdict = item.judge(period, true);
            if verdict != Verdict::Later {
                pairs.entry((item.home.clone(), item.care.clone())).or_default().add(&item, verdict)?;
            }
        }
    }
    let print = |((home, care), table): (&(RegionCode, RegionCode), &Table)| {
        Ok(pb::ClearingTable {
            period: period.to_string(),
            home: home.to_string(),
            care: care.to_string(),
            rows: clearing::print_rows(table)?,
            payable: table.payable()?.0,
            ..pb::ClearingTable::default()
        })
    };
    let tables: Vec<_> = pairs.iter().map(print).collect::<Result<_, Stop>>()?;
    let positions = positions(&tables)?;
    Ok(pb::TablesReply { tables, positions, refused: None })
}

fn positions(tables: &[pb::ClearingTable]) -> Result<Vec<pb::Position>, Refusal> {
    let mut positions = BTreeMap::<&str, (Fen, Fen)>::new();
    for table in tables {
        let home = positions.entry(&table.home).or_default();
        home.0 = home.0.plus(Fen(table.payable))?;
        let care = positions.entry(&table.care).or_default();
        care.1 = care.1.plus(Fen(table.payable))?;
    }
    let print = |(region, (payable, receivable)): (&str, (Fen, Fen))| pb::Position {
        region: region.into(),
        payable: payable.0,
        receivable: receivable.0,
    };
    Ok(positions.into_iter().map(print).collect())
}

/// The items of a table, those carried past it among them.
pub(in crate::hub) fn items(
    hub: &Arc<Hub>,
    request: &pb::ItemsRequest,
    own: Option<&RegionCode>,
) -> Result<Items, Refusal> {
    let period = wire::month(&request.period, "period")?;
    let region = |text: &str, field: &str| id(RegionCode::parse, text, field);
    let (home, care) = (region(&request.home, "home")?, region(&request.care, "care")?);
    if own.is_some_and(|own| *own != home && *own != care) {
        return Err(Refusal::new(Code::NotYourRegion, "a province sees its own tables", "home"));
    }
    let prefix = keys::items_of(period, &home, &care);
    let store = hub.node.store.clone();
    let pages = stream::try_unfold(Some(None::<Vec<u8>>), move |state| {
        let (store, prefix) = (store.clone(), prefix.clone());
        async move {
            let Some(after) = state else { return Ok::<_, Failure>(None) };
            let page = store.scan_prefix(&prefix, after.as_deref(), limits::PAGE).await?;
            let next = (page.len() == limits::PAGE).then(|| page.last().map(|(key, _)| key.to_vec()));
            let items: Result<Vec<pb::ClearedItem>, Failure> =
                page.iter().map(|(key, record)| document(key, &record.value)).collect();
            Ok(Some((items?, next)))
        }
    });
    let items = pages.flat_map(|page| match page {
        Ok(items) => stream::iter(items).map(Ok).left_stream(),
        Err(failure) => stream::once(async move { Err(failure.into_status()) }).right_stream(),
    });
    Ok(items.boxed())
}
