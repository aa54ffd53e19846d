//! Why a sign-in or a batch was not taken, by what the device can do.

use std::time::{Duration, Instant};

use sealrock_domain::telemetry::DecodeError;
use sealrock_eventstore::AppendError;

use crate::error::CommandError;
use crate::once_per_minute::OncePerMinute;

/// How long a device should wait while the ledger cannot be written.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Why a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Unknown device, wrong secret, or revoked: which one is not told.
    #[error(
        "the device id, or its secret or certificate, is wrong; get a new secret with `sealrock device rotate`"
    )]
    Refused,
    /// The credentials cannot be checked at present.
    #[error("the credentials cannot be checked at present; try again")]
    Unavailable,
}

/// Why a batch was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not a batch: repair the encoder.
    #[error("{0}")]
    Undecodable(String),
    /// More bytes or readings than a batch may have: split it.
    #[error("{0}")]
    TooLarge(String),
    /// Another batch holds this key: a counter was reset without a new `boot`.
    #[error("{message}")]
    Conflict {
        /// Where the batch that holds the key is.
        first_index: u64,
        /// What differs.
        message: String,
    },
    /// Decoded, but not acceptable from this device: unsigned though it has a key, a key that is not valid, a bad
    /// signature.
    #[error("{0}")]
    Refused(String),
    /// What the device signed in by was revoked or replaced since: it must sign in anew, and may send
    /// the same bytes then.
    #[error("what the device signed in by is not valid any more: sign in anew")]
    SignedOut,
    /// There is no such device: register it, or mend the topic.
    #[error("{0}")]
    UnknownDevice(String),
    /// The device sends more than it may: the same bytes may be tried again.
    #[error("this device sends more batches than it may; try again in {} s", retry_after.as_secs().max(1))]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// The ledger cannot be written now: the same bytes may be tried again.
    #[error("the ledger cannot be written at present; try again in {} s", retry_after.as_secs().max(1))]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

impl From<DecodeError> for BatchError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            _ => Self::Undecodable(error.to_string()),
        }
    }
}

pub(super) fn batch_error(error: AppendError) -> BatchError {
    match error {
        AppendError::CommandIdReused { first } => BatchError::Conflict {
            first_index: first.first.0,
            message: format!(
                "another batch with this boot and seq is at index {}: count seq up, or send a \
                 new boot after a restart",
                first.first
            ),
        },
        AppendError::Invalid(reason) => BatchError::Refused(reason),
        // Repeating the same bytes is safe whatever became of the first try, and a ledger that a
        // person must mend still has to get them afterwards.
        error => {
            alarm(&error);
            BatchError::Unavailable {
                retry_after: RETRY_AFTER,
            }
        }
    }
}

/// The device's ledger cannot be opened.
pub(super) fn unopened(error: CommandError) -> BatchError {
    batch_error(match error {
        CommandError::Fatal(reason) => AppendError::Fatal(reason),
        other => AppendError::Unavailable(other.to_string()),
    })
}

/// Counts each, and logs one a minute: every device repeats its batch every few seconds.
fn alarm(error: &AppendError) {
    static FATAL: OncePerMinute = OncePerMinute::new();
    static TRANSIENT: OncePerMinute = OncePerMinute::new();
    let fatal = matches!(error, AppendError::Fatal(_));
    let kind = if fatal { "fatal" } else { "transient" };
    metrics::counter!("sealrock_batches_not_recorded_total", "kind" => kind).increment(1);
    if fatal && FATAL.admits(Instant::now()) {
        tracing::error!(%error, "batches cannot be recorded until a person has looked");
    }
    if !fatal && TRANSIENT.admits(Instant::now()) {
        tracing::warn!(%error, "batches cannot be recorded just now");
    }
}
