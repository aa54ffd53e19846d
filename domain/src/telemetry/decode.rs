//! Bytes to a [`SensorBatch`], strictly.
//!
//! A batch that could be read in two ways is refused: unknown or repeated fields,
//! numbers that are not finite, bytes after the end.
//!
//! Read models decode recorded batches with the same function, years later. So a rule may
//! be relaxed here, never tightened: what was recorded once must decode for ever.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::{DateTime, Utc};

use super::{
    FrameError, MetricName, Quality, Reading, SensorBatch, Value, media_type_of,
    wire::{Map, Read, Time, WireBatch, WireReading},
};
use crate::MAX_SAFE_INTEGER;

/// The largest batch, in bytes: 1 MiB.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
/// The most readings in a batch.
pub const MAX_READINGS: usize = 10_000;
/// The longest `boot`, in characters.
pub const MAX_BOOT: usize = 64;
/// The longest text value, in bytes.
pub const MAX_TEXT_VALUE: usize = 1024;
/// The longest unit, in characters.
pub const MAX_UNIT: usize = 64;
/// The most tags; a tag's key has at most 64 characters, its value at most 1 KiB.
pub const MAX_TAGS: usize = 64;
/// The longest key of a tag, in characters.
pub const MAX_TAG_KEY: usize = 64;

/// Why bytes are no batch. Sending the same bytes again gives the same error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("the batch is empty: send a JSON object or a CBOR map")]
    Empty,
    /// More than [`MAX_BATCH_BYTES`].
    #[error("the batch has {bytes} bytes, more than {MAX_BATCH_BYTES}: split its readings")]
    TooLarge {
        /// Bytes received.
        bytes: usize,
    },
    /// The first byte announces no known format.
    #[error(
        "a batch starts with {{ (JSON) or a CBOR map byte (0xa0 to 0xbf), this one with \
         0x{first_byte:02x}"
    )]
    UnknownFormat {
        /// The first byte.
        first_byte: u8,
    },
    /// Said to be a signed frame, and none.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Not well-formed, or not the fields of a batch.
    #[error("not a sensor batch in {format}: {reason}")]
    Malformed {
        /// `JSON` or `CBOR`.
        format: &'static str,
        /// What the reader says; for JSON with line and column.
        reason: String,
    },
    /// A field's value breaks a rule.
    #[error("{field}: {reason}")]
    Invalid {
        /// Where: `seq`, `readings[3].metric`, `tags`.
        field: String,
        /// What is wrong, with the value and what is allowed.
        reason: String,
    },
}

impl DecodeError {
    /// A stable word for programs: the `code` of an error receipt and a label of metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Frame(_) => "no_frame",
            Self::Malformed { .. } => "malformed",
            Self::Invalid { .. } => "invalid",
        }
    }
}

fn invalid(field: impl Into<String>, reason: impl Into<String>) -> DecodeError {
    DecodeError::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

/// Reads a batch; its first byte decides the format. A signed frame is not one:
/// [`decode_recorded`](super::decode_recorded) looks inside.
///
/// # Errors
/// [`DecodeError`] when the bytes are not one batch within the limits. It never panics,
/// whatever the bytes are.
pub fn decode(bytes: &[u8]) -> Result<SensorBatch, DecodeError> {
    let first_byte = *bytes.first().ok_or(DecodeError::Empty)?;
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    let batch = match media_type_of(first_byte) {
        Some(super::JSON) => from_json(bytes),
        Some(super::CBOR) => from_cbor(bytes),
        _ => Err(DecodeError::UnknownFormat { first_byte }),
    }?;
    check_batch(batch)
}

fn from_json(bytes: &[u8]) -> Result<WireBatch, DecodeError> {
    let batch: Map<WireBatch> = serde_json::from_slice(bytes).map_err(|error| {
        let reason = error.to_string();
        DecodeError::Malformed {
            format: "JSON",
            reason,
        }
    })?;
    Ok(batch.0)
}

fn from_cbor(mut bytes: &[u8]) -> Result<WireBatch, DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed {
        format: "CBOR",
        reason,
    };
    let batch: Map<WireBatch> =
        ciborium::from_reader(&mut bytes).map_err(|error| malformed(cbor_reason(error)))?;
    if !bytes.is_empty() {
        return Err(malformed(format!("{} bytes follow the map", bytes.len())));
    }
    Ok(batch.0)
}

fn cbor_reason<T>(error: ciborium::de::Error<T>) -> String {
    match error {
        ciborium::de::Error::Io(_) => "it ends too early".to_owned(),
        ciborium::de::Error::Syntax(offset) => format!("not well-formed at byte {offset}"),
        ciborium::de::Error::Semantic(Some(offset), reason) => format!("{reason} at byte {offset}"),
        ciborium::de::Error::Semantic(None, reason) => reason,
        ciborium::de::Error::RecursionLimitExceeded => "nested too deeply".to_owned(),
    }
}

