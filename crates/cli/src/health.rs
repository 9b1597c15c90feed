//! Asking a service whether it is well, for containers that have no shell.

use std::{process::ExitCode, time::Duration};

use zhijie_services::node::{Tcp, is_serving};

/// Options of `zhijie health`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the service listens
    #[arg(value_name = "http://HOST:PORT")]
    address: String,
}

/// How long the service may take, s.
const DEADLINE_S: u64 = 2;

/// Asks once.
pub(crate) async fn health(options: &Options) -> anyhow::Result<ExitCode> {
    let asked = tokio::time::timeout(Duration::from_secs(DEADLINE_S), is_serving(Tcp, &options.address)).await;
    match asked {
        Ok(Ok(true)) => Ok(ExitCode::SUCCESS),
        Ok(Ok(false)) => anyhow::bail!("{} is not serving", options.address),
        Ok(Err(_)) => anyhow::bail!("{} does not answer", options.address),
        Err(_) => anyhow::bail!("{} did not answer in {DEADLINE_S} s", options.address),
    }
}
