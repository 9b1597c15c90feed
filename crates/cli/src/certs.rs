//! `zhijie certs`: an authority for development, and an identity for everybody who takes part: services, offices of
//! provinces, the national agency, hospitals and pharmacies.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use zhijie_identity::{
    Identity, KEY, Own,
    authority::{Authority, DAY_S},
    now,
};
use zhijie_services::{
    config::Config,
    domain::{calendar::Moment, ids::RegionCode, parameters::Parameters},
    node::embedded_parameters,
};

use crate::table::{Cell, Table};

/// The folder of the authority among the others.
const AUTHORITY: &str = "authority";
/// How long the authority is valid, days.
const AUTHORITY_DAYS: u64 = 3_650;

const HELP: &str = "\
Each identity is a folder with three files: tls.crt, tls.key (for its owner only) and ca.crt, as Kubernetes names them. A
service is given its folder by `identity = \"FOLDER/care-310000\"`; new files there are used by the next connection, without
a restart. The authority is made once, in FOLDER/authority, and never overwritten: whoever holds its key can be anybody.

  zhijie certs certs --config deploy/hub.toml          everybody of the provinces that the hub knows
  zhijie certs certs --region 310000 --region 340000   everybody of these
  zhijie certs certs --config deploy/hub.toml          again: renews what has less than half of its days left
  zhijie certs certs --region 310000 --only care-310000 --days 30
                                                       a new key and certificate for this one, whatever it has";

/// Options of `zhijie certs`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// Where the identities go; made where it is missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// For the provinces of this hub configuration
    #[arg(long, value_name = "FILE", conflicts_with = "region", required_unless_present = "region")]
    config: Option<PathBuf>,
    /// For this province; may be repeated
    #[arg(long, value_name = "CODE", value_parser = province)]
    region: Vec<RegionCode>,
    /// How long certificates are valid, days
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Only this one, and whatever it has: the name of its folder; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Another name or address of the services, for clients that look at it; may be repeated
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn province(text: &str) -> Result<RegionCode, String> {
    let code = RegionCode::parse(text).ok().filter(RegionCode::is_province);
    code.ok_or_else(|| "the code of a province, such as 310000".into())
}

/// Makes what is missing, and shows all.
pub(crate) fn certs(options: &Options) -> anyhow::Result<ExitCode> {
    let provinces: Vec<RegionCode> = match &options.config {
        Some(path) => {
            let hub = Config::read(path)?.hub;
            hub.with_context(|| format!("{} has no [hub] section", path.display()))?.regions.into_keys().collect()
        }
        None => options.region.clone(),
    };
    let parameters = embedded_parameters()?;
    let mut wanted = members(&parameters, &provinces, &provinces);
    for name in &options.only {
        let known = wanted.iter().any(|identity| identity.folder() == *name);
        anyhow::ensure!(known, "--only {name}: nobody of that name among these provinces");
    }
    let named = |identity: &Identity| options.only.contains(&identity.folder());
    wanted.retain(|identity| options.only.is_empty() || named(identity));
    let authority = authority(&options.folder)?;
    let mut table = Table::new(
        "identities",
        &[
            ("identity", "身份", "identity"),
            ("folder", "目录", "folder"),
            ("until", "有效期至", "valid until"),
            ("new", "新发", "new"),
        ],
    );
    for identity in wanted {
        let folder = options.folder.join(identity.folder());
        let new = named(&identity) || !holds(&folder, &identity, options.days);
        if new {
            issue(&authority, &identity, &options.host, options.days, &folder)?;
        }
        let until = Own::read(&folder).with_context(|| folder.display().to_string())?.until();
        table.row([
            Cell::text(&identity),
            Cell::text(folder.display()),
            Cell::text(Moment(until.saturating_mul(1_000)).day()),
            Cell::Coded(if new { "是 yes" } else { "" }.into(), new.into()),
        ]);
    }
    if options.json {
        anstream::println!("{}", serde_json::json!({ "identities": table.json() }));
    } else {
        anstream::println!("{}", table.shown());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the identities of a cluster of one's own, valid for a day.
pub(crate) fn for_cluster(folder: &Path, homes: &[String], cares: &[String]) -> anyhow::Result<()> {
    let codes = |codes: &[String]| codes.iter().map(|code| province(code)).collect::<Result<Vec<_>, _>>();
    let (homes, cares) = (codes(homes).map_err(anyhow::Error::msg)?, codes(cares).map_err(anyhow::Error::msg)?);
    let authority = authority(folder)?;
    for identity in members(&embedded_parameters()?, &homes, &cares) {
        issue(&authority, &identity, &[], 1, &folder.join(identity.folder()))?;
    }
    Ok(())
}

/// Everybody who takes part in a cluster of these homes and cares.
fn members(parameters: &Parameters, homes: &[RegionCode], cares: &[RegionCode]) -> BTreeSet<Identity> {
    let home = homes.iter().map(|code| Identity::Home(code.to_string()));
    let care = cares.iter().map(|code| Identity::Care(code.to_string()));
    let office = homes.iter().chain(cares).map(|code| Identity::Office(code.to_string()));
    let institution = parameters.institutions.keys().filter_map(|code| {
        let province = RegionCode::parse(code.as_str().get(1..7)?).ok()?.province();
        cares.contains(&province).then(|| Identity::Institution(province.to_string(), code.to_string()))
    });
    [Identity::Hub, Identity::National].into_iter().chain(home).chain(care).chain(office).chain(institution).collect()
}

/// The authority of a folder, made where there is none.
fn authority(folder: &Path) -> anyhow::Result<Authority> {
    let place = folder.join(AUTHORITY);
    let named = || place.display().to_string();
    if place.join(KEY).exists() {
        return Authority::open(&place).with_context(named);
    }
    let authority = Authority::new(days(AUTHORITY_DAYS)).with_context(named)?;
    authority.keep(&place).with_context(named)?;
    Ok(authority)
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(DAY_S.unsigned_abs()))
}

/// True where a folder holds an identity, and at least half of the days that it would get.
fn holds(folder: &Path, identity: &Identity, days: u32) -> bool {
    let left = |own: Own| own.identity() == identity && (own.until() - now()) * 2 > i64::from(days) * DAY_S;
    Own::read(folder).is_ok_and(left)
}

fn issue(authority: &Authority, identity: &Identity, more: &[String], valid: u32, folder: &Path) -> anyhow::Result<()> {
    // By the names that containers and this machine give it.
    let mut hosts = vec![identity.folder(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    hosts.extend_from_slice(more);
    authority.issue_for(identity, &hosts, days(valid.into()), folder).with_context(|| folder.display().to_string())
}
