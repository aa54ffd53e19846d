//! Seals hours that are over: what is due comes from the read model `windows`, what a seal says from
//! the ledger.
//!
//! Any number of nodes may do it at once. A seal is appended on the versions that its sealer knew, so
//! of two that seal one window, one is told that the other was first, and goes on when its read model
//! has seen that.

mod command;
mod task;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sealrock_commands::{
    CommandError, Commands, Context, GapsToSeal, MAX_NAMED, MAX_SEALED, SealDraft, Sealing,
    WindowToSeal,
};
use sealrock_domain::Slug;
use sealrock_eventstore::{EventStore, LedgerInfo};
use sealrock_ledger::Index;
use sealrock_projections::windows::{DueWindow, NAME};
use sealrock_projections::{Positions, ReadModels};
use tokio_util::sync::CancellationToken;

pub use command::seal;
pub use task::process;

/// Windows asked for at a time; after each lot the read model has to have seen what was sealed.
const LOT: u32 = 64;
/// How long the read model may take to see what is recorded.
const PATIENCE: Duration = Duration::from_mins(1);

/// What seals.
#[derive(Clone)]
pub struct Sealer {
    store: EventStore,
    commands: Commands,
    read: ReadModels,
    positions: Positions,
    /// Who seals.
    context: fn() -> Context,
}

/// What was done about the windows that were due.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seals recorded.
    pub sealed: u64,
    /// Windows that could not be sealed, and why.
    pub failed: Vec<(DueWindow, String)>,
    /// Whether windows may be due still: the bound was reached, or it was told to stop.
    pub more: bool,
}

impl Sealer {
    /// Seals by `commands`, as `context` says. `positions` are those of a runner that folds the read
    /// model `windows`.
    pub fn new(
        store: EventStore,
        commands: Commands,
        positions: Positions,
        context: fn() -> Context,
    ) -> Self {
        Self {
            read: ReadModels::new(store.clone()),
            store,
            commands,
            positions,
            context,
        }
    }

    /// Seals what was due at `by` and all that is recorded when it begins, until `most` seals are
    /// made or `stopping` is cancelled.
    ///
    /// # Errors
    /// If the database is away or the read model does not follow; what was sealed is sealed.
    pub async fn seal_due(
        &self,
        ledger: &LedgerInfo,
        by: DateTime<Utc>,
        most: u64,
        stopping: &CancellationToken,
    ) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        loop {
            self.catch_up(ledger).await?;
            let except: Vec<DueWindow> = tally.failed.iter().map(|(window, _)| *window).collect();
            let due = self
                .read
                .due_windows(ledger.id, by, &except, LOT)
                .await
                .context("the windows that are due")?;
            if due.is_empty() {
                return Ok(tally);
            }
            for window in due {
                if tally.sealed >= most || stopping.is_cancelled() {
                    tally.more = true;
                    return Ok(tally);
                }
                self.note(ledger, window, &mut tally).await?;
            }
        }
    }

    /// Seals a window; one that cannot be sealed is noted, so that the others can.
    async fn note(
        &self,
        ledger: &LedgerInfo,
        window: DueWindow,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        match self.seal(ledger, window).await {
            Ok(true) => tally.sealed += 1,
            // Another one was faster, or gaps were named first: it is due again, or sealed.
            Ok(false) | Err(CommandError::Conflict) => {}
            Err(error @ (CommandError::Unavailable(_) | CommandError::OutcomeUnknown(_))) => {
                return Err(error.into());
            }
            Err(error) => tally.failed.push((window, error.to_string())),
        }
        Ok(())
    }

    /// Waits until the read model has folded what is recorded now.
    async fn catch_up(&self, ledger: &LedgerInfo) -> anyhow::Result<()> {
        let size = self.store.size(ledger.id).await?;
        if let Some(last) = size.checked_sub(1) {
            self.positions
                .wait_for(NAME, ledger.id, Index(last), PATIENCE)
                .await?;
        }
        Ok(())
    }

    /// Whether a seal was recorded; otherwise gaps were named, and there are more.
    async fn seal(&self, ledger: &LedgerInfo, window: DueWindow) -> Result<bool, CommandError> {
        let DueWindow { device, hour } = window;
        let unsealed = self.read.unsealed(window, MAX_SEALED).await;
        let unsealed = unsealed.map_err(unavailable)?;
        if unsealed.entries.is_empty() {
            // Another process has sealed it since it was found due.
            return Ok(false);
        }
        let organisation = organisation(ledger)?;
        let to_seal = WindowToSeal {
            device,
            hour,
            entries: unsealed.entries,
            supersedes: unsealed.seal.map(|seal| (seal.index, seal.version)),
        };
        let context = (self.context)();
        let draft = self
            .commands
            .draft_seal(&context, &organisation, to_seal)
            .await?
            .ok_or_else(|| {
                let text = "the payloads of its batches are not there: run `sealrock fsck`";
                CommandError::Fatal(text.to_owned())
            })?;
        let gaps = self.gaps(window, &draft).await?;
        let sealing = self.commands.seal_window(&context, draft, gaps).await?;
        Ok(matches!(sealing, Sealing::Sealed(_)))
    }

    async fn gaps(&self, window: DueWindow, draft: &SealDraft) -> Result<GapsToSeal, CommandError> {
        let gaps = self
            .read
            .gaps_below(window.device, &draft.boots(), MAX_NAMED + 1)
            .await
            .map_err(unavailable)?;
        Ok(GapsToSeal {
            listed: gaps.listed,
            unnamed: gaps.unnamed,
            version: gaps.version,
        })
    }
}

/// A ledger that has windows is an organisation's, and has its name.
fn organisation(ledger: &LedgerInfo) -> Result<Slug, CommandError> {
    let slug = ledger.name.as_str().parse();
    slug.map_err(|error| CommandError::Invalid(format!("ledger {}: {error}", ledger.name)))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unavailable(error: sealrock_projections::QueryError) -> CommandError {
    CommandError::Unavailable(error.to_string())
}
