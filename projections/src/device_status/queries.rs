//! Status, boots and gaps of devices.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Uuid;

use super::{Boot, DeviceStatus, Gap, Presence};
use crate::read_models::{QueryError, ReadModels};

#[derive(sqlx::FromRow)]
struct StatusRow {
    device_id: Uuid,
    ledger_id: i32,
    first_seen: DateTime<Utc>,
    last_seen: DateTime<Utc>,
    last_index: i64,
    last_boot: Option<String>,
    last_seq: Option<i64>,
    batches: i64,
    readings: i64,
    suspect: i64,
    online: Option<bool>,
    since: Option<DateTime<Utc>>,
}

impl From<StatusRow> for DeviceStatus {
    fn from(row: StatusRow) -> Self {
        let presence = row.online.zip(row.since);
        Self {
            device: DeviceId(row.device_id),
            ledger: LedgerId(row.ledger_id),
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            last_index: index(row.last_index),
            last_boot: row.last_boot,
            last_seq: row.last_seq.map(i64::unsigned_abs),
            batches: row.batches.unsigned_abs(),
            readings: row.readings.unsigned_abs(),
            suspect: row.suspect.unsigned_abs(),
            presence: presence.map(|(online, since)| Presence { online, since }),
        }
    }
}

type BootRow = (String, i64, i64, i64, i64, DateTime<Utc>);
type GapRow = (Uuid, String, i64, i64, i64, Option<i64>, Option<i64>);

impl ReadModels {
    /// How `devices` are doing; those that never sent a batch are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn device_statuses(
        &self,
        devices: &[DeviceId],
    ) -> Result<Vec<DeviceStatus>, QueryError> {
        let ids: Vec<Uuid> = devices.iter().map(|device| device.0).collect();
        let rows: Vec<StatusRow> = sqlx::query_as(include_str!("statuses.sql"))
            .bind(ids)
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(DeviceStatus::from).collect())
    }

    /// Whether a device is connected; `None` if no broker ever told.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn presence(&self, device: DeviceId) -> Result<Option<Presence>, QueryError> {
        let row: Option<(bool, DateTime<Utc>)> =
            sqlx::query_as("SELECT online, since FROM rm_runner.presence WHERE device_id = $1")
                .bind(device.0)
                .fetch_optional(self.pool())
                .await?;
        Ok(row.map(|(online, since)| Presence { online, since }))
    }

    /// The starts of a device, newest first, at most `first`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn boots(&self, device: DeviceId, first: u32) -> Result<Vec<Boot>, QueryError> {
        let rows: Vec<BootRow> = sqlx::query_as(include_str!("boots.sql"))
            .bind(device.0)
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        let boot = |(boot, min, max, first, last, first_seen): BootRow| Boot {
            boot,
            min_seq: min.unsigned_abs(),
            max_seq: max.unsigned_abs(),
            first_index: index(first),
            last_index: index(last),
            first_seen,
        };
        Ok(rows.into_iter().map(boot).collect())
    }

    /// The gaps of a device, by the entry that showed them, newest first, at most `first`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn gaps(
        &self,
        device: DeviceId,
        only_open: bool,
        first: u32,
    ) -> Result<Vec<Gap>, QueryError> {
        let mut found = self.gaps_of(&[device], only_open, first).await?;
        Ok(found.remove(&device).unwrap_or_default())
    }

    /// As [`gaps`](Self::gaps) of each of these devices; those without any are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn gaps_of(
        &self,
        devices: &[DeviceId],
        only_open: bool,
        first: u32,
    ) -> Result<HashMap<DeviceId, Vec<Gap>>, QueryError> {
        let ids: Vec<Uuid> = devices.iter().map(|device| device.0).collect();
        let rows: Vec<GapRow> = sqlx::query_as(include_str!("gaps.sql"))
            .bind(ids)
            .bind(only_open)
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        let mut found: HashMap<DeviceId, Vec<Gap>> = HashMap::new();
        for (device, boot, from, to, noticed, filled, named) in rows {
            found.entry(DeviceId(device)).or_default().push(Gap {
                boot,
                from_seq: from.unsigned_abs(),
                to_seq: to.unsigned_abs(),
                noticed: index(noticed),
                filled: filled.map(index),
                named: named.map(index),
            });
        }
        Ok(found)
    }
}

fn index(stored: i64) -> Index {
    Index(stored.unsigned_abs())
}
