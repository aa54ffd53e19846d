//! A node: everything that `serve` and `demo` run, started and stopped in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use sealrock_access::{TokenKey, Tokens, accounts};
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
use crate::health::{self, Health};
use crate::lockout;
use crate::platform::Platform;
use crate::presence;
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
    broker: Arc<EmbeddedBroker>,
    stopping: CancellationToken,
    projecting: CancellationToken,
    http: Vec<JoinHandle<()>>,
    runner: JoinHandle<()>,
    presence: JoinHandle<()>,
    lockout: JoinHandle<()>,
    _note: Note,
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
    /// Starts Postgres, the write side, the read models, the broker and HTTP, in this order.
    ///
    /// # Errors
    /// If one of them does not start; those before it are stopped again.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        for folder in [config.keys_folder(), config.broker_folder()] {
            make_private(&folder)?;
        }
        let platform = Platform::own(config).await?;
        let stopping = CancellationToken::new();
        match Parts::start(config, &platform, stopping.clone()).await {
            Ok(parts) => Ok(parts.into_node(platform)),
            Err(error) => {
                stopping.cancel();
                platform.close().await;
                Err(error)
            }
        }
    }

    /// Stops intake, lets what was taken end, then the read models, then Postgres.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.broker.stop(GRACE).await;
        for task in self.http {
            if tokio::time::timeout(GRACE, task).await.is_err() {
                tracing::warn!("some HTTP requests did not end in time and were cut");
            }
        }
        self.lockout.abort();
        let _aborted = self.lockout.await;
        // The broker's end is the end of the presence stream.
        drop(self.broker);
        self.projecting.cancel();
        for task in [self.runner, self.presence] {
            if tokio::time::timeout(GRACE, task).await.is_err() {
                tracing::warn!("a read model did not end in time; it goes on at the next start");
            }
        }
        self.platform.close().await;
        tracing::info!("stopped");
    }
}

/// What a node is made of, besides its platform.
struct Parts {
    addresses: Addresses,
    broker: Arc<EmbeddedBroker>,
    stopping: CancellationToken,
    projecting: CancellationToken,
    http: Vec<JoinHandle<()>>,
    runner: JoinHandle<()>,
    presence: JoinHandle<()>,
    lockout: JoinHandle<()>,
    note: Note,
}

impl Parts {
    async fn start(
        config: &Config,
        platform: &Platform,
        stopping: CancellationToken,
    ) -> anyhow::Result<Self> {
        let projecting = CancellationToken::new();
        platform.database.keep_running(stopping.clone());
        announce_first_admin(platform).await?;
        let runner = Runner::new(platform.store.clone(), sealrock_projections::all());
        runner.prepare().await.context("the read models")?;
        let sink: Arc<dyn BatchSink> = Arc::new(Devices::new(platform.commands.clone()));
        let letters: Arc<dyn DeadLetters> =
            Arc::new(PostgresDeadLetters::new(platform.store.pool().clone()));
        // HTTP listens first: if its port is taken, no device has been let in.
        let listener = listen(config.http, "http").await?;
        let broker_config = BrokerConfig {
            websocket: config.mqtt_ws,
            ..BrokerConfig::new(config.mqtt, config.broker_folder())
        };
        let (broker, present) =
            EmbeddedBroker::start(broker_config, Arc::clone(&sink), Arc::clone(&letters)).await?;
        let broker = Arc::new(broker);
        let lockout = lockout::follow(
            platform.store.clone(),
            Arc::clone(&broker) as Arc<dyn Broker>,
        );
        let lockout = tokio::spawn(lockout);
        let addresses = Addresses {
            http: listener.local_addr()?,
            mqtt: broker.local_addr(),
            mqtt_ws: broker.websocket_addr(),
        };
        let routes = routes(config, platform, &runner, &stopping)
            .await?
            .merge(sealrock_ingest::router(sink, letters));
        let http = start_http(config, listener, routes, &stopping).await?;
        let note = addresses.note(&config.data)?;
        let models = ReadModels::new(platform.store.clone());
        let presence = tokio::spawn(presence::follow(present, models));
        let token = projecting.clone();
        let runner = tokio::spawn(async move { runner.run(token).await });
        Ok(Self {
            addresses,
            broker,
            stopping,
            projecting,
            http,
            runner,
            presence,
            lockout,
            note,
        })
    }

    fn into_node(self, platform: Platform) -> Node {
        let Self {
            addresses,
            broker,
            stopping,
            projecting,
            http,
            runner,
            presence,
            lockout,
            note,
        } = self;
        Node {
            platform,
            addresses,
            broker,
            stopping,
            projecting,
            http,
            runner,
            presence,
            lockout,
            _note: note,
        }
    }
}

async fn routes(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    stopping: &CancellationToken,
) -> anyhow::Result<Router> {
    let key_file = config.keys_folder().join("token.key");
    let key = tokio::task::spawn_blocking(move || TokenKey::open(&key_file)).await??;
    let tokens = Arc::new(Tokens::new(key, config.origin.clone()));
    let jwks = tokens.jwks();
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
    Ok(graphql.merge(health).route("/.well-known/jwks.json", jwks))
}

/// Serves the routes, and the metrics beside them or on their own port.
async fn start_http(
    config: &Config,
    listener: TcpListener,
    routes: Router,
    stopping: &CancellationToken,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let metrics = health::metrics_router(metrics_of_process()?);
    let Some(own_port) = config.metrics else {
        return Ok(vec![serve_http(listener, routes.merge(metrics), stopping)]);
    };
    let own = listen(own_port, "metrics").await?;
    Ok(vec![
        serve_http(listener, routes, stopping),
        serve_http(own, metrics, stopping),
    ])
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

fn metrics_of_process() -> anyhow::Result<PrometheusHandle> {
    health::metrics_recorder()
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
