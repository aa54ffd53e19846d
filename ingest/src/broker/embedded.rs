//! The broker that runs inside the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sealrock_domain::DeviceId;

use super::house::House;
use super::listen::{Framing, accept, bind};
use super::roster::Roster;
use super::topics::Topics;
use super::{Broker, BrokerConfig, PresenceStream, StartError, presence};
use crate::dead_letters::DeadLetters;
use crate::gate::{BatchSink, DeviceIdentity};

/// How often expired sessions are forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long connections have to end after they were cut.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// An MQTT 3.1.1 and 5 broker in this process, by the `mqtt5` crate.
///
/// It uses the library's parts (client handler, router, session storage) with an accept loop and
/// a byte stream of its own: see the crate's README for what that gives.
pub struct EmbeddedBroker {
    house: Arc<House>,
    mqtt: SocketAddr,
    websocket: Option<SocketAddr>,
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            mqtt, websocket, ..
        } = self;
        f.debug_struct("EmbeddedBroker")
            .field("mqtt", mqtt)
            .field("websocket", websocket)
            .finish_non_exhaustive()
    }
}

impl EmbeddedBroker {
    /// Opens the sessions of the last run and listens.
    ///
    /// # Errors
    /// [`StartError`] if an address or the storage folder cannot be used.
    pub async fn start(
        config: BrokerConfig,
        sink: Arc<dyn BatchSink>,
        dead_letters: Arc<dyn DeadLetters>,
    ) -> Result<(Self, PresenceStream), StartError> {
        let (presence, stream) = presence::channel();
        let (listener, mqtt) = bind("MQTT", config.mqtt).await?;
        let websocket = match config.websocket {
            Some(addr) => Some(bind("MQTT over WebSocket", addr).await?),
            None => None,
        };
        let house =
            Arc::new(House::open(&config, sink, dead_letters, Roster::new(presence)).await?);
        house
            .connections
            .spawn(accept(Arc::clone(&house), listener, Framing::Plain));
        let websocket = websocket.map(|(listener, addr)| {
            house
                .connections
                .spawn(accept(Arc::clone(&house), listener, Framing::WebSocket));
            addr
        });
        house.connections.spawn(sweep(Arc::clone(&house)));
        Ok((
            Self {
                house,
                mqtt,
                websocket,
            },
            stream,
        ))
    }
}

async fn sweep(house: Arc<House>) {
    while !house.stopping.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = house.stopping.cancelled() => return,
        }
        if let Err(error) = house.sweep().await {
            tracing::warn!(%error, "cannot forget expired MQTT sessions; trying again in ten minutes");
        }
    }
}

#[async_trait]
impl Broker for EmbeddedBroker {
    fn local_addr(&self) -> SocketAddr {
        self.mqtt
    }

    fn websocket_addr(&self) -> Option<SocketAddr> {
        self.websocket
    }

    async fn send_receipt(&self, device: &DeviceIdentity, payload: Vec<u8>) {
        self.house
            .publish(&Topics::of(device).receipt, payload)
            .await;
    }

    fn disconnect(&self, device: DeviceId) {
        self.house.roster.cut(device);
    }

    fn online(&self) -> Vec<DeviceId> {
        self.house.roster.online()
    }

    async fn stop(&self, grace: Duration) {
        let house = &self.house;
        house.stopping.cancel();
        // Without connections nobody receives this, which is fine.
        let _ = house.shutdown.send(());
        house.connections.close();
        if tokio::time::timeout(grace, house.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                open = house.connections.len(),
                "MQTT connections cut: their batches are repeated later"
            );
            house.online_devices_cut();
            let _ = tokio::time::timeout(LAST_GRACE, house.connections.wait()).await;
        }
        if let Err(error) = house.storage.shutdown().await {
            tracing::warn!(%error, "MQTT sessions may be older than they were");
        }
    }
}

impl House {
    fn online_devices_cut(&self) {
        for device in self.roster.online() {
            self.roster.cut(device);
        }
    }
}

impl Drop for EmbeddedBroker {
    /// A broker that is dropped without [`Broker::stop`] takes nothing new and ends as it can.
    fn drop(&mut self) {
        self.house.stopping.cancel();
        let _ = self.house.shutdown.send(());
    }
}
