//! Readings of a device and metric over time, and how a row is read.

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{MetricName, Value};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Uuid;

use super::{Reading, ReadingPosition};
use crate::read_models::{QueryError, ReadModels, stored};

/// Which readings, and how they are paged.
#[derive(Debug, Clone)]
pub struct ReadingRange {
    /// Who measured.
    pub device: DeviceId,
    /// What.
    pub metric: MetricName,
    /// From this time on.
    pub from: DateTime<Utc>,
    /// Up to and without this time.
    pub to: DateTime<Utc>,
    /// Oldest or newest first.
    pub order: Order,
    /// Beyond this reading, in the order asked for.
    pub after: Option<ReadingCursor>,
    /// The most readings to answer.
    pub first: u32,
}

/// By the readings' own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    OldestFirst,
    /// Newest first.
    NewestFirst,
}

/// The place of a reading among those of its device and metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingCursor {
    /// Its time.
    pub at: DateTime<Utc>,
    /// Its place in the ledger, which orders readings of one time.
    pub position: ReadingPosition,
}

impl Reading {
    /// Its place among the readings of its device and metric.
    #[must_use]
    pub fn cursor(&self) -> ReadingCursor {
        ReadingCursor {
            at: self.at,
            position: self.position,
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    ledger_id: i32,
    index: i64,
    ordinal: i32,
    device_id: Uuid,
    site: Option<String>,
    metric: String,
    at: DateTime<Utc>,
    value: Option<f64>,
    truth: Option<bool>,
    text: Option<String>,
    unit: Option<String>,
    canonical: Option<f64>,
    quality: String,
    suspicion: Option<String>,
    source: Option<String>,
}

impl TryFrom<Row> for Reading {
    type Error = QueryError;

    fn try_from(row: Row) -> Result<Self, QueryError> {
        Ok(Self {
            device: DeviceId(row.device_id),
            site: row.site.map(|site| stored(&site)).transpose()?,
            metric: stored(&row.metric)?,
            at: row.at,
            value: value(row.value, row.truth, row.text),
            unit: row.unit,
            canonical: row.canonical,
            quality: stored(&row.quality)?,
            suspicion: row.suspicion,
            source: row.source.map(|source| stored(&source)).transpose()?,
            ledger: LedgerId(row.ledger_id),
            position: ReadingPosition {
                index: Index(row.index.unsigned_abs()),
                ordinal: row.ordinal.unsigned_abs(),
            },
        })
    }
}

fn value(number: Option<f64>, truth: Option<bool>, text: Option<String>) -> Value {
    let other = || truth.map_or_else(|| Value::Text(text.unwrap_or_default()), Value::Bool);
    number.map_or_else(other, Value::Number)
}

impl ReadModels {
    /// Readings of one device and metric, suspect ones too, page by page.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn readings(&self, range: &ReadingRange) -> Result<Vec<Reading>, QueryError> {
        let (sql, before_all) = match range.order {
            Order::OldestFirst => (include_str!("oldest_first.sql"), (i64::MIN, i32::MIN)),
            Order::NewestFirst => (include_str!("newest_first.sql"), (i64::MAX, i32::MAX)),
        };
        let start = match range.order {
            Order::OldestFirst => range.from,
            Order::NewestFirst => range.to,
        };
        let (at, (index, ordinal)) = range.after.map_or((start, before_all), |cursor| {
            (cursor.at, numbers(cursor.position))
        });
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(range.device.0)
            .bind(range.metric.as_str())
            .bind(range.from)
            .bind(range.to)
            .bind(at)
            .bind(index)
            .bind(ordinal)
            .bind(i64::from(range.first))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(Reading::try_from).collect()
    }
}

/// The position as Postgres compares it.
pub(super) fn numbers(position: ReadingPosition) -> (i64, i32) {
    (
        position.index.0.cast_signed(),
        i32::try_from(position.ordinal).unwrap_or(i32::MAX),
    )
}
