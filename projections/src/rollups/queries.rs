//! A series of buckets of any width.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::MetricName;

use super::aggregate::bucket_of as floor;
use super::{Aggregate, WIDTHS};
use crate::read_models::{QueryError, ReadModels};

/// The most buckets that one question may span.
pub const MAX_BUCKETS: u64 = 10_000;
/// The longest span that is computed from readings, for widths that no rollup has.
const MAX_RAW_SPAN: TimeDelta = TimeDelta::days(31);

/// Which series.
#[derive(Debug, Clone)]
pub struct Series {
    /// Who measured.
    pub device: DeviceId,
    /// What.
    pub metric: MetricName,
    /// From the bucket that holds this time on.
    pub from: DateTime<Utc>,
    /// Buckets that begin before this time.
    pub to: DateTime<Utc>,
    /// Width of the buckets: whole seconds. Multiples of 5 minutes are read from rollups and may
    /// span any time; other widths are computed from readings, over at most 31 days.
    pub bucket: Duration,
}

/// A bucket with readings; empty ones are not listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins. Buckets count from 1970-01-01 UTC.
    pub start: DateTime<Utc>,
    /// What its readings say, in the metric's canonical unit.
    pub aggregate: Aggregate,
}

#[derive(sqlx::FromRow)]
struct Row {
    start: DateTime<Utc>,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
    first: f64,
    first_at: DateTime<Utc>,
    last: f64,
    last_at: DateTime<Utc>,
}

impl From<Row> for Bucket {
    fn from(row: Row) -> Self {
        let aggregate = Aggregate {
            count: row.count.unsigned_abs(),
            sum: row.sum,
            min: row.min,
            max: row.max,
            first: row.first,
            first_at: row.first_at,
            last: row.last,
            last_at: row.last_at,
        };
        Self {
            start: row.start,
            aggregate,
        }
    }
}

impl ReadModels {
    /// The buckets of a series, in order of time.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] for a width or span that is not answered, with one that is;
    /// otherwise if Postgres cannot answer.
    pub async fn series(&self, series: &Series) -> Result<Vec<Bucket>, QueryError> {
        let seconds = check(series)?;
        let (from, to) = (floor(series.from, seconds), ceil(series.to, seconds));
        let rows: Vec<Row> = match stored_width(seconds) {
            Some(width) if width == seconds => {
                sqlx::query_as(include_str!("series_buckets.sql")).bind(width)
            }
            Some(width) => sqlx::query_as(include_str!("series_stored.sql")).bind(width),
            None => sqlx::query_as(include_str!("series_raw.sql")).bind(0),
        }
        .bind(series.device.0)
        .bind(series.metric.as_str())
        .bind(from)
        .bind(to)
        .bind(f64::from(seconds))
        .fetch_all(self.pool())
        .await?;
        Ok(rows.into_iter().map(Bucket::from).collect())
    }
}

/// The widest stored bucket that divides a width.
fn stored_width(seconds: i32) -> Option<i32> {
    WIDTHS.into_iter().rev().find(|width| seconds % *width == 0)
}

/// The width in seconds.
fn check(series: &Series) -> Result<i32, QueryError> {
    let seconds = i32::try_from(series.bucket.as_secs()).unwrap_or(0);
    if series.bucket.subsec_nanos() != 0 || !(1..=366 * 86_400).contains(&seconds) {
        let text = "a bucket is a whole number of seconds, from 1 s to 366 days";
        return Err(QueryError::Invalid(text.to_owned()));
    }
    let span = series.to - series.from;
    let buckets = span.num_seconds().max(0).unsigned_abs() / u64::from(seconds.unsigned_abs());
    if buckets > MAX_BUCKETS {
        let text = format!("{buckets} buckets are too many: ask for at most {MAX_BUCKETS}");
        return Err(QueryError::Invalid(text));
    }
    if stored_width(seconds).is_none() && span > MAX_RAW_SPAN {
        let text = "buckets that are no multiple of 5 minutes span at most 31 days: shorten the \
                    span, or ask for a multiple of 5 minutes";
        return Err(QueryError::Invalid(text.to_owned()));
    }
    Ok(seconds)
}

/// The end of the last bucket that begins before `at`.
fn ceil(at: DateTime<Utc>, seconds: i32) -> DateTime<Utc> {
    let start = floor(at, seconds);
    let width = TimeDelta::seconds(i64::from(seconds));
    if start == at {
        at
    } else {
        start.checked_add_signed(width).unwrap_or(at)
    }
}
