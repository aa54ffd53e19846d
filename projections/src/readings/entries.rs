//! The entries that buckets of readings rest on.

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::MetricName;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

use crate::read_models::{QueryError, ReadModels};

/// Buckets that one statement looks through: more are asked for by several, each with its own time.
const AT_ONCE: usize = 32;

/// The entries that the readings of a bucket are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEntries {
    /// Where they are: the first of them, if a ledger was continued by another in between.
    pub ledger: LedgerId,
    /// Those with readings that count, in their order.
    pub indexes: Vec<Index>,
    /// Whether there may be more: there were more readings than were looked at.
    pub truncated: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    ledger_id: i32,
    cut: bool,
    indexes: Vec<i64>,
}

impl ReadModels {
    /// The entries behind each span of time (from, to and without) of a device and metric, by the first
    /// `most` readings of each; `None` for a span without readings.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn entries_of_buckets(
        &self,
        (device, metric): (DeviceId, &MetricName),
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
        most: u32,
    ) -> Result<Vec<Option<BucketEntries>>, QueryError> {
        let mut found = Vec::with_capacity(spans.len());
        for spans in spans.chunks(AT_ONCE) {
            found.extend(self.entries_of((device, metric), spans, most).await?);
        }
        Ok(found)
    }

    async fn entries_of(
        &self,
        (device, metric): (DeviceId, &MetricName),
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
        most: u32,
    ) -> Result<Vec<Option<BucketEntries>>, QueryError> {
        let (from, to): (Vec<_>, Vec<_>) = spans.iter().copied().unzip();
        let rows: Vec<Row> = sqlx::query_as(include_str!("entries_of_buckets.sql"))
            .bind(device.0)
            .bind(metric.as_str())
            .bind(from)
            .bind(to)
            .bind(i64::from(most))
            .fetch_all(self.pool())
            .await?;
        let mut found = vec![None; spans.len()];
        for row in rows {
            // Postgres counts from 1.
            let bucket = usize::try_from(row.number - 1).ok();
            let Some(bucket) = bucket.and_then(|number| found.get_mut(number)) else {
                continue;
            };
            match bucket {
                None => *bucket = Some(BucketEntries::from(row)),
                Some(entries) => entries.truncated = true,
            }
        }
        Ok(found)
    }
}

impl From<Row> for BucketEntries {
    fn from(row: Row) -> Self {
        let indexes = row.indexes.iter();
        Self {
            ledger: LedgerId(row.ledger_id),
            indexes: indexes.map(|index| Index(index.unsigned_abs())).collect(),
            truncated: row.cut,
        }
    }
}
