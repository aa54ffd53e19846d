//! What the server does by itself: erasures that a crash or a slow read model left unfinished, days
//! that hold nothing any more, and the retention that is set.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::Utc;
use sealrock_commands::Commands;
use sealrock_eventstore::LedgerKind;
use sealrock_ledger::{Index, LedgerName};
use tokio_util::sync::CancellationToken;

use super::{Age, Eraser, Outcome, retention, waits_for};

/// How often unfinished erasures are looked for.
const ROUND: Duration = Duration::from_secs(5);
/// How often retention is applied and empty days are dropped.
const DAY: Duration = Duration::from_hours(24);
/// How long an erasure may wait before it is spoken of, and how often then.
const LONG: Duration = Duration::from_mins(10);

/// Since when erasures wait.
type Waiting = BTreeMap<(LedgerName, Index), Instant>;

/// Finishes erasures, and applies the retention once a day if one is set, until `stopping`.
pub async fn keep(
    eraser: Eraser,
    commands: Commands,
    older_than: Option<Age>,
    stopping: CancellationToken,
) {
    let (mut waiting, mut daily) = (Waiting::new(), None::<Instant>);
    while !stopping.is_cancelled() {
        if let Err(error) = finish(&eraser, &mut waiting).await {
            tracing::warn!(%error, "erasures cannot be finished just now");
        }
        if daily.is_none_or(|last| last.elapsed() >= DAY) {
            daily = Some(Instant::now());
            if let Err(error) = once_a_day(&eraser, &commands, older_than).await {
                tracing::warn!(%error, "retention is tried again tomorrow");
            }
        }
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

/// Deletes what is decided and folded. An erasure that waits long is told of.
async fn finish(eraser: &Eraser, waiting: &mut Waiting) -> anyhow::Result<()> {
    for ledger in eraser.store.ledgers().await? {
        for erasure in eraser.store.pending_erasures(&ledger).await? {
            let (key, entry) = ((ledger.name.clone(), erasure.index), erasure.index);
            match eraser.erase(&ledger, entry).await? {
                Outcome::Erased(payloads) => {
                    waiting.remove(&key);
                    tracing::info!(ledger = %ledger.name, %entry, payloads, "payloads are erased");
                }
                Outcome::Waiting(behind) => {
                    let since = waiting.entry(key).or_insert_with(Instant::now);
                    if since.elapsed() >= LONG {
                        *since = Instant::now();
                        let behind = waits_for(&behind);
                        tracing::warn!(
                            ledger = %ledger.name, %entry, behind,
                            "payloads are not erased yet: read models have not folded the entry"
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

/// The rows that this decides on are deleted by the rounds that follow.
async fn once_a_day(
    eraser: &Eraser,
    commands: &Commands,
    older_than: Option<Age>,
) -> anyhow::Result<()> {
    if let Some(age) = older_than {
        let before = age.before(Utc::now());
        let mut ledgers = eraser.store.ledgers().await?;
        // The registry holds no telemetry.
        ledgers.retain(|ledger| ledger.kind == LedgerKind::Operational);
        for ledger in ledgers {
            let plan = retention::decide(commands, &ledger, before).await?;
            if plan.batches > 0 {
                let (windows, batches) = (plan.windows, plan.batches);
                tracing::info!(ledger = %ledger.name, windows, batches, "retention was applied");
            }
        }
    }
    for day in eraser.store.drop_empty_days().await? {
        tracing::info!(%day, "a day without payloads was dropped");
    }
    Ok(())
}
