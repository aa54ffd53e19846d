//! The running Postgres: one thread of ours starts it, looks after its log and sees it end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::StartError;
use crate::initialise::{Workshop, last_lines};

/// A log that has grown past this (bytes) is emptied.
const LOG_LIMIT: u64 = 16 << 20;
/// How often the thread looks whether Postgres has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the private Postgres is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has not been started yet.
    NotStarted,
    /// It runs (perhaps still recovering) as this process.
    Running {
        /// The postmaster's process id.
        pid: i32,
    },
    /// It has ended, by [`stop`](crate::Postgres::stop) or by itself.
    Ended(ExitStatus),
}

/// How to start one.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) workshop: Workshop,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) socket_folder: PathBuf,
    pub(crate) die_with_parent: bool,
}

impl Launch {
    /// Starts Postgres and waits until it takes connections: as long as it takes, because a
    /// recovery that is cut short starts over. `state` follows it from now on.
    pub(crate) async fn start(&self, state: &watch::Sender<State>) -> Result<i32, StartError> {
        let log = fresh_log(&self.workshop.folder.log())?;
        let (tell, told) = oneshot::channel();
        let (command, watched) = (self.command(), state.clone());
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || look_after(command, &log, tell, &watched))
            .map_err(StartError::io("start a thread for", Path::new("postgres")))?;
        let started = told
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread ended")));
        let pid = started.map_err(|error| self.not_spawned(error))?;
        self.until_ready(pid, state).await?;
        Ok(pid)
    }

    fn command(&self) -> Command {
        let Workshop {
            binaries,
            identity,
            folder,
            ..
        } = &self.workshop;
        let postgres = binaries.program("postgres");
        let mut command = if self.die_with_parent {
            // The kernel then signals Postgres when the thread that started it ends, which it does
            // with our process. `setpriv` asks for it, because to ask by ourselves is unsafe code.
            let mut command = identity.command("setpriv");
            command.args(["--pdeathsig", "INT", "--"]).arg(postgres);
            command
        } else {
            identity.command(postgres)
        };
        command.arg("-D").arg(folder.database());
        for (name, value) in &self.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.arg("-c").arg(format!(
            "unix_socket_directories={}",
            self.socket_folder.display()
        ));
        command
    }

    fn not_spawned(&self, error: io::Error) -> StartError {
        if self.die_with_parent && error.kind() == io::ErrorKind::NotFound {
            return StartError::MissingProgram {
                program: "setpriv",
                package: "util-linux",
            };
        }
        StartError::io("start", &self.workshop.binaries.program("postgres"))(error)
    }

    async fn until_ready(&self, pid: i32, state: &watch::Sender<State>) -> Result<(), StartError> {
        let database = self.workshop.folder.database();
        let mut complain_at = Instant::now() + Duration::from_secs(10);
        while !says_ready(&database, pid) {
            if let State::Ended(status) = *state.borrow() {
                return Err(self.ended(status));
            }
            if Instant::now() > complain_at {
                tracing::info!(pid, log = %self.workshop.folder.log().display(), "PostgreSQL is still starting (recovering?)");
                complain_at += Duration::from_secs(10);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn ended(&self, status: ExitStatus) -> StartError {
        let log = self.workshop.folder.log();
        let tail = last_lines(&fs::read_to_string(&log).unwrap_or_default());
        StartError::Ended { status, log, tail }
    }
}

/// Postgres writes its readiness into the eighth line of `postmaster.pid`.
fn says_ready(database: &Path, pid: i32) -> bool {
    let text = fs::read_to_string(database.join("postmaster.pid")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first().and_then(|line| line.parse().ok()) == Some(pid) && lines.get(7) == Some(&"ready")
}

/// A new log; the one of the run before stays beside it, since it may tell why that run ended.
fn fresh_log(path: &Path) -> Result<File, StartError> {
    let _ = fs::rename(path, path.with_extension("log.1"));
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(StartError::io("open", path))
}

/// Runs as the thread that owns the child from its start to its end.
fn look_after(
    mut command: Command,
    log: &File,
    tell: oneshot::Sender<io::Result<i32>>,
    state: &watch::Sender<State>,
) {
    match spawn(&mut command, log) {
        Err(error) => drop(tell.send(Err(error))),
        Ok((mut child, pid)) => {
            state.send_replace(State::Running { pid });
            // Whoever asked may have gone; the child is looked after all the same.
            let _ = tell.send(Ok(pid));
            let status = until_ended(&mut child, log);
            state.send_replace(State::Ended(status));
        }
    }
}

/// In its own process group, so that Ctrl-C in a terminal reaches us alone and we stop it in order.
fn spawn(command: &mut Command, log: &File) -> io::Result<(Child, i32)> {
    let child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok((child, pid))
}

fn until_ended(child: &mut Child, log: &File) -> ExitStatus {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot see whether PostgreSQL still runs"),
        }
        if log.metadata().is_ok_and(|found| found.len() > LOG_LIMIT) && log.set_len(0).is_ok() {
            tracing::warn!(
                limit_bytes = LOG_LIMIT,
                "PostgreSQL's log grew past its limit and was emptied"
            );
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
