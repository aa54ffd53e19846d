//! Sensor batches, as the read models of telemetry fold them.

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{
    Reading, SENSOR_BATCH_RECORDED, SENSOR_BATCH_SCHEMA, SensorBatch, Value, Verdict, assess,
    decode_recorded, metric,
};
use sealrock_eventstore::Recorded;
use sealrock_ledger::{Index, micros};

use crate::entry::{id_of, stream_id};
use crate::runner::{FoldError, Shown};

/// A recorded batch, decoded and judged.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) index: Index,
    pub(crate) device: DeviceId,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) content: SensorBatch,
    /// Of each reading.
    verdicts: Vec<Verdict>,
    /// Those that count, worked out once for all read models.
    counted: Vec<Counted>,
}

/// A reading that counts: known metric and unit, not doubted, not from the future.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Counted {
    pub(crate) index: Index,
    pub(crate) ordinal: i32,
    pub(crate) device: DeviceId,
    /// As the catalogue has it.
    pub(crate) metric: &'static str,
    /// Cut to microseconds, as Postgres keeps it.
    pub(crate) at: DateTime<Utc>,
    /// In the metric's canonical unit.
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

impl Batch {
    /// Every reading with its verdict, numbered from 0.
    pub(crate) fn assessed(&self) -> impl Iterator<Item = (i32, &Reading, &Verdict)> {
        let judged = self.content.readings.iter().zip(&self.verdicts);
        (0..)
            .zip(judged)
            .map(|(n, (reading, verdict))| (n, reading, verdict))
    }

    /// The readings that count, in order.
    pub(crate) fn counted(&self) -> impl Iterator<Item = Counted> {
        self.counted.iter().copied()
    }

    fn count(&self) -> Vec<Counted> {
        let counts = |(ordinal, reading, verdict): (i32, &Reading, &Verdict)| match verdict {
            Verdict::Suspect(_) => None,
            Verdict::Good { value, unit } => Some(Counted {
                index: self.index,
                ordinal,
                device: self.device,
                metric: metric::find(&reading.metric)?.name,
                at: micros(reading.at),
                value: *value,
                unit,
            }),
        };
        self.assessed().filter_map(counts).collect()
    }
}

/// The sensor batches among `entries`; those whose payload was erased have no readings any more.
///
/// # Errors
/// Poison for a batch of another schema, stream or format than this code knows.
pub(crate) fn batches(entries: &[Shown]) -> Result<Vec<&Batch>, FoldError> {
    let batches = entries.iter().map(Shown::batch);
    batches.filter_map(Result::transpose).collect()
}

/// A recorded batch whose payload was erased: that it came is all that is left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Emptied {
    pub(crate) index: Index,
    pub(crate) device: DeviceId,
    pub(crate) received_at: DateTime<Utc>,
}

/// The sensor batches among `entries` whose payload was erased.
///
/// # Errors
/// Poison for a batch of a stream that names no device.
pub(crate) fn emptied(entries: &[Shown]) -> Result<Vec<Emptied>, FoldError> {
    let emptied = entries
        .iter()
        .filter(|one| one.entry.kind == SENSOR_BATCH_RECORDED && one.payload.is_none());
    let read = |one: &Shown| {
        Ok(Emptied {
            index: one.entry.index,
            device: stream_id(one)?,
            received_at: one.entry.received_at,
        })
    };
    emptied.map(read).collect()
}

/// What [`Shown::batch`] answers; why it cannot be read is a text, to be kept beside the entry.
pub(crate) fn read(recorded: &Recorded) -> Result<Option<Batch>, String> {
    let entry = &recorded.entry;
    if entry.kind != SENSOR_BATCH_RECORDED {
        return Ok(None);
    }
    if entry.schema != SENSOR_BATCH_SCHEMA {
        let schema = entry.schema;
        return Err(format!(
            "schema {schema} of {SENSOR_BATCH_RECORDED} is not known"
        ));
    }
    let Some(payload) = &recorded.payload else {
        return Ok(None);
    };
    let content = decode_recorded(&payload.media, &payload.bytes).map_err(|e| e.to_string())?;
    let judged = assess(&content, entry.received_at);
    let verdicts = judged.into_iter().map(|one| one.verdict).collect();
    let mut batch = Batch {
        index: entry.index,
        device: id_of(&entry.stream)?,
        received_at: entry.received_at,
        content,
        verdicts,
        counted: Vec::new(),
    };
    batch.counted = batch.count();
    Ok(Some(batch))
}

/// The columns that hold a value: number, truth, text.
pub(crate) fn columns(value: &Value) -> (Option<f64>, Option<bool>, Option<&str>) {
    match value {
        Value::Number(number) => (Some(*number), None, None),
        Value::Bool(truth) => (None, Some(*truth), None),
        Value::Text(text) => (None, None, Some(text)),
    }
}
