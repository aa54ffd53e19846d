//! Events to versions: what a batch touches is loaded, changed in order, and stored.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::AssetId;
use sealrock_domain::Mass;
use sealrock_domain::capture_day::{
    CaptureCorrected, CaptureDayEvent, CaptureDayId, CaptureFigures, CaptureRecorded,
};
use sealrock_domain::capture_unit::{CaptureUnitEvent, CaptureUnitRegistered, CaptureUnitStatus};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::Entry;
use serde::Serialize;
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::NAME;
use super::rows::{ApprovalRow, CaptureRow, UnitRow};
use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Projection, Shown};

/// Fills read model `captures`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CapturesProjection;

#[async_trait]
impl Projection for CapturesProjection {
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
        let units: Vec<(&Entry, AssetId, CaptureUnitEvent)> = events(batch)?;
        let days: Vec<(&Entry, CaptureDayId, CaptureDayEvent)> = events(batch)?;
        if !units.is_empty() {
            fold_units(tx, ledger.id, units).await?;
        }
        if !days.is_empty() {
            fold_days(tx, ledger.id, days).await?;
        }
        Ok(())
    }
}

fn events<I, E>(batch: &[Shown]) -> Result<Vec<(&Entry, I, E)>, FoldError>
where
    I: std::str::FromStr,
    E: sealrock_domain::EventType,
{
    let mut events = Vec::new();
    for recorded in batch {
        if let Some(event) = decode(recorded)? {
            events.push((&recorded.entry, stream_id(recorded)?, event));
        }
    }
    Ok(events)
}

/// The newest versions by key, and those that a batch adds, in order.
struct Versions<K, R> {
    newest: HashMap<K, R>,
    added: Vec<R>,
}

/// A row of versions.
trait Version: Clone {
    type Key: std::hash::Hash + Eq;

    fn key(&self) -> Self::Key;
    fn begins_at(&self) -> u64;
    fn end(&mut self, at: u64);
}

impl<R: Version> Versions<R::Key, R> {
    fn of(rows: Vec<Json<R>>) -> Self {
        let newest = rows.into_iter().map(|Json(row)| (row.key(), row)).collect();
        let added = Vec::new();
        Self { newest, added }
    }

    fn add(&mut self, row: R) {
        let (key, index) = (row.key(), row.begins_at());
        let mut before = self.added.iter_mut().rev();
        if let Some(before) = before.find(|before| before.key() == key) {
            before.end(index);
        }
        self.added.push(row.clone());
        self.newest.insert(key, row);
    }
}

macro_rules! version {
    ($row:ident, $key:ty, $of:expr) => {
        impl Version for $row {
            type Key = $key;

            fn key(&self) -> $key {
                $of(self)
            }

            fn begins_at(&self) -> u64 {
                self.from_index
            }

            fn end(&mut self, at: u64) {
                self.to_index = Some(at);
            }
        }
    };
}

version!(UnitRow, Uuid, |row: &UnitRow| row.unit_id);
version!(CaptureRow, (Uuid, DateTime<Utc>), |row: &CaptureRow| (
    row.unit_id,
    row.from_at
));

async fn fold_units(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    events: Vec<(&Entry, AssetId, CaptureUnitEvent)>,
) -> Result<(), FoldError> {
    let ids: Vec<Uuid> = events.iter().map(|(_, id, _)| id.0).collect();
    let rows = sqlx::query_scalar(include_str!("load_units.sql"))
        .bind(ledger.0)
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    let mut units = Versions::<_, UnitRow>::of(rows);
    for (entry, id, event) in events {
        let row = match event {
            CaptureUnitEvent::CaptureUnitRegistered(event) => unit(ledger, entry, id, &event),
            CaptureUnitEvent::CaptureUnitStatusChanged(event) => UnitRow {
                status: event.status.to_string(),
                reason: event.reason.map(String::from),
                changed_at: entry.recorded_at,
                from_index: entry.index.0,
                ..known(&units.newest, &id.0, entry)?.clone()
            },
        };
        units.add(row);
    }
    store(tx, include_str!("store_units.sql"), &units.added).await
}

