//! What this crate counts (Prometheus names), and logs that cannot flood.
//!
//! | counter | labels |
//! |---|---|
//! | `sealrock_ingest_batches_total` | `transport` = mqtt, http, external; `outcome` = recorded, duplicate, rejected, unavailable (given up without acknowledgement; the device repeats) |
//! | `sealrock_ingest_dead_letters_total` | `reason` = a [`RejectionCode`](crate::RejectionCode) |
//! | `sealrock_ingest_held_total` | a batch began to wait because the ledger cannot be written |
//! | `sealrock_http_refused_total` | `reason` = address (its connections, counted by the server), bad-credentials, rate, unavailable, busy, slow, too-large, unreadable |
//! | `sealrock_mqtt_refused_total` | `reason` = handshake, bad-credentials, unavailable, will-topic, client-id, subscription, packet-too-large, malformed, connection-limit, address-connections and address-rate (of those who have not signed in), device-connections (one too many of a device; its oldest ended) |
//! | `sealrock_mqtt_connections` (gauge) | |
//! | `sealrock_mqtt_external_connected` (gauge) | 1 while the external broker is connected |
//! | `sealrock_mqtt_external_lost_total` | a connection to it ended, or could not be had |
//! | `sealrock_mqtt_external_receipts_dropped_total` | receipts that it did not take in time, or that are larger than it takes |

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often one kind of refusal is logged at most.
const LOG_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn batch(transport: &'static str, outcome: &'static str) {
    metrics::counter!("sealrock_ingest_batches_total", "transport" => transport, "outcome" => outcome).increment(1);
}

pub(crate) fn dead_letter(reason: &'static str) {
    metrics::counter!("sealrock_ingest_dead_letters_total", "reason" => reason).increment(1);
}

pub(crate) fn held() {
    metrics::counter!("sealrock_ingest_held_total").increment(1);
}

pub(crate) fn mqtt_refused(reason: &'static str) {
    metrics::counter!("sealrock_mqtt_refused_total", "reason" => reason).increment(1);
}

pub(crate) fn external_lost() {
    metrics::counter!("sealrock_mqtt_external_lost_total").increment(1);
}

pub(crate) fn external_receipt_dropped() {
    metrics::counter!("sealrock_mqtt_external_receipts_dropped_total").increment(1);
}

pub(crate) fn http_refused(reason: &'static str) {
    metrics::counter!("sealrock_http_refused_total", "reason" => reason).increment(1);
}

/// Lets one log line through every ten seconds and counts the others.
#[derive(Debug, Default)]
pub struct Quiet {
    last: Mutex<Option<Instant>>,
    kept_back: AtomicU64,
}

impl Quiet {
    /// How many lines were kept back since the last one, if it is time for one.
    #[must_use]
    pub fn turn(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            self.kept_back.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *last = Some(Instant::now());
        Some(self.kept_back.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_line() {
        let quiet = Quiet::default();
        assert_eq!(quiet.turn(), Some(0));
        assert_eq!((0..1000).filter(|_| quiet.turn().is_some()).count(), 0);
        *quiet.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        assert_eq!(quiet.turn(), Some(1000));
    }
}
