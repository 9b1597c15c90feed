//! Monthly clearing (月度清算) at the hub: agencies agree bills, tables are made, confirmed, disputed, noticed and paid.

pub(super) mod agree;
pub(super) mod dispute;
pub(crate) mod fold;
pub(crate) mod list;
pub(super) mod make;
pub(super) mod steps;
pub(crate) mod trail;
pub(super) mod year;

use zhijie_domain::{
    calendar::Month,
    clearing::table::{Outcome, outcome},
    ids::RegionCode,
    money::Fen,
    refusal::{Code, Refusal},
};
use zhijie_store::Txn;

use crate::{
    node::{Failure, Records, keys},
    wire::pb,
};

/// The refusal of a step that clearing is not at.
pub(super) fn not_now(field: &str, zh: impl std::fmt::Display, en: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::ClearingState, "医保发〔2022〕22号, annex: the steps of monthly clearing", field).with(zh, en)
}

/// The table of a pair, or the refusal that there is none. While the tables of a period are being made, none is ready:
/// what would be done to one could be written over.
async fn load(
    txn: &mut Txn,
    period: Month,
    home: &RegionCode,
    care: &RegionCode,
) -> Result<Result<(Vec<u8>, pb::ClearingTable), Refusal>, Failure> {
    let key = keys::table(period, home, care);
    let made = txn.record::<pb::PeriodRecord>(&keys::period(period)).await?.is_some_and(|period| period.made);
    let table = txn.record::<pb::ClearingTable>(&key).await?.filter(|_| made);
    Ok(table.map(|table| (key, table)).ok_or_else(|| {
        not_now(
            "period",
            format!("{period} 期 {home} 对 {care} 无清算表"),
            format!("there is no table of {period} between {home} and {care}"),
        )
    }))
}

/// What becomes of a table's payable.
pub(crate) fn outcome_of(period: Month, table: &pb::ClearingTable) -> Result<Outcome, Refusal> {
    outcome(period, Fen(table.payable)).map_err(Refusal::from)
}
