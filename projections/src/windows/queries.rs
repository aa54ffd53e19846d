//! What is due, and what a seal of it has to hold.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::window::{Gap, Hour, MAX_GAPS, Root, SealedBoot};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use uuid::Uuid;

use super::{DueWindow, GapsBelow, SealAt, Unsealed, Window, WindowSeal};
use crate::read_models::{QueryError, ReadModels};

type UnsealedRow = (Option<i64>, Option<i64>, Vec<i64>);
type GapRow = (String, i64, i64);

#[derive(sqlx::FromRow)]
struct WindowRow {
    id: Uuid,
    hour: DateTime<Utc>,
    waiting_since: Option<DateTime<Utc>>,
    seal_index: Option<i64>,
    seals: Option<i64>,
    sealed_at: Option<DateTime<Utc>>,
    batches: Option<i64>,
    root: Option<Vec<u8>>,
}

impl ReadModels {
    /// Windows with batches that no seal holds, whose hour was over and whose first such batch was
    /// here at `by`: the oldest one of each device, oldest first, at most `limit`, without those in
    /// `except`.
    ///
    /// One of each device, because a seal moves the device's stream of gaps for the next one.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn due_windows(
        &self,
        ledger: LedgerId,
        by: DateTime<Utc>,
        except: &[DueWindow],
        limit: u32,
    ) -> Result<Vec<DueWindow>, QueryError> {
        let devices: Vec<Uuid> = except.iter().map(|window| window.device.0).collect();
        let hours: Vec<_> = except.iter().map(|window| window.hour.start()).collect();
        let rows: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(include_str!("due.sql"))
            .bind(ledger.0)
            .bind(by)
            .bind(devices)
            .bind(hours)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        let due = rows.into_iter().map(|(device, hour)| DueWindow {
            device: DeviceId(device),
            hour: Hour::of(hour),
        });
        Ok(due.collect())
    }

    /// The first `limit` batches of a window that no seal holds, and the seal that it has.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn unsealed(&self, due: DueWindow, limit: u32) -> Result<Unsealed, QueryError> {
        let row: Option<UnsealedRow> = sqlx::query_as(include_str!("unsealed.sql"))
            .bind(due.device.0)
            .bind(due.hour.start())
            .bind(i64::from(limit))
            .fetch_optional(self.pool())
            .await?;
        let (seal_index, seals, entries) = row.unwrap_or_default();
        Ok(Unsealed {
            entries: entries.into_iter().map(index).collect(),
            seal: seal_at(seal_index, seals),
        })
    }

    /// The gaps that concern a seal of these boots of `device`: of those to be named the first
    /// `unnamed`, all as of one moment. What they leave out of the boots had come by then.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn gaps_below(
        &self,
        device: DeviceId,
        boots: &[SealedBoot],
        unnamed: u32,
    ) -> Result<GapsBelow, QueryError> {
        let names: Vec<&str> = boots.iter().map(|boot| boot.boot.as_str()).collect();
        let first: Vec<i64> = boots.iter().map(|b| b.first_seq.cast_signed()).collect();
        let last: Vec<i64> = boots.iter().map(|b| b.last_seq.cast_signed()).collect();
        let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut tx = self.pool().begin_with(snapshot).await?;
        let version: Option<i64> =
            sqlx::query_scalar("SELECT version FROM rm_windows.gap_stream WHERE device_id = $1")
                .bind(device.0)
                .fetch_optional(&mut *tx)
                .await?;
        let listed: Vec<GapRow> = sqlx::query_as(include_str!("gaps_to_list.sql"))
            .bind(device.0)
            .bind(&names)
            .bind(first)
            .bind(&last)
            .bind(i64::try_from(MAX_GAPS).unwrap_or(i64::MAX))
            .fetch_all(&mut *tx)
            .await?;
        let unnamed: Vec<GapRow> = sqlx::query_as(include_str!("gaps_to_name.sql"))
            .bind(device.0)
            .bind(&names)
            .bind(&last)
            .bind(i64::from(unnamed))
            .fetch_all(&mut *tx)
            .await?;
        Ok(GapsBelow {
            listed: listed.into_iter().map(gap).collect(),
            unnamed: unnamed.into_iter().map(gap).collect(),
            version: version.unwrap_or(0).unsigned_abs(),
        })
    }

    /// The hours of a device before `before`, newest first, at most `first`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn windows(
        &self,
        device: DeviceId,
        before: Option<Hour>,
        first: u32,
    ) -> Result<Vec<Window>, QueryError> {
        let mut found = self.windows_of(&[device], before, first).await?;
        Ok(found.remove(&device).unwrap_or_default())
    }

    /// As [`windows`](Self::windows) of each of these devices; those without any are left out.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn windows_of(
        &self,
        devices: &[DeviceId],
        before: Option<Hour>,
        first: u32,
    ) -> Result<HashMap<DeviceId, Vec<Window>>, QueryError> {
        let before = before.map_or(DateTime::<Utc>::MAX_UTC, Hour::start);
        let ids: Vec<Uuid> = devices.iter().map(|device| device.0).collect();
        let rows: Vec<WindowRow> = sqlx::query_as(include_str!("list.sql"))
            .bind(ids)
            .bind(before)
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        let mut found: HashMap<DeviceId, Vec<Window>> = HashMap::new();
        for row in rows {
            let device = DeviceId(row.id);
            found.entry(device).or_default().push(row.into());
        }
        Ok(found)
    }
}

impl From<WindowRow> for Window {
    fn from(row: WindowRow) -> Self {
        let root = row.root.and_then(|root| Some(Root(root.try_into().ok()?)));
        let seal = seal_at(row.seal_index, row.seals);
        let seal = seal.zip(row.sealed_at).zip(root);
        Self {
            hour: Hour::of(row.hour),
            waiting: row.waiting_since.is_some(),
            seal: seal.map(|((at, sealed_at), root)| WindowSeal {
                at,
                sealed_at,
                batches: row.batches.unwrap_or(0).unsigned_abs(),
                root,
            }),
        }
    }
}

fn seal_at(seal_index: Option<i64>, seals: Option<i64>) -> Option<SealAt> {
    let (at, version) = seal_index.zip(seals)?;
    Some(SealAt {
        index: index(at),
        version: version.unsigned_abs(),
    })
}

fn gap((boot, from, to): GapRow) -> Gap {
    Gap {
        boot,
        from_seq: from.unsigned_abs(),
        to_seq: to.unsigned_abs(),
    }
}

fn index(stored: i64) -> Index {
    Index(stored.unsigned_abs())
}