fn check_batch(batch: WireBatch) -> Result<SensorBatch, DecodeError> {
    if batch.readings.is_empty() {
        return Err(invalid("readings", "a batch has at least one reading"));
    }
    if let Some(seq) = batch.seq {
        check_seq(seq)?;
    }
    if let Some(boot) = &batch.boot {
        check_label(|| "boot".into(), boot, 1..=MAX_BOOT)?;
    }
    let readings = batch.readings.into_iter().enumerate();
    Ok(SensorBatch {
        seq: batch.seq,
        boot: batch.boot,
        readings: readings
            .map(|(n, Map(reading))| check_reading(n, reading))
            .collect::<Result<_, _>>()?,
        device_time: batch
            .device_time
            .map(|time| check_time(|| "device_time".into(), time))
            .transpose()?,
        source: batch
            .source
            .map(|source| check_choice(|| "source".into(), &source))
            .transpose()?,
        tags: check_tags(batch.tags.map(|tags| tags.0).unwrap_or_default())?,
    })
}

fn check_seq(seq: u64) -> Result<(), DecodeError> {
    if seq <= MAX_SAFE_INTEGER {
        return Ok(());
    }
    let reason = format!("{seq} is larger than {MAX_SAFE_INTEGER} (2^53 - 1): start a new boot");
    Err(invalid("seq", reason))
}

fn check_reading(number: usize, reading: WireReading) -> Result<Reading, DecodeError> {
    // Its name is put together only where something is wrong with the field.
    let field = |name: &str| format!("readings[{number}].{name}");
    if let Some(unit) = &reading.unit {
        // An empty unit is how many devices write "no unit".
        check_label(|| field("unit"), unit, 0..=MAX_UNIT)?;
    }
    if let Value::Text(text) = &reading.value {
        check_text(|| field("value"), text, MAX_TEXT_VALUE)?;
    }
    let quality = reading
        .quality
        .map(|Read(quality)| quality.or_else(|text| check_choice(|| field("quality"), &text)));
    let metric = reading.metric.0.or_else(|text| {
        MetricName::try_from(text).map_err(|error| invalid(field("metric"), error.to_string()))
    });
    Ok(Reading {
        metric: metric?,
        at: check_time(|| field("at"), reading.at)?,
        value: reading.value,
        unit: reading.unit,
        quality: quality.transpose()?.unwrap_or(Quality::Good),
    })
}

fn check_time(
    field: impl Fn() -> String,
    Read(time): Read<Time>,
) -> Result<DateTime<Utc>, DecodeError> {
    time.map(|Time(time)| time).map_err(|text| {
        let shown: String = text.chars().take(80).collect();
        let reason = format!(
            "\"{shown}\" is not an RFC 3339 time with an offset, such as 2026-11-21T03:12:45.120Z"
        );
        invalid(field(), reason)
    })
}

fn check_choice<T>(field: impl Fn() -> String, value: &str) -> Result<T, DecodeError>
where
    T: std::str::FromStr<Err = super::batch::ChoiceError>,
{
    value
        .parse()
        .map_err(|error: super::batch::ChoiceError| invalid(field(), error.to_string()))
}

fn check_tags(tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, DecodeError> {
    if tags.len() > MAX_TAGS {
        return Err(invalid(
            "tags",
            format!("{} tags, more than {MAX_TAGS}", tags.len()),
        ));
    }
    for (key, value) in &tags {
        check_label(|| "tags".into(), key, 1..=MAX_TAG_KEY)?;
        check_text(|| "tags".into(), value, MAX_TEXT_VALUE)?;
    }
    Ok(tags)
}

/// A short printable text: it becomes a key, a label, a column.
fn check_label(
    field: impl Fn() -> String,
    text: &str,
    allowed: RangeInclusive<usize>,
) -> Result<(), DecodeError> {
    let length = text.chars().count();
    if !allowed.contains(&length) {
        let (least, most) = allowed.into_inner();
        return Err(invalid(
            field(),
            format!("has {length} characters, not {least} to {most}"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(field(), format!("{text:?} has control characters")));
    }
    Ok(())
}

/// A text value: line breaks are fine, NUL is not (Postgres cannot store it as text, so
/// one such reading would stop every read model).
fn check_text(field: impl Fn() -> String, text: &str, most: usize) -> Result<(), DecodeError> {
    if text.len() > most {
        return Err(invalid(
            field(),
            format!("has {} bytes, more than {most}", text.len()),
        ));
    }
    if text.contains('\0') {
        return Err(invalid(field(), "contains a NUL character (U+0000)"));
    }
    Ok(())
}
