//! Telemetry: the sensor batch that devices send, and the rules that judge it.
//!
//! The bytes of a batch are the fact; what is decoded here is a view of them. So
//! decoding is strict (a batch means one thing or is refused), and judging never
//! changes a batch: a reading outside the rules is recorded and flagged.

pub mod assess;
pub mod batch;
pub mod decode;
pub mod dedup;
pub mod frame;
pub mod mapped;
pub mod metric;
pub mod unit;
pub mod window;
mod wire;

pub use assess::{Assessed, Suspicion, Verdict, assess};
pub use batch::{MetricName, MetricNameError, Quality, Reading, SensorBatch, Source, Value};
pub use decode::{DecodeError, MAX_BATCH_BYTES, MAX_READINGS, decode};
pub use dedup::{DedupKey, command_id, dedup_key};
pub use frame::{Frame, FrameError, SignatureError, decode_recorded, signed_text};
pub use mapped::MappedBatch;

/// Media type of a batch in JSON.
pub const JSON: &str = "application/json";
/// Media type of a batch in CBOR.
pub const CBOR: &str = "application/cbor";
/// Media type of a signed frame around a batch.
pub const SIGNED_BATCH: &str = "application/vnd.sealrock.signed-batch";
/// Media type of a message of another make with the batch that it was read as.
pub const MAPPED_BATCH: &str = "application/vnd.sealrock.mapped-batch+json";

/// The event type of an entry whose payload is a batch, byte for byte as it came.
pub const SENSOR_BATCH_RECORDED: &str = "SensorBatchRecorded";
/// The schema version of [`SENSOR_BATCH_RECORDED`].
pub const SENSOR_BATCH_SCHEMA: u32 = 1;

/// The media type that the first byte of a payload announces; `None` for no known one.
#[must_use]
pub const fn media_type_of(first_byte: u8) -> Option<&'static str> {
    match first_byte {
        b'{' => Some(JSON),
        0xA0..=0xBF => Some(CBOR),
        0x01 => Some(SIGNED_BATCH),
        _ => None,
    }
}
