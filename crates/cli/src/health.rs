//! Asking a service whether it is well, for containers that have no shell.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use zhijie_services::{
    config::{Config, Reach},
    node::{Tcp, is_serving},
};

/// Options of `zhijie health`.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Options {
    /// Where the service listens, in plaintext
    #[arg(value_name = "http://HOST:PORT")]
    address: Option<String>,
    /// The configuration of the service, which says where it listens and by which identity it is known
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How long a service may take, s.
const DEADLINE_S: u64 = 2;

/// Asks once.
pub(crate) async fn health(options: &Options) -> anyhow::Result<ExitCode> {
    let plain = |address| Reach { address, net: Arc::new(Tcp) };
    let mut asked: Vec<Reach> = options.address.clone().map(plain).into_iter().collect();
    if let Some(config) = &options.config {
        asked.extend(Config::read(config)?.reach()?);
    }
    for Reach { address, net } in &asked {
        match tokio::time::timeout(Duration::from_secs(DEADLINE_S), is_serving(net, address)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => anyhow::bail!("{address} is not serving"),
            Ok(Err(_)) => anyhow::bail!("{address} does not answer"),
            Err(_) => anyhow::bail!("{address} did not answer in {DEADLINE_S} s"),
        }
    }
    Ok(ExitCode::SUCCESS)
}
