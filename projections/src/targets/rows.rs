//! A version of a target as a row.

use chrono::NaiveDate;
use sealrock_domain::SiteId;
use sealrock_domain::site::EmissionTarget;
use sealrock_ledger::Index;
use uuid::Uuid;

use super::SiteTarget;
use crate::read_models::{QueryError, stored};

/// A version of a target.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Version {
    pub(super) site_id: Uuid,
    pub(super) from_day: NaiveDate,
    pub(super) until_day: Option<NaiveDate>,
    pub(super) average_kg_per_h: String,
    pub(super) set_index: i64,
    pub(super) from_index: i64,
    pub(super) to_index: Option<i64>,
}

impl TryFrom<Version> for SiteTarget {
    type Error = QueryError;

    fn try_from(row: Version) -> Result<Self, QueryError> {
        Ok(Self {
            site: SiteId(row.site_id),
            target: EmissionTarget {
                average_kg_per_h: stored(&row.average_kg_per_h)?,
                from: row.from_day,
                until: row.until_day,
            },
            set_by: Index(row.set_index.unsigned_abs()),
            changed_by: Index(row.from_index.unsigned_abs()),
        })
    }
}
