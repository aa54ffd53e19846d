//! The embedded MQTT broker, behind a trait of ours.

mod connection;
mod embedded;
mod house;
mod intake;
mod listen;
pub(crate) mod presence;
mod roster;
mod sessions;
mod sign_in;
mod strangers;
mod topics;
mod v311;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_tls::Acceptor;

use crate::gate::DeviceIdentity;
use crate::mapping::Mappings;

pub use embedded::EmbeddedBroker;
pub use presence::PresenceStream;
pub use strangers::StrangerTerms;

pub use sealrock_domain::telemetry::MAX_BATCH_BYTES;

/// The largest MQTT packet or HTTP body that is read at all. Between this and
/// [`MAX_BATCH_BYTES`] a batch is a dead letter; over it, only counted and logged.
pub const MAX_PACKET_BYTES: usize = MAX_BATCH_BYTES + 64 * 1024;

/// Connections that a device may have at a time; one more ends its oldest, so that a half-open
/// connection from before a bad link broke cannot lock the device out.
pub const CONNECTIONS_PER_DEVICE: usize = 4;

/// Sessions that are stored for a device; with one more, the one that was used least recently is
/// forgotten with its queued receipts.
pub const SESSIONS_PER_DEVICE: usize = 4;

/// A broker that devices sign in to and publish batches to.
///
/// Durability contract: a `QoS` 1 PUBACK (`QoS` 2 PUBREC) for a batch leaves only after the
/// [`BatchSink`](crate::BatchSink) or the dead letters answered that it is durable. A broker that
/// gives up on a batch closes the connection instead, so the device repeats it.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Where it listens, with the real port.
    fn local_addr(&self) -> SocketAddr;

    /// Where its WebSocket listener is, if there is one.
    fn websocket_addr(&self) -> Option<SocketAddr>;

    /// Publishes to the device's receipt topic with `QoS` 1; kept for a subscribed session that is
    /// away, lost without a subscription.
    async fn send_receipt(&self, device: &DeviceIdentity, payload: Vec<u8>);

    /// Ends the device's connections, such as after a revocation.
    fn disconnect(&self, device: DeviceId);

    /// The devices that are connected.
    fn online(&self) -> Vec<DeviceId>;

    /// Takes nothing new, lets batches in flight be acknowledged for at most `grace`, then ends.
    /// A second call returns at once.
    async fn stop(&self, grace: Duration);
}

/// How to run an [`EmbeddedBroker`].
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Where to listen; port 0 picks a free one.
    pub mqtt: SocketAddr,
    /// Where to listen for MQTT over WebSocket (path `/mqtt`), if at all.
    pub websocket: Option<SocketAddr>,
    /// A folder of its own for sessions and queued receipts, created if missing.
    pub storage: PathBuf,
    /// Open sockets at a time, whether signed in or not; more are closed at once.
    pub max_connections: usize,
    /// What one address may do before anybody has signed in there.
    pub strangers: StrangerTerms,
    /// How long the session of an absent device, with its queued receipts, is kept at most.
    pub session_expiry: Duration,
    /// How long a batch waits in the broker for an unavailable ledger before its connection is
    /// closed without an acknowledgement, to be repeated.
    pub hold_limit: Duration,
    /// Topics of other makes that devices may publish to, each only to those that name it.
    pub mappings: Arc<Mappings>,
    /// Encrypts every connection, if given.
    pub tls: Option<BrokerTls>,
}

/// Who shakes hands at the broker's doors.
#[derive(Debug, Clone)]
pub struct BrokerTls {
    /// For MQTT.
    pub mqtt: Acceptor,
    /// For MQTT over WebSocket, which begins as HTTP.
    pub websocket: Acceptor,
}

impl BrokerConfig {
    /// Listens there, keeps its sessions in `storage`: 10,000 connections, sessions of a day,
    /// batches held for two minutes, no WebSocket, no topics of other makes.
    #[must_use]
    pub fn new(mqtt: SocketAddr, storage: impl Into<PathBuf>) -> Self {
        Self {
            mqtt,
            websocket: None,
            storage: storage.into(),
            max_connections: 10_000,
            strangers: StrangerTerms::default(),
            session_expiry: Duration::from_hours(24),
            hold_limit: Duration::from_mins(2),
            mappings: Arc::default(),
            tls: None,
        }
    }
}

/// A device came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Which device.
    pub device: DeviceIdentity,
    /// Whether it is there now.
    pub online: bool,
    /// When this was seen.
    pub at: DateTime<Utc>,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen for {what} on {addr}: {source}; choose another address, or port 0 for any free one"
    )]
    Listen {
        /// MQTT or WebSocket.
        what: &'static str,
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The storage folder cannot be used.
    #[error("cannot use {} for the broker's sessions: {cause}; is another broker running on it?", folder.display())]
    Storage {
        /// The folder.
        folder: PathBuf,
        /// What the library said.
        cause: String,
    },
}
