//! The server's sealer: looks what is due now and then.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_access::Principal;
use sealrock_commands::Context;
use sealrock_eventstore::LedgerInfo;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Sealer, Tally};

/// How often it looks: after what a seal waits for, within these bounds.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Seals of a ledger before the next ledger has its turn.
const TURN: u64 = 1_000;

/// The platform's own context.
pub fn process() -> Context {
    let name = "sealer".parse().expect("sealer is a slug");
    Context {
        principal: Principal::Service { name },
        command: Uuid::now_v7(),
        via: "process:sealer".to_owned(),
        received_at: Utc::now(),
    }
}

impl Sealer {
    /// Seals every ledger's hours `after` they are over, until `stopping` is cancelled. What cannot
    /// be sealed is tried again at the next look.
    pub async fn run(self, after: Duration, stopping: CancellationToken) {
        let mut looks = tokio::time::interval(after.clamp(EVERY.0, EVERY.1));
        let after = TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = looks.tick() => {}
            }
            let done = stopping.run_until_cancelled(self.round(after, &stopping));
            match done.await {
                Some(Ok(true)) => looks.reset_immediately(),
                Some(Ok(false)) => {}
                Some(Err(error)) => tracing::warn!(%error, "hours are sealed later"),
                None => return,
            }
        }
    }

    /// One turn of each ledger; whether one of them has more to seal.
    async fn round(&self, after: TimeDelta, stopping: &CancellationToken) -> anyhow::Result<bool> {
        let mut more = false;
        for ledger in self.store.ledgers().await? {
            if self.store.is_closed(ledger.id) {
                continue;
            }
            let by = Utc::now().checked_sub_signed(after);
            let by = by.unwrap_or(DateTime::<Utc>::MIN_UTC);
            match self.seal_due(&ledger, by, TURN, stopping).await {
                Ok(tally) => {
                    more |= tally.more;
                    report(&ledger, &tally);
                }
                // The others may be well.
                Err(error) => {
                    tracing::warn!(%error, ledger = %ledger.name, "its hours are sealed later");
                }
            }
            self.measure(&ledger, by).await?;
        }
        Ok(more)
    }

    /// How long the oldest window has been due.
    async fn measure(&self, ledger: &LedgerInfo, by: DateTime<Utc>) -> anyhow::Result<()> {
        let due = self.read.due_windows(ledger.id, by, &[], 1).await?;
        let since = due.first().map_or(by, |window| window.hour.end());
        let seconds = (by - since).as_seconds_f64().max(0.0);
        metrics::gauge!("sealrock_window_due_seconds", "ledger" => ledger.name.to_string())
            .set(seconds);
        Ok(())
    }
}

fn report(ledger: &LedgerInfo, tally: &Tally) {
    let label = ledger.name.to_string();
    metrics::counter!("sealrock_windows_sealed_total", "ledger" => label.clone())
        .increment(tally.sealed);
    let failed = u32::try_from(tally.failed.len()).unwrap_or(u32::MAX);
    metrics::gauge!("sealrock_windows_not_sealed", "ledger" => label).set(failed);
    if let Some((window, reason)) = tally.failed.first() {
        let (device, hour) = (window.device, window.hour);
        tracing::error!(ledger = %ledger.name, %device, %hour, %reason, failed,
            "hours cannot be sealed; this is the first of them");
    }
    if tally.sealed > 0 {
        tracing::info!(ledger = %ledger.name, sealed = tally.sealed, "hours sealed");
    }
}
