//! Batches to the newest value each.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::Source;
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::{NAME, derive};
use crate::binding::{self, Binding};
use crate::erasing::{self, Step};
use crate::runner::{FoldError, Projection, Shown};
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
        3
    }

    fn schema(&self) -> &'static str {
        concat!(include_str!("schema.sql"), erasing::tables!())
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let registered = binding::registered(batch)?;
        let batches = batches(batch)?;
        let devices = batches.iter().map(|batch| batch.device);
        let bindings = binding::fold(tx, &registered, devices).await?;
        let newest: Vec<Newest> = newest(&batches).into_values().collect();
        upsert(tx, ledger.id, &newest, &bindings).await?;
        erasing::remember(tx, ledger.id, &batches).await?;
        remember_metrics(tx, batches.iter().copied().flat_map(Batch::counted)).await?;
        for step in erasing::steps(ledger, batch)? {
            fold_step(tx, ledger.id, step).await?;
        }
        Ok(())
    }
}

async fn fold_step(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    step: Step,
) -> Result<(), FoldError> {
    match step {
        Step::Seals(seals) => Ok(erasing::remember_seals(tx, ledger, &seals).await?),
        Step::Redacted(erased) => {
            erasing::forget(tx, ledger, &erased).await?;
            derive::instead_of(tx, ledger, &erased).await
        }
        Step::Retained(erased) => {
            let retained = erasing::retain(tx, ledger, &erased).await?;
            derive::from_seals(tx, ledger, &retained.seals).await
        }
    }
}

/// Notes on which days there are readings of which metrics.
pub(super) async fn remember_metrics(
    tx: &mut PgTransaction<'_>,
    readings: impl Iterator<Item = Counted>,
) -> sqlx::Result<()> {
    let days: HashSet<_> = readings
        .map(|reading| (reading.device.0, reading.metric, reading.at.date_naive()))
        .collect();
    sqlx::query(include_str!("insert_metric_days.sql"))
        .bind(days.iter().map(|day| day.0).collect::<Vec<Uuid>>())
        .bind(days.iter().map(|day| day.1).collect::<Vec<&str>>())
        .bind(days.iter().map(|day| day.2).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn upsert(
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
        .bind(readings().map(|r| r.metric).collect::<Vec<&str>>())
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
pub(super) struct Newest {
    pub(super) reading: Counted,
    pub(super) source: Option<Source>,
}

pub(super) type Found = HashMap<(DeviceId, &'static str), Newest>;

fn newest(batches: &[&Batch]) -> Found {
    let mut newest = Found::new();
    for batch in batches {
        add(&mut newest, batch, |_| true);
    }
    newest
}

/// The newest reading of each device and metric; `>=` because readings come in the ledger's order.
pub(super) fn add(newest: &mut Found, batch: &Batch, wanted: impl Fn(&Counted) -> bool) {
    for reading in batch.counted().filter(wanted) {
        let key = (reading.device, reading.metric);
        let source = batch.content.source;
        let candidate = Newest { reading, source };
        match newest.entry(key) {
            Entry::Vacant(place) => {
                place.insert(candidate);
            }
            Entry::Occupied(mut known) if reading.at >= known.get().reading.at => {
                known.insert(candidate);
            }
            Entry::Occupied(_) => {}
        }
    }
}
