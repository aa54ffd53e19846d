//! One connection to the broker, as those see it who answer on it.

use std::sync::atomic::{AtomicUsize, Ordering};

use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Publish};

use super::RECEIVE_MAXIMUM;

/// Receipts that the broker has not acknowledged yet, at most; the broker may want fewer.
pub(super) const RECEIPTS_UNDER_WAY: u16 = 1_000;

/// Receipts that wait to be sent; more are dropped, because acknowledgements must find a place.
const RECEIPTS_WAITING: usize = 8_000;

/// Bytes of a PUBLISH beside topic and payload, at most: type, length, topic's length, packet id,
/// properties' length.
const PUBLISH_HEADER: usize = 1 + 4 + 2 + 2 + 1;

/// Requests that one connection can hold: receipts, every acknowledgement, and a few others.
pub(super) const REQUESTS: usize = RECEIPTS_WAITING + RECEIVE_MAXIMUM as usize + 16;

/// A connection, from its CONNECT to its end.
///
/// Each connection has a client and an event loop of its own. What is acknowledged on one that has
/// ended goes nowhere, so that a packet id of an old connection cannot meet the new one, where it
/// may be another message's.
#[derive(Debug)]
pub(super) struct Line {
    client: AsyncClient,
    waiting: AtomicUsize,
    /// The largest packet that the broker takes, in bytes.
    largest: AtomicUsize,
}

impl Line {
    pub(super) fn new(client: AsyncClient) -> Self {
        Self {
            client,
            waiting: AtomicUsize::new(0),
            largest: AtomicUsize::new(usize::MAX),
        }
    }

    /// The broker takes no larger packets, as its CONNACK says.
    pub(super) fn limit(&self, largest: usize) {
        self.largest.store(largest, Ordering::Relaxed);
    }

    /// Acknowledges; says nothing if the line has ended, because then the broker sends it again.
    pub(super) fn acknowledge(&self, publish: &Publish) {
        if self.client.try_ack(publish).is_err() {
            tracing::debug!("an acknowledgement came too late for its connection");
        }
    }

    /// Sends a receipt; whether it could be. One that is too large for the broker would end the
    /// connection, and the next one too.
    pub(super) fn publish(&self, topic: &str, payload: Vec<u8>) -> bool {
        if topic.len() + payload.len() + PUBLISH_HEADER > self.largest.load(Ordering::Relaxed) {
            return false;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= RECEIPTS_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        let sent = self
            .client
            .try_publish(topic, QoS::AtLeastOnce, false, payload);
        sent.is_ok()
    }

    /// A receipt has left.
    pub(super) fn sent(&self) {
        let one_less = |waiting: usize| waiting.checked_sub(1);
        // Repetitions of an older connection's receipts were not counted.
        let _ = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
    }

    pub(super) fn subscribe(&self, filters: Vec<Filter>) -> bool {
        self.client.try_subscribe_many(filters).is_ok()
    }

    pub(super) fn disconnect(&self) -> bool {
        self.client.try_disconnect().is_ok()
    }
}

/// The permits that so many bytes take; a message takes at least one.
pub(super) fn kibibytes(bytes: usize) -> usize {
    bytes / 1024 + 1
}
