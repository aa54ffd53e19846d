//! One connection: its line, who is on it, and the library's handler that runs it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use mqtt5::MqttError;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::transport::BrokerTransport;

use super::house::House;
use super::topics::Topics;
use super::wire::Line;
use crate::counters;
use crate::gate::DeviceIdentity;

/// The hooks of one connection. Every connection has its own, so what a hook knows about the
/// client it knows from this connection's sign-in, not from a client id that others may use.
pub(super) struct Connection {
    pub(super) house: Arc<House>,
    pub(super) line: Arc<Line>,
    pub(super) signed_in: OnceLock<SignedIn>,
}

/// Who signed in.
pub(super) struct SignedIn {
    pub(super) identity: DeviceIdentity,
    pub(super) topics: Topics,
    /// Until it was checked once more, see [`Connection::check_again`].
    pub(super) secret: Mutex<Option<String>>,
}

impl Connection {
    pub(super) fn new(house: Arc<House>, line: Arc<Line>) -> Arc<Self> {
        Arc::new(Self {
            house,
            line,
            signed_in: OnceLock::new(),
        })
    }

    /// Runs the connection to its end.
    pub(super) async fn run(self: Arc<Self>, transport: BrokerTransport, peer: SocketAddr) {
        let house = Arc::clone(&self.house);
        let mut config = house.mqtt5_config.clone();
        config.event_handler = Some(self.clone());
        let handler = ClientHandler::new(
            transport,
            peer,
            Arc::new(config),
            Arc::clone(&house.router),
            self.clone(),
            Some(Arc::clone(&house.storage)),
            Arc::clone(&house.stats),
            Arc::clone(&house.monitor),
            house.shutdown.subscribe(),
        );
        let outcome = handler.run().await;
        if let Err(error) = outcome {
            self.note_end(&error, peer);
        }
    }

    /// Counts and logs an end that was the client's fault.
    fn note_end(&self, error: &MqttError, peer: SocketAddr) {
        let reason = match error {
            MqttError::PacketTooLarge { .. } => "packet-too-large",
            MqttError::ProtocolError(_) | MqttError::MalformedPacket(_) => "malformed",
            _ => return tracing::debug!(%peer, %error, "MQTT connection ended"),
        };
        counters::mqtt_refused(reason);
        if let Some(kept_back) = self.house.logs.packet.turn() {
            let device = self
                .signed_in
                .get()
                .map(|signed_in| signed_in.identity.device.to_string());
            tracing::warn!(%peer, device, %error, kept_back, reason, "MQTT connection closed for what it sent");
        }
    }
}
