//! The processes of a database, as the kernel sees them.
//!
//! A process id in a file may be another program's by now. Every process of a Postgres has the
//! database's folder as its working directory, so that is what is asked (in `/proc`: Linux).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::StartError;

/// How to end a Postgres: politely (sessions are cut, a checkpoint is written), at once (the next
/// start recovers), by force. Each with the time it gets.
const LADDER: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// The ids of all living Postgres processes on a database's folder.
pub(crate) fn of_database(database: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_of_database(*pid, database))
        .collect()
}

/// Whether the process is a Postgres on that folder: not, say, an administrator's shell in it.
pub(crate) fn is_of_database(pid: i32, database: &Path) -> bool {
    let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}"));
    let is_postgres = |program: &Path| {
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // After an upgrade of the package the name reads `postgres (deleted)`.
        name == "postgres" || name.starts_with("postgres ")
    };
    link("cwd").is_ok_and(|cwd| cwd == database) && link("exe").is_ok_and(|exe| is_postgres(&exe))
}

/// The postmaster that `postmaster.pid` names, if it lives and is this database's.
pub(crate) fn postmaster(database: &Path) -> Option<i32> {
    let text = fs::read_to_string(database.join("postmaster.pid")).ok()?;
    // A single-user Postgres writes its id with a minus sign.
    let pid = text.lines().next()?.trim().parse::<i32>().ok()?.abs();
    is_of_database(pid, database).then_some(pid)
}

/// Ends whatever an earlier process has left running on the database, and removes a stale
/// `postmaster.pid`, which would stop Postgres from starting if its id were in use again.
pub(crate) async fn clear(database: &Path) -> Result<(), StartError> {
    if let Some(pid) = of_database(database).first() {
        tracing::warn!(pid, database = %database.display(), "stopping a PostgreSQL that an earlier process left behind");
    }
    end(database).await?;
    let stale = database.join("postmaster.pid");
    match fs::remove_file(&stale) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StartError::io("remove the stale", &stale)(error))
        }
        _ => Ok(()),
    }
}

/// Ends the database's Postgres, however long its patience must be tried: afterwards no process of it lives.
pub(crate) async fn end(database: &Path) -> Result<(), StartError> {
    for (signal, patience) in LADDER {
        if of_database(database).is_empty() {
            return Ok(());
        }
        send(signal, database);
        if gone_within(patience, database).await {
            return Ok(());
        }
        tracing::warn!(%signal, database = %database.display(), ?patience, "PostgreSQL is still there");
    }
    match of_database(database).first() {
        Some(&pid) => Err(StartError::LeftBehind {
            pid,
            folder: database.to_owned(),
        }),
        None => Ok(()),
    }
}

/// The postmaster passes a stop on to its children; without one (killed), or by force, each gets it.
fn send(signal: Signal, database: &Path) {
    match postmaster(database) {
        Some(pid) if signal != Signal::SIGKILL => signal_one(pid, signal),
        // To a child alone SIGINT only means "cancel the query".
        _ if signal == Signal::SIGINT => signal_all(database, Signal::SIGTERM),
        _ => signal_all(database, signal),
    }
}

fn signal_all(database: &Path, signal: Signal) {
    for pid in of_database(database) {
        signal_one(pid, signal);
    }
}

/// A process that has just ended is what we want, so errors do not matter.
pub(crate) fn signal_one(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

async fn gone_within(patience: Duration, database: &Path) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if of_database(database).is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
