//! What a batch leaves out because its device's registration says it: site and source.
//!
//! A read model that needs it keeps its own table `device` and folds it in the same transaction: a
//! batch always finds the registration that stands before it in the ledger.

use std::collections::HashMap;

use sealrock_domain::device::DeviceEvent;
use sealrock_domain::telemetry::Source;
use sealrock_domain::{DeviceId, Slug};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Shown};

/// A device's site and default source.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) site: Slug,
    pub(crate) source: Source,
}

/// The devices that are registered in `entries`.
pub(crate) fn registered(entries: &[Shown]) -> Result<Vec<(DeviceId, Binding)>, FoldError> {
    let mut devices = Vec::new();
    for entry in entries {
        if let Some(DeviceEvent::DeviceRegistered(event)) = decode(entry)? {
            let binding = Binding {
                site: event.site,
                source: event.source,
            };
            devices.push((stream_id(entry)?, binding));
        }
    }
    Ok(devices)
}

/// Stores `registered` and answers the bindings of `devices`.
pub(crate) async fn fold(
    tx: &mut PgTransaction<'_>,
    registered: &[(DeviceId, Binding)],
    devices: impl Iterator<Item = DeviceId>,
) -> Result<HashMap<DeviceId, Binding>, FoldError> {
    store(tx, registered).await?;
    let ids: Vec<Uuid> = devices.map(|device| device.0).collect();
    let rows: Vec<(Uuid, String, String)> =
        sqlx::query_as("SELECT device_id, site, source FROM device WHERE device_id = ANY ($1)")
            .bind(ids)
            .fetch_all(&mut **tx)
            .await?;
    let bindings = rows.into_iter().filter_map(|(id, site, source)| {
        let binding = Binding {
            site: site.parse().ok()?,
            source: source.parse().ok()?,
        };
        Some((DeviceId(id), binding))
    });
    Ok(bindings.collect())
}

async fn store(
    tx: &mut PgTransaction<'_>,
    registered: &[(DeviceId, Binding)],
) -> Result<(), FoldError> {
    if registered.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = registered.iter().map(|(id, _)| id.0).collect();
    let sites: Vec<&str> = registered.iter().map(|(_, b)| b.site.as_str()).collect();
    let sources: Vec<&str> = registered.iter().map(|(_, b)| b.source.as_str()).collect();
    sqlx::query(include_str!("binding.sql"))
        .bind(ids)
        .bind(sites)
        .bind(sources)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
