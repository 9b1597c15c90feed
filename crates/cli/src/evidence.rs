//! `zhijie evidence`: writes the evidence of a settlement from the hub's store, or verifies such a file without any store.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde_json::json;
use zhijie_services::{
    domain::ids::SettlementId,
    evidence::{Authorities, Evidence, Finding, Verdict, gather, verify},
    node::{is_store, open_store},
};

use crate::table::{Cell, Table};

/// Nothing is wrong, and not everything could be verified.
const UNVERIFIED: u8 = 4;

/// Options of `zhijie evidence`.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["store", "verify"])))]
pub(crate) struct Options {
    /// The hub's store, whose service must not run
    #[arg(long, value_name = "FOLDER", requires = "settlement")]
    store: Option<PathBuf>,
    /// The settlement, or the negative record that undid it
    #[arg(requires = "store", value_name = "SETTLEMENT")]
    settlement: Option<String>,
    /// Where to write the evidence; without it, to standard output
    #[arg(long, value_name = "FILE", requires = "store")]
    out: Option<PathBuf>,
    /// Evidence to verify
    #[arg(long, value_name = "FILE")]
    verify: Option<PathBuf>,
    /// Certificates of the authorities that are trusted (PEM): without them, whose a key is stays open
    #[arg(long, value_name = "FILE", requires = "verify")]
    authority: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long, requires = "verify")]
    json: bool,
}

/// Writes or verifies.
pub(crate) async fn evidence(options: &Options) -> anyhow::Result<ExitCode> {
    match (&options.store, &options.settlement, &options.verify) {
        (Some(store), Some(settlement), _) => write(store, settlement, options.out.as_deref()).await,
        (_, _, Some(file)) => verified(file, options.authority.as_deref(), options.json),
        _ => anyhow::bail!("--store with a settlement, or --verify"),
    }
}

async fn write(folder: &Path, settlement: &str, out: Option<&Path>) -> anyhow::Result<ExitCode> {
    // Opening another folder would make a new store there.
    anyhow::ensure!(is_store(folder), "{}: no store", folder.display());
    let store = open_store(folder).with_context(|| folder.display().to_string())?;
    let Some(evidence) = gather(&store, &SettlementId::parse(settlement)?).await? else {
        anstream::eprintln!("zhijie: 无此结算 · this store has no settlement {settlement}");
        return Ok(ExitCode::from(1));
    };
    let text = evidence.print()?;
    match out {
        Some(file) => fs::write(file, text).with_context(|| file.display().to_string())?,
        None => anstream::print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn verified(file: &Path, authority: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let read = |file: &Path| fs::read(file).with_context(|| file.display().to_string());
    let evidence = Evidence::parse(&read(file)?).with_context(|| file.display().to_string())?;
    let authorities =
        authority.map(|file| Authorities::parse(&read(file)?).with_context(|| file.display().to_string()));
    let found = verify(&evidence, authorities.transpose()?.as_ref());
    if json {
        anstream::println!("{}", machine(&found));
    } else {
        people(&evidence, &found);
    }
    let is = |verdict| found.iter().any(|finding| finding.verdict == verdict);
    Ok(match (is(Verdict::Wrong), is(Verdict::Unverified)) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(UNVERIFIED),
        (false, false) => ExitCode::SUCCESS,
    })
}

fn people(evidence: &Evidence, found: &[Finding]) {
    for line in evidence.settlement.record.iter().chain(evidence.undone_by.iter().flat_map(|fact| &fact.record)) {
        anstream::println!("{line}");
    }
    let columns = [
        ("record", "记录", "record"),
        ("what", "事项", "what"),
        ("verdict", "结果", "verdict"),
        ("detail", "说明", "detail"),
    ];
    let mut table = Table::new("findings", &columns);
    for finding in found {
        table.row([
            Cell::text(finding.record),
            Cell::text(format!("{}\n{}", finding.zh, finding.en)),
            Cell::text(shown(finding.verdict)),
            Cell::text(&finding.detail),
        ]);
    }
    anstream::println!("{}", table.shown());
}

fn shown(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "✓ 验证通过 verified",
        Verdict::Wrong => "✗ 不符 wrong",
        Verdict::Unverified => "— 未验证 not verified",
    }
}

fn machine(found: &[Finding]) -> serde_json::Value {
    let verdict = |verdict| match verdict {
        Verdict::Right => "verified",
        Verdict::Wrong => "wrong",
        Verdict::Unverified => "unverified",
    };
    let findings = found.iter().map(|finding| {
        let Finding { record, key, zh, en, detail, .. } = finding;
        json!({ "record": record, "key": key, "zh": zh, "en": en, "verdict": verdict(finding.verdict), "detail": detail })
    });
    json!({ "findings": findings.collect::<Vec<_>>() })
}
