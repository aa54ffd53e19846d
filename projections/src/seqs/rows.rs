//! Rows of the tables, which travel to Postgres and back as JSON.
//!
//! All times here are ours, so they are within what Postgres' JSON reader accepts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Device and boot.
pub(super) type BootKey = (Uuid, String);

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
    pub(super) named_index: Option<i64>,
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
            named_index: None,
        }
    }

    pub(super) fn key(&self) -> BootKey {
        (self.device_id, self.boot.clone())
    }

    /// The same gap, as far as it goes from `from_seq` through `to_seq`; `None` if it does not.
    pub(super) fn part(&self, from_seq: i64, to_seq: i64) -> Option<Self> {
        let part = Self {
            from_seq: from_seq.max(self.from_seq),
            to_seq: to_seq.min(self.to_seq),
            ..self.clone()
        };
        (part.from_seq <= part.to_seq).then_some(part)
    }
}
