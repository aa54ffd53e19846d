//! What the connections of one broker share.

use std::sync::Arc;
use std::time::Duration;

use mqtt5::QoS;
use mqtt5::broker::DynamicStorage;
use mqtt5::broker::config::{AuthConfig, BrokerConfig as LibraryConfig};
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::packet::publish::PublishPacket;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::roster::Roster;
use super::sessions::Sessions;
use super::strangers::Strangers;
use super::{BrokerConfig, BrokerTls, MAX_PACKET_BYTES, StartError};
use crate::counters::Quiet;
use crate::dead_letters::DeadLetters;
use crate::gate::BatchSink;
use crate::mapping::Mappings;

/// Topic aliases a client may keep: it has two topics to publish to.
const TOPIC_ALIASES: u16 = 16;

/// The shared parts of one broker.
pub(super) struct House {
    pub(super) sink: Arc<dyn BatchSink>,
    pub(super) dead_letters: Arc<dyn DeadLetters>,
    pub(super) roster: Roster,
    pub(super) sessions: Sessions,
    pub(super) router: Arc<MessageRouter>,
    pub(super) storage: Arc<DynamicStorage>,
    pub(super) monitor: Arc<ResourceMonitor>,
    pub(super) stats: Arc<BrokerStats>,
    pub(super) mqtt5_config: LibraryConfig,
    pub(super) hold_limit: Duration,
    pub(super) mappings: Arc<Mappings>,
    pub(super) tls: Option<BrokerTls>,
    /// Tells the library's handlers to end.
    pub(super) shutdown: broadcast::Sender<()>,
    /// Set first when stopping: nothing new is taken.
    pub(super) stopping: CancellationToken,
    pub(super) connections: TaskTracker,
    /// One for each open socket, signed in or not; the library counts only who signed in.
    pub(super) sockets: Arc<Semaphore>,
    pub(super) strangers: Strangers,
    pub(super) logs: Logs,
}

/// Log lines that devices can cause at will.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) sign_in: Quiet,
    pub(super) subscription: Quiet,
    pub(super) packet: Quiet,
    pub(super) limit: Quiet,
}

impl House {
    /// # Errors
    /// [`StartError::Storage`] if the storage folder cannot be used.
    pub(super) async fn open(
        config: &BrokerConfig,
        sink: Arc<dyn BatchSink>,
        dead_letters: Arc<dyn DeadLetters>,
        roster: Roster,
    ) -> Result<Self, StartError> {
        let storage = open_storage(config).await?;
        let routing = Arc::new(MessageRouter::with_storage(Arc::clone(&storage)));
        let house = Self {
            sink,
            dead_letters,
            roster,
            sessions: Sessions::default(),
            router: routing,
            storage,
            monitor: Arc::new(ResourceMonitor::new(limits(config))),
            stats: Arc::new(BrokerStats::new()),
            mqtt5_config: library_config(config),
            hold_limit: config.hold_limit,
            mappings: Arc::clone(&config.mappings),
            tls: config.tls.clone(),
            shutdown: broadcast::channel(1).0,
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            sockets: Arc::new(Semaphore::new(
                config.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            strangers: Strangers::new(config.strangers.clone()),
            logs: Logs::default(),
        };
        house
            .recover()
            .await
            .map_err(|error| storage_error(config, &error))?;
        Ok(house)
    }

    /// Loads the sessions of the last run, in the order the library's own `run` does it.
    async fn recover(&self) -> mqtt5::Result<()> {
        let expiry =
            u32::try_from(self.mqtt5_config.session_expiry_interval.as_secs()).unwrap_or(u32::MAX);
        self.router.recover_sessions(expiry).await?;
        self.sweep().await?;
        self.index_sessions().await?;
        self.router.initialize().await
    }

    /// Forgets what has expired.
    pub(super) async fn sweep(&self) -> mqtt5::Result<()> {
        use mqtt5::broker::StorageBackend;
        self.storage.cleanup_expired().await?;
        self.router.sweep_sessions().await;
        self.monitor.cleanup_expired_windows().await;
        Ok(())
    }

    /// Publishes to a topic with `QoS` 1, without ever waiting: a hook may run in the task of the
    /// very client that would have to make room, so a full lane goes to the session's queue.
    pub(super) async fn publish(&self, topic: &str, payload: Vec<u8>) {
        let packet = PublishPacket::new(topic, payload, QoS::AtLeastOnce);
        self.router
            .route_message_with_deadline(&packet, None, Instant::now())
            .await;
    }
}

async fn open_storage(config: &BrokerConfig) -> Result<Arc<DynamicStorage>, StartError> {
    use mqtt5::broker::FileBackend;
    use mqtt5::broker::storage::QueueLimits;
    // A session that stays away has this many receipts waiting at most: thousands, as they are
    // about 100 bytes, and a device has up to SESSIONS_PER_DEVICE sessions.
    let limits = QueueLimits {
        max_messages: 1_000,
        max_bytes: 1024 * 1024,
    };
    let backend = FileBackend::with_queue_limits(&config.storage, limits).await;
    let backend = backend.map_err(|error| storage_error(config, &error))?;
    Ok(Arc::new(DynamicStorage::File(backend)))
}

fn storage_error(config: &BrokerConfig, error: &mqtt5::MqttError) -> StartError {
    StartError::Storage {
        folder: config.storage.clone(),
        cause: error.to_string(),
    }
}

/// Nothing is limited here: sockets are counted by [`House::sockets`], batches are slowed by the
/// ledger itself, and the library's message limits would answer 3.1.1 clients with packets they
/// cannot read.
fn limits(config: &BrokerConfig) -> ResourceLimits {
    ResourceLimits {
        max_connections: config.max_connections,
        max_connections_per_ip: config.max_connections,
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: u32::MAX,
        rate_limit_window: Duration::from_secs(1),
    }
}

/// Maximum `QoS` stays 2 and retain stays available, although neither is given more than `QoS` 1 and
/// nothing is retained: a 3.1.1 client cannot be told of limits, only cut off.
fn library_config(config: &BrokerConfig) -> LibraryConfig {
    LibraryConfig {
        bind_addresses: vec![],
        max_clients: config.max_connections,
        session_expiry_interval: config.session_expiry,
        max_packet_size: MAX_PACKET_BYTES,
        topic_alias_maximum: TOPIC_ALIASES,
        retain_available: true,
        maximum_qos: 2,
        wildcard_subscription_available: false,
        shared_subscription_available: false,
        auth_config: AuthConfig {
            allow_anonymous: false,
            ..AuthConfig::default()
        },
        sys_topics_enabled: false,
        ..LibraryConfig::default()
    }
}
