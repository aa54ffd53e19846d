//! Whether devices are connected, told by the nodes that they connect to.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sqlx::types::Uuid;

use crate::read_models::{QueryError, ReadModels};

/// The statements that make its tables, unless they are there.
pub(crate) const TABLES: &str = include_str!("tables.sql");

/// A process that devices connect to; the same whenever it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub Uuid);

/// Presence as nodes tell it. The tables must have been made by [`crate::Runner::prepare`].
///
/// A device that is connected to several nodes counts as connected to the one that it came to last.
impl ReadModels {
    /// Notes that `device` connected to `node` or disconnected from it at `at`. Older news of that
    /// node than what is known changes nothing, nor does that a device left which has come to another.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away; presence is then as it was.
    pub async fn set_presence(
        &self,
        node: NodeId,
        device: DeviceId,
        online: bool,
        at: DateTime<Utc>,
    ) -> Result<(), QueryError> {
        sqlx::query(include_str!("set.sql"))
            .bind(node.0)
            .bind(device.0)
            .bind(online)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Notes at `at` that no device is connected to `node`, whatever was known: for its start,
    /// because a process that was killed told of no disconnection.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away; presence is then as it was.
    pub async fn begin_presence(&self, node: NodeId, at: DateTime<Utc>) -> Result<(), QueryError> {
        sqlx::query(include_str!("begin.sql"))
            .bind(node.0)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Notes that `node` lives and that these devices, and no others, are connected to it.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away.
    pub async fn beat(&self, node: NodeId, connected: &[DeviceId]) -> Result<(), QueryError> {
        let connected: Vec<Uuid> = connected.iter().map(|device| device.0).collect();
        sqlx::query(include_str!("beat.sql"))
            .bind(node.0)
            .execute(self.pool())
            .await?;
        for sql in [include_str!("connected.sql"), include_str!("gone.sql")] {
            sqlx::query(sql)
                .bind(node.0)
                .bind(&connected)
                .execute(self.pool())
                .await?;
        }
        Ok(())
    }

    /// Shows the devices of every node that has not beaten for `silence` as disconnected since its
    /// last beat. A node that lives all the same puts that right by its next one.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away.
    pub async fn bury_silent_nodes(&self, silence: Duration) -> Result<(), QueryError> {
        sqlx::query(include_str!("bury.sql"))
            .bind(silence.as_secs_f64())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Notes at `at` that `node` has ended.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres is away; others will notice its silence.
    pub async fn leave(&self, node: NodeId, at: DateTime<Utc>) -> Result<(), QueryError> {
        sqlx::query(include_str!("leave.sql"))
            .bind(node.0)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
