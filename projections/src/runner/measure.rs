//! The runner's figures for Prometheus.

use metrics::gauge;
use sealrock_eventstore::LedgerInfo;

use super::status::ProjectionStatus;

/// After each step: cheap, from memory.
pub(crate) fn position(projection: &'static str, ledger: &LedgerInfo, next: u64, size: u64) {
    let lag = size.saturating_sub(next);
    let labels = [
        ("projection", projection.to_owned()),
        ("ledger", ledger.name.to_string()),
    ];
    gauge!("sealrock_projection_next_index", &labels).set(approximate(next));
    gauge!("sealrock_projection_lag_events", &labels).set(approximate(lag));
}

/// Now and then, from the database.
pub(crate) fn lag(status: &ProjectionStatus) {
    let labels = [
        ("projection", status.projection.clone()),
        ("ledger", status.ledger.to_string()),
    ];
    gauge!("sealrock_projection_lag_events", &labels).set(approximate(status.lag_events));
    gauge!("sealrock_projection_lag_seconds", &labels).set(status.lag_seconds);
}

/// 1 while a projection stands at a poison entry.
pub(crate) fn stopped(projection: &'static str, ledger: &LedgerInfo, stopped: bool) {
    let labels = [
        ("projection", projection.to_owned()),
        ("ledger", ledger.name.to_string()),
    ];
    gauge!("sealrock_projection_stopped", &labels).set(f64::from(u8::from(stopped)));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are doubles; exact up to 2^53 entries"
)]
fn approximate(count: u64) -> f64 {
    count as f64
}
