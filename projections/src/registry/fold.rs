//! Events to rows: the things that a batch touches are loaded, changed in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{At, Thing};
use super::{Asset, Device, NAME, Organisation, Site};
use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Projection, Shown};

/// Fills read model `registry`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegistryProjection;

#[async_trait]
impl Projection for RegistryProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn folds_batches(&self) -> bool {
        false
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let organisations = events::<Organisation>(ledger.id, batch)?;
        let sites = events::<Site>(ledger.id, batch)?;
        let assets = events::<Asset>(ledger.id, batch)?;
        let devices = events::<Device>(ledger.id, batch)?;
        fold::<Organisation>(tx, organisations).await?;
        fold::<Site>(tx, sites).await?;
        fold::<Asset>(tx, assets).await?;
        fold::<Device>(tx, devices).await
    }
}

type Events<T> = Vec<(At, <T as Thing>::Event)>;

fn events<T: Thing>(ledger: LedgerId, batch: &[Shown]) -> Result<Events<T>, FoldError> {
    let mut events = Vec::new();
    for recorded in batch {
        if let Some(event) = decode(recorded)? {
            let entry = &recorded.entry;
            let id = stream_id(recorded)?;
            let (index, time) = (entry.index, entry.recorded_at);
            events.push((
                At {
                    ledger,
                    id,
                    index,
                    time,
                },
                event,
            ));
        }
    }
    Ok(events)
}

async fn fold<T: Thing>(tx: &mut PgTransaction<'_>, events: Events<T>) -> Result<(), FoldError> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(|(at, _)| at.id).collect();
    let rows: Vec<Json<T>> = sqlx::query_scalar(T::LOAD)
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    let mut things: BTreeMap<Uuid, T> = rows.into_iter().map(|Json(t)| (t.id(), t)).collect();
    for (at, event) in events {
        apply(&mut things, at, event)?;
    }
    let things: Vec<&T> = things.values().collect();
    sqlx::query(T::STORE)
        .bind(Json(things))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn apply<T: Thing>(
    things: &mut BTreeMap<Uuid, T>,
    at: At,
    event: T::Event,
) -> Result<(), FoldError> {
    if let Some(thing) = T::begin(&event, at) {
        things.insert(at.id, thing);
        return Ok(());
    }
    let unregistered = || FoldError::poison(at.index, "no registration stands before it");
    things
        .get_mut(&at.id)
        .ok_or_else(unregistered)?
        .change(event, at);
    Ok(())
}
