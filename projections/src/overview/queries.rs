//! The questions of a front page.

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

use super::{CreditCounts, Registered, Sealing, WellCounts};
use crate::read_models::{QueryError, ReadModels};

impl ReadModels {
    /// How many sites and devices an organisation has in use. Those of which a batch came at `since`
    /// or later are reporting.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn registered(
        &self,
        organisation: &Slug,
        since: DateTime<Utc>,
    ) -> Result<Registered, QueryError> {
        let (sites, devices, online, reporting): (i64, i64, i64, i64) =
            sqlx::query_as(include_str!("registered.sql"))
                .bind(organisation.as_str())
                .bind(since)
                .fetch_one(self.pool())
                .await?;
        Ok(Registered {
            sites: sites.unsigned_abs(),
            devices: devices.unsigned_abs(),
            online: online.unsigned_abs(),
            reporting: reporting.unsigned_abs(),
        })
    }

    /// How many wells an organisation has that are not plugged. Monitors are active if their devices
    /// measured something at `since` or later.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn well_counts(
        &self,
        organisation: &Slug,
        ledger: LedgerId,
        since: DateTime<Utc>,
    ) -> Result<WellCounts, QueryError> {
        let (injectors, injecting, monitors, monitoring, indexes): (i64, i64, i64, i64, Vec<i64>) =
            sqlx::query_as(include_str!("wells.sql"))
                .bind(ledger.0)
                .bind(organisation.as_str())
                .bind(since)
                .fetch_one(self.pool())
                .await?;
        let indexes = indexes.iter().map(|index| Index(index.unsigned_abs()));
        Ok(WellCounts {
            injectors: injectors.unsigned_abs(),
            injecting: injecting.unsigned_abs(),
            monitors: monitors.unsigned_abs(),
            monitoring: monitoring.unsigned_abs(),
            indexes: indexes.collect(),
        })
    }

    /// How many credits an organisation has asked for, got and holds.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn credit_counts(
        &self,
        organisation: &Slug,
        ledger: LedgerId,
    ) -> Result<CreditCounts, QueryError> {
        let (requested, issued, held): (i64, i64, i64) =
            sqlx::query_as(include_str!("credits.sql"))
                .bind(organisation.as_str())
                .bind(ledger.0)
                .fetch_one(self.pool())
                .await?;
        Ok(CreditCounts {
            requested: requested.unsigned_abs(),
            issued: issued.unsigned_abs(),
            held: held.unsigned_abs(),
        })
    }

    /// How far the hours from `since` on are sealed, and which batches never came.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn sealing(
        &self,
        organisation: &Slug,
        ledger: LedgerId,
        since: DateTime<Utc>,
    ) -> Result<Sealing, QueryError> {
        let (sealed, waiting, newest_seal, open_gaps, missing): (i64, i64, Option<i64>, i64, i64) =
            sqlx::query_as(include_str!("sealing.sql"))
                .bind(organisation.as_str())
                .bind(ledger.0)
                .bind(since)
                .fetch_one(self.pool())
                .await?;
        Ok(Sealing {
            sealed: sealed.unsigned_abs(),
            waiting: waiting.unsigned_abs(),
            newest_seal: newest_seal.map(|index| Index(index.unsigned_abs())),
            open_gaps: open_gaps.unsigned_abs(),
            missing: missing.unsigned_abs(),
        })
    }

    /// How many messages of an organisation's devices could not be taken and are kept. They are
    /// `sealrock-ingest`'s, which bounds their number.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn dead_letters(&self, organisation: &Slug) -> Result<u64, QueryError> {
        let sql = "SELECT count(*) FROM ingest.dead_letters WHERE organisation = $1";
        let count: i64 = sqlx::query_scalar(sql)
            .bind(organisation.as_str())
            .fetch_one(self.pool())
            .await?;
        Ok(count.unsigned_abs())
    }
}
