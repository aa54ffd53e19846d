//! The newest value that is left when the latest was erased.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::metric;
use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::fold::{Found, Newest, add, remember_metrics, upsert};
use crate::binding;
use crate::erasing::{self, DeviceDay, Erased, columns};
use crate::runner::FoldError;
use crate::telemetry::Counted;

/// Takes away latest values whose batches were erased, and puts the newest that are left there.
pub(super) async fn instead_of(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> Result<(), FoldError> {
    let (first, last) = columns(&erased.payloads);
    let gone: Vec<(Uuid, String)> = sqlx::query_as(include_str!("forget.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    let mut wanted: BTreeMap<DeviceId, BTreeSet<String>> = BTreeMap::new();
    for (device, metric) in gone {
        wanted.entry(DeviceId(device)).or_default().insert(metric);
    }
    for (device, metrics) in wanted {
        find(tx, ledger, device, metrics, erased.by).await?;
    }
    Ok(())
}

/// In a rebuild after retention: what seals say of windows whose batches are gone. Where the model has
/// the readings themselves it stays with them.
pub(super) async fn from_seals(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    seals: &[WindowSealed],
) -> Result<(), FoldError> {
    for seal in seals {
        let mut newest = Found::new();
        add_seal(&mut newest, seal, |_| true);
        remember_metrics(tx, newest.values().map(|newest| newest.reading)).await?;
        put(tx, ledger, seal.device, newest).await?;
    }
    Ok(())
}

/// Looks day by day, from the newest on, until there is a value of each metric or no day is left.
async fn find(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    device: DeviceId,
    mut metrics: BTreeSet<String>,
    by: Index,
) -> Result<(), FoldError> {
    let mut before = None;
    while let Some(day) = last_day(tx, device, &metrics, before).await? {
        let found = newest_of_day(tx, (device, day), &metrics, by).await?;
        for (_, metric) in found.keys() {
            metrics.remove(*metric);
        }
        put(tx, ledger, device, found).await?;
        before = Some(day);
    }
    Ok(())
}

async fn last_day(
    tx: &mut PgTransaction<'_>,
    device: DeviceId,
    metrics: &BTreeSet<String>,
    before: Option<NaiveDate>,
) -> sqlx::Result<Option<NaiveDate>> {
    let metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
    sqlx::query_scalar(include_str!("last_day.sql"))
        .bind(device.0)
        .bind(metrics)
        .bind(before)
        .fetch_one(&mut **tx)
        .await
}

async fn newest_of_day(
    tx: &mut PgTransaction<'_>,
    at: DeviceDay,
    metrics: &BTreeSet<String>,
    by: Index,
) -> Result<Found, FoldError> {
    let mut found = Found::new();
    erasing::each_left(tx, at, by, |batch| {
        add(&mut found, batch, |reading| {
            reading.at.date_naive() == at.1 && metrics.contains(reading.metric)
        });
    })
    .await?;
    for seal in erasing::sealed_in(tx, at, by).await? {
        add_seal(&mut found, &seal, |metric| metrics.contains(metric));
    }
    Ok(found)
}

/// The seal names no entry for its last reading: its last batch stands for it.
fn add_seal(found: &mut Found, seal: &WindowSealed, wanted: impl Fn(&str) -> bool) {
    let index = Index(seal.last_entry().unwrap_or_default());
    for (name, summary) in seal
        .metrics
        .iter()
        .filter(|(name, _)| wanted(name.as_str()))
    {
        let Some(known) = metric::find(name) else {
            continue;
        };
        let reading = Counted {
            index,
            ordinal: 0,
            device: seal.device,
            metric: known.name,
            at: summary.last_at,
            value: summary.last.to_f64(),
            unit: known.unit,
        };
        let key = (seal.device, known.name);
        let newer = found
            .get(&key)
            .is_none_or(|known| reading.at > known.reading.at);
        if newer {
            let source = None;
            found.insert(key, Newest { reading, source });
        }
    }
}

async fn put(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    device: DeviceId,
    newest: Found,
) -> Result<(), FoldError> {
    let bindings = binding::fold(tx, &[], std::iter::once(device)).await?;
    let newest: Vec<Newest> = newest.into_values().collect();
    Ok(upsert(tx, ledger, &newest, &bindings).await?)
}
