//! One MQTT 5 connection. A new one is made after each loss, so nothing of the
//! client library's own resend state survives: the outbox alone decides what is
//! repeated.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rumqttc::v5::mqttbytes::Error as CodecError;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    LastWill, Packet, PubAck, PubAckReason, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::{Outgoing, TlsConfiguration, Transport};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::outbox::{Outbox, Ticket};
use super::progress::ProgressSink;
use crate::credential::Credential;
use crate::tls;

/// Above the interface's 1 MiB, so that no legal packet ends a connection.
const MAX_PACKET: u32 = 2 * 1024 * 1024;
/// How long the broker keeps our subscription and receipts while we are away.
const SESSION_S: u32 = 3600;
/// Requests beside the batches: subscribe, status, disconnect, acknowledgements.
const SPARE_REQUESTS: usize = 16;

/// What the connection's task reports.
pub(super) enum Signal {
    Event(Box<Event>),
    Failed(Box<ConnectionError>),
}

/// What a signal means for the batches.
pub(super) enum Verdict {
    Nothing,
    Acknowledged(Ticket),
    /// The broker will never take this batch.
    Refused(Ticket, String),
    /// The batch does not fit through this connection, which is over.
    Unsendable(Ticket, String),
    Lost(String),
}

/// What a packet id stands for.
#[derive(Clone, Copy)]
enum Sent {
    Batch(Ticket),
    Status,
}

pub(super) struct Link {
    client: AsyncClient,
    signals: mpsc::UnboundedReceiver<Signal>,
    poller: JoinHandle<()>,
    progress: ProgressSink,
    device: String,
    batch_topic: String,
    status_topic: String,
    receipt_topic: String,
    window: usize,
    connected: bool,
    /// Subscribed, so no receipt is missed: batches may go.
    ready: bool,
    /// Requested, packet id not yet known. The client takes requests in order.
    requested: VecDeque<Sent>,
    in_flight: HashMap<u16, Sent>,
}

