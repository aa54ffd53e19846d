//! Events to versions: those that hold of what a batch touches are loaded, ended and followed by new
//! ones in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use cqrs_es::Aggregate;
use sealrock_domain::Mass;
use sealrock_domain::injection_day::{InjectionDay, InjectionDayEvent};
use sealrock_domain::well::{Well, WellEvent};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::Entry;
use serde::Serialize;
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::NAME;
use super::rows::{DayRow, WellRow, status_name};
use crate::entry::decode;
use crate::runner::{FoldError, Projection, Shown};

/// Fills read model `wells`.
#[derive(Debug, Clone, Copy, Default)]
pub struct WellsProjection;

#[async_trait]
impl Projection for WellsProjection {
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
        let wells = events::<Uuid, WellEvent>(batch, well_of)?;
        let days = events::<DayKey, InjectionDayEvent>(batch, day_of)?;
        fold_wells(tx, ledger.id, wells).await?;
        fold_days(tx, ledger.id, days).await
    }
}

type DayKey = (Uuid, NaiveDate);
type Events<'b, K, E> = Vec<(&'b Entry, K, E)>;

fn events<K, E>(
    batch: &[Shown],
    key_of: fn(&str) -> Option<K>,
) -> Result<Events<'_, K, E>, FoldError>
where
    E: sealrock_domain::EventType,
{
    let mut events = Vec::new();
    for recorded in batch {
        if let Some(event) = decode(recorded)? {
            let entry = &recorded.entry;
            let odd = || FoldError::poison(entry.index, format!("{:?} names none", entry.stream));
            events.push((entry, key_of(&entry.stream).ok_or_else(odd)?, event));
        }
    }
    Ok(events)
}

/// `well/<id>`.
fn well_of(stream: &str) -> Option<Uuid> {
    stream.split_once('/')?.1.parse().ok()
}

/// `injection_day/<well>/<day>`.
fn day_of(stream: &str) -> Option<DayKey> {
    let (well, day) = stream.split_once('/')?.1.split_once('/')?;
    Some((well.parse().ok()?, day.parse().ok()?))
}

async fn fold_wells(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    events: Events<'_, Uuid, WellEvent>,
) -> Result<(), FoldError> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(|(_, id, _)| *id).collect();
    let rows: Vec<Json<WellRow>> = sqlx::query_scalar(include_str!("load_wells.sql"))
        .bind(ledger.0)
        .bind(ids)
        .fetch_all(&mut **tx)
        .await?;
    let mut held: BTreeMap<_, _> = rows
        .into_iter()
        .map(|Json(row)| (row.well_id, row))
        .collect();
    let mut rows = Vec::new();
    for (entry, id, event) in events {
        let before = held.remove(&id);
        let mut row = match (&before, &event) {
            (Some(before), _) => before.clone(),
            (None, WellEvent::WellRegistered(_)) => new_well(ledger, entry, id, &event)?,
            (None, _) => return Err(nothing_before(entry)),
        };
        row.add(entry, event);
        held.insert(id, row);
        rows.extend(before.map(|before| WellRow {
            to_index: Some(entry.index.0),
            ..before
        }));
    }
    rows.extend(held.into_values());
    store(tx, include_str!("store_wells.sql"), &rows).await
}

fn new_well(
    ledger: LedgerId,
    entry: &Entry,
    id: Uuid,
    event: &WellEvent,
) -> Result<WellRow, FoldError> {
    let WellEvent::WellRegistered(event) = event else {
        return Err(nothing_before(entry));
    };
    Ok(WellRow {
        ledger_id: ledger.0,
        well_id: id,
        organisation: event.org.clone(),
        site: event.site.clone(),
        slug: event.slug.clone(),
        kind: event.well_kind,
        status: String::new(),
        state: Well::default(),
        changed_at: entry.recorded_at,
        indexes: Vec::new(),
        from_index: entry.index.0,
        to_index: None,
    })
}

impl WellRow {
    fn add(&mut self, entry: &Entry, event: WellEvent) {
        self.state.apply(event);
        status_name(self.state.status()).clone_into(&mut self.status);
        self.changed_at = entry.recorded_at;
        self.indexes.push(entry.index.0);
        self.from_index = entry.index.0;
    }
}

async fn fold_days(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    events: Events<'_, DayKey, InjectionDayEvent>,
) -> Result<(), FoldError> {
    if events.is_empty() {
        return Ok(());
    }
    let (wells, days): (Vec<Uuid>, Vec<NaiveDate>) = events.iter().map(|(_, key, _)| *key).unzip();
    let rows: Vec<Json<DayRow>> = sqlx::query_scalar(include_str!("load_days.sql"))
        .bind(ledger.0)
        .bind(wells)
        .bind(days)
        .fetch_all(&mut **tx)
        .await?;
    let by_key = rows
        .into_iter()
        .map(|Json(row)| ((row.well_id, row.day), row));
    let mut held: BTreeMap<DayKey, DayRow> = by_key.collect();
    let mut rows = Vec::new();
    for (entry, key, event) in events {
        let before = held.remove(&key);
        let mut row = match &before {
            Some(before) => before.clone(),
            None => new_day(ledger, entry, key, &event)?,
        };
        row.add(entry, event);
        held.insert(key, row);
        rows.extend(before.map(|before| DayRow {
            to_index: Some(entry.index.0),
            ..before
        }));
    }
    rows.extend(held.into_values());
    store(tx, include_str!("store_days.sql"), &rows).await
}

fn new_day(
    ledger: LedgerId,
    entry: &Entry,
    (well_id, day): DayKey,
    event: &InjectionDayEvent,
) -> Result<DayRow, FoldError> {
    let InjectionDayEvent::InjectionDayRecorded(event) = event else {
        return Err(nothing_before(entry));
    };
    Ok(DayRow {
        ledger_id: ledger.0,
        well_id,
        day,
        site: event.site.clone(),
        well: event.well.clone(),
        mass_g: 0,
        approved: false,
        creditable: false,
        state: InjectionDay::default(),
        reason: None,
        changed_at: entry.recorded_at,
        indexes: Vec::new(),
        from_index: entry.index.0,
        to_index: None,
    })
}

impl DayRow {
    fn add(&mut self, entry: &Entry, event: InjectionDayEvent) {
        self.reason = match &event {
            InjectionDayEvent::InjectionDayCorrected(event) => Some(event.reason.to_string()),
            InjectionDayEvent::InjectionDayRecorded(_) => None,
            InjectionDayEvent::InjectionDayApproved(_) => self.reason.take(),
        };
        self.state.apply(event);
        let mass = self.state.recorded().map(|day| day.mass_kg);
        self.mass_g = mass.unwrap_or(Mass::ZERO).grams();
        self.approved = self.state.approved().is_some();
        let approval = self.state.approved();
        self.creditable = approval.is_some_and(|approval| approval.creditable);
        self.changed_at = entry.recorded_at;
        self.indexes.push(entry.index.0);
        self.from_index = entry.index.0;
    }
}

fn nothing_before(entry: &Entry) -> FoldError {
    FoldError::poison(entry.index, "nothing that it changes stands before it")
}

async fn store<R: Serialize + Sync>(
    tx: &mut PgTransaction<'_>,
    sql: &str,
    rows: &[R],
) -> Result<(), FoldError> {
    sqlx::query(sql).bind(Json(rows)).execute(&mut **tx).await?;
    Ok(())
}
