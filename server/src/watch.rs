//! `sealrock watch`: an auditor's daemon.

use std::io::Write;
use std::process::{Child, Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::bail;
use sealrock_audit::{Event, Outcome, Stop, Watch, Watcher};
use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

use crate::cli::Watch as Arguments;
use crate::verify::{grounds, source, state_folder};

/// Watches until it is stopped, or once.
///
/// # Errors
/// If a policy, URL or state folder cannot be used.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let plans = plans(&arguments)?;
    let stop = Stop::default();
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let watching = stop.clone();
    let watched = tokio::task::spawn_blocking(move || watch_all(&arguments, &plans, &watching));
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.stop();
    });
    Ok(match watched.await?? {
        Outcome::Good => ExitCode::SUCCESS,
        Outcome::Alarm => ExitCode::from(1),
        Outcome::Unknown => ExitCode::from(2),
    })
}

/// One for each URL, with its policy.
fn plans(arguments: &Arguments) -> anyhow::Result<Vec<Watch>> {
    let (urls, policies) = (arguments.urls.len(), arguments.policy.len());
    if policies != 0 && policies != urls {
        bail!("there are {urls} URLs and {policies} policies: give one for each, in their order");
    }
    let state = state_folder(&arguments.remote)?;
    let mut watches = Vec::with_capacity(urls);
    for number in 0..urls {
        let policy = arguments.policy.get(number).map(AsRef::as_ref);
        watches.push(Watch {
            grounds: grounds(policy, arguments.tsa_ca.as_deref())?,
            state: state.clone(),
            interval: arguments.interval,
            whole_every: arguments.whole_every,
            away_after: arguments.away,
            still_after: arguments.still,
        });
    }
    Ok(watches)
}

/// A thread for each ledger; the worst outcome of all.
fn watch_all(arguments: &Arguments, plans: &[Watch], stop: &Stop) -> anyhow::Result<Outcome> {
    let teller = Teller {
        arguments,
        running: Mutex::default(),
    };
    let mut ready = Vec::new();
    for (url, plan) in arguments.urls.iter().zip(plans) {
        ready.push(Watcher::new(plan, source(url, &arguments.remote)?));
    }
    let watch = |mut watcher: Watcher| {
        let tell = &mut |event: Event| teller.tell(&event);
        if arguments.once {
            return watcher.once(stop, tell);
        }
        watcher.run(stop, tell);
        Outcome::Good
    };
    let worst = thread::scope(|scope| {
        let threads: Vec<_> = ready
            .into_iter()
            .map(|watcher| scope.spawn(|| watch(watcher)))
            .collect();
        let outcomes = threads.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes
            .map(|outcome| outcome.unwrap_or(Outcome::Unknown))
            .max()
    });
    teller.finish();
    Ok(worst.unwrap_or(Outcome::Good))
}

/// Prints events, a line each, and wakes somebody at alarms.
struct Teller<'a> {
    arguments: &'a Arguments,
    running: Mutex<Vec<Child>>,
}

impl Teller<'_> {
    fn tell(&self, event: &Event) {
        let line = match serde_json::to_string(event) {
            Ok(line) => line,
            Err(error) => format!("{{\"event\":\"unsaid\",\"reason\":\"{error}\"}}"),
        };
        // Whoever reads may have gone; the alarm is run all the same.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
        if let Some(program) = self
            .arguments
            .alarm
            .as_ref()
            .filter(|_| event.kind.is_alarm())
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            match Command::new(program).arg(&line).spawn() {
                Ok(child) => running.push(child),
                Err(error) => {
                    warn!(program = %program.display(), %error, "the alarm cannot be run");
                }
            }
        }
    }

    /// Waits for the alarms that are still under way.
    fn finish(self) {
        let running = self.running.into_inner();
        for mut child in running.unwrap_or_else(PoisonError::into_inner) {
            let _ = child.wait();
        }
    }
}
