//! The task of one projection on one ledger: step after step, for ever.

use std::time::{Duration, Instant};

use sealrock_ledger::Index;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::leases::Lease;

use super::advance::{Advance, Step, StepError};
use super::backoff::Backoff;
use super::pace::Pace;
use super::stops;
use super::{Runner, State, measure};

/// How long a follower that nobody wakes stays without looking.
const NET: Duration = Duration::from_secs(5);
/// How often a follower that cannot go on looks whether it can.
const STANDSTILL: Duration = Duration::from_secs(1);

pub(crate) struct Follower {
    pub(crate) runner: Runner,
    pub(crate) advance: Advance,
    pub(crate) token: CancellationToken,
    pub(crate) lease: Lease,
    /// Whether it has gone on since it started, so that a stop of an earlier run is past.
    pub(crate) settled: bool,
    pub(crate) pace: Pace,
}

impl Follower {
    /// Runs until the token is cancelled; a transaction that has begun is ended first.
    pub(crate) async fn run(mut self) {
        let mut size = self.advance.store.watch_size(self.advance.ledger.id);
        let mut backoff = Backoff::default();
        while !self.token.is_cancelled() {
            if !self.lease.is_held() {
                self.token.run_until_cancelled(self.lease.taken()).await;
                continue;
            }
            // Marked as seen before the step: what is appended during the step wakes the next wait.
            size.borrow_and_update();
            match self.advance.step().await {
                Ok(step) => {
                    backoff = Backoff::default();
                    self.after(step, &mut size).await;
                }
                Err(error) => self.retry_later(&error, &mut backoff).await,
            }
        }
    }

    async fn after(&mut self, step: Step, size: &mut watch::Receiver<u64>) {
        match step {
            Step::Moved(next) => {
                self.moved(next);
                self.settle().await;
                self.rest(next).await;
            }
            Step::Elsewhere(next) => self.moved(next),
            Step::Idle(next) => {
                self.moved(next);
                self.wait_for_more(size).await;
            }
            Step::Poisoned { index, reason } => self.stand_still(index, reason).await,
            Step::OtherVersion(stored) => {
                self.report(State::OtherVersion { stored });
                self.pause(STANDSTILL).await;
            }
        }
    }

    async fn rest(&mut self, next: u64) {
        let size = *self
            .advance
            .store
            .watch_size(self.advance.ledger.id)
            .borrow();
        let rest = self.pace.rest(next, size, Instant::now());
        if !rest.is_zero() {
            self.pause(rest).await;
        }
    }

    fn moved(&self, next: u64) {
        let (name, ledger) = (self.advance.model.name(), &self.advance.ledger);
        self.report(State::Running);
        self.runner.positions().raise(name, ledger.id, next);
        let size = *self.advance.store.watch_size(ledger.id).borrow();
        measure::position(name, ledger, next, size);
    }

    /// Forgets the stop of an earlier run: the entry that was poison has been folded.
    async fn settle(&mut self) {
        if self.settled {
            return;
        }
        let (name, ledger) = (self.advance.model.name(), self.advance.ledger.id);
        self.settled = stops::clear(self.advance.store.pool(), name, ledger)
            .await
            .is_ok();
    }

    async fn wait_for_more(&self, size: &mut watch::Receiver<u64>) {
        let mut lease = self.lease.clone();
        tokio::select! {
            () = self.token.cancelled() => {}
            () = lease.lost() => {}
            changed = size.changed() => if changed.is_err() { self.pause(NET).await },
            () = tokio::time::sleep(NET) => {}
        }
    }

    async fn retry_later(&self, error: &StepError, backoff: &mut Backoff) {
        let delay = backoff.next();
        let (name, ledger) = (self.advance.model.name(), &self.advance.ledger);
        tracing::warn!(projection = name, ledger = %ledger.name, %error, ?delay, "a fold failed and is retried");
        self.report(State::Retrying {
            reason: error.to_string(),
        });
        self.pause(delay).await;
    }

    /// Stays at a poison entry until somebody removed the stop (a rebuild, or an operator).
    async fn stand_still(&mut self, index: Index, reason: String) {
        let (name, ledger) = (self.advance.model.name(), &self.advance.ledger);
        tracing::error!(projection = name, ledger = %ledger.name, %index, reason, "a projection stopped");
        measure::stopped(name, ledger, true);
        self.runner.positions().raise(name, ledger.id, index.0);
        self.report(State::Stopped {
            index,
            reason: reason.clone(),
        });
        self.record_stop(index, &reason).await;
        while self.is_stopped(index).await && !self.token.is_cancelled() {
            self.pause(STANDSTILL).await;
        }
        measure::stopped(name, ledger, false);
        self.settled = false;
    }

    async fn record_stop(&self, index: Index, reason: &str) {
        let (name, ledger) = (self.advance.model.name(), self.advance.ledger.id);
        let pool = self.advance.store.pool();
        let mut backoff = Backoff::default();
        while let Err(error) = stops::record(pool, name, ledger, index, reason).await {
            tracing::warn!(projection = name, %error, "a stop could not be written down");
            self.pause(backoff.next()).await;
            if self.token.is_cancelled() {
                return;
            }
        }
    }

    /// While Postgres cannot be asked, the stop stands.
    async fn is_stopped(&self, index: Index) -> bool {
        let (name, ledger) = (self.advance.model.name(), self.advance.ledger.id);
        if self.advance.is_past(index).await {
            // Another process with better code went on, or rebuilt, before the stop was written.
            let pool = self.advance.store.pool();
            return stops::clear(pool, name, ledger).await.is_err();
        }
        let found = stops::find(self.advance.store.pool(), name, ledger).await;
        !matches!(found, Ok(None))
    }

    fn report(&self, state: State) {
        self.runner
            .report(self.advance.model.name(), self.advance.ledger.id, state);
    }

    async fn pause(&self, delay: Duration) {
        tokio::select! {
            () = self.token.cancelled() => {}
            () = tokio::time::sleep(delay) => {}
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Follower({}, {})",
            self.advance.model.name(),
            self.advance.ledger.name
        )
    }
}
