//! Versions as rows, which travel as JSON objects.

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::injection_day::InjectionDay;
use sealrock_domain::well::{Well, WellKind, WellStatus};
use sealrock_domain::{AssetId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{StoredDay, StoredWell};
use crate::read_models::{QueryError, stored};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WellRow {
    pub(super) ledger_id: i32,
    pub(super) well_id: Uuid,
    pub(super) organisation: Slug,
    pub(super) site: Slug,
    pub(super) slug: Slug,
    pub(super) kind: WellKind,
    pub(super) status: String,
    pub(super) state: Well,
    pub(super) changed_at: DateTime<Utc>,
    pub(super) indexes: Vec<u64>,
    pub(super) from_index: u64,
    pub(super) to_index: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DayRow {
    pub(super) ledger_id: i32,
    pub(super) well_id: Uuid,
    pub(super) day: NaiveDate,
    pub(super) site: Slug,
    pub(super) well: Slug,
    pub(super) mass_g: u64,
    pub(super) approved: bool,
    pub(super) creditable: bool,
    pub(super) state: InjectionDay,
    pub(super) reason: Option<String>,
    pub(super) changed_at: DateTime<Utc>,
    pub(super) indexes: Vec<u64>,
    pub(super) from_index: u64,
    pub(super) to_index: Option<u64>,
}

/// A status as it is stored and asked for.
pub(super) fn status_name(status: &WellStatus) -> &'static str {
    match status {
        WellStatus::Idle => "idle",
        WellStatus::Injecting { .. } => "injecting",
        WellStatus::ShutIn { .. } => "shut_in",
        WellStatus::Plugged { .. } => "plugged",
    }
}

fn indexes(indexes: &[u64]) -> Vec<Index> {
    indexes.iter().copied().map(Index).collect()
}

impl From<WellRow> for StoredWell {
    fn from(row: WellRow) -> Self {
        Self {
            ledger: LedgerId(row.ledger_id),
            id: AssetId(row.well_id),
            organisation: row.organisation,
            site: row.site,
            slug: row.slug,
            kind: row.kind,
            state: row.state,
            changed_at: row.changed_at,
            indexes: indexes(&row.indexes),
        }
    }
}

impl TryFrom<DayRow> for StoredDay {
    type Error = QueryError;

    fn try_from(row: DayRow) -> Result<Self, QueryError> {
        Ok(Self {
            well: AssetId(row.well_id),
            site: row.site,
            slug: row.well,
            day: row.day,
            state: row.state,
            reason: row.reason.as_deref().map(stored).transpose()?,
            changed_at: row.changed_at,
            indexes: indexes(&row.indexes),
        })
    }
}