fn unit(ledger: LedgerId, entry: &Entry, id: AssetId, event: &CaptureUnitRegistered) -> UnitRow {
    UnitRow {
        ledger_id: ledger.0,
        unit_id: id.0,
        organisation: event.org.to_string(),
        site: event.site.to_string(),
        slug: event.slug.to_string(),
        technology: event.technology.to_string(),
        capacity_g: event.capacity_kg_per_day.map(Mass::grams),
        status: CaptureUnitStatus::Standby.to_string(),
        reason: None,
        changed_at: entry.recorded_at,
        first_index: entry.index.0,
        from_index: entry.index.0,
        to_index: None,
    }
}

async fn fold_days(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    events: Vec<(&Entry, CaptureDayId, CaptureDayEvent)>,
) -> Result<(), FoldError> {
    let touched = events.iter().map(|(_, id, _)| (id.unit.0, id.day));
    let (ids, days): (Vec<_>, Vec<_>) = touched.unzip();
    let rows = sqlx::query_scalar(include_str!("load_captures.sql"))
        .bind(ledger.0)
        .bind(ids)
        .bind(days)
        .fetch_all(&mut **tx)
        .await?;
    let mut captures = Versions::<_, CaptureRow>::of(rows);
    let mut approvals = Vec::new();
    for (entry, id, event) in events {
        match event {
            CaptureDayEvent::CaptureRecorded(event) => {
                captures.add(recorded(ledger, entry, id, event));
            }
            CaptureDayEvent::CaptureCorrected(event) => {
                let before = known(&captures.newest, &(id.unit.0, event.from), entry)?;
                let row = corrected(before, entry, event);
                captures.add(row);
            }
            CaptureDayEvent::CaptureDayApproved(event) => approvals.push(ApprovalRow {
                ledger_id: ledger.0,
                unit_id: id.unit.0,
                day: id.day,
                approved_by: event.by.to_string(),
                approved_at: entry.recorded_at,
                index: entry.index.0,
            }),
        }
    }
    store(tx, include_str!("store_captures.sql"), &captures.added).await?;
    store(tx, include_str!("store_approvals.sql"), &approvals).await
}

fn recorded(
    ledger: LedgerId,
    entry: &Entry,
    id: CaptureDayId,
    event: CaptureRecorded,
) -> CaptureRow {
    let mut row = CaptureRow {
        ledger_id: ledger.0,
        unit_id: id.unit.0,
        site: event.site.to_string(),
        unit: event.unit.to_string(),
        day: id.day,
        from_at: event.from,
        to_at: event.to,
        captured_g: 0,
        vented_g: 0,
        electricity_kwh: None,
        heat_mj: None,
        measured_captured_g: None,
        measured_vented_g: None,
        measured_hours: None,
        measured_real: None,
        evidence: Vec::new(),
        stated_by: event.by.to_string(),
        stated_at: entry.recorded_at,
        reason: None,
        first_index: entry.index.0,
        from_index: entry.index.0,
        to_index: None,
    };
    row.set(CaptureFigures::from(event));
    row
}

fn corrected(before: &CaptureRow, entry: &Entry, event: CaptureCorrected) -> CaptureRow {
    let mut row = CaptureRow {
        stated_by: event.by.to_string(),
        stated_at: entry.recorded_at,
        reason: Some(event.reason.to_string()),
        from_index: entry.index.0,
        ..before.clone()
    };
    row.set(CaptureFigures::from(event));
    row
}

fn known<'k, K: std::hash::Hash + Eq, R>(
    newest: &'k HashMap<K, R>,
    key: &K,
    entry: &Entry,
) -> Result<&'k R, FoldError> {
    let nothing = || FoldError::poison(entry.index, "nothing that it changes stands before it");
    newest.get(key).ok_or_else(nothing)
}

async fn store<R: Serialize + Sync>(
    tx: &mut PgTransaction<'_>,
    sql: &str,
    rows: &[R],
) -> Result<(), FoldError> {
    if rows.is_empty() {
        return Ok(());
    }
    // One or two statements: end what holds now, then add.
    for sql in sql.split_inclusive(';') {
        sqlx::query(sql).bind(Json(rows)).execute(&mut **tx).await?;
    }
    Ok(())
}
