//! Where the services of a cluster are that runs elsewhere: a file for whoever sends to it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;
use zhijie_services::domain::ids::RegionCode;

/// `--cluster`; see deploy/cluster.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Addresses {
    /// `host:port` of the hub.
    pub(crate) hub: String,
    /// Folder with the identities of hospitals and officers, as `zhijie certs` makes it; without it the services speak in
    /// plaintext.
    pub(crate) identities: Option<PathBuf>,
    /// By province.
    pub(crate) regions: BTreeMap<RegionCode, Region>,
}

/// The services of a province: one role, or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    /// `host:port` of its care service.
    pub(crate) care: Option<String>,
    /// `host:port` of its home service.
    pub(crate) home: Option<String>,
}

impl Addresses {
    /// Reads them.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Addresses> {
        let named = || file.display().to_string();
        toml::from_str(&std::fs::read_to_string(file).with_context(named)?).with_context(named)
    }
}
