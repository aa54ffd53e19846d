//! Batches to the newest value each.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::Source;
use sealrock_eventstore::{LedgerId, LedgerInfo, Recorded};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::NAME;
use crate::binding::{self, Binding};
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
        upsert(tx, ledger.id, &newest, &bindings).await?;
        Ok(())
    }
}

async fn upsert(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    newest: &[Newest],
    bindings: &HashMap<DeviceId, Binding>,
) -> sqlx::Result<()> {
    let bound = || newest.iter().map(|n| (n, bindings.get(&n.reading.device)));
    let readings = || newest.iter().map(|n| &n.reading);
    let sites = bound().map(|(_, binding)| binding.map(|binding| binding.site.as_str()));
    let sources =
        bound().map(|(n, binding)| Source::effective(binding.map(|b| b.source), n.source));
    let sources = sources.map(|source| source.map(Source::as_str));
    let indexes = readings().map(|r| r.index.0.cast_signed());
    sqlx::query(include_str!("upsert.sql"))
        .bind(ledger.0)
        .bind(readings().map(|r| r.device.0).collect::<Vec<Uuid>>())
        .bind(readings().map(|r| r.metric.as_str()).collect::<Vec<&str>>())
        .bind(indexes.collect::<Vec<i64>>())
        .bind(readings().map(|r| r.ordinal).collect::<Vec<i32>>())
        .bind(sites.collect::<Vec<Option<&str>>>())
        .bind(readings().map(|r| r.at).collect::<Vec<DateTime<Utc>>>())
        .bind(readings().map(|r| r.value).collect::<Vec<f64>>())
        .bind(readings().map(|r| r.unit).collect::<Vec<&str>>())
        .bind(sources.collect::<Vec<Option<&str>>>())
        .execute(&mut **tx)
        .await
        .map(drop)
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
