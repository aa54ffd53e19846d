//! A node: everything that `serve` and `demo` run, by the node's roles, started and stopped in order.

mod admission;
mod alone;
mod api;
mod client;
mod connection;
mod headers;
mod http;
mod identity;
mod intake;
mod requests;
mod strangers;
mod tls;
mod work;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sealrock_projections::{Leases, ReadModels, Runner};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database;
use crate::health::{self, Health};
use crate::platform::Platform;
use crate::presence;
use crate::publishing;
use crate::roles::{Role, Roles};
use crate::surroundings::{Addresses, Note};
use crate::writable;
use alone::Alone;
use identity::Identity;
use intake::{Door, Intake};

/// How long batches and requests in flight may take to end when the node stops.
const GRACE: Duration = Duration::from_secs(10);

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
    identity: Identity,
    intake: Option<Intake>,
    stopping: CancellationToken,
    projecting: CancellationToken,
    /// What ends by itself when the node is `stopping`, and what it is doing.
    background: Vec<(&'static str, JoinHandle<()>)>,
    /// Folds read models, or follows those that others fold.
    reading: JoinHandle<()>,
    /// Keeps this node's leases until `leaving` is cancelled.
    leases: JoinHandle<()>,
    leaving: CancellationToken,
    _note: Option<Note>,
}

/// Runs the platform until it is told to stop.
///
/// # Errors
/// If something cannot be started; what was started is stopped again.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let node = Node::start(&config).await?;
    let at = node.addresses;
    println!("HTTP     {}/", at.http_url());
    if config.roles.has(Role::Api) {
        println!("GraphQL  {}/graphql", at.http_url());
    }
    if let Some(mqtt) = at.mqtt_url() {
        println!("MQTT     {mqtt}");
    }
    if let Some(url) = config.mqtt_url.filter(|_| config.roles.has(Role::Ingest)) {
        println!("MQTT     from {url}");
    }
    println!("ready");
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
    /// Starts Postgres, the write side, the read models, HTTP and at last the broker: of these what
    /// the node's roles need.
    ///
    /// # Errors
    /// If one of them does not start; those before it are stopped again.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        for folder in [config.keys_folder(), config.broker_folder()] {
            make_private(&folder)?;
        }
        let identity = Identity::of(&config.data)?;
        let platform = Platform::own(config).await?;
        let stopping = CancellationToken::new();
        platform.database.keep_running(stopping.clone());
        match Parts::start(config, &platform, identity, stopping.clone()).await {
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
            identity,
            intake,
            stopping,
            projecting,
            background,
            reading,
            leases,
            leaving,
            _note,
        } = self.parts;
        stopping.cancel();
        if let Some(intake) = &intake {
            intake.stop(GRACE).await;
        }
        for (doing, task) in background {
            end(doing, task).await;
        }
        projecting.cancel();
        end("a read model", reading).await;
        // Nothing of it is done here any more: another node goes on at once.
        leaving.cancel();
        end("leases", leases).await;
        if let Some(intake) = intake {
            intake.end().await;
        }
        presence::leave(identity.id, &ReadModels::new(self.platform.store.clone())).await;
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
        identity: Identity,
        stopping: CancellationToken,
    ) -> anyhow::Result<(Self, Addresses)> {
        let (store, roles) = (&platform.store, &config.roles);
        let doors = tls::Doors::open(config, &stopping)?;
        let leases = Leases::new(store.pool().clone());
        let runner = read_models(platform, roles, &leases);
        runner.prepare().await.context("the read models")?;
        let publisher = publishing::publisher(config, store)?;
        let (cannot_write, not_writable) = watch::channel(Vec::new());
        let url = &platform.database.url;
        let health = Health::watch(url, &runner, (&leases, &not_writable), &stopping);
        let mut routes = health::router(health.await?);
        if roles.has(Role::Api) {
            let api = api::routes(config, platform, &runner, &publisher, &stopping);
            routes = routes.merge(api.await?);
        }
        let door = if roles.has(Role::Ingest) {
            Some(Door::prepare(config, platform, identity.id).await?)
        } else {
            None
        };
        if let Some(door) = &door {
            routes = routes.merge(door.routes());
        }
        let sites = http::sites(config, routes, doors.http).await?;

        // From here on devices are let in, and nothing can fail.
        let intake = match door {
            Some(door) => Some(door.open(config, doors.mqtt).await?),
            None => None,
        };
        let addresses = Addresses {
            http: sites[0].door.local_addr()?,
            tls: config.tls_cert.is_some(),
            mqtt: intake.as_ref().and_then(Intake::mqtt),
            mqtt_ws: intake.as_ref().and_then(Intake::websocket),
        };
        let note = addresses.note(&config.data);
        if let Err(error) = &note {
            tracing::warn!(%error, "commands beside this server will not know its addresses");
        }
        let projecting = CancellationToken::new();
        let mut background = Vec::new();
        let reading = if roles.has(Role::Projector) {
            let alone = Alone {
                leases: leases.clone(),
                not_writable,
                stopping: stopping.clone(),
            };
            background = work::background(config, platform, &runner, publisher, &alone);
            work::project(&runner, &projecting)
        } else {
            work::follow(&runner, &projecting)
        };
        let broker = intake.as_ref().and_then(Intake::broker);
        let models = ReadModels::new(store.clone());
        let beat = presence::beat(identity.id, broker, models, stopping.clone());
        background.push(("presence", tokio::spawn(beat)));
        let look = writable::look(store.clone(), cannot_write, stopping.clone());
        background.push(("looking at ledgers", tokio::spawn(look)));
        let http = sites.into_iter();
        background.extend(http.map(|site| ("HTTP", http::serve(site, &stopping))));
        let leaving = CancellationToken::new();
        let parts = Self {
            leases: tokio::spawn(leases.keep(leaving.clone())),
            leaving,
            identity,
            intake,
            stopping,
            projecting,
            background,
            reading,
            _note: note.ok(),
        };
        Ok((parts, addresses))
    }
}

/// The read models: those that projectors fold, each by the one that has its lease.
fn read_models(platform: &Platform, roles: &Roles, leases: &Leases) -> Runner {
    let (store, models) = (platform.store.clone(), sealrock_projections::all());
    if roles.has(Role::Projector) {
        Runner::leased(store, models, leases.clone())
    } else {
        Runner::new(store, models)
    }
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
