//! Stock cqrs-es with postgres-es: its framework, its tables, its pool.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt};
use postgres_es::{PostgresCqrs, postgres_cqrs, postgres_snapshot_cqrs};
use sealrock_domain::SiteId;
use sealrock_domain::site::{Site, SiteCommand};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::ours::{ORGANISATION, registration, slug_of};
use super::rename;
use crate::harness::{Load, PrivatePostgres, closed_loop};

/// The table and key that postgres-es documents (`db/init.sql`), and what the streams begin with.
const TABLES: &str = include_str!("tables.sql");
/// Connections that are tried; 10 is the default of postgres-es.
const POOLS: [u32; 4] = [10, 16, 32, 64];
const SNAPSHOTS: [Option<usize>; 2] = [None, Some(10)];

/// How postgres-es is set up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// Connections of the pool.
    pub pool: u32,
    /// Events after which the snapshot store writes a snapshot; `None` is the event store.
    pub snapshots: Option<usize>,
}

/// A database of postgres-es.
pub struct Stock {
    url: String,
    admin: PgPool,
    ids: Arc<Vec<String>>,
    next: Arc<AtomicU64>,
}

/// The framework on a pool of its own.
pub struct Running {
    cqrs: Arc<PostgresCqrs<Site>>,
    pool: PgPool,
    ids: Arc<Vec<String>>,
    next: Arc<AtomicU64>,
}

impl Kind {
    /// What the documentation of postgres-es begins with.
    pub const DOCUMENTED: Self = Self {
        pool: 10,
        snapshots: None,
    };
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.snapshots {
            None => write!(f, "{} connections", self.pool),
            Some(size) => write!(f, "{} connections, snapshots of {size}", self.pool),
        }
    }
}

impl Stock {
    /// A database with `sites` streams of one event, written by the framework.
    pub async fn start(postgres: &PrivatePostgres, name: &str, sites: u64) -> anyhow::Result<Self> {
        let url = postgres.database(name).await?;
        let admin = PgPoolOptions::new()
            .max_connections(1)
            .connect(&url)
            .await?;
        sqlx::raw_sql(TABLES).execute(&admin).await?;
        let id = |number| Ok(SiteId::of(&ORGANISATION.parse()?, &slug_of(number)?).to_string());
        let ids: anyhow::Result<Vec<String>> = (0..sites).map(id).collect();
        let stock = Self {
            url,
            admin,
            ids: Arc::new(ids?),
            next: Arc::default(),
        };
        let running = stock
            .open(Kind {
                pool: 16,
                snapshots: None,
            })
            .await?;
        futures::stream::iter(0..sites)
            .map(|number| running.register(number))
            .buffer_unordered(16)
            .try_collect::<()>()
            .await?;
        running.close().await;
        sqlx::raw_sql("CREATE TABLE seeded AS TABLE events")
            .execute(&stock.admin)
            .await?;
        Ok(stock)
    }

