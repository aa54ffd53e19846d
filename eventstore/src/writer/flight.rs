//! A batch on its way to Postgres, and what comes back.

use std::pin::Pin;
use std::time::Duration;

use sealrock_ledger::Hash;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use tokio::time::timeout;

use super::batch::Sealed;
use super::commit::too_slow;
use super::persist;
use crate::error::AppendError;
use crate::ledgers::LedgerId;

/// Entries from which on a batch is sent by a task of its own.
pub(super) const LARGE: usize = 16;

/// A batch on its way to Postgres.
pub(super) struct Flight {
    /// Sent before the one that it is built on came back.
    pub(super) early: bool,
    pub(super) connection: PoolConnection<Postgres>,
    pub(super) sealed: Box<Sealed>,
}

/// A batch that was sent, and what came back.
pub(super) struct Landed {
    pub(super) flight: Flight,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Stored,
    /// What it was built on is not so. Nothing is stored.
    Refused,
    /// Postgres said why. Nothing is stored.
    Failed(AppendError),
    /// Nothing says what became of it.
    Lost(String),
    Hung(String),
}

#[cfg(test)]
impl Flight {
    pub(super) fn checkpoint(&self) -> &sealrock_ledger::Checkpoint {
        &self.sealed.checkpoint
    }
}

impl Landed {
    pub(super) fn was_refused(&self) -> bool {
        matches!(self.outcome, Outcome::Refused)
    }

    pub(super) fn was_stored(&self) -> bool {
        matches!(self.outcome, Outcome::Stored)
    }
}

/// A flight that is under way.
pub(super) type Started = Pin<Box<dyn Future<Output = Landed> + Send>>;

impl Flight {
    /// Of the ledger that it is built on, and of the ledger when it is stored.
    pub(super) fn roots(&self) -> (Hash, Hash) {
        (self.sealed.batch.before.root, self.sealed.head.root)
    }

    /// Sends it at once if it is large; a small one when it is waited for, which saves a hand-over
    /// between threads.
    pub(super) fn start(self, ledger: LedgerId, patience: Duration) -> Started {
        let large = self.sealed.batch.chained.entries.len() > LARGE;
        let flight = self.fly(ledger, patience);
        if !large {
            return Box::pin(flight);
        }
        let task = tokio::spawn(flight);
        Box::pin(async { task.await.expect("it does not panic, and nobody ends it") })
    }

    /// Sends it and waits for what comes back.
    pub(super) async fn fly(mut self, ledger: LedgerId, patience: Duration) -> Landed {
        let stored = persist::insert(&mut self.connection, ledger, &self.sealed);
        let outcome = match timeout(patience, stored).await {
            Ok(Ok(true)) => Outcome::Stored,
            Ok(Ok(false)) => Outcome::Refused,
            Ok(Err(error)) => Outcome::of(error),
            Err(_) => Outcome::Hung(too_slow("the database", patience)),
        };
        Landed {
            flight: self,
            outcome,
        }
    }
}

impl Outcome {
    fn of(error: sqlx::Error) -> Self {
        /// A command is known already, or a stream is not where it was believed to be.
        const UNIQUE: &str = "23505";
        /// An operator or a shutdown: that may come at any time.
        const INTERVENTION: &str = "57";
        let refused = error
            .as_database_error()
            .and_then(|e| e.try_downcast_ref::<PgDatabaseError>())
            .filter(|e| matches!(e.severity(), PgSeverity::Error))
            .map(PgDatabaseError::code);
        match refused {
            Some(UNIQUE) => Self::Refused,
            Some(code) if !code.starts_with(INTERVENTION) => Self::Failed(error.into()),
            _ => Self::Lost(error.to_string()),
        }
    }
}
