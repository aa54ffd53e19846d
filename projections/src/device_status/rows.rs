//! Rows of the tables, which travel to Postgres and back as JSON.
//!
//! All times here are ours, so they are within what Postgres' JSON reader accepts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// What a batch counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BatchRow {
    pub(super) ledger_id: i32,
    pub(super) index: i64,
    pub(super) device_id: Uuid,
    pub(super) boot: Option<String>,
    pub(super) seq: Option<i64>,
    pub(super) readings: i64,
    pub(super) suspect: i64,
    pub(super) received_at: DateTime<Utc>,
}
