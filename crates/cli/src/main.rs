//! `zhijie`: the one program. It runs the services, shows the road, and explains a benefit.

mod addresses;
mod bench;
mod certs;
mod check;
mod demo;
mod drill;
mod evidence;
mod health;
mod load;
mod quote;
mod run;
mod simulate;
mod spawn;
mod table;

use std::{panic, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use zhijie_services::node::{Role, panics_are_caught};

/// 跨省异地就医直接结算模拟器 · a simulator of cross-province medical-insurance settlement.
///
/// Start with `zhijie demo`: four provinces and the national hub in this process, a story from filing to clearing.
#[derive(Parser)]
#[command(name = "zhijie", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 refused, or the books do not agree; 2 wrong usage; 3 a file is wrong, or the machinery failed;
4 nothing is wrong with the evidence, and not all of it could be verified.
Logs go to standard error; RUST_LOG chooses how much, such as RUST_LOG=zhijie_services=debug.";

#[derive(Subcommand)]
enum Command {
    /// 演示: tell the road from filing to clearing, step by step, with real services
    Demo(demo::Options),
    /// 测算: explain what a home policy makes of a claim in a file; needs no services
    Quote(quote::Options),
    /// 核查: check stores without their services; exits 0 when they hold together
    Check(check::Options),
    /// 证据: write the evidence of a settlement, or verify one without any store
    Evidence(evidence::Options),
    /// 压测: send visits at a stated rate, and see whether answers and books stay right
    Load(load::Options),
    /// 基准: settlements a second, latency, CPU and disk against the limits of wire and disk, in one run
    Bench(bench::Options),
    /// 故障演练: kill and stop services under load, round after round; exits 0 when nothing is lost or doubled
    Drill(drill::Options),
    /// A service of the benchmark's ceiling
    #[command(hide = true)]
    BenchCeiling(bench::ceiling::Options),
    /// 模拟: a whole cluster under faults, seed after seed; exits 0 when every promise is kept
    Simulate(simulate::Options),
    /// 国家平台: serve the national hub
    Hub(Service),
    /// 参保地: serve a home region
    Home(Service),
    /// 就医地: serve a care region
    Care(Service),
    /// Serve every role that the configuration names
    Serve(Service),
    /// 证书: make an authority for development, and certificates for everybody who takes part
    Certs(certs::Options),
    /// Ask a service whether it is well; exits 0 when it is
    Health(health::Options),
}

/// Options of a service.
#[derive(clap::Args)]
struct Service {
    /// The configuration (TOML); see deploy/ for examples
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop when standard input ends, as it does when the process that started this one is gone
    #[arg(long, hide = true)]
    stdin_is_a_leash: bool,
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What an engine panics over becomes an error with its words.
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !panics_are_caught() {
            usual(info);
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(perform(arguments.command)));
    match done {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("zhijie: {error:#}");
            ExitCode::from(3)
        }
    }
}

async fn perform(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(options) => demo::demo(&options).await,
        Command::Quote(options) => quote::quote(&options),
        Command::Check(options) => check::check(&options).await,
        Command::Evidence(options) => evidence::evidence(&options).await,
        Command::Load(options) => load::load(&options).await,
        Command::Bench(options) => bench::bench(&options).await,
        Command::Drill(options) => drill::drill(&options).await,
        Command::BenchCeiling(options) => bench::ceiling::ceiling(&options).await,
        Command::Simulate(options) => simulate::simulate(&options),
        Command::Hub(service) => run::serve(&service, Some(Role::Hub)).await,
        Command::Home(service) => run::serve(&service, Some(Role::Home)).await,
        Command::Care(service) => run::serve(&service, Some(Role::Care)).await,
        Command::Serve(service) => run::serve(&service, None).await,
        Command::Certs(options) => certs::certs(&options),
        Command::Health(options) => health::health(&options).await,
    }
}
