//! What the server does by itself: erasures that a crash or a slow read model left unfinished, days
//! that hold nothing any more, and the retention that is set.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sealrock_commands::Commands;
use sealrock_eventstore::{LedgerInfo, LedgerKind};
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

/// Finishes erasures, and drops days that hold nothing any more, until `stopping`.
pub async fn finish_all(eraser: Eraser, stopping: CancellationToken) {
    let (mut waiting, mut daily) = (Waiting::new(), None::<Instant>);
    while !stopping.is_cancelled() {
        finish(&eraser, &mut waiting).await;
        if daily.is_none_or(|last| last.elapsed() >= DAY) {
            daily = Some(Instant::now());
            drop_empty_days(&eraser).await;
        }
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

/// Applies the retention at once and then once a day, until `stopping`. What it decides on is deleted
/// by [`finish_all`].
pub async fn retain_daily(
    eraser: Eraser,
    commands: Commands,
    older_than: Age,
    stopping: CancellationToken,
) {
    while !stopping.is_cancelled() {
        retain(&eraser, &commands, older_than.before(Utc::now())).await;
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(DAY) => {}
        }
    }
}

/// Deletes what is decided and folded. An erasure that waits long is told of; one that fails keeps
/// none of the others.
async fn finish(eraser: &Eraser, waiting: &mut Waiting) {
    let ledgers = match eraser.store.ledgers().await {
        Ok(ledgers) => ledgers,
        Err(error) => {
            tracing::warn!(%error, "erasures cannot be finished just now");
            return;
        }
    };
    let mut decided = Vec::new();
    for ledger in ledgers {
        match eraser.store.pending_erasures(&ledger).await {
            Ok(pending) => decided.extend(pending.iter().map(|one| (ledger.clone(), one.index))),
            Err(error) => {
                let ledger = ledger.name;
                tracing::warn!(%error, %ledger, "its erasures cannot be looked up just now");
            }
        }
    }
    if decided.is_empty() {
        return;
    }
    // Days whose payloads of all ledgers are due, before they are deleted one by one.
    if let Err(error) = eraser.drop_days(&decided).await {
        tracing::warn!(%error, "no day could be dropped; payloads are deleted one by one");
    }
    for (ledger, entry) in decided {
        match eraser.erase(&ledger, entry).await {
            Ok(outcome) => note(&ledger, entry, &outcome, waiting),
            Err(error) => tracing::warn!(
                %error, ledger = %ledger.name, %entry,
                "an erasure cannot be finished just now"
            ),
        }
    }
}

fn note(ledger: &LedgerInfo, entry: Index, outcome: &Outcome, waiting: &mut Waiting) {
    let key = (ledger.name.clone(), entry);
    match outcome {
        Outcome::Erased(payloads) => {
            waiting.remove(&key);
            tracing::info!(ledger = %ledger.name, %entry, payloads, "payloads are erased");
        }
        Outcome::Waiting(behind) => {
            let since = waiting.entry(key).or_insert_with(Instant::now);
            if since.elapsed() >= LONG {
                *since = Instant::now();
                let behind = waits_for(behind);
                tracing::warn!(
                    ledger = %ledger.name, %entry, behind,
                    "payloads are not erased yet: read models have not folded the entry"
                );
            }
        }
    }
}

async fn drop_empty_days(eraser: &Eraser) {
    match eraser.store.drop_empty_days().await {
        Ok(days) => {
            for day in days {
                tracing::info!(%day, "a day without payloads was dropped");
            }
        }
        Err(error) => tracing::warn!(%error, "days without payloads are dropped tomorrow"),
    }
}

/// Decides what every ledger loses that can be written. One that cannot keeps none of the others.
pub(super) async fn retain(eraser: &Eraser, commands: &Commands, before: DateTime<Utc>) {
    let mut ledgers = match eraser.store.ledgers().await {
        Ok(ledgers) => ledgers,
        Err(error) => {
            tracing::warn!(%error, "retention is tried again tomorrow");
            return;
        }
    };
    // The registry holds no telemetry, and a ledger that another one continues takes no entry.
    ledgers.retain(|ledger| {
        ledger.kind == LedgerKind::Operational && !eraser.store.is_closed(ledger.id)
    });
    for ledger in ledgers {
        match retention::decide(commands, &ledger, before).await {
            Ok(plan) if plan.batches > 0 => {
                let (windows, batches) = (plan.windows, plan.batches);
                tracing::info!(ledger = %ledger.name, windows, batches, "retention was applied");
            }
            Ok(_) => {}
            Err(error) => {
                let ledger = ledger.name;
                tracing::warn!(%error, %ledger, "its retention is tried again tomorrow");
            }
        }
    }
}
