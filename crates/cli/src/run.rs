//! Running services until they are told to stop: SIGTERM and Ctrl-C drain what has begun.

use std::{io::IsTerminal, path::Path, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use zhijie_services::{config::Config, node::Role};

/// Starts the roles of a configuration and waits for a signal.
pub(crate) async fn serve(config: &Path, role: Option<Role>) -> anyhow::Result<ExitCode> {
    log_to_stderr("info");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let served = Config::read(config)?.start(role).await?;
    tokio::select! {
        biased;
        _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
        _ = interrupt.recv() => tracing::info!("interrupted: draining"),
    }
    for service in served {
        service.stop().await;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Logs to standard error: lines for people on a terminal, JSON for machines elsewhere.
pub(crate) fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.with_target(false).init();
    } else {
        log.json().with_current_span(false).init();
    }
}