    /// Adds events to the only stream, as the framework writes them: it would need hours to do so.
    pub async fn grow(&self, events: u64) -> anyhow::Result<()> {
        let name = serde_json::to_string(&rename(0)?.display_name)?;
        sqlx::query(include_str!("grow.sql"))
            .bind(i64::try_from(events)?)
            .bind(format!(r#"{{"SiteRenamed":{{"display_name":{name}}}}}"#))
            .bind(serde_json::to_string(&metadata())?)
            .execute(&self.admin)
            .await?;
        self.next.store(events, Ordering::Relaxed);
        sqlx::raw_sql("VACUUM ANALYZE events")
            .execute(&self.admin)
            .await?;
        Ok(())
    }

    /// The framework in this setting.
    pub async fn open(&self, kind: Kind) -> anyhow::Result<Running> {
        let options = PgPoolOptions::new().max_connections(kind.pool);
        let pool = options
            .min_connections(kind.pool)
            .connect(&self.url)
            .await?;
        let cqrs = match kind.snapshots {
            None => postgres_cqrs(pool.clone(), Vec::new(), ()),
            Some(size) => postgres_snapshot_cqrs(pool.clone(), Vec::new(), size, ()),
        };
        Ok(Running {
            cqrs: Arc::new(cqrs),
            pool,
            ids: Arc::clone(&self.ids),
            next: Arc::clone(&self.next),
        })
    }

    /// Streams as they were at first, so that no run pays for the events of those before it: this
    /// side reads them all at each command.
    pub async fn begin_anew(&self) -> anyhow::Result<()> {
        sqlx::raw_sql(include_str!("begin_anew.sql"))
            .execute(&self.admin)
            .await?;
        sqlx::raw_sql("VACUUM ANALYZE events")
            .execute(&self.admin)
            .await?;
        Ok(())
    }

    /// For each number of clients its best setting, and what it does there.
    pub async fn best(
        &self,
        clients: &[usize],
        span: Duration,
    ) -> anyhow::Result<Vec<(usize, Kind, f64)>> {
        let mut best: Vec<(usize, Kind, f64)> = Vec::new();
        for snapshots in SNAPSHOTS {
            for pool in POOLS {
                let kind = Kind { pool, snapshots };
                for clients in clients.iter().copied().filter(|n| worth_trying(kind, *n)) {
                    self.begin_anew().await?;
                    let running = self.open(kind).await?;
                    let rate = super::all_answered(&running.run(clients, span).await)?;
                    keep_best(&mut best, (clients, kind, rate));
                }
            }
        }
        Ok(best)
    }

    pub async fn stop(self) {
        self.admin.close().await;
    }
}

/// More connections than clients do nothing, and what is documented is always tried.
fn worth_trying(kind: Kind, clients: usize) -> bool {
    kind == Kind::DOCUMENTED || kind.pool as usize <= clients
}

fn keep_best(best: &mut Vec<(usize, Kind, f64)>, tried: (usize, Kind, f64)) {
    match best.iter_mut().find(|(clients, ..)| *clients == tried.0) {
        Some(known) if known.2 < tried.2 => *known = tried,
        Some(_) => {}
        None => best.push(tried),
    }
}

impl Running {
    /// Commands of so many clients, one after the other each.
    pub async fn run(self, clients: usize, span: Duration) -> Load {
        let (cqrs, ids, next) = (self.cqrs, self.ids, self.next);
        let load = closed_loop(clients, span, move |_| {
            let (cqrs, ids, next) = (Arc::clone(&cqrs), Arc::clone(&ids), Arc::clone(&next));
            async move {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let site = usize::try_from(number).expect("64 bits") % ids.len();
                execute(&cqrs, &ids[site], number).await.is_ok()
            }
        })
        .await;
        self.pool.close().await;
        load
    }

    /// One command.
    pub async fn once(self) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        execute(&self.cqrs, &self.ids[0], number).await?;
        self.pool.close().await;
        Ok(())
    }

    async fn register(&self, number: u64) -> anyhow::Result<()> {
        let id = &self.ids[usize::try_from(number)?];
        let command = SiteCommand::from(registration(number)?);
        self.cqrs
            .execute_with_metadata(id, command, metadata())
            .await?;
        Ok(())
    }

    async fn close(self) {
        self.pool.close().await;
    }
}

async fn execute(cqrs: &PostgresCqrs<Site>, id: &str, number: u64) -> anyhow::Result<()> {
    let command = SiteCommand::from(rename(number)?);
    cqrs.execute_with_metadata(id, command, metadata()).await?;
    Ok(())
}

/// What our entries hold besides their payload, as far as cqrs-es has a place for it.
fn metadata() -> HashMap<String, String> {
    [
        ("actor", "service/bench".to_owned()),
        ("command", Uuid::now_v7().to_string()),
        ("via", "process:bench".to_owned()),
        ("received_at", Utc::now().to_rfc3339()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
