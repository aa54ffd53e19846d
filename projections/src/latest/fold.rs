//! Batches to the newest value each.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::Source;
use sealrock_eventstore::{LedgerInfo, Recorded};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::NAME;
use crate::binding;
use crate::runner::{FoldError, Projection};
use crate::telemetry::{Batch, Counted, batches};

/// Fills read model `latest`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LatestProjection;

#[async_trait]
impl Projection for LatestProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("schema.sql")
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Recorded],
    ) -> Result<(), FoldError> {
        let registered = binding::registered(batch)?;
        let batches = batches(batch)?;
        let devices = batches.iter().map(|batch| batch.device);
        let bindings = binding::fold(tx, &registered, devices).await?;
        let newest: Vec<Newest> = newest(&batches).into_values().collect();
        let column = |site: &Newest| bindings.get(&site.reading.device).cloned();
        let bound: Vec<_> = newest.iter().map(column).collect();
        let ids: Vec<Uuid> = newest.iter().map(|n| n.reading.device.0).collect();
        let metrics: Vec<&str> = newest.iter().map(|n| n.reading.metric.as_str()).collect();
        let indexes: Vec<i64> = newest
            .iter()
            .map(|n| n.reading.index.0.cast_signed())
            .collect();
        let ordinals: Vec<i32> = newest.iter().map(|n| n.reading.ordinal).collect();
        let sites: Vec<_> = bound
            .iter()
            .map(|b| b.as_ref().map(|b| b.site.as_str()))
            .collect();
        let times: Vec<DateTime<Utc>> = newest.iter().map(|n| n.reading.at).collect();
        let values: Vec<f64> = newest.iter().map(|n| n.reading.value).collect();
        let units: Vec<&str> = newest.iter().map(|n| n.reading.unit).collect();
        let default = bound.iter().map(|b| b.as_ref().map(|b| b.source));
        let sources = newest
            .iter()
            .zip(default)
            .map(|(n, default)| n.source.or(default));
        let sources: Vec<_> = sources.map(|source| source.map(Source::as_str)).collect();
        sqlx::query(include_str!("upsert.sql"))
            .bind(ledger.id.0)
            .bind(ids)
            .bind(metrics)
            .bind(indexes)
            .bind(ordinals)
            .bind(sites)
            .bind(times)
            .bind(values)
            .bind(units)
            .bind(sources)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// A reading and what its batch says of its source.
#[derive(Debug, Clone)]
struct Newest {
    reading: Counted,
    source: Option<Source>,
}

/// The newest reading of each device and metric; `>=` because readings come in the ledger's order.
fn newest(batches: &[Batch]) -> BTreeMap<(DeviceId, String), Newest> {
    let mut newest: BTreeMap<(DeviceId, String), Newest> = BTreeMap::new();
    for batch in batches {
        for reading in batch.counted() {
            let key = (reading.device, reading.metric.clone());
            let is_newer = newest
                .get(&key)
                .is_none_or(|known| reading.at >= known.reading.at);
            if is_newer {
                newest.insert(
                    key,
                    Newest {
                        reading,
                        source: batch.content.source,
                    },
                );
            }
        }
    }
    newest
}
