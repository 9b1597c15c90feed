//! Running services until they are told to stop: SIGTERM and Ctrl-C drain what has begun.

use std::{
    io::{self, IsTerminal, Read},
    process::ExitCode,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;
use zhijie_services::{config::Config, node::Role};

use crate::Service;

/// Starts the roles of a configuration and waits for a signal.
pub(crate) async fn serve(service: &Service, role: Option<Role>) -> anyhow::Result<ExitCode> {
    log_to_stderr("info");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (_held, mut let_go) = leash(service.stdin_is_a_leash);
    let served = Config::read(&service.config)?.start(role).await?;
    tokio::select! {
        biased;
        _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
        _ = interrupt.recv() => tracing::info!("interrupted: draining"),
        _ = &mut let_go => tracing::info!("let go: draining"),
    }
    for service in served {
        service.stop().await;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What ends when standard input does, if that is a leash; else what never ends while the first part is held.
fn leash(stdin_is_one: bool) -> (Option<oneshot::Sender<()>>, oneshot::Receiver<()>) {
    let (held, let_go) = oneshot::channel();
    if !stdin_is_one {
        return (Some(held), let_go);
    }
    // A thread, as the runtime would wait for a read of its own that does not end.
    std::thread::spawn(move || {
        let _held = held;
        let _ = io::stdin().read_to_end(&mut Vec::new());
    });
    (None, let_go)
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
