//! Readings in the ledger's order, each exactly once: what a subscription follows.

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::MetricName;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Uuid;

use super::queries::{Row, numbers};
use super::{Reading, ReadingPosition};
use crate::read_models::{QueryError, ReadModels};

/// The most batches looked through in one call.
const BATCHES_AT_ONCE: i64 = 200;

/// Which readings; an absent list means all.
#[derive(Debug, Clone, Default)]
pub struct ReadingFilter {
    /// Of these devices.
    pub devices: Option<Vec<DeviceId>>,
    /// Of these metrics.
    pub metrics: Option<Vec<MetricName>>,
}

/// Some readings, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingsAfter {
    /// In the ledger's order.
    pub readings: Vec<Reading>,
    /// What to ask with next: all readings up to here were answered or do not match.
    pub next: Option<ReadingPosition>,
    /// Whether asking again at once finds more; otherwise wait for the read model to move.
    pub more: bool,
}

/// The batches of one step.
struct Window {
    first: i64,
    last: i64,
    /// Span of the readings that stand in partitions, if any does.
    from_at: Option<DateTime<Utc>>,
    to_at: Option<DateTime<Utc>>,
    full: bool,
}

type BatchRow = (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

impl ReadModels {
    /// The readings of `ledger` behind `after` (`None`: from the start), at most `limit`.
    ///
    /// Asking again with [`ReadingsAfter::next`] until the subscription ends delivers every matching
    /// reading exactly once, whatever is appended, rebuilt or restarted in between.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn readings_after(
        &self,
        ledger: LedgerId,
        after: Option<ReadingPosition>,
        filter: &ReadingFilter,
        limit: u32,
    ) -> Result<ReadingsAfter, QueryError> {
        // Asked first: what is folded later lies behind it and is found by the next call.
        let end = self.next_index(super::NAME, ledger).await?;
        let Some(window) = self.window(ledger, after, filter, end).await? else {
            return Ok(nothing_until(end, after));
        };
        let readings = self
            .readings_in(ledger, after, filter, &window, limit)
            .await?;
        let full = readings.len() >= limit as usize;
        let next = match readings.last() {
            Some(last) if full => Some(last.position),
            _ if window.full => Some(ReadingPosition::end_of(Index(window.last.unsigned_abs()))),
            _ => nothing_until(end, after).next,
        };
        Ok(ReadingsAfter {
            readings,
            next,
            more: full || window.full,
        })
    }

    async fn window(
        &self,
        ledger: LedgerId,
        after: Option<ReadingPosition>,
        filter: &ReadingFilter,
        end: u64,
    ) -> Result<Option<Window>, QueryError> {
        let rows: Vec<BatchRow> = sqlx::query_as(include_str!("batches_after.sql"))
            .bind(ledger.0)
            .bind(after.map_or(0, |after| after.index.0).cast_signed())
            .bind(end.cast_signed())
            .bind(devices(filter))
            .bind(BATCHES_AT_ONCE)
            .fetch_all(self.pool())
            .await?;
        Ok(Window::of(&rows))
    }

    async fn readings_in(
        &self,
        ledger: LedgerId,
        after: Option<ReadingPosition>,
        filter: &ReadingFilter,
        window: &Window,
        limit: u32,
    ) -> Result<Vec<Reading>, QueryError> {
        let (index, ordinal) = after.map_or((-1, 0), numbers);
        let rows: Vec<Row> = sqlx::query_as(include_str!("readings_after.sql"))
            .bind(ledger.0)
            .bind(window.first)
            .bind(window.last)
            .bind(window.from_at)
            .bind(window.to_at)
            .bind(index)
            .bind(ordinal)
            .bind(devices(filter))
            .bind(metrics(filter))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(Reading::try_from).collect()
    }
}

impl Window {
    fn of(rows: &[BatchRow]) -> Option<Self> {
        Some(Self {
            first: rows.first()?.0,
            last: rows.last()?.0,
            from_at: rows.iter().filter_map(|row| row.1).min(),
            to_at: rows.iter().filter_map(|row| row.2).max(),
            full: i64::try_from(rows.len()) == Ok(BATCHES_AT_ONCE),
        })
    }
}

/// Everything folded so far was looked at; never behind where the caller stood.
fn nothing_until(end: u64, after: Option<ReadingPosition>) -> ReadingsAfter {
    let reached = end
        .checked_sub(1)
        .map(|last| ReadingPosition::end_of(Index(last)));
    ReadingsAfter {
        readings: Vec::new(),
        next: reached.max(after),
        more: false,
    }
}

fn devices(filter: &ReadingFilter) -> Option<Vec<Uuid>> {
    let devices = filter.devices.as_ref()?;
    Some(devices.iter().map(|device| device.0).collect())
}

fn metrics(filter: &ReadingFilter) -> Option<Vec<&str>> {
    let metrics = filter.metrics.as_ref()?;
    Some(metrics.iter().map(MetricName::as_str).collect())
}
