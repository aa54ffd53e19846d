//! A node: everything that `serve` and `demo` run, started and stopped in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use chrono::Utc;
use sealrock_access::{TokenKey, Tokens, accounts};
use sealrock_audit::{LedgerState, Publisher};
use sealrock_commands::Devices;
use sealrock_graphql::GraphqlState;
use sealrock_ingest::{
    BatchSink, Broker, BrokerConfig, DeadLetters, EmbeddedBroker, PostgresDeadLetters,
};
use sealrock_projections::{ReadModels, Runner};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database;
use crate::erasing::{self, Eraser};
use crate::health::{self, Health};
use crate::lockout::Lockouts;
use crate::platform::Platform;
use crate::presence;
use crate::publishing;
use crate::recompute;
use crate::sealer::{self, Sealer};
use crate::surroundings::{Addresses, Note};

/// How long batches and requests in flight may take to end when the node stops.
const GRACE: Duration = Duration::from_secs(10);

/// How long a mutation waits for the read models that it names.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running node.
pub struct Node {
    /// Its write side.
    pub platform: Platform,
    /// Where it listens, with the real ports.
    pub addresses: Addresses,
    parts: Parts,
}

/// What a node runs on its platform.
struct Parts {
    broker: Arc<EmbeddedBroker>,
    stopping: CancellationToken,
    projecting: CancellationToken,
    /// What ends by itself when the node is `stopping`, and what it is doing.
    background: Vec<(&'static str, JoinHandle<()>)>,
    runner: JoinHandle<()>,
    presence: JoinHandle<()>,
    lockout: JoinHandle<()>,
    _note: Option<Note>,
}

/// Runs the platform until it is told to stop.
///
/// # Errors
/// If something cannot be started; what was started is stopped again.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let node = Node::start(&config).await?;
    let Addresses { http, mqtt, .. } = node.addresses;
    println!("GraphQL  http://{http}/graphql\nMQTT     mqtt://{mqtt}\nready");
    stop_requested().await?;
    node.stop().await;
    Ok(())
}

/// Returns at the first SIGINT or SIGTERM; a second one ends the process at once.
///
/// # Errors
/// If signals cannot be received.
pub async fn stop_requested() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: taking nothing new, finishing what was taken");
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        eprintln!("stopped at once; nothing that was acknowledged is lost");
        std::process::exit(130);
    });
    Ok(())
}

impl Node {
    /// Starts Postgres, the write side, the read models, HTTP and at last the broker.
    ///
    /// # Errors
    /// If one of them does not start; those before it are stopped again.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        for folder in [config.keys_folder(), config.broker_folder()] {
            make_private(&folder)?;
        }
        let platform = Platform::own(config).await?;
        let stopping = CancellationToken::new();
        platform.database.keep_running(stopping.clone());
        match Parts::start(config, &platform, stopping.clone()).await {
            Ok((parts, addresses)) => Ok(Self {
                platform,
                addresses,
                parts,
            }),
            Err(error) => {
                stopping.cancel();
                platform.close().await;
                Err(error)
            }
        }
    }

    /// Stops intake, lets what was taken end, then the read models, then Postgres.
    pub async fn stop(self) {
        let Parts {
            broker,
            stopping,
            projecting,
            background,
            runner,
            presence,
            lockout,
            _note,
        } = self.parts;
        stopping.cancel();
        broker.stop(GRACE).await;
        for (doing, task) in background {
            end(doing, task).await;
        }
        lockout.abort();
        let _aborted = lockout.await;
        // The broker's end is the end of the presence stream.
        drop(broker);
        projecting.cancel();
        end("a read model", runner).await;
        end("presence", presence).await;
        if tokio::time::timeout(GRACE, self.platform.close())
            .await
            .is_err()
        {
            tracing::warn!("the database did not end in time; it recovers at the next start");
        }
        tracing::info!("stopped");
    }
}

/// Waits for a task that was told to end, and cuts it when it takes too long: what it had not
/// committed was not acknowledged.
async fn end(what: &str, mut task: JoinHandle<()>) {
    if tokio::time::timeout(GRACE, &mut task).await.is_err() {
        tracing::warn!("{what} did not end in time and was cut");
        task.abort();
    }
}

