//! Whether devices are connected, told by the broker.

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;

use crate::read_models::{QueryError, ReadModels};

/// The statements that make its table, unless it is there.
pub(crate) const TABLE: &str = include_str!("presence.sql");

impl ReadModels {
    /// Notes that `device` connected or disconnected at `at`. Older news than what is known changes
    /// nothing, and neither does news that is known.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away; presence is then as it was.
    pub async fn set_presence(
        &self,
        device: DeviceId,
        online: bool,
        at: DateTime<Utc>,
    ) -> Result<(), QueryError> {
        sqlx::query(include_str!("set_presence.sql"))
            .bind(device.0)
            .bind(online)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Notes at `at` that no device is connected, whatever was known: for the start of the only
    /// broker of an installation, because a process that was killed told of no disconnection.
    ///
    /// The tables must have been made by [`crate::Runner::prepare`].
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away; presence is then as it was.
    pub async fn all_offline(&self, at: DateTime<Utc>) -> Result<(), QueryError> {
        sqlx::query(include_str!("all_offline.sql"))
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
