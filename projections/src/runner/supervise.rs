//! Starts a follower for every projection and ledger, and keeps them there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sealrock_eventstore::{LedgerId, LedgerInfo};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::advance::Advance;
use super::backoff::Backoff;
use super::follow::Follower;
use super::pace::Pace;
use super::projection::Projection;
use super::schema::Schema;
use super::source::Source;
use super::{Runner, RunnerError, measure};

/// How often new ledgers, and positions moved by other processes, are looked for.
const ROUND: Duration = Duration::from_secs(1);
/// How often a process that folds nothing looks how far others have come.
const OTHERS: Duration = Duration::from_millis(200);
/// Lag in seconds is measured in every so many rounds.
const ROUNDS_PER_MEASUREMENT: u32 = 15;

type Followers = HashMap<(&'static str, LedgerId), JoinHandle<()>>;

impl Runner {
    /// Runs all projections until `token` is cancelled. Then every fold ends its transaction, and
    /// this returns when all have.
    ///
    /// Postgres may be away at the start or at any time; the runner goes on when it is back. A read
    /// model whose stored version is another than the code's is rebuilt in the background, while
    /// its old tables go on serving, frozen where they stand: a change of version must keep the
    /// columns that older queries read, or be rolled out with the program that reads it.
    pub async fn run(&self, token: CancellationToken) {
        self.prepare_at_last(&token).await;
        let others = tokio::spawn({
            let (runner, token) = (self.clone(), token.clone());
            async move { runner.follow_others(token).await }
        });
        let rebuilds = self.rebuild_outdated(&token);
        let mut followers = Followers::new();
        for round in 0u32.. {
            if let Err(error) = self.round(round, &mut followers, &token).await {
                tracing::warn!(%error, "the projection runner looks again in a moment");
            }
            tokio::select! {
                () = token.cancelled() => break,
                () = tokio::time::sleep(ROUND) => {}
            }
        }
        for task in followers.into_values().chain(rebuilds).chain([others]) {
            // A task that panicked was logged by the panic hook; there is nothing to save here.
            let _ended = task.await;
        }
    }

    /// Keeps [`Positions`](super::Positions) at what other processes fold, until `token` is
    /// cancelled: all that a process does which folds nothing.
    pub async fn follow_others(&self, token: CancellationToken) {
        while !token.is_cancelled() {
            if self.stands_by()
                && let Err(error) = self.refresh_positions().await
            {
                tracing::debug!(%error, "how far the read models are is asked again in a moment");
            }
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(OTHERS) => {}
            }
        }
    }

    /// Whether other processes fold what this one does not.
    fn stands_by(&self) -> bool {
        let leases = self.shared.leases.as_ref();
        leases.is_none_or(|leases| !leases.holds_all())
    }

    async fn prepare_at_last(&self, token: &CancellationToken) {
        let mut backoff = Backoff::default();
        while let Err(error) = self.prepare().await {
            tracing::warn!(%error, "the read models' tables cannot be prepared yet");
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    async fn round(
        &self,
        round: u32,
        followers: &mut Followers,
        token: &CancellationToken,
    ) -> Result<(), RunnerError> {
        for ledger in self.store().ledgers().await? {
            for model in self.models() {
                self.follow(model, &ledger, followers, token);
            }
        }
        self.refresh_positions().await?;
        if round.is_multiple_of(ROUNDS_PER_MEASUREMENT) {
            self.status().await?.iter().for_each(measure::lag);
        }
        Ok(())
    }

    /// A follower ends before the token is cancelled only by a panic; then another takes its place,
    /// from the same checkpoint.
    fn follow(
        &self,
        model: &Arc<dyn Projection>,
        ledger: &LedgerInfo,
        followers: &mut Followers,
        token: &CancellationToken,
    ) {
        let key = (model.name(), ledger.id);
        let there = followers.get(&key).is_some_and(|task| !task.is_finished());
        if there || token.is_cancelled() {
            return;
        }
        let source = if model.folds_batches() {
            Source::Shared(self.tail(ledger.id))
        } else {
            Source::WithoutBatches
        };
        let follower = Follower {
            runner: self.clone(),
            advance: self.advance(model, Schema::live(model.name()), ledger, source),
            token: token.clone(),
            lease: self.lease(model.as_ref()),
            settled: false,
            pace: Pace::default(),
        };
        followers.insert(key, tokio::spawn(follower.run()));
    }

    pub(crate) fn advance(
        &self,
        model: &Arc<dyn Projection>,
        schema: Schema,
        ledger: &LedgerInfo,
        source: Source,
    ) -> Advance {
        Advance::new(
            self.store().clone(),
            Arc::clone(model),
            schema,
            ledger.clone(),
            Arc::clone(&self.shared.turns),
            source,
        )
    }

    fn rebuild_outdated(&self, token: &CancellationToken) -> Vec<JoinHandle<()>> {
        let models = self.models().iter().map(|model| {
            let (runner, model, token) = (self.clone(), Arc::clone(model), token.clone());
            tokio::spawn(async move { runner.rebuild_if_outdated(&model, &token).await })
        });
        models.collect()
    }
}
