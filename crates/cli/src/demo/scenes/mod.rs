//! The scenes, one file each, in the order they are told.

pub(super) mod cancel;
pub(super) mod chronic;
pub(super) mod clearing;
pub(super) mod difference;
pub(super) mod emergency;
pub(super) mod filing;
pub(super) mod lost_answer;
pub(super) mod month;
pub(super) mod opening;
pub(super) mod outpatient;
pub(super) mod reconciliation;
pub(super) mod refusal;
pub(super) mod review;
pub(super) mod stay;

use zhijie_services::{domain::settlement::Computation, pb, wire::settlement::parse_computation};

use crate::{
    quote::split_table,
    table::{Cell, Table},
};

/// Reads a computation that a service answered.
fn computed(document: Option<&pb::Computation>) -> anyhow::Result<Computation> {
    let document = document.cloned().unwrap_or_default();
    parse_computation(&document).map_err(|refusal| anyhow::anyhow!("{refusal}"))
}

/// A settlement in one row each: who pays.
fn bills(rows: &[(&str, &pb::Settlement)]) -> Table {
    let columns = [
        ("bill", "单据", "bill"),
        ("total", "总额", "total"),
        ("fund", "基金", "funds"),
        ("account", "个账", "account"),
        ("family", "共济", "family"),
        ("cash", "现金", "cash"),
    ];
    let mut table = Table::new("bills", &columns);
    for (name, settlement) in rows {
        let amounts = settlement.computation.as_ref().and_then(|c| c.amounts).unwrap_or_default();
        table.row([
            Cell::text(name),
            Cell::money(amounts.parts.unwrap_or_default().total),
            Cell::money(amounts.fund_total),
            Cell::money(amounts.account - amounts.family),
            Cell::money(amounts.family),
            Cell::money(amounts.cash),
        ]);
    }
    table
}

/// Split lines as the care region answered them.
fn lines(reply: &pb::UploadLinesReply) -> Table {
    let mut table = split_table("lines");
    for line in &reply.lines {
        let class = line.item_class().as_str_name().trim_start_matches("ITEM_CLASS_");
        let class = Cell::Coded(format!("{class} {}%", line.self_pay / 100), class.into());
        let item = line.line.as_ref().map(|line| line.item.clone()).unwrap_or_default();
        table.row(split_row(Cell::Text(item), class, line.parts.unwrap_or_default()));
    }
    let bill = Cell::Coded("合计 bill".into(), "bill".into());
    table.row(split_row(bill, Cell::text(""), reply.bill.unwrap_or_default()));
    table
}

fn split_row(item: Cell, class: Cell, parts: pb::Parts) -> Vec<Cell> {
    let amounts = [parts.total, parts.own, parts.over, parts.pre, parts.in_scope];
    [item, class].into_iter().chain(amounts.map(Cell::money)).collect()
}
