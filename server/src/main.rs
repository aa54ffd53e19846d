#![doc = include_str!("../README.md")]

mod access;
mod calc;
mod cli;
mod config;
mod database;
mod dead_letters;
mod demo;
mod device;
mod device_certificate;
mod device_key;
mod doctor;
mod erasing;
mod exports;
mod external;
mod health;
mod issuing;
mod keeping;
mod key;
mod ledger;
mod load;
mod lockout;
mod logging;
mod networks;
mod node;
#[cfg(feature = "oidc")]
mod oidc;
mod organisation;
mod origins;
mod platform;
mod presence;
mod projections;
mod publishing;
mod recompute;
mod roles;
mod sealer;
mod simulate;
mod surroundings;
mod user;
mod verify;
mod watch;
mod writable;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use cli::{Cli, Command};
use config::Config;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Steps of tasks after which sockets and timers are looked at again. A step that reads a large batch
/// takes milliseconds, and a probe of health waits for all of them; the usual number is 61.
const STEPS: u32 = 16;

fn main() -> ExitCode {
    // Before anything speaks TLS or signs a token: two providers are compiled in, one is chosen.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .expect("nothing in this process has chosen a provider before main");
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(STEPS)
        .build();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    outcome.unwrap_or_else(|error| {
        eprintln!("sealrock: {}", describe(&error));
        ExitCode::from(2)
    })
}

/// The error with its causes, but for those that the text before them tells already.
fn describe(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |told, cause| {
            match (told.is_empty(), told.contains(&cause)) {
                (true, _) => cause,
                (false, true) => told,
                (false, false) => format!("{told}: {cause}"),
            }
        })
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = Config::load(&cli.settings)?;
    logging::start(&config)?;
    let done = match cli.command {
        Command::Demo(arguments) => demo::run(config, arguments).await,
        Command::Serve(arguments) => node::serve(arguments.over(config)).await,
        Command::Simulate(arguments) => simulate::run(arguments).await,
        Command::Verify(arguments) => return verify::run(arguments).await,
        Command::Calc(arguments) => return calc::run(&arguments),
        Command::Watch(arguments) => return watch::run(arguments).await,
        Command::Export(arguments) => ledger::export(&config, arguments).await,
        Command::Fsck(arguments) => return ledger::fsck(&config, arguments).await,
        Command::Seal(arguments) => return sealer::seal(&config, arguments).await,
        Command::Projections(command) => projections::run(&config, command).await,
        Command::Organisation(command) => organisation::organisation(&config, command).await,
        Command::Site(command) => organisation::site(&config, command).await,
        Command::Asset(command) => organisation::asset(&config, command).await,
        Command::Device(command) => device::run(&config, command).await,
        Command::User(command) => user::run(&config, command).await,
        Command::Grant(command) => access::grant(&config, command).await,
        Command::ApiKey(command) => access::api_key(&config, command).await,
        Command::Key(command) => key::run(&config, command).await,
        Command::Ledger(command) => keeping::run(&config, command).await,
        Command::DeadLetters(arguments) => dead_letters::run(&config, arguments).await,
        Command::Redact(arguments) => erasing::redact(&config, arguments).await,
        Command::Retention(arguments) => erasing::retention(&config, arguments).await,
        Command::Config => config.print(),
        Command::Migrate => database::migrate(&config).await,
        Command::Doctor(arguments) => return doctor::run(&config, arguments).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}
