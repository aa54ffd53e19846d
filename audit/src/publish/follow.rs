//! Publishing as ledgers grow.

use std::collections::HashSet;
use std::time::Duration;

use sealrock_eventstore::LedgerInfo;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::round::{Outcome, Round};
use super::{PublishError, Publisher};

/// How often new ledgers are looked for.
const NEW_LEDGERS: Duration = Duration::from_secs(1);
/// How long after an error of the database it is tried again.
const DATABASE: Duration = Duration::from_secs(2);

impl Publisher {
    /// Publishes each ledger's checkpoints as it grows, until `stopping`. Returns at once where
    /// there are neither witnesses nor an authority: then a commit publishes by itself.
    pub async fn run(self, stopping: CancellationToken) {
        if self.inner.publishing.is_plain() {
            return;
        }
        let (mut followed, mut tasks) = (HashSet::new(), JoinSet::new());
        while !stopping.is_cancelled() {
            // If the database is away, it is asked again in a moment.
            for ledger in self.store().ledgers().await.unwrap_or_default() {
                if followed.insert(ledger.id) {
                    tasks.spawn(self.clone().follow(ledger, stopping.clone()));
                }
            }
            tokio::select! {
                () = sleep(NEW_LEDGERS) => {}
                () = stopping.cancelled() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn follow(self, ledger: LedgerInfo, stopping: CancellationToken) {
        let publishing = async {
            if let Err(error) = self.publish_for_ever(&ledger).await {
                let ledger = ledger.name.to_string();
                tracing::error!(ledger, %error, "publishing has stopped");
                metrics::gauge!("sealrock_publication_stopped", "ledger" => ledger).set(1.0);
            }
        };
        tokio::select! {
            () = publishing => {}
            () = stopping.cancelled() => {}
        }
    }

    /// Returns only when a witness contradicts the ledger.
    async fn publish_for_ever(&self, ledger: &LedgerInfo) -> Result<(), PublishError> {
        let mut round: Option<Round<'_>> = None;
        let mut grown = self.store().watch_size(ledger.id);
        loop {
            let next = Instant::now() + self.inner.publishing.every;
            let done = match self.round(&mut round, ledger).await {
                Err(error @ PublishError::Contradicted { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(ledger = ledger.name.as_str(), %error, "cannot publish now");
                    sleep(DATABASE).await;
                    continue;
                }
                Ok(done) => done,
            };
            self.measure(ledger).await;
            let again = async {
                match done.again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = grown.wait_for(|size| *size > done.size) => {}
                () = again => {}
            }
            sleep_until(next).await;
        }
    }

    async fn round<'a>(
        &'a self,
        round: &mut Option<Round<'a>>,
        ledger: &'a LedgerInfo,
    ) -> Result<Outcome, PublishError> {
        let policy = self.policy(ledger).await?;
        let round = match round {
            Some(round) => {
                round.renew(policy);
                round
            }
            None => round.insert(Round::new(&self.inner, ledger, policy)),
        };
        round.run().await
    }

    async fn measure(&self, ledger: &LedgerInfo) {
        let Ok(lag) = self.lag(ledger).await else {
            return;
        };
        let seconds = lag
            .since
            .map_or(0.0, |since| (chrono::Utc::now() - since).as_seconds_f64());
        let name = ledger.name.to_string();
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("sealrock_publication_lag_entries", "ledger" => name.clone())
            .set(lag.entries as f64);
        metrics::gauge!("sealrock_publication_lag_seconds", "ledger" => name.clone())
            .set(seconds.max(0.0));
        metrics::gauge!("sealrock_publication_stopped", "ledger" => name).set(0.0);
    }
}
