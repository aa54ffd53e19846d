//! Latest values of devices or sites, and what changed since a position.

use std::slice;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::MetricName;
use sealrock_domain::{DeviceId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Uuid;

use super::{Latest, NAME};
use crate::read_models::{QueryError, ReadModels, stored};

/// Which latest values; an absent field means all.
#[derive(Debug, Clone, Default)]
pub struct LatestFilter {
    /// Of these devices.
    pub devices: Option<Vec<DeviceId>>,
    /// Of this site.
    pub site: Option<Slug>,
    /// Of these metrics.
    pub metrics: Option<Vec<MetricName>>,
    /// Changed by this entry or a later one.
    pub changed_from: Option<Index>,
}

#[derive(sqlx::FromRow)]
struct Row {
    device_id: Uuid,
    metric: String,
    ledger_id: i32,
    index: i64,
    site: Option<String>,
    at: DateTime<Utc>,
    value: f64,
    unit: String,
    source: Option<String>,
}

impl TryFrom<Row> for Latest {
    type Error = QueryError;

    fn try_from(row: Row) -> Result<Self, QueryError> {
        Ok(Self {
            device: DeviceId(row.device_id),
            site: row.site.map(|site| stored(&site)).transpose()?,
            metric: stored(&row.metric)?,
            at: row.at,
            value: row.value,
            unit: row.unit,
            source: row.source.map(|source| stored(&source)).transpose()?,
            ledger: LedgerId(row.ledger_id),
            index: Index(row.index.unsigned_abs()),
        })
    }
}

impl ReadModels {
    /// The latest values in `ledger` that match, by device and metric, and the position to ask with
    /// as `changed_from` next: what changes from there on is in the next answer.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn latest(
        &self,
        ledger: LedgerId,
        filter: &LatestFilter,
    ) -> Result<(Vec<Latest>, Index), QueryError> {
        // Asked first: a change between the two statements is answered twice rather than never.
        let position = self.next_index(NAME, ledger).await?;
        let site = filter.site.as_ref().map(slice::from_ref);
        Ok((self.values(ledger, filter, site).await?, Index(position)))
    }

    /// The latest values at these sites, by device and metric.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn latest_at(
        &self,
        ledger: LedgerId,
        sites: &[Slug],
    ) -> Result<Vec<Latest>, QueryError> {
        self.values(ledger, &LatestFilter::default(), Some(sites))
            .await
    }

    /// Of these sites, instead of the one that the filter names.
    async fn values(
        &self,
        ledger: LedgerId,
        filter: &LatestFilter,
        sites: Option<&[Slug]>,
    ) -> Result<Vec<Latest>, QueryError> {
        let ids = filter.devices.as_ref();
        let ids: Option<Vec<Uuid>> = ids.map(|ids| ids.iter().map(|id| id.0).collect());
        let sites: Option<Vec<&str>> = sites.map(|of| of.iter().map(Slug::as_str).collect());
        let metrics = filter.metrics.as_ref();
        let metrics: Option<Vec<&str>> =
            metrics.map(|metrics| metrics.iter().map(MetricName::as_str).collect());
        let rows: Vec<Row> = sqlx::query_as(include_str!("latest.sql"))
            .bind(ledger.0)
            .bind(ids)
            .bind(sites)
            .bind(metrics)
            .bind(filter.changed_from.map(|index| index.0.cast_signed()))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(Latest::try_from).collect()
    }
}
