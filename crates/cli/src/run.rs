//! Running services until they are told to stop: SIGTERM and Ctrl-C drain what has begun.

use std::{
    io::{self, IsTerminal, Read},
    process::ExitCode,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};
use tracing_subscriber::EnvFilter;
use zhijie_services::{
    config::Config,
    node::{Role, Served},
};

use crate::Service;

/// Starts the roles of a configuration and waits for a signal.
pub(crate) async fn serve(service: &Service, role: Option<Role>) -> anyhow::Result<ExitCode> {
    log_to_stderr(SERVICE_LOG);
    let end = End::listen(service.stdin_is_a_leash)?;
    let served = Config::read(&service.config)?.start(role).await?;
    let stopped = tokio::select! {
        biased;
        () = end.told() => None,
        reason = Served::store_stopped(&served) => Some(reason),
    };
    let Some(reason) = stopped else {
        for service in served {
            service.stop().await;
        }
        tracing::info!("stopped");
        return Ok(ExitCode::SUCCESS);
    };
    // Nothing can be answered any more; whoever waits asks again when the service is back.
    served.into_iter().for_each(Served::kill);
    let advice = "the store has stopped, and so does the service. What it acknowledged is kept: mend the disk, or make room on it, \
                  and start the service again";
    Err(anyhow::Error::from(reason).context(advice))
}

/// What tells a service to end.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
    let_go: Option<oneshot::Receiver<()>>,
}

impl End {
    /// Listens to signals, and where standard input is a leash, to its end.
    pub(crate) fn listen(stdin_is_a_leash: bool) -> io::Result<End> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(End { terminate, interrupt, let_go: stdin_is_a_leash.then(leash) })
    }

    /// Waits until one of them tells.
    pub(crate) async fn told(mut self) {
        let let_go = async {
            match self.let_go {
                Some(let_go) => drop(let_go.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = self.interrupt.recv() => tracing::info!("interrupted: draining"),
            () = let_go => tracing::info!("let go: draining"),
        }
    }
}

/// What ends when standard input does.
fn leash() -> oneshot::Receiver<()> {
    let (held, let_go) = oneshot::channel();
    // A thread, as the runtime would wait for a read of its own that does not end.
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = held.send(());
    });
    let_go
}

/// What a service logs: of the libraries, such as the store's engines, only what goes wrong.
pub(crate) const SERVICE_LOG: &str = "warn,zhijie=info";

/// Logs to standard error: lines for people on a terminal, JSON for machines elsewhere.
pub(crate) fn log_to_stderr(what: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(what));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.with_target(false).init();
    } else {
        log.json().with_current_span(false).init();
    }
}
