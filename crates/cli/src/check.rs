//! `zhijie check`: whether stores hold together, without their services: a line for each subject, and the first
//! difference of each named down to the field.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde_json::{Value, json};
use zhijie_services::{
    check::{Difference, Report, Stores, Subject, check as checked},
    node::{is_store, open_store_unread, owner},
};

use crate::table::{Cell, Table};

/// Options of `zhijie check`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Stores, or folders that hold stores; their services must not run
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

/// Checks the stores of some folders.
pub(crate) async fn check(options: &Options) -> anyhow::Result<ExitCode> {
    let report = report_on(&options.folders).await?;
    if options.json {
        anstream::println!("{}", machine(&report));
    } else {
        people(&report);
    }
    Ok(if report.is_equal() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Checks the stores that are these folders, or lie in them.
pub(crate) async fn report_on(folders: &[PathBuf]) -> anyhow::Result<Report> {
    let mut found = BTreeSet::new();
    for folder in folders {
        found.extend(stores_of(folder)?);
    }
    let mut stores = Stores::default();
    for path in found {
        let named = || path.display().to_string();
        let store = open_store_unread(&path).with_context(named)?;
        let owner = owner(&store).await.with_context(named)?;
        let owner = owner.with_context(|| format!("{}: no service has started over this store", named()))?;
        anyhow::ensure!(stores.add(owner.clone(), store), "{}: a second store of {owner}", named());
    }
    Ok(checked(&stores).await?)
}

/// The stores that a folder is or holds. Opening another folder would make a new store there.
fn stores_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let named = || folder.display().to_string();
    let folder = folder.canonicalize().with_context(named)?;
    if is_store(&folder) {
        return Ok(vec![folder]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        if is_store(&path) {
            found.push(path);
        }
    }
    anyhow::ensure!(!found.is_empty(), "{}: no store, and no folder that holds stores", named());
    Ok(found)
}

fn people(report: &Report) {
    let columns = [("subject", "事项", "subject"), ("checked", "核查数", "checked"), ("result", "结果", "result")];
    let mut table = Table::new("subjects", &columns);
    for subject in &report.subjects {
        let checked = Cell::Count(i64::try_from(subject.checked).unwrap_or(i64::MAX));
        table.row([Cell::Text(format!("{}\n{}", subject.zh, subject.en)), checked, Cell::Text(result(subject))]);
    }
    anstream::println!("{}", table.shown());
    for (subject, difference) in report.subjects.iter().filter_map(|subject| Some((subject, subject.first.as_ref()?))) {
        let Difference { store, kind, record, field, what } = difference;
        anstream::println!("✗ {}: {store} {kind}/{record}\n  {field}: {what}", subject.key);
    }
}

fn result(subject: &Subject) -> String {
    let mut parts = Vec::new();
    if subject.differences > 0 {
        parts.push(format!("✗ 不符 {0} differ", subject.differences));
    }
    if !subject.missing.is_empty() {
        let names: Vec<String> = subject.missing.iter().map(ToString::to_string).collect();
        parts.push(format!("缺失 missing: {}", names.join(", ")));
    }
    match (parts.is_empty(), subject.checked) {
        (true, 0) => "— 无 nothing to check".into(),
        (true, _) => "✓ 相符 equal".into(),
        (false, _) => parts.join("\n"),
    }
}

fn machine(report: &Report) -> Value {
    let subject = |subject: &Subject| {
        let first = subject.first.as_ref().map(|first| {
            let Difference { store, kind, record, field, what } = first;
            json!({ "store": store, "kind": kind, "record": record, "field": field, "what": what })
        });
        let missing: Vec<String> = subject.missing.iter().map(ToString::to_string).collect();
        json!({
            "key": subject.key,
            "zh": subject.zh,
            "en": subject.en,
            "checked": subject.checked,
            "differences": subject.differences,
            "missing": missing,
            "equal": subject.differences == 0 && missing.is_empty(),
            "first": first,
        })
    };
    let stores: Vec<String> = report.stores.iter().map(ToString::to_string).collect();
    let subjects: Vec<Value> = report.subjects.iter().map(subject).collect();
    json!({ "equal": report.is_equal(), "stores": stores, "subjects": subjects })
}
