//! One connection: its line, who is on it, and the library's handler that runs it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use mqtt5::MqttError;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::transport::BrokerTransport;
use sealrock_access::Share;
use sealrock_domain::device::Fingerprint;
use sealrock_tls::ClientCertificate;

use super::house::House;
use super::topics::Topics;
use super::wire::Line;
use crate::counters;
use crate::gate::{DeviceIdentity, SignIn};

/// How often the clock is looked at, which may be set meanwhile.
const LOOK_AT_CLOCK: Duration = Duration::from_mins(10);

/// The hooks of one connection. Every connection has its own, so what a hook knows about the
/// client it knows from this connection's sign-in, not from a client id that others may use.
pub(super) struct Connection {
    pub(super) house: Arc<House>,
    pub(super) line: Arc<Line>,
    pub(super) signed_in: OnceLock<SignedIn>,
    /// What the client showed when hands were shaken.
    pub(super) certificate: OnceLock<ClientCertificate>,
    /// Its address' place for a stranger, until it has signed in.
    pub(super) stranger: Mutex<Option<Share<IpAddr>>>,
}

/// Who signed in.
pub(super) struct SignedIn {
    pub(super) identity: DeviceIdentity,
    pub(super) topics: Topics,
    /// Until it was checked once more, see [`Connection::check_again`].
    pub(super) proof: Mutex<Option<Proof>>,
}

/// What a device proves itself by. It cannot be printed: it holds the secret.
#[derive(Clone)]
pub(super) enum Proof {
    Secret(String),
    Certificate(Fingerprint),
}

impl Connection {
    pub(super) fn new(
        house: Arc<House>,
        line: Arc<Line>,
        stranger: Option<Share<IpAddr>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            house,
            line,
            signed_in: OnceLock::new(),
            certificate: OnceLock::new(),
            stranger: Mutex::new(stranger),
        })
    }

    /// Returns when the certificate that the client showed is over, if it showed one and did not sign
    /// in by its secret.
    pub(super) async fn certificate_expired(&self) {
        let Some(certificate) = self.certificate.get() else {
            return std::future::pending().await;
        };
        while let Ok(left) = certificate.not_after.duration_since(SystemTime::now()) {
            tokio::time::sleep(left.min(LOOK_AT_CLOCK)).await;
        }
        let sign_in = self.signed_in.get().map(|known| known.identity.sign_in);
        if matches!(sign_in, Some(SignIn::Secret(_))) {
            std::future::pending::<()>().await;
        }
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
