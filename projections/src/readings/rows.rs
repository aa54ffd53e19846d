//! Rows of `reading`, put together before their series and contexts have ids.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{Reading, Source, Value, Verdict};
use sealrock_ledger::micros;

use super::dictionary::{Context, Numbered, SeriesKey};
use super::partitions;
use crate::binding::Binding;
use crate::copy::CopyRows;
use crate::telemetry::{Batch, columns};

/// A row of `reading` or `far_reading`.
pub(super) struct Row<'a> {
    /// Cut to microseconds.
    pub(super) at: DateTime<Utc>,
    pub(super) index: i64,
    ordinal: i32,
    /// Number in [`Rows::series`].
    pub(super) series: usize,
    /// Number in [`Rows::contexts`].
    context: usize,
    pub(super) far: bool,
    value: Option<f64>,
    canonical: Option<f64>,
    text: Option<&'a str>,
}

/// The readings of a step, in the ledger's order, and what they refer to.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub(super) readings: Vec<Row<'a>>,
    pub(super) series: Numbered<SeriesKey<'a>>,
    pub(super) contexts: Numbered<Context<'a>>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batches: &[&'a Batch], bindings: &'a HashMap<DeviceId, Binding>) -> Self {
        let mut rows = Self::default();
        for batch in batches {
            let binding = bindings.get(&batch.device);
            for (ordinal, reading, verdict) in batch.assessed() {
                rows.add(batch, binding, (ordinal, reading, verdict));
            }
        }
        rows
    }

    fn add(
        &mut self,
        batch: &'a Batch,
        binding: Option<&'a Binding>,
        (ordinal, reading, verdict): (i32, &'a Reading, &'a Verdict),
    ) {
        let (value, _, text) = columns(&reading.value);
        let metric = reading.metric.as_str();
        let series = self.series.number(SeriesKey {
            device: batch.device,
            metric,
            unit: reading.unit.as_deref(),
        });
        let context = self
            .contexts
            .number(context(batch, binding, reading, verdict));
        self.readings.push(Row {
            at: micros(reading.at),
            index: batch.index.0.cast_signed(),
            ordinal,
            series,
            context,
            far: !partitions::is_near(reading.at, batch.received_at),
            value,
            canonical: canonical(value, verdict),
            text,
        });
    }

    /// The rows for partitions and those for `far_reading`, as COPY takes them.
    ///
    /// Of a day series by series: what is asked for together lies together, and the key takes them side
    /// by side.
    pub(super) fn into_copies(mut self, series: &[i32], contexts: &[i32]) -> (CopyRows, CopyRows) {
        self.readings.sort_by_key(|row| {
            let day = row.at.timestamp().div_euclid(86_400);
            (day, series[row.series], row.at)
        });
        let (mut near, mut far) = (CopyRows::new(), CopyRows::new());
        for row in &self.readings {
            let copy = if row.far { &mut far } else { &mut near };
            row.add_to(copy, series[row.series], contexts[row.context]);
        }
        (near, far)
    }
}

impl Row<'_> {
    fn add_to(&self, copy: &mut CopyRows, series: i32, context: i32) {
        copy.row(8)
            .time(self.at)
            .bigint(self.index)
            .double(self.value)
            .double(self.canonical)
            .integer(series)
            .integer(context)
            .integer(self.ordinal)
            .text(self.text);
    }
}

fn context<'a>(
    batch: &Batch,
    binding: Option<&'a Binding>,
    reading: &Reading,
    verdict: &Verdict,
) -> Context<'a> {
    let registered = binding.map(|binding| binding.source);
    let source = Source::effective(registered, batch.content.source);
    Context {
        site: binding.map(|binding| binding.site.as_str()),
        quality: reading.quality.as_str(),
        suspicion: match verdict {
            Verdict::Good { .. } => None,
            Verdict::Suspect(suspicion) => Some(suspicion.code()),
        },
        source: source.map(Source::as_str),
        truth: match reading.value {
            Value::Bool(truth) => Some(truth),
            Value::Number(_) | Value::Text(_) => None,
        },
    }
}

/// The value in the metric's own unit, if that is another number than was sent.
fn canonical(sent: Option<f64>, verdict: &Verdict) -> Option<f64> {
    match verdict {
        Verdict::Good { value, .. } => {
            Some(*value).filter(|value| sent.map(f64::to_bits) != Some(value.to_bits()))
        }
        Verdict::Suspect(_) => None,
    }
}
