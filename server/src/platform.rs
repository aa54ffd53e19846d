//! The write side, opened: what every command that touches data stands on.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::Utc;
use sealrock_access::Principal;
use sealrock_commands::{Commands, Context};
use sealrock_eventstore::{EventStore, KeyFiles, LedgerInfo, Operator};
use sealrock_ledger::LedgerName;
use uuid::Uuid;

use crate::config::Config;
use crate::database::Database;

/// Connections of a command beside a server.
const FEW: u32 = 4;

/// An opened installation.
pub struct Platform {
    /// Where its data lie.
    pub database: Database,
    /// Its ledgers.
    pub store: EventStore,
    /// Its write side.
    pub commands: Commands,
}

impl Platform {
    /// Opens the installation beside a server that may be running.
    ///
    /// # Errors
    /// If the database cannot be had or is another installation's.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let database = Database::open(config).await?;
        let prepared = database.prepare().await;
        Self::on(database, prepared, config, FEW).await
    }

    /// Opens the installation as its server.
    ///
    /// # Errors
    /// As [`Platform::open`], and if another process serves the data folder.
    pub async fn own(config: &Config) -> anyhow::Result<Self> {
        let database = Database::own(config).await?;
        let prepared = database.migrate().await;
        Self::on(database, prepared, config, config.database_connections).await
    }

    async fn on(
        database: Database,
        prepared: anyhow::Result<()>,
        config: &Config,
        connections: u32,
    ) -> anyhow::Result<Self> {
        let opened = match prepared {
            Ok(()) => open_store(&database.url, config, connections).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(store) => {
                let commands = Commands::new(store.clone(), config.demo);
                Ok(Self {
                    database,
                    store,
                    commands,
                })
            }
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    /// The ledger of that name.
    ///
    /// # Errors
    /// If there is none; the message names those that there are.
    pub async fn ledger(&self, name: &str) -> anyhow::Result<LedgerInfo> {
        let wanted: LedgerName = name.parse()?;
        if let Some(ledger) = self.store.ledger(&wanted).await? {
            return Ok(ledger);
        }
        let names: Vec<String> = self
            .store
            .ledgers()
            .await?
            .iter()
            .map(|ledger| ledger.name.to_string())
            .collect();
        anyhow::bail!("there is no ledger {name}; there are: {}", names.join(", "))
    }

    /// Ends what this process does, with everything taken so far written.
    pub async fn close(self) {
        self.store.close().await;
        self.store.pool().close().await;
        self.database.close().await;
    }
}

async fn open_store(url: &str, config: &Config, connections: u32) -> anyhow::Result<EventStore> {
    let pool = sealrock_eventstore::connect(url, connections).await?;
    sealrock_eventstore::require_durable(&pool).await?;
    let keys = KeyFiles::with_programs(config.keys_folder(), config.signing_programs());
    EventStore::open(pool, Arc::new(keys), &config.origin)
        .await
        .context("the event store")
}

/// Who works on the command line, in the ledger's own records.
pub fn operator() -> Operator {
    Operator {
        actor: "service/cli".to_owned(),
        via: "cli".to_owned(),
    }
}

/// A command of the command line, under a new id.
pub fn cli_context() -> Context {
    cli_context_of(Uuid::now_v7())
}

/// A command of the command line, under this id.
pub fn cli_context_of(command: Uuid) -> Context {
    let name = "cli".parse().expect("cli is a slug");
    Context {
        principal: Principal::Service { name },
        command,
        via: "cli".to_owned(),
        received_at: Utc::now(),
    }
}
