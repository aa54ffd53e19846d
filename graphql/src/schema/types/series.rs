//! Time series.

use async_graphql::{Context, Object};
use chrono::TimeDelta;
use sealrock_domain::telemetry::metric;
use sealrock_ledger::LedgerName;
use sealrock_projections::rollups::{Bucket, Series};

use crate::schema::loaders::{EntriesOfBucket, ledger_name, load};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// Readings of a bucket that are looked at for its provenance.
const MOST_READINGS: u32 = 10_000;

/// A metric of a device over time.
pub(crate) struct TimeSeries {
    ledger: LedgerName,
    series: Series,
    buckets: Vec<Bucket>,
}

impl TimeSeries {
    pub(crate) fn new(ledger: LedgerName, series: Series, buckets: Vec<Bucket>) -> Self {
        Self {
            ledger,
            series,
            buckets,
        }
    }
}

/// A metric of a device over time.
#[Object]
impl TimeSeries {
    /// What was measured.
    async fn metric(&self) -> &str {
        self.series.metric.as_str()
    }

    /// The unit of all values (UCUM); null for a metric that the platform does not know.
    async fn unit(&self) -> Option<&'static str> {
        metric::find(&self.series.metric).map(|metric| metric.unit)
    }

    /// Width of the buckets, in seconds.
    async fn bucket_seconds(&self) -> Count {
        Count(self.series.bucket.as_secs())
    }

    /// The buckets that hold readings, in order of time.
    #[graphql(complexity = "100 * child_complexity")]
    async fn buckets(&self) -> Vec<TimeSeriesBucket<'_>> {
        self.buckets
            .iter()
            .map(|bucket| TimeSeriesBucket { of: self, bucket })
            .collect()
    }
}

/// The readings of a span of time in figures; suspect ones are left out.
struct TimeSeriesBucket<'s> {
    of: &'s TimeSeries,
    bucket: &'s Bucket,
}

/// The readings of a span of time in figures; suspect ones are left out.
#[Object]
impl TimeSeriesBucket<'_> {
    /// Where it begins. Buckets count from 1970-01-01 UTC.
    async fn start(&self) -> Time {
        self.bucket.start.into()
    }

    /// Number of readings.
    async fn count(&self) -> Count {
        Count(self.bucket.aggregate.count)
    }

    /// Their mean.
    async fn avg(&self) -> f64 {
        self.bucket.aggregate.avg()
    }

    /// The least of them.
    async fn min(&self) -> f64 {
        self.bucket.aggregate.min
    }

    /// The greatest of them.
    async fn max(&self) -> f64 {
        self.bucket.aggregate.max
    }

    /// Their sum.
    async fn sum(&self) -> f64 {
        self.bucket.aggregate.sum
    }

    /// The first of them.
    async fn first(&self) -> f64 {
        self.bucket.aggregate.first
    }

    /// The last of them.
    async fn last(&self) -> f64 {
        self.bucket.aggregate.last
    }

    /// The entries whose readings went into it. Looked up when asked for.
    // Those of a list together may be millions of readings. Its complexity says so.
    #[graphql(complexity = 100)]
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let TimeSeries { ledger, series, .. } = self.of;
        let start = self.bucket.start;
        let width = TimeDelta::from_std(series.bucket).unwrap_or(TimeDelta::MAX);
        let asked = EntriesOfBucket {
            device: series.device,
            metric: series.metric.clone(),
            span: (start, start.checked_add_signed(width).unwrap_or(start)),
            most: MOST_READINGS,
        };
        let Some(found) = load(context, asked).await?.flatten() else {
            return Ok(Provenance::of(ledger, []));
        };
        let ledger = ledger_name(context, found.ledger).await?;
        Ok(Provenance::of(&ledger, found.indexes).cut_short(found.truncated))
    }
}
