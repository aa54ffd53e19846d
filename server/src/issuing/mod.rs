//! Carries issuances from one ledger to the other: a reservation to its registry, and the registry's
//! decision back.
//!
//! What is to be done comes from the read model `credits`, and what is done rests on the ledgers
//! alone: each step is a command that reads the entry it rests on, whose id follows from the issuance.
//! So any number of nodes may do it at once, a read model that is behind costs an answer that was
//! given before, and a crash at any point leaves a step that is still to be done.

mod standing;
mod task;
#[cfg(test)]
mod tests;

use anyhow::Context as _;
use sealrock_commands::{CommandError, Commands, Context, Done};
use sealrock_eventstore::EventStore;
use sealrock_projections::ReadModels;
use sealrock_projections::credits::IssuanceStep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use task::process;

/// Steps asked for at a time.
const LOT: u32 = 64;

/// What carries issuances on. Clones are the same.
#[derive(Clone)]
pub struct Issuing {
    commands: Commands,
    read: ReadModels,
    /// Who does it.
    context: fn() -> Context,
}

/// What was done in one look.
#[derive(Debug, Default)]
pub struct Tally {
    /// Steps that were recorded.
    pub taken: u64,
    /// Steps that could not be taken, and why.
    pub failed: Vec<(IssuanceStep, String)>,
}

impl Issuing {
    /// Carries on by `commands`, as `context` says. The read model `credits` must be folded by
    /// somebody.
    pub fn new(store: EventStore, commands: Commands, context: fn() -> Context) -> Self {
        Self {
            commands,
            read: ReadModels::new(store),
            context,
        }
    }

    /// Takes the next step of every issuance that has one and is not in `except`, until `stopping` is
    /// cancelled: one step of each, because the read model has to see it before the next.
    ///
    /// # Errors
    /// If the database is away; what was taken is taken.
    pub async fn advance(
        &self,
        except: &[Uuid],
        stopping: &CancellationToken,
    ) -> anyhow::Result<Tally> {
        let (mut tally, mut looked_at) = (Tally::default(), except.to_vec());
        loop {
            let steps = self.read.issuance_steps(&looked_at, LOT).await;
            let steps = steps.context("the steps of issuances")?;
            if steps.is_empty() {
                return Ok(tally);
            }
            for step in steps {
                if stopping.is_cancelled() {
                    return Ok(tally);
                }
                looked_at.push(step.issuance());
                self.note(step, &mut tally).await?;
            }
        }
    }

    /// Takes a step; one that cannot be taken is noted, so that the others can.
    async fn note(&self, step: IssuanceStep, tally: &mut Tally) -> anyhow::Result<()> {
        match self.take(&step).await {
            Ok(done) => tally.taken += u64::from(!done.duplicate),
            // Others are at it: it is taken, or to be taken still.
            Err(CommandError::Conflict) => {}
            Err(error @ (CommandError::Unavailable(_) | CommandError::OutcomeUnknown(_))) => {
                return Err(error.into());
            }
            Err(error) => tally.failed.push((step, error.to_string())),
        }
        Ok(())
    }

    async fn take(&self, step: &IssuanceStep) -> Result<Done, CommandError> {
        let context = (self.context)();
        match step {
            IssuanceStep::Open { source, .. } => {
                self.commands.open_issuance(&context, source).await
            }
            IssuanceStep::Finish { decided, .. } => {
                self.commands.finish_issuance(&context, decided).await
            }
        }
    }
}
