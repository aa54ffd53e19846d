//! The same commands through `sealrock-commands`, as GraphQL and the command line send them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use sealrock_commands::{Commands, Done};
use sealrock_domain::Slug;
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_eventstore::EventStore;

use super::rename;
use crate::harness::{Load, PrivatePostgres, closed_loop, context};

/// The organisation of all sites.
pub const ORGANISATION: &str = "northsea";
/// As `sealrock serve` has it by default.
const CONNECTIONS: u32 = 24;

/// Our write side.
pub struct Ours {
    database: String,
    store: EventStore,
    sites: Arc<Sites>,
}

/// Commands for sites in turn.
struct Sites {
    commands: Commands,
    org: Slug,
    slugs: Vec<Slug>,
    next: AtomicU64,
}

impl Ours {
    /// A ledger with `sites` registered sites.
    pub async fn start(postgres: &PrivatePostgres, name: &str, sites: u64) -> anyhow::Result<Self> {
        let store = postgres.store(name, CONNECTIONS).await?;
        let commands = Commands::new(store.clone(), false);
        let org: Slug = ORGANISATION.parse()?;
        let organisation = RegisterOrganisation {
            slug: org.clone(),
            display_name: "Benchmark".parse()?,
            demo: false,
            registry: false,
        };
        commands
            .register_organisation(&context(), organisation)
            .await?;
        let register = async |number| {
            let site = registration(number)?;
            commands.register_site(&context(), site).await?;
            anyhow::Ok(())
        };
        futures::stream::iter(0..sites)
            .map(register)
            .buffer_unordered(256)
            .try_collect::<()>()
            .await?;
        let slugs: anyhow::Result<Vec<Slug>> = (0..sites).map(slug_of).collect();
        let sites = Arc::new(Sites {
            commands,
            org,
            slugs: slugs?,
            next: AtomicU64::new(0),
        });
        Ok(Self {
            database: name.to_owned(),
            store,
            sites,
        })
    }

    /// Commands of so many clients, one after the other each.
    pub async fn run(&self, clients: usize, span: Duration) -> Load {
        let sites = Arc::clone(&self.sites);
        closed_loop(clients, span, move |_| {
            let sites = Arc::clone(&sites);
            async move { sites.rename_next().await.is_ok_and(|done| !done.duplicate) }
        })
        .await
    }

    /// One command.
    pub async fn once(&self) -> anyhow::Result<()> {
        self.sites.rename_next().await?;
        Ok(())
    }

    /// So many commands, one after the other.
    pub async fn grow(&self, commands: u64) -> anyhow::Result<()> {
        for _ in 0..commands {
            self.once().await?;
        }
        Ok(())
    }

    /// All that is in memory is forgotten, as when the process was started again.
    pub async fn restart(&mut self, postgres: &PrivatePostgres) -> anyhow::Result<()> {
        self.store.close().await;
        self.store.pool().close().await;
        self.store = postgres.reopen(&self.database, CONNECTIONS).await?;
        let commands = Commands::new(self.store.clone(), false);
        self.sites = Arc::new(self.sites.with(commands));
        Ok(())
    }

    /// Commands a second by the number of clients.
    pub async fn curve(&self, clients: &[usize], span: Duration) -> Vec<(usize, f64)> {
        let mut curve = Vec::new();
        for clients in clients {
            curve.push((*clients, self.run(*clients, span).await.rate()));
        }
        curve
    }

    pub async fn stop(self) {
        self.store.close().await;
        self.store.pool().close().await;
    }
}

impl Sites {
    fn with(&self, commands: Commands) -> Self {
        Self {
            commands,
            org: self.org.clone(),
            slugs: self.slugs.clone(),
            next: AtomicU64::new(self.next.load(Ordering::Relaxed)),
        }
    }

    async fn rename_next(&self) -> anyhow::Result<Done> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let site = usize::try_from(number)? % self.slugs.len();
        let command = rename(number)?;
        let (context, site) = (context(), &self.slugs[site]);
        let done = self
            .commands
            .rename_site(&context, &self.org, site, command);
        Ok(done.await?)
    }
}

/// The site with this number.
pub fn registration(number: u64) -> anyhow::Result<RegisterSite> {
    let name = format!("Injection field {number}").parse()?;
    let kind = SiteKind::Injection;
    Ok(RegisterSite::new(
        ORGANISATION.parse()?,
        slug_of(number)?,
        name,
        kind,
    ))
}

pub fn slug_of(number: u64) -> anyhow::Result<Slug> {
    Ok(format!("field-{number:05}").parse()?)
}
