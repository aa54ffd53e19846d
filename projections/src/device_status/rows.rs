//! Rows of the tables, which travel to Postgres and back as JSON.
//!
//! All times here are ours, so they are within what Postgres' JSON reader accepts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::gaps::{BootKey, Counted};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StatusRow {
    pub(super) device_id: Uuid,
    pub(super) ledger_id: i32,
    pub(super) first_seen: DateTime<Utc>,
    pub(super) last_seen: DateTime<Utc>,
    pub(super) last_index: i64,
    pub(super) last_boot: Option<String>,
    pub(super) last_seq: Option<i64>,
    pub(super) batches: i64,
    pub(super) readings: i64,
    pub(super) suspect: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BootRow {
    pub(super) device_id: Uuid,
    pub(super) boot: String,
    pub(super) min_seq: i64,
    pub(super) max_seq: i64,
    pub(super) first_index: i64,
    pub(super) last_index: i64,
    pub(super) first_seen: DateTime<Utc>,
}

impl BootRow {
    pub(super) fn of(batch: &Counted) -> Self {
        let (device_id, boot) = batch.key.clone();
        Self {
            device_id,
            boot,
            min_seq: batch.seq,
            max_seq: batch.seq,
            first_index: batch.index,
            last_index: batch.index,
            first_seen: batch.received_at,
        }
    }

    pub(super) fn key(&self) -> BootKey {
        (self.device_id, self.boot.clone())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct GapRow {
    pub(super) device_id: Uuid,
    pub(super) boot: String,
    pub(super) from_seq: i64,
    pub(super) to_seq: i64,
    pub(super) noticed_index: i64,
    pub(super) filled_index: Option<i64>,
}

impl GapRow {
    pub(super) fn open(key: &BootKey, from_seq: i64, to_seq: i64, noticed_index: i64) -> Self {
        let (device_id, boot) = key.clone();
        Self {
            device_id,
            boot,
            from_seq,
            to_seq,
            noticed_index,
            filled_index: None,
        }
    }

    pub(super) fn key(&self) -> BootKey {
        (self.device_id, self.boot.clone())
    }
}
