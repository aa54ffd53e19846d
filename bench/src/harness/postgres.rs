//! A Postgres of the benchmark's own, that syncs to disk.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sealrock_eventstore::{EventStore, KeyFiles};
use sealrock_postgres::{Config, Postgres, State};
use sqlx::PgPool;

use super::{CpuMeter, Options};

/// The same Postgres that `sealrock serve` starts, with the same settings; baselines use it too.
pub struct PrivatePostgres {
    postgres: Postgres,
    dir: Arc<Dir>,
}

/// The folder of a benchmark; one that nobody named goes with its last user.
enum Dir {
    Named(std::path::PathBuf),
    Temporary(tempfile::TempDir),
}

impl PrivatePostgres {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let dir = match &options.dir {
            Some(dir) => Dir::Named(dir.clone()),
            None => Dir::Temporary(tempfile::tempdir()?),
        };
        let mut config = Config::new(dir.path().join("postgres"));
        config.die_with_parent = true;
        let postgres = Postgres::start(config).await?;
        recycle_wal(&postgres).await?;
        Ok(Self {
            postgres,
            dir: Arc::new(dir),
        })
    }

    /// The benchmark's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A new database, as superuser: for baselines.
    pub async fn database(&self, name: &str) -> anyhow::Result<String> {
        let pool = PgPool::connect(self.postgres.url()).await?;
        sqlx::query(&format!("CREATE DATABASE {name}"))
            .execute(&pool)
            .await?;
        pool.close().await;
        Ok(self.url(name))
    }

    /// Where a database is, as superuser.
    pub fn url(&self, name: &str) -> String {
        let url = self.postgres.url();
        url.replacen("/sealrock?", &format!("/{name}?"), 1)
    }

    /// A new database with our tables, and its store.
    pub async fn store(&self, name: &str, connections: u32) -> anyhow::Result<EventStore> {
        let url = self.database(name).await?;
        let login = sealrock_eventstore::connect_as_login(&url, 1).await?;
        sealrock_eventstore::migrate(&login).await?;
        login.close().await;
        self.reopen(name, connections).await
    }

    /// The store of a database that [`PrivatePostgres::store`] has made, as after a restart.
    pub async fn reopen(&self, name: &str, connections: u32) -> anyhow::Result<EventStore> {
        let url = self.url(name);
        let pool = sealrock_eventstore::connect(&url, connections).await?;
        let keys = Arc::new(KeyFiles::new(self.dir().join(format!("keys-{name}"))));
        Ok(EventStore::open(pool, keys, "sealrock.bench").await?)
    }

    /// This process, as `own`, and Postgres.
    pub fn cpu(&self, own: &'static str) -> anyhow::Result<CpuMeter> {
        Ok(CpuMeter::own(own).tree("postgres", self.pid()?))
    }

    /// The postmaster.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let State::Running { pid } = self.postgres.state() else {
            anyhow::bail!("Postgres does not run");
        };
        u32::try_from(pid).context("a process id is positive")
    }

    pub async fn stop(self) {
        self.postgres.stop().await;
    }
}

/// Goes through as many files of the write-ahead log as Postgres keeps, so that it uses them again. One
/// that has run for a while has them; until then each is filled with zeros first, while all wait.
async fn recycle_wal(postgres: &Postgres) -> anyhow::Result<()> {
    /// Of 16 MB each: more than `max_wal_size`.
    const FILES: usize = 136;
    let pool = PgPool::connect(postgres.url()).await?;
    for _ in 0..FILES {
        sqlx::query("SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()")
            .execute(&pool)
            .await?;
    }
    sqlx::query("CHECKPOINT").execute(&pool).await?;
    pool.close().await;
    Ok(())
}

impl Dir {
    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }
}
