//! Erasing payloads: first the entry that says so, then the wait until every read model has folded it,
//! then the rows. What a crash leaves between them is finished by the server, or by the next command.

mod age;
mod keep;
mod redact;
mod retention;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests;

use std::time::{Duration, Instant};

use sealrock_eventstore::{DroppedDay, EventStore, LedgerInfo};
use sealrock_ledger::Index;
use sealrock_projections::{Behind, Runner};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;

pub use age::Age;
pub use keep::{finish_all, retain_daily};
pub use redact::{Redact, redact};
pub use retention::{Retention, retention};

/// How often the read models are asked whether they have folded an entry.
const LOOK: Duration = Duration::from_millis(200);
/// How long a command waits for read models before it leaves the rest to the server.
const PATIENCE: Duration = Duration::from_mins(2);

/// What became of an erasure that is in the ledger.
#[derive(Debug)]
pub enum Outcome {
    /// So many payloads were still there; now none is.
    Erased(u64),
    /// These tables have not folded the entry, so nothing is deleted yet.
    Waiting(Vec<Behind>),
}

/// Deletes what entries erase, when nobody needs it any more.
#[derive(Clone)]
pub struct Eraser {
    store: EventStore,
    runner: Runner,
}

impl Eraser {
    /// Asks the read models of `runner`.
    #[must_use]
    pub fn new(store: EventStore, runner: Runner) -> Self {
        Self { store, runner }
    }

    /// Deletes what the entry erases, unless a read model has not folded the entry.
    ///
    /// # Errors
    /// If the database is away, or the login may not act as `sealrock_erase`.
    pub async fn erase(&self, ledger: &LedgerInfo, entry: Index) -> anyhow::Result<Outcome> {
        let behind = self.runner.behind(ledger, entry).await?;
        if !behind.is_empty() {
            return Ok(Outcome::Waiting(behind));
        }
        Ok(Outcome::Erased(self.store.erase(ledger, entry).await?))
    }

    /// Drops the days whose payloads these entries erase, all together, as far as the read models have
    /// folded them; answers how many payloads went. The entries are still to be erased: what other days
    /// hold goes row by row.
    ///
    /// # Errors
    /// As [`Eraser::erase`].
    pub async fn drop_days(&self, decided: &[(LedgerInfo, Index)]) -> anyhow::Result<u64> {
        let mut folded = Vec::new();
        for (ledger, entry) in decided {
            if self.runner.behind(ledger, *entry).await?.is_empty() {
                folded.push((ledger.clone(), *entry));
            }
        }
        let days = self.store.drop_erased_days(&folded).await?;
        for DroppedDay { day, payloads } in &days {
            tracing::info!(%day, payloads, "a day whose payloads are erased was dropped");
        }
        Ok(days.iter().map(|day| day.payloads).sum())
    }

    /// As [`Eraser::drop_days`], and waits `patience` for the read models.
    ///
    /// # Errors
    /// As [`Eraser::erase`].
    pub async fn drop_days_when_folded(
        &self,
        ledger: &LedgerInfo,
        decided: &[Index],
        patience: Duration,
    ) -> anyhow::Result<u64> {
        let begun = Instant::now();
        if let Some(last) = decided.last() {
            while begun.elapsed() < patience && !self.runner.behind(ledger, *last).await?.is_empty()
            {
                tokio::time::sleep(LOOK).await;
            }
        }
        let decided: Vec<_> = decided
            .iter()
            .map(|entry| (ledger.clone(), *entry))
            .collect();
        self.drop_days(&decided).await
    }

    /// As [`Eraser::erase`], and waits `patience` for the read models.
    ///
    /// # Errors
    /// As [`Eraser::erase`].
    pub async fn erase_when_folded(
        &self,
        ledger: &LedgerInfo,
        entry: Index,
        patience: Duration,
    ) -> anyhow::Result<Outcome> {
        let begun = Instant::now();
        loop {
            match self.erase(ledger, entry).await? {
                Outcome::Waiting(_) if begun.elapsed() < patience => {}
                outcome => return Ok(outcome),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Does something with the read models at work in this process too: there may be no server that folds.
async fn with_read_models<T>(
    platform: &Platform,
    act: impl AsyncFnOnce(&Eraser) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runner = Runner::new(platform.store.clone(), sealrock_projections::all());
    runner.prepare().await?;
    let token = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, token) = (runner.clone(), token.clone());
        async move { runner.run(token).await }
    });
    let done = act(&Eraser::new(platform.store.clone(), runner)).await;
    token.cancel();
    running.await?;
    done
}

/// What an erasure waits for, in words.
fn waits_for(behind: &[Behind]) -> String {
    let one = |tables: &Behind| match &tables.reason {
        Some(reason) => format!("{} ({reason})", tables.tables),
        None => tables.tables.clone(),
    };
    behind.iter().map(one).collect::<Vec<_>>().join(", ")
}