impl Link {
    /// Starts to connect. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If TLS is asked for and cannot be had.
    pub(super) fn open(
        credential: &Credential,
        window: usize,
        progress: ProgressSink,
    ) -> Result<Self, String> {
        let window = window.clamp(1, 1000);
        let options = options(credential, window)?;
        let (client, eventloop) = AsyncClient::new(options, window + SPARE_REQUESTS);
        // Unbounded, as a full channel here and a full request channel there would
        // wait for each other; what it can hold is bounded by the window.
        let (sender, signals) = mpsc::unbounded_channel();
        Ok(Self {
            client,
            signals,
            poller: tokio::spawn(poll(eventloop, sender)),
            progress,
            device: credential.name.to_string(),
            batch_topic: credential.topic.clone(),
            status_topic: credential.topic_of("status"),
            receipt_topic: credential.topic_of("receipt"),
            window,
            connected: false,
            ready: false,
            requested: VecDeque::new(),
            in_flight: HashMap::new(),
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// The next report of the connection.
    pub(super) async fn signal(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => signal,
            None => Signal::Failed(Box::new(ConnectionError::RequestsDone)),
        }
    }

    /// Sends what the window has room for.
    pub(super) fn fill_window(&mut self, outbox: &mut Outbox) -> Result<(), String> {
        while self.ready && self.requested.len() + self.in_flight.len() < self.window {
            let Some(next) = outbox.take_next() else {
                break;
            };
            // Also if the connection ends just now: the next one repeats it.
            self.progress.count(|p| {
                if next.repeated {
                    p.repeated += 1;
                } else {
                    p.published += 1;
                }
            });
            let topic = self.batch_topic.as_str();
            self.client
                .try_publish(topic, QoS::AtLeastOnce, false, next.bytes)
                .map_err(|error| error.to_string())?;
            self.requested.push_back(Sent::Batch(next.ticket));
        }
        Ok(())
    }

    /// What a report means.
    pub(super) fn judge(&mut self, signal: Signal) -> Verdict {
        let event = match signal {
            Signal::Failed(error) => return self.failed(&error),
            Signal::Event(event) => *event,
        };
        match event {
            Event::Incoming(packet) => return self.incoming(packet),
            Event::Outgoing(Outgoing::Publish(id)) => {
                if let Some(sent) = self.requested.pop_front() {
                    self.in_flight.insert(id, sent);
                }
            }
            Event::Outgoing(_) => {}
        }
        Verdict::Nothing
    }

    fn incoming(&mut self, packet: Packet) -> Verdict {
        match packet {
            Packet::ConnAck(_) => self.connected(),
            Packet::SubAck(ack) => self.subscribed(&ack),
            Packet::PubAck(ack) => self.answered(&ack),
            Packet::Publish(publish) => self.receipt(&publish),
            _ => Verdict::Nothing,
        }
    }

    fn connected(&mut self) -> Verdict {
        self.connected = true;
        self.progress.count(|p| p.connected += 1);
        match self
            .client
            .try_subscribe(self.receipt_topic.as_str(), QoS::AtLeastOnce)
        {
            Ok(()) => Verdict::Nothing,
            Err(error) => Verdict::Lost(error.to_string()),
        }
    }

    fn subscribed(&mut self, ack: &SubAck) -> Verdict {
        let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
        if !ack.return_codes.iter().all(granted) {
            self.progress.count(|p| p.errors += 1);
            tracing::warn!(device = %self.device, topic = %self.receipt_topic, "no receipts: {:?}", ack.return_codes);
        }
        self.ready = true;
        match self.say("online") {
            Ok(()) => Verdict::Nothing,
            Err(reason) => Verdict::Lost(reason),
        }
    }

    fn say(&mut self, status: &'static str) -> Result<(), String> {
        let topic = self.status_topic.as_str();
        self.client
            .try_publish(topic, QoS::AtLeastOnce, false, status)
            .map_err(|error| error.to_string())?;
        self.requested.push_back(Sent::Status);
        Ok(())
    }

    fn answered(&mut self, ack: &PubAck) -> Verdict {
        let Some(Sent::Batch(ticket)) = self.in_flight.remove(&ack.pkid) else {
            return Verdict::Nothing;
        };
        let reason = || format!("{:?}", ack.reason);
        match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {
                Verdict::Acknowledged(ticket)
            }
            // A trouble of the broker, not of the batch: repeat it later.
            PubAckReason::UnspecifiedError
            | PubAckReason::ImplementationSpecificError
            | PubAckReason::PacketIdentifierInUse
            | PubAckReason::QuotaExceeded => Verdict::Lost(format!("PUBACK {}", reason())),
            PubAckReason::NotAuthorized
            | PubAckReason::TopicNameInvalid
            | PubAckReason::PayloadFormatInvalid => Verdict::Refused(ticket, reason()),
        }
    }

    fn receipt(&self, publish: &Publish) -> Verdict {
        match serde_json::from_slice(&publish.payload) {
            Ok(Receipt {
                seq: Some(_),
                index: Some(_),
                error: None,
            }) => {
                self.progress.count(|p| p.receipts += 1);
            }
            Ok(Receipt {
                seq,
                error: Some(error),
                ..
            }) => {
                self.progress.count(|p| p.errors += 1);
                tracing::warn!(device = %self.device, ?seq, code = error.code, "error receipt: {}", error.message);
            }
            _ => {
                self.progress.count(|p| p.errors += 1);
                tracing::warn!(device = %self.device, bytes = publish.payload.len(), "a receipt cannot be read");
            }
        }
        Verdict::Nothing
    }

    /// A packet over the broker's limit fails before it is sent, and would fail
    /// again for ever: that batch is given up.
    fn failed(&mut self, error: &ConnectionError) -> Verdict {
        match (too_large(error), self.requested.pop_front()) {
            (true, Some(Sent::Batch(ticket))) => Verdict::Unsendable(ticket, error.to_string()),
            _ => Verdict::Lost(error.to_string()),
        }
    }

    /// Says goodbye, so that the broker does not publish our will, and waits
    /// shortly until that is on the wire.
    pub(super) async fn close(mut self) {
        if !self.ready || self.say("offline").is_err() || self.client.try_disconnect().is_err() {
            return;
        }
        let _ = timeout(Duration::from_secs(1), async {
            while let Signal::Event(event) = self.signal().await {
                if matches!(*event, Event::Outgoing(Outgoing::Disconnect)) {
                    break;
                }
            }
        })
        .await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.poller.abort();
        if self.connected {
            self.progress.count(|p| p.connected -= 1);
        }
    }
}

#[derive(Deserialize)]
struct Receipt {
    seq: Option<u64>,
    index: Option<u64>,
    error: Option<ReceiptError>,
}

#[derive(Deserialize)]
struct ReceiptError {
    code: String,
    message: String,
}

/// The event loop is polled in its own task: dropping a half-done poll would
/// lose packets.
async fn poll(mut eventloop: EventLoop, signals: mpsc::UnboundedSender<Signal>) {
    loop {
        let (signal, last) = match eventloop.poll().await {
            Ok(event) => (Signal::Event(Box::new(event)), false),
            Err(error) => (Signal::Failed(Box::new(error)), true),
        };
        if signals.send(signal).is_err() || last {
            return;
        }
    }
}

fn options(credential: &Credential, window: usize) -> Result<MqttOptions, String> {
    let client_id = format!("sealrock-sim-{}", credential.device_id);
    let (host, port) = (credential.broker.host.as_str(), credential.broker.port);
    let mut options = MqttOptions::new(client_id, host, port);
    let will = LastWill::new(
        credential.topic_of("status"),
        "offline",
        QoS::AtLeastOnce,
        false,
        None,
    );
    // Twice the window: packet ids wrap around here, and the next one must be free.
    let ids = u16::try_from(2 * window).unwrap_or(u16::MAX);
    options
        .set_credentials(credential.device_id.as_str(), credential.secret())
        .set_last_will(will)
        .set_keep_alive(Duration::from_secs(30))
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_S))
        .set_max_packet_size(Some(MAX_PACKET))
        .set_outgoing_inflight_upper_limit(ids);
    if credential.broker.tls {
        let tls = TlsConfiguration::Rustls(tls::client()?);
        options.set_transport(Transport::tls_with_config(tls));
    }
    Ok(options)
}

fn too_large(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::MqttState(
            StateError::OutgoingPacketTooLarge { .. }
                | StateError::Deserialization(CodecError::OutgoingPacketTooLarge { .. })
        )
    )
}
