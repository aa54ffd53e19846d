//! The task that polls the broker: connects, subscribes, hears, and connects again.
//!
//! Every connection gets an event loop of its own. The library's can connect again by itself, but
//! then it would show what it had read from the old connection, send acknowledgements that were
//! asked for in the meantime, and count packet ids on from where a broker with another limit left
//! off.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::Rng;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, Filter, Packet, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Request, StateError,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::line::{Line, REQUESTS, kibibytes};
use super::options::{OptionsError, filters, options};
use super::{BrokerUrl, ExternalConfig};
use crate::counters::{self, Quiet};

/// Waiting times between connections.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long what has been asked for may take to leave when we go.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the connection tells, in order.
pub(super) enum Heard {
    /// A new connection. If the broker `resumed` our session, it sends again what we have not
    /// acknowledged, unless it has lost that; otherwise it has forgotten it.
    Connected { line: Arc<Line>, resumed: bool },
    /// A message on the newest connection.
    Message(Box<Received>),
}

/// A message, and the room that it takes until it is durable.
pub(super) struct Received {
    pub(super) publish: Publish,
    pub(super) at: DateTime<Utc>,
    pub(super) room: OwnedSemaphorePermit,
}

/// The task's state.
pub(super) struct Connection {
    url: BrokerUrl,
    options: MqttOptions,
    filters: Vec<Filter>,
    heard: UnboundedSender<Heard>,
    budget: Arc<Semaphore>,
    connected: watch::Sender<bool>,
    ending: CancellationToken,
    /// Receipts that an earlier connection did not get rid of.
    unsent: Vec<Publish>,
    log: Quiet,
}

/// Why a connection ended.
enum End {
    /// We were told to.
    Told,
    /// In words.
    Failed(String),
}

impl Connection {
    pub(super) fn new(
        config: &ExternalConfig,
        heard: UnboundedSender<Heard>,
        budget: Arc<Semaphore>,
        connected: watch::Sender<bool>,
        ending: CancellationToken,
    ) -> Result<Self, OptionsError> {
        Ok(Self {
            url: config.url.clone(),
            options: options(config)?,
            filters: filters(config),
            heard,
            budget,
            connected,
            ending,
            unsent: Vec::new(),
            log: Quiet::default(),
        })
    }

    /// Connects, and again, until it is told to end.
    pub(super) async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            let (client, mut events) = AsyncClient::new(self.options.clone(), REQUESTS);
            let end = self.converse(Line::new(client), &mut events).await;
            if self.connected.send_replace(false) {
                wait = FIRST_WAIT;
                metrics::gauge!("sealrock_mqtt_external_connected").set(0.0);
            }
            let End::Failed(reason) = end else { return };
            counters::external_lost();
            if let Some(kept_back) = self.log.turn() {
                tracing::warn!(broker = %self.url, %reason, kept_back, "no connection to the MQTT broker; trying again");
            }
            events.clean();
            let unsent = events
                .pending
                .drain(..)
                .filter_map(|request| match request {
                    Request::Publish(publish) => Some(publish),
                    _ => None,
                });
            self.unsent.extend(unsent);
            let pause = wait.mul_f64(rand::thread_rng().gen_range(0.5..1.0));
            wait = (wait * 2).min(LONGEST_WAIT);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.ending.cancelled() => return,
            }
        }
    }

    /// One connection, to its end.
    async fn converse(&mut self, line: Line, events: &mut EventLoop) -> End {
        let line = Arc::new(line);
        let ending = self.ending.clone();
        loop {
            let event = tokio::select! {
                biased;
                () = ending.cancelled() => return farewell(&line, events).await,
                event = events.poll() => event,
            };
            let heard = match event {
                Err(error) => Err(reason(&error)),
                Ok(Event::Outgoing(Outgoing::Publish(_))) => {
                    line.sent();
                    Ok(())
                }
                Ok(Event::Incoming(packet)) => self.hear(&line, packet).await,
                Ok(Event::Outgoing(_)) => Ok(()),
            };
            if let Err(reason) = heard {
                return End::Failed(reason);
            }
        }
    }

    async fn hear(&mut self, line: &Arc<Line>, packet: Packet) -> Result<(), String> {
        match packet {
            Packet::ConnAck(connack) => {
                let (line, resumed) = (Arc::clone(line), connack.session_present);
                let properties = connack.properties.as_ref();
                if let Some(largest) = properties.and_then(|told| told.max_packet_size) {
                    line.limit(largest as usize);
                }
                if !line.subscribe(self.filters.clone()) {
                    return Err("the subscriptions could not be sent".to_owned());
                }
                for publish in self.unsent.drain(..) {
                    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                    if !line.publish(&topic, publish.payload.to_vec()) {
                        counters::external_receipt_dropped();
                    }
                }
                let _ = self.heard.send(Heard::Connected { line, resumed });
                Ok(())
            }
            Packet::SubAck(suback) => self.subscribed(&suback),
            Packet::Publish(publish) => {
                self.take(publish).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn subscribed(&self, suback: &SubAck) -> Result<(), String> {
        let mut refused = self.filters.iter().zip(&suback.return_codes);
        let refused = refused.find(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_)));
        if let Some((filter, code)) = refused {
            let filter = &filter.path;
            return Err(format!(
                "the broker refuses the subscription {filter} ({code:?}): give this user the right \
                 to read it"
            ));
        }
        self.connected.send_replace(true);
        metrics::gauge!("sealrock_mqtt_external_connected").set(1.0);
        tracing::info!(broker = %self.url, "connected to the MQTT broker");
        Ok(())
    }

    /// Passes a message on when there is room for it. While there is none nothing is read: the
    /// broker keeps the rest, and ends the connection if that takes long, which is fine.
    async fn take(&self, publish: Publish) {
        let at = Utc::now();
        let size = publish.payload.len() + publish.topic.len();
        let permits = u32::try_from(kibibytes(size)).unwrap_or(u32::MAX);
        let room = tokio::select! {
            room = Arc::clone(&self.budget).acquire_many_owned(permits) => room,
            () = self.ending.cancelled() => return,
        };
        // The budget is never closed; the intake ends before the connection.
        if let Ok(room) = room {
            let received = Received { publish, at, room };
            let _ = self.heard.send(Heard::Message(Box::new(received)));
        }
    }
}

/// Sends what has been asked for, then DISCONNECT, which keeps the session. It is the broker who hangs
/// up: one that cannot write to us any more, such as what acknowledges our receipts, does not read the
/// acknowledgements that are still on their way to it, and sends those messages again.
async fn farewell(line: &Line, events: &mut EventLoop) -> End {
    let leave = async {
        if line.disconnect() {
            while events.poll().await.is_ok() {}
        }
    };
    if tokio::time::timeout(FAREWELL, leave).await.is_err() {
        tracing::debug!("the MQTT broker may send again what was acknowledged last");
    }
    End::Told
}

/// What went wrong, and the way out where there is one.
fn reason(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(
            code @ (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized),
        ) => format!("it refuses our user or password ({code:?}): see mqtt_url"),
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => "another connection uses our client id: give each node its own mqtt_client_id"
            .to_owned(),
        ConnectionError::MqttState(StateError::Deserialization(
            rumqttc::v5::mqttbytes::Error::PayloadSizeLimitExceeded { pkt_size, max },
        )) => format!(
            "it sent a packet of {pkt_size} bytes although we take {max}: limit its max_packet_size"
        ),
        other => other.to_string(),
    }
}