impl Parts {
    async fn start(
        config: &Config,
        platform: &Platform,
        stopping: CancellationToken,
    ) -> anyhow::Result<(Self, Addresses)> {
        let (store, pool) = (&platform.store, platform.store.pool());
        announce_first_admin(platform).await?;
        let runner = Runner::new(store.clone(), sealrock_projections::all());
        runner.prepare().await.context("the read models")?;
        let models = ReadModels::new(store.clone());
        // Who was connected when the last run ended is not connected now.
        models.all_offline(Utc::now()).await?;
        let sink: Arc<dyn BatchSink> = Arc::new(Devices::new(platform.commands.clone()));
        let letters: Arc<dyn DeadLetters> = Arc::new(PostgresDeadLetters::new(pool.clone()));
        let publisher = publishing::publisher(config, store)?;
        let routes = routes(config, platform, &runner, &publisher, &stopping)
            .await?
            .merge(sealrock_ingest::router(
                Arc::clone(&sink),
                Arc::clone(&letters),
            ));
        let sites = http_sites(config, routes).await?;
        // Known before a device can connect, so that no lockout is missed.
        let lockouts = Lockouts::begin(store.clone()).await?;

        // From here on devices are let in, and nothing can fail.
        let (broker, present) = EmbeddedBroker::start(broker_config(config), sink, letters).await?;
        let broker = Arc::new(broker);
        let addresses = Addresses {
            http: sites[0].0.local_addr()?,
            mqtt: broker.local_addr(),
            mqtt_ws: broker.websocket_addr(),
        };
        let note = addresses.note(&config.data);
        if let Err(error) = &note {
            tracing::warn!(%error, "commands beside this server will not know its addresses");
        }
        let projecting = CancellationToken::new();
        let mut background = background(config, platform, &runner, publisher, &stopping);
        let http = sites.into_iter();
        background.extend(http.map(|(at, routes)| ("HTTP", serve_http(at, routes, &stopping))));
        let run = {
            let (runner, token) = (runner, projecting.clone());
            async move { runner.run(token).await }
        };
        let parts = Self {
            background,
            lockout: tokio::spawn(lockouts.follow(Arc::clone(&broker) as Arc<dyn Broker>)),
            presence: tokio::spawn(presence::follow(present, models)),
            runner: tokio::spawn(run),
            broker,
            stopping,
            projecting,
            _note: note.ok(),
        };
        Ok((parts, addresses))
    }
}

/// What goes on beside the requests, until the node is stopping.
fn background(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    publisher: Publisher,
    stopping: &CancellationToken,
) -> Vec<(&'static str, JoinHandle<()>)> {
    let (store, commands) = (&platform.store, &platform.commands);
    let positions = runner.positions().clone();
    let sealer = Sealer::new(store.clone(), commands.clone(), positions, sealer::process);
    let eraser = Eraser::new(store.clone(), runner.clone());
    let (retention, seal_after) = (config.retention, config.seal_after.0);
    let erasing = erasing::keep(eraser, commands.clone(), retention, stopping.clone());
    let recompute = recompute::watch(store.clone(), stopping.clone());
    vec![
        (
            "sealing",
            tokio::spawn(sealer.run(seal_after, stopping.clone())),
        ),
        ("publishing", tokio::spawn(publisher.run(stopping.clone()))),
        ("erasing", tokio::spawn(erasing)),
        ("recomputing", tokio::spawn(recompute)),
    ]
}

fn broker_config(config: &Config) -> BrokerConfig {
    BrokerConfig {
        websocket: config.mqtt_ws,
        ..BrokerConfig::new(config.mqtt, config.broker_folder())
    }
}

async fn routes(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    publisher: &Publisher,
    stopping: &CancellationToken,
) -> anyhow::Result<Router> {
    let key_file = config.keys_folder().join("token.key");
    let key = tokio::task::spawn_blocking(move || TokenKey::open(&key_file)).await??;
    let tokens = Arc::new(Tokens::new(key, config.origin.clone()));
    let jwks = tokens.jwks();
    let readers = (config.database_connections / 3).max(1) as usize;
    let ledgers = sealrock_audit::router(LedgerState::new(
        publisher.clone(),
        Arc::clone(&tokens),
        readers,
    ));
    let graphql = sealrock_graphql::router(GraphqlState {
        commands: platform.commands.clone(),
        read: ReadModels::new(platform.store.clone()),
        runner: runner.clone(),
        tokens,
        pool: platform.store.pool().clone(),
        patience: PATIENCE,
        development: config.development,
        shutdown: stopping.clone(),
    });
    let health = health::router(Health {
        pool: platform.store.pool().clone(),
        runner: runner.clone(),
        stopping: stopping.clone(),
    });
    let jwks = axum::routing::get(move || async move { axum::Json(jwks) });
    Ok(graphql
        .merge(health)
        .merge(ledgers)
        .route("/.well-known/jwks.json", jwks))
}

/// What is served where: the routes, and the metrics beside them or on their own port.
async fn http_sites(config: &Config, routes: Router) -> anyhow::Result<Vec<(TcpListener, Router)>> {
    let metrics = health::metrics_router(health::metrics_recorder()?);
    let listener = listen(config.http, "http").await?;
    let Some(own_port) = config.metrics else {
        return Ok(vec![(listener, routes.merge(metrics))]);
    };
    let own = listen(own_port, "metrics").await?;
    Ok(vec![(listener, routes), (own, metrics)])
}

fn serve_http(
    listener: TcpListener,
    routes: Router,
    stopping: &CancellationToken,
) -> JoinHandle<()> {
    let stopping = stopping.clone().cancelled_owned();
    tokio::spawn(async move {
        let served = axum::serve(listener, routes)
            .with_graceful_shutdown(stopping)
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "HTTP ended");
        }
    })
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address by --{setting}, or port 0")
    })
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    database::make_passable(folder.parent().unwrap_or(folder))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Made once, shown once: on standard output, not in the log.
async fn announce_first_admin(platform: &Platform) -> anyhow::Result<()> {
    if let Some(admin) = accounts::create_first_admin(platform.store.pool()).await? {
        println!(
            "first administrator: user {} password {}   (shown this once)",
            admin.username,
            admin.password.reveal()
        );
    }
    Ok(())
}
