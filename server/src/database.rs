//! Where Postgres is: given by URL, run by another process of ours, or run by this one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use sealrock_postgres::{Config as PostgresConfig, Postgres, StartError, State};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// How long another process of ours may have the folder without a Postgres in it, as while it starts one
/// again that has ended.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// A Postgres to work with.
pub struct Database {
    /// Where it answers.
    pub url: String,
    /// Ours, if this process runs it.
    embedded: Option<Arc<Postgres>>,
}

impl Database {
    /// The external database, or else the embedded one, started unless another process of ours runs
    /// it already. That process may be starting it again: then it is waited for.
    ///
    /// # Errors
    /// If Postgres cannot be started; the message says the way out.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(url) = external_or_running(config) {
                return Ok(Self {
                    url,
                    embedded: None,
                });
            }
            match Self::start(config).await {
                Err(error) if is_taken(&error) && Instant::now() < until => {
                    tokio::time::sleep(LOOK).await;
                }
                started => return started,
            }
        }
    }

    /// As [`Database::open`], for a server: it must run the embedded Postgres itself.
    ///
    /// # Errors
    /// As [`Database::open`], and if another process runs it.
    pub async fn own(config: &Config) -> anyhow::Result<Self> {
        match &config.database_url {
            Some(url) => Ok(Self {
                url: url.0.clone(),
                embedded: None,
            }),
            None => Self::start(config).await,
        }
    }

    async fn start(config: &Config) -> anyhow::Result<Self> {
        let folder = config.postgres_folder();
        for above in [Some(config.data.as_path()), folder.parent()]
            .into_iter()
            .flatten()
        {
            make_passable(above)?;
        }
        let postgres = PostgresConfig {
            binaries: config.postgres_bin.clone(),
            ..PostgresConfig::new(folder)
        };
        let postgres = Postgres::start(postgres)
            .await
            .context("the embedded Postgres")?;
        Ok(Self {
            url: postgres.url().to_owned(),
            embedded: Some(Arc::new(postgres)),
        })
    }

    /// Brings the schema up to date where nobody else is using it, and otherwise makes sure that it
    /// is the one that this program knows: a look at a ledger must not change the schema under a
    /// server of another version.
    ///
    /// # Errors
    /// If Postgres is away, or the schema is another one.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        if self.embedded.is_some() {
            return self.migrate().await;
        }
        let pool = sealrock_eventstore::connect_as_login(&self.url, 1).await?;
        let known = sealrock_eventstore::require_migrated(&pool).await;
        pool.close().await;
        Ok(known?)
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// If Postgres is away or a migration fails.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let pool = sealrock_eventstore::connect_as_login(&self.url, 1).await?;
        // A login that may only use the schema can still start a server on one that is up to date.
        let migrated = match sealrock_eventstore::require_migrated(&pool).await {
            Ok(()) => Ok(()),
            Err(_) => sealrock_eventstore::migrate(&pool).await,
        };
        pool.close().await;
        Ok(migrated?)
    }

    /// Starts the embedded Postgres again whenever it ends by itself, until `stopping`.
    pub fn keep_running(&self, stopping: CancellationToken) {
        if let Some(postgres) = &self.embedded {
            tokio::spawn(keep_running(Arc::clone(postgres), stopping));
        }
    }

    /// Stops the embedded Postgres and waits.
    pub async fn close(self) {
        if let Some(postgres) = self.embedded {
            postgres.stop().await;
        }
    }
}

/// `sealrock migrate`: brings the schema up to date.
///
/// # Errors
/// If Postgres is away or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let database = Database::open(config).await?;
    let migrated = database.migrate().await;
    database.close().await;
    migrated?;
    println!("the schema is up to date");
    Ok(())
}

/// Makes a folder that others can pass through and not look into: Postgres runs as another user
/// when we are root.
///
/// # Errors
/// If it cannot be made.
pub fn make_passable(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

fn external_or_running(config: &Config) -> Option<String> {
    let external = config.database_url.as_ref().map(|url| url.0.clone());
    external.or_else(|| sealrock_postgres::attach(&config.postgres_folder()))
}

fn is_taken(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<StartError>();
    matches!(error, Some(StartError::Locked { .. }))
}

async fn keep_running(postgres: Arc<Postgres>, stopping: CancellationToken) {
    let mut wait = Duration::from_millis(200);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = postgres.wait_exit() => {}
        }
        if stopping.is_cancelled() {
            return;
        }
        tracing::error!("the embedded Postgres ended; starting it again");
        match postgres.restart().await {
            Ok(()) => wait = Duration::from_millis(200),
            Err(error) => {
                tracing::error!(%error, "Postgres does not start; trying again in {wait:?}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(30));
                if matches!(postgres.state(), State::Running { .. }) {
                    wait = Duration::from_millis(200);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_waits_while_the_server_beside_it_starts_postgres_again() {
        let data = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let config = Config {
            data: data.path().to_owned(),
            ..Config::default()
        };
        let server = Database::own(&config).await.unwrap();
        let postgres = server.embedded.as_ref().unwrap();
        let State::Running { pid } = postgres.state() else {
            panic!("{:?}", postgres.state());
        };
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        postgres.wait_exit().await;
        // Longer than the lock itself is waited for.
        let (command, ()) = tokio::join!(Database::open(&config), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            postgres.restart().await.unwrap();
        });
        let command = command.unwrap();
        assert!(command.embedded.is_none() && command.url == server.url);
        server.close().await;
    }
}
