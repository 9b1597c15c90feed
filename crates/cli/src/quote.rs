//! `zhijie quote`: a claim in a file and a home policy in, the explained benefit out.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use serde_json::json;
use zhijie_services::{
    domain::settlement::Computation,
    node::{embedded_parameters, load_parameters},
    quote::{Quote, QuoteError, Quoted},
    wire::refusal,
};

use crate::table::{Cell, Table};

/// Options of `zhijie quote`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The claim (TOML); examples/quote.toml explains the format
    file: PathBuf,
    /// Another folder of parameters: change a rule and see who pays
    #[arg(long, value_name = "DIR")]
    parameters: Option<PathBuf>,
    /// One JSON object instead of tables; amounts in fen, ratios in basis points
    #[arg(long)]
    json: bool,
}

/// Explains one claim.
pub(crate) fn quote(options: &Options) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&options.file).with_context(|| options.file.display().to_string())?;
    let parameters = match &options.parameters {
        Some(folder) => load_parameters(folder)?,
        None => embedded_parameters()?,
    };
    let quoted = Quote::parse(&text).and_then(|quote| quote.explain(&parameters));
    match quoted {
        Ok(quoted) => {
            show(&quoted, options.json);
            Ok(ExitCode::SUCCESS)
        }
        Err(QuoteError::Refused(refused)) => {
            if options.json {
                let document = refusal::print(&refused);
                anstream::println!(
                    "{}",
                    json!({ "refused": { "code": refused.code.as_str(), "rule": document.rule, "field": document.field, "zh": document.zh, "en": document.en } })
                );
            } else {
                anstream::println!("拒付 refused: {} {}\n{refused}", refused.code, refused.zh);
            }
            Ok(ExitCode::from(1))
        }
        Err(QuoteError::Form(error)) => anyhow::bail!("{}: {error}", options.file.display()),
    }
}

fn show(quoted: &Quoted, machine: bool) {
    let (lines, steps) = (lines(quoted), steps(&quoted.computation));
    let amounts = amounts(&quoted.computation);
    if machine {
        let document = json!({ "lines": lines.json(), "steps": steps.json(), "amounts": amounts.json() });
        anstream::println!("{document}");
        return;
    }
    anstream::println!("费用分割 · The split by the care catalogue\n{}\n", lines.shown());
    anstream::println!("待遇计算 · The benefit by the home policy, step by step\n{}\n", steps.shown());
    anstream::println!("结算结果 · Who pays\n{}", amounts.shown());
}

fn lines(quoted: &Quoted) -> Table {
    let mut table = split_table("lines");
    for line in &quoted.lines {
        let parts = &line.parts;
        table.row([
            Cell::text(&line.line.item),
            Cell::Coded(format!("{:?} {}", line.class, line.self_pay), format!("{:?}", line.class).into()),
            Cell::Money(parts.total),
            Cell::Money(parts.own),
            Cell::Money(parts.over),
            Cell::Money(parts.pre),
            Cell::Money(parts.in_scope),
        ]);
    }
    let bill = &quoted.bill;
    table.row([
        Cell::Coded("合计 bill".into(), "bill".into()),
        Cell::text(""),
        Cell::Money(bill.total),
        Cell::Money(bill.own),
        Cell::Money(bill.over),
        Cell::Money(bill.pre),
        Cell::Money(bill.in_scope),
    ]);
    table
}

/// The table of split lines, without rows.
pub(crate) fn split_table(key: &'static str) -> Table {
    Table::new(
        key,
        &[
            ("item", "项目", "item"),
            ("class", "等级", "class"),
            ("total", "总额", "total"),
            ("own", "全自费", "own"),
            ("over", "超限价", "over limit"),
            ("pre", "先行自付", "first share"),
            ("in_scope", "范围内", "in scope"),
        ],
    )
}

/// The explanation of a computation.
pub(crate) fn steps(computation: &Computation) -> Table {
    let columns =
        [("rule", "规则", "rule"), ("what", "说明", "what"), ("before", "基数", "base"), ("after", "结果", "result")];
    let mut table = Table::new("steps", &columns);
    for step in &computation.steps {
        let what = [("zh", &step.zh), ("en", &step.en), ("source", &step.source)];
        let what = Cell::Lines(what.map(|(key, text)| (key, text.clone())).to_vec());
        table.row([Cell::text(&step.rule), what, Cell::Money(step.before), Cell::Money(step.after)]);
    }
    table
}

/// Who pays what.
pub(crate) fn amounts(computation: &Computation) -> Table {
    let mut table = Table::new("amounts", &[("payer", "支付方", "payer"), ("amount", "金额", "amount")]);
    let amounts = &computation.amounts;
    for (zh, en, amount) in amounts.funds.named() {
        if amount.0 != 0 {
            table.row([Cell::Coded(format!("{zh} {en}"), en.into()), Cell::Money(amount)]);
        }
    }
    let own_account = amounts.account.0 - amounts.family.0;
    for (zh, en, amount) in [
        ("基金合计", "all funds", amounts.fund_total.0),
        ("个人账户", "personal account", own_account),
        ("家庭共济", "family share", amounts.family.0),
        ("个人现金", "cash", amounts.cash.0),
        ("总费用", "the bill", amounts.parts.total.0),
    ] {
        table.row([Cell::Coded(format!("{zh} {en}"), en.into()), Cell::money(amount)]);
    }
    table
}
