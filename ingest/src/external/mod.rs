//! Batches from an MQTT broker that others run, by MQTT 5 with acknowledgements of our own.
//!
//! Three tasks' worth of work: `connection` polls the broker and nothing else, so that pings are
//! answered whatever the ledger does; `intake` records what came, many devices at once and each in
//! its own order, and acknowledges in the order of arrival; both end when they are told. `watching`
//! starts them again should one of them end otherwise.

mod address;
mod again;
mod connection;
mod intake;
mod lanes;
mod line;
mod message;
mod options;
mod order;
mod probe;
mod tls;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::broker::{PresenceStream, presence};
use crate::dead_letters::DeadLetters;
use crate::gate::BatchSink;
use crate::mapping::Mappings;
use connection::Connection;
use intake::Intake;
use message::Desk;
use watching::watching;

pub use address::{AddressError, BrokerUrl};
pub use options::OptionsError;
pub use probe::{BrokerLimits, Finding, ProbeError, probe};

/// Messages that the broker may have under way to us: its flow control counts messages.
pub const RECEIVE_MAXIMUM: u16 = 2_000;

/// Bytes of messages that are held at a time; beyond it nothing is read from the broker.
pub const HELD_BYTES: usize = 256 * 1024 * 1024;

/// How long the broker keeps our session, with what it has queued for us, while we are away.
pub const SESSION_EXPIRY: Duration = Duration::from_hours(7 * 24);

/// How to reach an external broker and what to take from it.
#[derive(Debug, Clone)]
pub struct ExternalConfig {
    /// Where it is, and who we are to it.
    pub url: BrokerUrl,
    /// Our client id: the same over restarts, and no other node's. The broker keeps under it what
    /// we have not acknowledged.
    pub client_id: String,
    /// The name of a shared subscription, so that several nodes share the messages.
    pub group: Option<String>,
    /// Certificates to trust instead of the machine's, PEM.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, PEM, if the broker asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Topics of other makes.
    pub mappings: Arc<Mappings>,
}

/// A consumer of an external broker.
///
/// Durability contract: a message is acknowledged only after the
/// [`BatchSink`](crate::BatchSink) or the dead letters answered that it is durable, and in the order
/// in which the broker sent it. A crash at any point leaves it with the broker, which sends it again.
pub struct ExternalBroker {
    /// Nothing new is taken.
    stopping: CancellationToken,
    /// The connection ends.
    ending: CancellationToken,
    connected: watch::Receiver<bool>,
    watching: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for ExternalBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalBroker")
            .field("connected", &*self.connected.borrow())
            .finish_non_exhaustive()
    }
}

impl ExternalBroker {
    /// Begins to connect, and goes on trying for as long as it takes.
    ///
    /// # Errors
    /// [`OptionsError`] if a certificate or key cannot be read.
    pub fn start(
        config: &ExternalConfig,
        sink: Arc<dyn BatchSink>,
        dead_letters: Arc<dyn DeadLetters>,
    ) -> Result<(Self, PresenceStream), OptionsError> {
        let (presence, present) = presence::channel();
        let (connected, watched) = watch::channel(false);
        let (stopping, ending) = (CancellationToken::new(), CancellationToken::new());
        // What cannot be read is said at once, not when it is first needed.
        options::options(config)?;
        let desk = Desk {
            sink,
            dead_letters,
            mappings: Arc::clone(&config.mappings),
            presence,
            stopping: stopping.clone(),
        };
        let (config, told) = (config.clone(), (stopping.clone(), ending.clone()));
        let both = move |stopping: CancellationToken, ending| {
            let desk = Desk {
                stopping: stopping.clone(),
                ..desk.clone()
            };
            both(&config, desk, connected.clone(), stopping, ending)
        };
        let broker = Self {
            watching: Mutex::new(Some(tokio::spawn(watching(both, told.0, told.1)))),
            stopping,
            ending,
            connected: watched,
        };
        Ok((broker, present))
    }

    /// Whether it is connected, and has its subscriptions.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Waits until it is connected, or for ever once it has been stopped.
    pub async fn connected(&self) {
        let mut watched = self.connected.clone();
        if watched.wait_for(|connected| *connected).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes nothing new, lets what is being recorded be acknowledged for at most `grace`, then
    /// leaves; the broker keeps the rest. A second call returns at once.
    pub async fn stop(&self, grace: Duration) {
        self.stopping.cancel();
        let Some(mut tasks) = self.watching.lock().await.take() else {
            return;
        };
        if tokio::time::timeout(grace, &mut tasks).await.is_ok() {
            return;
        }
        tracing::warn!("batches of the external broker were left to be sent again");
        self.ending.cancel();
        if tokio::time::timeout(grace, &mut tasks).await.is_err() {
            tasks.abort();
        }
    }
}

/// The intake and its connection.
fn both(
    config: &ExternalConfig,
    desk: Desk,
    connected: watch::Sender<bool>,
    stopping: CancellationToken,
    ending: CancellationToken,
) -> Result<JoinSet<()>, OptionsError> {
    let (heard, hearing) = mpsc::unbounded_channel();
    let budget = Arc::new(Semaphore::new(line::kibibytes(HELD_BYTES)));
    connected.send_replace(false);
    let connection = Connection::new(config, heard, budget, connected, ending)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(Intake::new(desk).run(hearing, stopping));
    tasks.spawn(connection.run());
    Ok(tasks)
}

impl Drop for ExternalBroker {
    /// Dropped without [`ExternalBroker::stop`], it ends as it can.
    fn drop(&mut self) {
        self.stopping.cancel();
        self.ending.cancel();
    }
}
