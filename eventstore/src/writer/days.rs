//! The day partitions of `batch_payloads`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::clock::MAX_SKEW;
use crate::append::{Append, Retention};
use crate::error::AppendError;
use crate::ledgers::LedgerId;

/// How many days beyond today are made ahead.
const AHEAD: usize = 7;
/// How long to leave it when they could not be made.
const RETRY: Duration = Duration::from_mins(1);

type Known = Arc<Mutex<BTreeSet<NaiveDate>>>;

/// The partitions that are known to exist.
#[derive(Default)]
pub(super) struct Days {
    known: Known,
    /// `recorded_at` of the last entry, as far as it is known.
    last_entry: Option<DateTime<Utc>>,
    tried: Option<Instant>,
    /// Ends with the writer.
    making: JoinSet<()>,
}

impl Days {
    /// Makes sure that these appends can be stored now. Waits only for the day that they fall on,
    /// outside any transaction of ours; the days to come are made in the background.
    pub(super) async fn ensure(
        &mut self,
        pool: &PgPool,
        ledger: LedgerId,
        appends: &[Append],
        now: DateTime<Utc>,
    ) -> Result<(), AppendError> {
        if !has_batches(appends) {
            return Ok(());
        }
        if self.last_entry.is_none() {
            self.last_entry = Some(read_last_entry(pool, ledger).await?);
        }
        // The last entry, and so the next, may be ahead of our clock: by what the guard lets pass,
        // or by any time, where an operator has waived it.
        let ahead = self.last_entry.map(|last| last.max(now));
        for day in [Some(now), Some(now + MAX_SKEW), ahead]
            .into_iter()
            .flatten()
        {
            make(pool, &self.known, day.date_naive()).await?;
        }
        self.make_ahead(pool, now.date_naive());
        Ok(())
    }

    /// Whether these appends can be stored now, as far as it is known.
    pub(super) fn cover(&self, appends: &[Append], now: DateTime<Utc>) -> bool {
        let days = [Some(now), Some(now + MAX_SKEW), self.last_entry];
        let known = |day: DateTime<Utc>| knows(&self.known, day.date_naive());
        !has_batches(appends)
            || (self.last_entry.is_some() && days.into_iter().flatten().all(known))
    }

    /// Notes the time of the last entry: the next one's is not before it.
    pub(super) fn last_entry(&mut self, recorded_at: DateTime<Utc>) {
        self.last_entry = Some(recorded_at);
    }

    fn make_ahead(&mut self, pool: &PgPool, today: NaiveDate) {
        while self.making.try_join_next().is_some() {}
        let days: Vec<_> = today.iter_days().take(AHEAD + 1).collect();
        let lately = self.tried.is_some_and(|tried| tried.elapsed() < RETRY);
        if lately || !self.making.is_empty() || days.iter().all(|day| knows(&self.known, *day)) {
            return;
        }
        self.tried = Some(Instant::now());
        let (pool, known) = (pool.clone(), Arc::clone(&self.known));
        self.making.spawn(async move {
            for day in days {
                if let Err(error) = make(&pool, &known, day).await {
                    tracing::warn!(%day, %error, "the partition of a day to come is not made yet");
                    return;
                }
            }
        });
    }
}

fn has_batches(appends: &[Append]) -> bool {
    let mut events = appends.iter().flat_map(|append| &append.events);
    events.any(|event| event.retention == Retention::Batch)
}

async fn read_last_entry(pool: &PgPool, ledger: LedgerId) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar("SELECT recorded_at FROM ledger_heads WHERE ledger_id = $1")
        .bind(ledger.0)
        .fetch_one(pool)
        .await
}

async fn make(pool: &PgPool, known: &Known, day: NaiveDate) -> Result<(), sqlx::Error> {
    if knows(known, day) {
        return Ok(());
    }
    sqlx::query("SELECT ensure_batch_day($1)")
        .bind(day)
        .execute(pool)
        .await?;
    lock(known).insert(day);
    Ok(())
}

fn knows(known: &Known, day: NaiveDate) -> bool {
    lock(known).contains(&day)
}

fn lock(known: &Known) -> std::sync::MutexGuard<'_, BTreeSet<NaiveDate>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
