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

/// How many days beyond today are made ahead.
const AHEAD: usize = 7;
/// How long to leave it when they could not be made.
const RETRY: Duration = Duration::from_mins(1);

type Known = Arc<Mutex<BTreeSet<NaiveDate>>>;

/// The partitions that are known to exist.
#[derive(Default)]
pub(super) struct Days {
    known: Known,
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
        appends: &[Append],
        now: DateTime<Utc>,
    ) -> Result<(), AppendError> {
        let mut events = appends.iter().flat_map(|append| &append.events);
        if !events.any(|event| event.retention == Retention::Batch) {
            return Ok(());
        }
        // The last entry, and so the next, may be ahead of our clock by what the guard lets pass.
        for day in [now.date_naive(), (now + MAX_SKEW).date_naive()] {
            make(pool, &self.known, day).await?;
        }
        self.make_ahead(pool, now.date_naive());
        Ok(())
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
