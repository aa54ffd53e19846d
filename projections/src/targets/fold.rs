//! Events to versions: the open ones of the sites that a batch touches are loaded, closed and opened
//! in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use sealrock_domain::SiteId;
use sealrock_domain::site::{EmissionTargetSet, EmissionTargetWithdrawn, SiteEvent};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use uuid::Uuid;

use super::NAME;
use super::rows::Version;
use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Projection, Shown};

/// Fills read model `targets`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TargetsProjection;

#[async_trait]
impl Projection for TargetsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
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
        let changes = changes(batch)?;
        if changes.is_empty() {
            return Ok(());
        }
        let mut versions = Versions::load(tx, ledger.id, &changes).await?;
        for change in changes {
            versions.apply(change)?;
        }
        versions.store(tx, ledger.id).await
    }
}

struct Change {
    site: Uuid,
    index: Index,
    event: TargetEvent,
}

enum TargetEvent {
    Set(EmissionTargetSet),
    Withdrawn(EmissionTargetWithdrawn),
}

fn changes(batch: &[Shown]) -> Result<Vec<Change>, FoldError> {
    let mut changes = Vec::new();
    for recorded in batch {
        let event = match decode(recorded)? {
            Some(SiteEvent::EmissionTargetSet(event)) => TargetEvent::Set(event),
            Some(SiteEvent::EmissionTargetWithdrawn(event)) => TargetEvent::Withdrawn(event),
            _ => continue,
        };
        let SiteId(site) = stream_id(recorded)?;
        let index = recorded.entry.index;
        changes.push(Change { site, index, event });
    }
    Ok(changes)
}

#[derive(Default)]
struct Versions {
    open: BTreeMap<(Uuid, NaiveDate), Version>,
    closed: Vec<Version>,
}

impl Versions {
    async fn load(
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
        changes: &[Change],
    ) -> Result<Self, FoldError> {
        let sites: Vec<Uuid> = changes.iter().map(|change| change.site).collect();
        let rows: Vec<Version> = sqlx::query_as(include_str!("load.sql"))
            .bind(ledger.0)
            .bind(sites)
            .fetch_all(&mut **tx)
            .await?;
        let open = rows
            .into_iter()
            .map(|row| ((row.site_id, row.from_day), row));
        Ok(Self {
            open: open.collect(),
            closed: Vec::new(),
        })
    }

    fn apply(&mut self, Change { site, index, event }: Change) -> Result<(), FoldError> {
        match event {
            TargetEvent::Set(event) => self.set(site, index, &event),
            TargetEvent::Withdrawn(event) => self.withdraw(site, index, &event)?,
        }
        Ok(())
    }

    fn set(&mut self, site: Uuid, index: Index, event: &EmissionTargetSet) {
        let at = index.0.cast_signed();
        let version = Version {
            site_id: site,
            from_day: event.from,
            until_day: event.until,
            average_kg_per_h: event.average_kg_per_h.to_string(),
            set_index: at,
            from_index: at,
            to_index: None,
        };
        self.open.insert((site, event.from), version);
    }

    fn withdraw(
        &mut self,
        site: Uuid,
        index: Index,
        event: &EmissionTargetWithdrawn,
    ) -> Result<(), FoldError> {
        let key = (site, event.from);
        let unknown = || FoldError::poison(index, "no such target stands before it");
        let version = self.open.remove(&key).ok_or_else(unknown)?;
        let at = index.0.cast_signed();
        if event.last_day.is_some() {
            let ended = Version {
                until_day: event.last_day,
                from_index: at,
                ..version.clone()
            };
            self.open.insert(key, ended);
        }
        self.closed.push(Version {
            to_index: Some(at),
            ..version
        });
        Ok(())
    }

    async fn store(self, tx: &mut PgTransaction<'_>, ledger: LedgerId) -> Result<(), FoldError> {
        let rows: Vec<Version> = self
            .closed
            .into_iter()
            .chain(self.open.into_values())
            .collect();
        sqlx::query(include_str!("store.sql"))
            .bind(ledger.0)
            .bind(rows.iter().map(|row| row.site_id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.from_day).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.until_day).collect::<Vec<_>>())
            .bind(
                rows.iter()
                    .map(|row| row.average_kg_per_h.as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(rows.iter().map(|row| row.set_index).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.from_index).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.to_index).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}
